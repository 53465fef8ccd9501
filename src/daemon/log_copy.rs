//! The log of an agent, on its way into the log of its run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::pipe_lines::PipeLines;
use super::runlog::RunLog;
use crate::kill_point::{self, Point};

/// The longest line of a log. A longer one is cut into pieces.
const LOG_LINE_LIMIT: usize = 16 * 1024;

/// How long to wait for what an agent that has ended left in its log. A process that it left behind may hold it open.
const DRAIN: Duration = Duration::from_secs(1);

/// Copies the agent's log into the log of its run.
pub(super) struct LogCopy {
    /// Notified when the agent or its command writes, whole lines or not.
    pub(super) written: Arc<Notify>,
    /// The attempt is over. What a command left behind may go on to write.
    over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl LogCopy {
    /// Begins to copy. `kind` is the word for the action, which each line gets.
    pub(super) fn start(
        pipe: impl AsyncRead + Unpin + Send + 'static,
        mut log: RunLog,
        kind: &'static str,
    ) -> LogCopy {
        let written = Arc::new(Notify::new());
        let over = Arc::new(AtomicBool::new(false));
        let mut lines = PipeLines::new(pipe, LOG_LINE_LIMIT, Arc::clone(&written));
        let is_over = Arc::clone(&over);
        let task = tokio::spawn(async move {
            let afterwards = format!("{kind}, left behind");
            while let Some(line) = lines.next().await {
                let over = is_over.load(Ordering::Relaxed);
                log.line(if over { &afterwards } else { kind }, &line);
                kill_point::reached(Point::OutputLogged);
            }
        });
        LogCopy {
            written,
            over,
            task,
        }
    }

    /// Waits a moment for the rest. What comes later is marked as left behind: it is not part of the next attempt.
    pub(super) async fn end(self) {
        let _ = timeout(DRAIN, self.task).await;
        self.over.store(true, Ordering::Relaxed);
    }
}

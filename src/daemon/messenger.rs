//! Sends messages to receivers, each in a task of its own, and tells the loop what became of them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::scheduler::{Delivery, Message, Refusal};
use crate::control::layout::Layout;
use crate::kill_point::{self, Point};
use crate::tell::receiver::Receiver;
use crate::tell::send::{Class, send};

/// How much of the end of a log a message has, in bytes.
const LOG_END: u64 = 64 * 1024;

/// Sends messages.
pub(super) struct Messenger {
    receivers: Arc<[Receiver]>,
    layout: Layout,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Messenger {
    /// A messenger that tells `inbox` what became of a message.
    pub(super) fn new(
        receivers: Arc<[Receiver]>,
        layout: &Layout,
        inbox: mpsc::UnboundedSender<Message>,
    ) -> Messenger {
        Messenger {
            receivers,
            layout: layout.clone(),
            inbox,
        }
    }

    /// Begins to send a message. What became of it comes as [`Message::Delivered`].
    pub(super) fn send(&self, delivery: Delivery) {
        let receivers = Arc::clone(&self.receivers);
        let layout = self.layout.clone();
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            kill_point::reached(Point::SendBegins);
            let result = deliver(&receivers, &layout, &delivery).await;
            if result.is_ok() {
                kill_point::reached(Point::MessageSent);
            }
            // The loop is gone only when the process is about to end.
            let _ = inbox.send(Message::Delivered {
                receiver: delivery.receiver,
                ids: delivery.ids,
                result,
            });
        });
    }
}

async fn deliver(
    receivers: &[Receiver],
    layout: &Layout,
    delivery: &Delivery,
) -> Result<(), Refusal> {
    let mut known = receivers.iter();
    let Some(receiver) = known.find(|known| known.name == delivery.receiver) else {
        return Err(Refusal {
            reason: "freezerd.toml has no such receiver".to_owned(),
            wait: None,
            of_message: false,
        });
    };
    let mut message = delivery.message.clone();
    let run = message.run.as_ref().and_then(|run| run.parse().ok());
    if let Some(run) = run.filter(|_| receiver.log) {
        message.log = end_of(&layout.run_log(run));
    }
    let sent = send(receiver, &message).await;
    sent.map_err(|error| Refusal {
        reason: error.to_string(),
        wait: error.retry_after(),
        of_message: error.class() == Class::Permanent,
    })
}

/// The end of a log, from the beginning of a line on. `None`: there is none.
fn end_of(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(LOG_END)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(LOG_END).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let cut = size > LOG_END;
    let whole = match text.split_once('\n').filter(|_| cut) {
        Some((_, whole)) => whole,
        None => &text,
    };
    (!whole.is_empty()).then(|| whole.to_owned())
}

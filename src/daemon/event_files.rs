//! The event files that the command line drops: reading them, and deleting them once they are answered.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::control::event::{self, EventFile};
use crate::control::layout::Layout;
use crate::job::diagnostic::quoted;
use crate::kill_point::{self, Point};

/// How many files are read before the schedule gets its turn.
const AT_ONCE: usize = 256;

/// How many files that are not events are named in the log in each [`PERIOD`].
const NAMED: u32 = 20;

/// See [`NAMED`].
const PERIOD: Duration = Duration::from_secs(60);

/// What the log says of files that are not events: somebody may put thousands of them there.
#[derive(Debug)]
pub(super) struct Complaints {
    began: Instant,
    count: u32,
}

impl Default for Complaints {
    fn default() -> Complaints {
        Complaints {
            began: Instant::now(),
            count: 0,
        }
    }
}

impl Complaints {
    fn of(&mut self, path: &Path, why: &str) {
        if self.began.elapsed() > PERIOD {
            *self = Complaints::default();
        }
        self.count = self.count.saturating_add(1);
        if self.count <= NAMED {
            let path = quoted(&path.to_string_lossy());
            tracing::warn!("{path} is not an event: {why}; it is set aside");
        } else if self.count == NAMED + 1 {
            tracing::warn!(
                "more files are not events; they are set aside and not named here for a minute"
            );
        }
    }
}

/// Events that wait for an answer, and whether there may be more. A file that is not an event is renamed, so that it is
/// not read again and again.
pub(super) fn waiting(layout: &Layout, complaints: &mut Complaints) -> (Vec<EventFile>, bool) {
    let (files, more) = match event::waiting(layout, AT_ONCE) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!("cannot read {}: {error}", layout.events().display());
            return (Vec::new(), false);
        }
    };
    let mut events = Vec::new();
    for (path, event) in files {
        let why = match event {
            // The answered file is deleted by the event's id, so the id has to be the file's name.
            Ok(event) if path.file_stem().is_some_and(|stem| *stem == *event.id) => {
                events.push(event);
                continue;
            }
            Ok(_) => "its name is not its id".to_owned(),
            Err(error) => error,
        };
        complaints.of(&path, &why);
        set_aside(&path);
    }
    (events, more)
}

fn set_aside(path: &Path) {
    if std::fs::rename(path, path.with_extension("bad")).is_err() {
        let _ = std::fs::remove_file(path);
    }
    kill_point::reached(Point::EventRefused);
}

/// Deletes the file of an event whose answer is on disk.
pub(super) fn remove_answered(layout: &Layout, event_id: &str) {
    kill_point::reached(Point::AnswerBegins);
    let path = layout.events().join(format!("{event_id}.json"));
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::debug!("cannot remove {}: {error}", path.display());
    }
    kill_point::reached(Point::Answered);
}

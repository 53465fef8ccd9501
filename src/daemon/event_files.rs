//! The event files that the command line drops: reading them, and deleting them once they are answered.

use std::path::Path;

use crate::control::event::{self, EventFile};
use crate::control::layout::Layout;
use crate::kill_point::{self, Point};

/// The events that wait for an answer. A file that is not an event is renamed, so that it is not read again and again.
pub(super) fn waiting(layout: &Layout) -> Vec<EventFile> {
    let files = match event::waiting(layout) {
        Ok(files) => files,
        Err(error) => {
            tracing::warn!("cannot read {}: {error}", layout.events().display());
            return Vec::new();
        }
    };
    let mut events = Vec::new();
    for (path, event) in files {
        match event {
            // The answered file is deleted by the event's id, so the id has to be the file's name.
            Ok(event) if path.file_stem().is_some_and(|stem| *stem == *event.id) => {
                events.push(event);
            }
            Ok(_) => refuse(&path, "its name is not its id"),
            Err(error) => refuse(&path, &error),
        }
    }
    events
}

fn refuse(path: &Path, why: &str) {
    tracing::warn!("{} is not an event: {why}; it is set aside", path.display());
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

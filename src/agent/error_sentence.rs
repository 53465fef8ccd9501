//! The failures of the engine as sentences.

use super::advice::advice;
use crate::location::Location;
use crate::repository::error::Error as EngineError;
use crate::restore::error::{Error as RestoreError, ErrorKind as RestoreErrorKind, NoDelete};
use crate::units;

/// The failure of a restore, and what to do about it.
pub(super) fn restore_sentence(error: &RestoreError) -> String {
    match &error.done {
        _ if error.kind == RestoreErrorKind::NotInSnapshot => {
            format!("{error}; `freezerd ls` lists what it holds")
        }
        _ if error.kind == RestoreErrorKind::NotADirectory => {
            format!("{error}; the target of a restore is a directory")
        }
        _ if matches!(error.kind, RestoreErrorKind::Delete(_)) => format!(
            "{error}{}; nothing was restored: leave out `delete_extra` (`--delete-extra`), or choose another target",
            match error.kind {
                RestoreErrorKind::Delete(NoDelete::HoldsProtected) =>
                    " (the container, or the state directory of freezerd)",
                _ => "",
            }
        ),
        _ if error.kind == RestoreErrorKind::Protected => format!(
            "cannot restore into {}: it is in the state directory of freezerd, or in the container under another path; \
             choose another directory",
            error.path.display()
        ),
        Some(done) if done.written > 0 => format!(
            "{error}; the restore ended after {}, and the target is not complete. {}, then start the same restore again: it \
             continues there",
            units::files_and_others(done.written),
            match error.kind {
                RestoreErrorKind::NoSpace => "Free some space",
                _ => "Remove the cause",
            }
        ),
        _ => {
            let cause = error.cause.as_deref();
            let of_engine = cause.and_then(|it| it.downcast_ref::<EngineError>());
            format!("{error}{}", of_engine.map_or("", advice))
        }
    }
}

/// The failure of the engine, and what to do about it.
pub(super) fn engine_sentence(doing: &str, place: &Location, source: &EngineError) -> String {
    format!("cannot {doing} in {place}: {source}{}", advice(source))
}

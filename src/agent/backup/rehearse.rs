//! A backup that only says what it would do.

use chrono::Utc;

use super::super::error::ActionError;
use super::super::expected::refuse_vacant;
use super::super::place::{self, Place};
use super::super::report::{escaped, log};
use super::super::repository::Opened;
use super::super::{Context, level, outcome};
use super::messages::{announcement, partial_reason, tell_changed_paths};
use super::source::Sources;
use super::{comparable, lineage};
use crate::archive;
use crate::job::action::Backup;
use crate::protocol::{Outcome, Summary};
use crate::secret::password::Password;
use crate::units;

/// Writes nothing, not even a lock.
pub(super) fn run(
    context: &Context,
    work: &Backup,
    password: &Password,
    sources: &Sources,
) -> Result<Outcome, ActionError> {
    let lineage = match place::look_to_open(&work.container, &context.reach, password)? {
        Place::Vacant(_) => {
            refuse_vacant(context, &work.container.location, work.allow_new_container)?;
            log(&format!(
                "would create a repository in {}",
                work.container.location
            ));
            Vec::new()
        }
        Place::Repository(existing) => {
            let opened = Opened::open(existing, password)?;
            let lineage = lineage(context, &opened, work, &opened.list_snapshots()?)?;
            sources.refuse_emptied(work, &lineage, &opened)?;
            lineage
        }
        Place::Other(other) => return Err(other.refusal()),
    };
    let comparable = comparable(work, &lineage);
    let next = level::next(&comparable, &work.levels, Utc::now());
    log(&announcement("would back up", work, &next));
    tell_changed_paths(work, &next, &lineage);
    context.reporter.phase("scanning");
    let trees = sources.trees(work, work.container.location.local(), &log);
    let found = archive::rehearse::rehearse(&trees, &*context.reporter);
    for problem in &found.problems.first {
        log(&format!("{}: {}", escaped(&problem.path), problem.fault));
    }
    log(&format!(
        "would back up {}, {}",
        units::files_and_others(found.files),
        units::bytes(found.bytes)
    ));
    let summary = Summary {
        level: Some(next.level),
        files: Some(found.files),
        bytes: Some(found.bytes),
        ..Summary::default()
    };
    if found.problems.is_empty() {
        Ok(outcome::success(summary))
    } else {
        let reason = partial_reason(&found.problems);
        Ok(outcome::partial_backup(summary, reason, &found.problems))
    }
}

//! A further target of a backup: the new snapshot comes from a target that has it, and the source is not read again.

use super::{clear_out, retain, room};
use crate::agent::error::ActionError;
use crate::agent::lineage::has_same_paths;
use crate::agent::lock::Lock;
use crate::agent::report::log;
use crate::agent::repository::{Found, Opened};
use crate::agent::snapshot::{Filter, Snapshot};
use crate::agent::{Context, check, copy as copies, guard, open_through, outcome};
use crate::job::action::{Access, Backup, Container};
use crate::job::storage::S3Connection;
use crate::protocol::{Outcome, Summary, Verdict};
use crate::repository::transfer::{Destination, Transferred, transfer};

/// What was copied.
pub(super) struct Copied {
    snapshot: Snapshot,
    /// Its id in this target.
    id: String,
    bytes: u64,
}

/// Copies the snapshot of this run from the first target that has it. `None`: none has it, or it can be had better from
/// the source.
pub(super) fn copy(
    context: &Context,
    work: &Backup,
) -> Result<Option<(Opened, Lock, Copied)>, ActionError> {
    for container in &work.copy_from {
        let s3 = container.connection.s3.as_deref();
        if s3.is_some_and(S3Connection::may_be_archived) {
            log(&format!(
                "note: the new snapshot is not copied from {}, whose packs may be in an archive",
                container.location
            ));
            continue;
        }
        let (from, found, _lock) = match look(context, work, container) {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(error) => {
                log(&format!("note: the new snapshot cannot be copied: {error}"));
                continue;
            }
        };
        if let Some(copied) = copy_from(context, work, &from, &found)? {
            return Ok(Some(copied));
        }
    }
    Ok(None)
}

/// The snapshot of this run in another target: it was made there, or copied to it from one before. A server that cannot be
/// reached is not waited for, because the source is there.
fn look(
    context: &Context,
    work: &Backup,
    container: &Container,
) -> Result<Option<(Opened, Found, Lock)>, ActionError> {
    let reach = context.reach.without_waiting();
    let (from, lock) = open_through(&reach, context, container, Access::Shared)?;
    let request = &context.request;
    // The targets are the actions directly before this one.
    let count = u32::try_from(work.copy_from.len()).unwrap_or(u32::MAX);
    let targets = request.action_index.saturating_sub(count)..request.action_index;
    let earlier = request
        .earlier
        .iter()
        .map(|it| (&it.run_tag, Some(it.not_before)));
    let runs = std::iter::once((&request.run_tag, None)).chain(earlier);
    let snapshots = from.snapshots(&of_name(work))?;
    for (run, not_before) in runs {
        let tags: Vec<String> = targets
            .clone()
            .map(|index| run.snapshot_tag(index))
            .collect();
        let found = snapshots.iter().rfind(|(snapshot, ..)| {
            tags.iter().any(|tag| snapshot.tags.contains(tag))
                && not_before.is_none_or(|limit| snapshot.time >= limit)
                && has_same_paths(&work.paths, snapshot)
        });
        if let Some(found) = found {
            return Ok(Some((from, found.clone(), lock)));
        }
    }
    Ok(None)
}

/// The snapshots of the backup's host and name.
pub(super) fn of_name(work: &Backup) -> Filter {
    Filter {
        host: Some(work.lineage.host.clone()),
        label: Some(work.lineage.backup_name.clone()),
        tag: None,
    }
}

fn copy_from(
    context: &Context,
    work: &Backup,
    from: &Opened,
    (snapshot, id, file): &Found,
) -> Result<Option<(Opened, Lock, Copied)>, ActionError> {
    let allow_new = work.allow_new_container;
    let Some(to) = copies::destination(context, &work.container, allow_new, from)? else {
        return Ok(None);
    };
    let cuts = |opened: &Opened| opened.repository.config.chunker_polynomial;
    if cuts(from) != cuts(&to) {
        log(&format!(
            "note: {} and {} cut files in different places, so a copy would be stored again: the source is read again",
            from.container.location, to.container.location
        ));
        return Ok(None);
    }
    let lock = Lock::take_to_add(&to, &context.reporter)?;
    let (from_index, to_index) = (copies::index(from)?, copies::index(&to)?);
    let destination = Destination {
        indexed: &to_index,
        confirm: &|| lock.confirm(),
    };
    log(&format!(
        "copying the new snapshot {} from {} to {}",
        snapshot.short_id(),
        from.container.location,
        to.container.location
    ));
    let stages = check::Stages::new(&context.reporter);
    let report = transfer(
        &from_index,
        &destination,
        &[(*id, file.clone())],
        false,
        &stages,
    )
    .map_err(|error| to.failed("copy the snapshot to the container", error))?;
    let new = match report.snapshots.into_iter().next() {
        Some((_, Transferred::New(new) | Transferred::Before(new))) => new,
        Some((_, Transferred::NotWhole(lacks))) => {
            log(&format!(
                "note: the new snapshot cannot be copied, because it is not whole: {lacks}"
            ));
            return Ok(None);
        }
        None => return Ok(None),
    };
    let copied = Copied {
        snapshot: snapshot.clone(),
        id: new.to_string(),
        bytes: report.bytes,
    };
    Ok(Some((to, lock, copied)))
}

/// Removes old snapshots, if the target wants that, and says what was done. A copy of a partial snapshot is partial, too.
pub(super) fn finish(
    context: &Context,
    work: &Backup,
    opened: Opened,
    lock: Lock,
    copied: Copied,
) -> Result<Outcome, ActionError> {
    let numbers = copied.snapshot.summary.unwrap_or_default();
    let there = opened.snapshots(&of_name(work))?;
    let summary = Summary {
        snapshot: Some(copied.id),
        level: copied.snapshot.level,
        files: Some(numbers.files),
        bytes: Some(numbers.bytes),
        bytes_added: Some(copied.bytes),
        snapshots_copied: Some(1),
        open_alarms: Some(guard::open_alarms(work, there.iter().map(|(it, ..)| it))),
        ..Summary::default()
    };
    retain(context, &opened);
    log(&format!("done: {summary}"));
    if copied.snapshot.partial {
        return Ok(Outcome {
            verdict: Verdict::Partial,
            reason: Some(
                "the snapshot that was copied is partial; the backup to the other target says what is missing".to_owned(),
            ),
            ..outcome::success(summary)
        });
    }
    let growth = room::growth(work, there.iter().map(|(it, ..)| it));
    let outcome = clear_out(context, work, opened, lock, None, summary)?;
    Ok(room::noted(work, growth, outcome))
}

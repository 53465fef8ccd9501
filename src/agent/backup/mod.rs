//! A backup: checks the sources, chooses the level, lets the engine back up, and removes old snapshots.

mod changes;
mod clear_out;
mod describe;
mod left_out;
mod messages;
mod rehearse;
mod room;
mod source;
mod target;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use chrono::Utc;

use super::error::ActionError;
use super::expected::{refuse_vacant, refuse_without_snapshots, tell_missing};
use super::guard;
use super::level;
use super::lineage::{earlier, has_same_paths};
use super::lock::{Creation, Lock};
use super::place::{self, Place, UnderLock};
use super::report::{local, log};
use super::repository::{Found, Opened};
use super::snapshot::{Filter, Snapshot};
use super::{Context, outcome};
use crate::archive::ahead::WalkAhead;
use crate::archive::{self, Options};
use crate::job::action::Backup;
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Summary};
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::indexed::{Files, Indexed, Loading};
use crate::repository::snapshot::Snapshot as File;
use crate::repository::time::Time;
use crate::secret::password::{self, Password};
use crate::storage::Listing;
use crate::storage::retention::{self, Renewal};
use crate::units;
pub use left_out::{LeftOutList, LeftOutPath, LeftOutReason, left_out};

use changes::{Done, Passing, Unread};
use clear_out::clear_out;
use describe::{describe, in_zone};
use messages::{
    announcement, partial_reason, result_line, tell, tell_changed_paths, tell_lost_index,
    tell_other_hosts,
};
use source::Sources;
use target::of_name;

/// The level of zstd when the job names none: what restic calls `auto`.
const COMPRESSION_LEVEL: i32 = 3;

/// A file that has a temporary name for so long belongs to a write that was interrupted. Other backups may be writing
/// now, but none takes that long for one file.
const SWEEP_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Backs up file trees, as one snapshot.
pub fn run(context: &Context, work: &Backup) -> Result<Outcome, ActionError> {
    // What changes from now on may be missing from the snapshot.
    let begun = in_zone(Time::now(), &context.request);
    let sources = Sources::examine(work, &log)?;
    let password = password::read(&work.container, &log)?;
    if context.request.action.dry_run {
        return rehearse::run(context, work, &password, &sources);
    }
    if let Some((opened, lock, copied)) = target::copy(context, work)? {
        return target::finish(context, work, opened, lock, copied);
    }
    let (opened, walk) = open_or_create(context, work, &password, &sources)?;
    let mut index = Loading::begin(&opened.repository);
    let lock = Lock::take_to_add(&opened, &context.reporter)?;
    // What was listed before a wait may be hours old.
    let walk = match lock.waited() {
        true => WalkAhead::begin(walk.sources().to_vec()),
        false => walk,
    };
    let files = Files::list(&opened.repository)
        .map_err(|error| opened.failed("list the repository", error))?;
    index.listed(files.index);
    let lineage = lineage(context, &opened, work, &files.snapshots)?;
    tell_missing(context, &opened, &files.snapshots);
    if let Some((finished, summary)) = finished_before(context, work, &lineage) {
        changes::tell_finished(context, work, index, &lineage, finished);
        return clear_out(context, work, opened, lock, None, summary);
    }
    sources.refuse_emptied(work, &lineage, &opened)?;
    let comparable = comparable(work, &lineage);
    let next = level::next(&comparable, &work.levels, Utc::now());
    log(&announcement("backing up", work, &next));
    tell_changed_paths(work, &next, &lineage);
    if comparable.is_empty() {
        let job = &context.request.job_id;
        tell_other_hosts(job, work, &of_all_hosts(&opened, work, &files.snapshots));
    }

    let start = Instant::now();
    let parent = next.parent.and_then(|parent| {
        let found = lineage
            .iter()
            .find(|(snapshot, ..)| snapshot.id == parent.id);
        found.map(|(_, id, file)| (*id, file))
    });
    context.reporter.phase("backing up");
    let totals = next.parent.and_then(|parent| parent.summary);
    context.reporter.total(
        totals.map(|totals| totals.files),
        totals.map(|totals| totals.bytes),
    );
    let mut indexed = index
        .finish()
        .map_err(|error| opened.failed("read the index", error))?;
    for problem in &indexed.problems {
        log(&format!(
            "warning: {problem}; what only this index names is stored again"
        ));
    }
    let unnamed = unnamed(&lineage, &indexed);
    let passing = Passing::new(&context.reporter);
    let options = Options {
        compression_level: work.compression_level.unwrap_or(COMPRESSION_LEVEL),
        parent,
        workers: 0,
        confirm: &|| lock.confirm(),
        packs: &files.packs,
        describe: &|problems, summary| {
            let alarm = guard::watch(work, sources.exclude(), &lineage, parent.is_some(), summary);
            describe(context, work, &sources, &next, begun, problems, alarm)
        },
        observer: &passing,
    };
    let report = archive::backup(&mut indexed, walk, &options)
        .map_err(|error| opened.failed("write the backup", error))?;
    kill_point::reached(Point::SnapshotSaved);
    tell(&report);
    tell_lost_index(&unnamed, report.adopted);
    sweep(&opened);
    retain(context, &opened);
    let snapshot = Snapshot::from_file(report.id, &report.snapshot);
    log(&result_line(&snapshot, start));
    guard::tell(&snapshot);
    let done = Done {
        unread: Unread::of(&report),
        counted: Some((report.snapshot.parent, passing)),
    };
    let new = (snapshot, report.id, report.snapshot);
    changes::tell(context, work, &indexed, &lineage, &new, done);
    let (snapshot, ..) = new;
    let numbers = snapshot.summary.unwrap_or_default();
    // Nothing was counted in advance. At the end, all of it is known.
    context
        .reporter
        .total(Some(numbers.files), Some(numbers.bytes));
    let of_lineage = lineage.iter().map(|(snapshot, ..)| snapshot);
    let growth = room::growth(work, of_lineage.clone().chain([&snapshot]));
    let summary = Summary {
        snapshot: Some(snapshot.id.clone()),
        level: Some(next.level),
        files: Some(numbers.files),
        files_new: Some(numbers.files_new),
        files_changed: Some(numbers.files_changed),
        bytes: Some(numbers.bytes),
        bytes_added: Some(numbers.bytes_added),
        alarm: snapshot.alarm(),
        open_alarms: Some(guard::open_alarms(work, of_lineage.chain([&snapshot]))),
        ..Summary::default()
    };
    if !report.problems.is_empty() {
        let reason = partial_reason(&report.problems);
        let partial = outcome::partial_backup(summary, reason, &report.problems);
        return Ok(room::noted(work, growth, partial));
    }
    // Of an index that is damaged, more is to be known.
    let is_certain = work.removes() && indexed.problems.is_empty();
    let size = is_certain.then(|| indexed.index.bytes());
    drop(indexed);
    let outcome = clear_out(context, work, opened, lock, size, summary)?;
    Ok(room::noted(work, growth, outcome))
}

/// Removes what interrupted writes have left in the repository: not every container is pruned.
fn sweep(opened: &Opened) {
    // What stays does no harm, and the next backup tries again.
    if let Err(error) = opened.repository.storage.sweep(SWEEP_AGE) {
        log(&format!("warning: {error}"));
    }
}

/// Renews the time for which the server keeps the files, if the storage wants that.
fn retain(context: &Context, opened: &Opened) {
    let moved = || context.reporter.advance(0, 0);
    let storage = &*opened.repository.storage;
    match retention::renew(storage, SystemTime::now(), &moved) {
        Ok(Renewal::NotWanted | Renewal::NotYet(_)) => {}
        Ok(Renewal::Renewed(files, until)) => log(&format!(
            "the server keeps {} until {} or longer",
            units::count(files as u64, "file", "files"),
            local(until.into())
        )),
        Ok(Renewal::NotKept) => log(
            "warning: `retain_days` of the storage does nothing: the bucket has no object lock with a default retention",
        ),
        // The snapshot is there.
        Err(error) => log(&format!(
            "warning: the time for which the server keeps the files is not renewed: {error}; the next backup tries again"
        )),
    }
}

/// The snapshots of the backup's lineage. They may be none, but not if the repository has lost all that it had.
fn lineage(
    context: &Context,
    opened: &Opened,
    work: &Backup,
    listed: &Listing,
) -> Result<Vec<Found>, ActionError> {
    let lineage = opened.tell_unreadable(opened.snapshots_of(&of_name(work), &listed.files));
    if lineage.is_empty() {
        refuse_without_snapshots(context, opened, listed, work.allow_new_container)?;
    }
    Ok(lineage)
}

/// The snapshots whose content no index names: they were written after their index, so it is lost. A damaged index has been
/// told of.
fn unnamed<'a>(lineage: &'a [Found], indexed: &Indexed) -> Vec<&'a Snapshot> {
    if !indexed.problems.is_empty() {
        return Vec::new();
    }
    let is_unnamed = |file: &File| {
        let (kind, id) = (BlobKind::Tree, file.tree);
        !indexed.index.contains(BlobName { kind, id })
    };
    let unnamed = lineage.iter().filter(|(_, _, file)| is_unnamed(file));
    unnamed.map(|(snapshot, ..)| snapshot).collect()
}

/// The snapshots of the backup's name. Those that cannot be read have been told of.
fn of_all_hosts(opened: &Opened, work: &Backup, listed: &Listing) -> Vec<Snapshot> {
    let found = opened.snapshots_of(&Filter::default(), &listed.files).found;
    let all = found.into_iter().map(|(snapshot, ..)| snapshot);
    let has_name = |it: &Snapshot| it.label.is_empty() || it.label == work.lineage.backup_name;
    all.filter(has_name).collect()
}

/// Finds a snapshot that an interrupted run or an earlier attempt had finished before it was lost: then the backup is
/// not repeated. Snapshots that are `partial`, that have another path or name, or that are too old do not count.
fn finished_before<'a>(
    context: &Context,
    work: &Backup,
    lineage: &'a [Found],
) -> Option<(&'a Found, Summary)> {
    let request = &context.request;
    let (earlier, found) = request.earlier.iter().find_map(|earlier| {
        let tag = earlier.run_tag.snapshot_tag(request.action_index);
        let found = lineage.iter().rfind(|(snapshot, ..)| {
            !snapshot.partial
                && snapshot.tags.contains(&tag)
                && snapshot.time >= earlier.not_before
                && has_same_paths(&work.paths, snapshot)
        });
        Some((earlier, found?))
    })?;
    let (snapshot, ..) = found;
    let who = if earlier.run_tag == request.run_tag {
        "an earlier attempt"
    } else {
        "the interrupted run"
    };
    log(&format!(
        "{who} had finished this backup: snapshot {} stands for it",
        snapshot.short_id()
    ));
    let numbers = snapshot.summary.unwrap_or_default();
    let summary = Summary {
        snapshot: Some(snapshot.id.clone()),
        level: snapshot.level,
        files: Some(numbers.files),
        files_new: Some(numbers.files_new),
        files_changed: Some(numbers.files_changed),
        bytes: Some(numbers.bytes),
        bytes_added: Some(numbers.bytes_added),
        alarm: snapshot.alarm(),
        open_alarms: Some(guard::open_alarms(work, lineage.iter().map(|(it, ..)| it))),
        ..Summary::default()
    };
    Some((found, summary))
}

/// Opens the repository. The first backup creates it. Meanwhile the walk of the source has begun.
fn open_or_create(
    context: &Context,
    work: &Backup,
    password: &Password,
    sources: &Sources,
) -> Result<(Opened, WalkAhead), ActionError> {
    let container = &work.container;
    let walk = |directory: Option<&Path>| WalkAhead::begin(sources.trees(work, directory, &log));
    let vacant = match place::look_to_open(container, &context.reach, password)? {
        // Deriving the key takes all processors already, and the server is waited for afterwards.
        Place::Repository(existing) if existing.opens_ahead() => {
            let directory = existing.directory().map(Path::to_owned);
            let opened = Opened::open(existing, password)?;
            return Ok((opened, walk(directory.as_deref())));
        }
        Place::Repository(existing) => {
            let walk = walk(existing.directory());
            return Ok((Opened::open(existing, password)?, walk));
        }
        Place::Vacant(vacant) => {
            refuse_vacant(context, &container.location, work.allow_new_container)?;
            vacant
        }
        Place::Other(other) => {
            if !other.is_without_config() {
                refuse_vacant(context, &container.location, work.allow_new_container)?;
            }
            return Err(other.refusal());
        }
    };
    let (_creation, found) = Creation::begin(vacant, &context.reporter)?;
    Ok(match found {
        UnderLock::Repository(existing) => {
            let walk = walk(existing.directory());
            (Opened::open(existing, password)?, walk)
        }
        UnderLock::Creatable(place) => {
            let walk = walk(place.directory());
            let opened = Opened::create(place, password)?;
            kill_point::reached(Point::RepositoryMade);
            log(&format!("created a repository in {}", container.location));
            (opened, walk)
        }
    })
}

/// The snapshots that this backup continues: among those of its name, the ones of its paths. One whose time has not come
/// yet would stay the last one until then.
fn comparable(work: &Backup, lineage: &[Found]) -> Vec<Snapshot> {
    let now = Utc::now();
    let (future, snapshots): (Vec<Snapshot>, Vec<Snapshot>) = lineage
        .iter()
        .map(|(snapshot, ..)| snapshot.clone())
        .partition(|snapshot| snapshot.is_of_the_future(now));
    for snapshot in future {
        log(&format!(
            "warning: the snapshot {} has the time {}, which has not come yet: a clock was wrong. It is not the parent of \
             this backup",
            snapshot.short_id(),
            local(snapshot.time)
        ));
    }
    earlier(&work.paths, &snapshots)
}

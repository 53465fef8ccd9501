//! A copy: the snapshots of one container go into another, without their sources.

use super::archived::{archive_of, await_packs};
use super::choice::NoChoice;
use super::error::ActionError;
use super::expected::{refuse_vacant, refuse_without_snapshots};
use super::held::held;
use super::lineage::shares_path;
use super::lock::{Creation, Lock};
use super::place::{self, Place, UnderLock};
use super::report::{local, log};
use super::repository::{Found, Opened, SnapshotFiles};
use super::snapshot::Filter;
use super::wanted::Wanted;
use super::{Context, check, open, outcome};
use crate::job::action::{Access, Container, Copy};
use crate::protocol::{Outcome, Problem, ProblemKind, Summary, Verdict};
use crate::repository::indexed::Indexed;
use crate::repository::transfer::{Destination, Report, Transferred, transfer};
use crate::secret::password;
use crate::storage::{FileKind, FileName};
use crate::units;

/// Copies the snapshots that the action is about. What was copied before is left as it is.
pub fn run(context: &Context, work: &Copy) -> Result<Outcome, ActionError> {
    let (from, _from_lock) = open(context, &work.from, Access::Shared)?;
    let mut files = from.snapshot_files(&Filter {
        host: work.host.clone(),
        label: work.backup_name.clone(),
        tag: None,
    })?;
    let is_meant =
        |(snapshot, ..): &Found| work.paths.is_empty() || shares_path(&work.paths, snapshot);
    files.found.retain(is_meant);
    if files.found.is_empty() && files.unreadable.is_empty() {
        return Err(none_found(work, &from)?.into());
    }
    log(&format!(
        "copying {} from {} to {}",
        units::count(files.found.len() as u64, "snapshot", "snapshots"),
        work.from.location,
        work.container.location
    ));
    for (_, error) in &files.unreadable {
        log(&format!("warning: {error}"));
    }
    let dry_run = context.request.action.dry_run;
    let to = destination(context, &work.container, work.allow_new_container, &from)?;
    let Some(to) = to else {
        log("there is no repository in the other container yet; all of it would be copied");
        return Ok(outcome::success(Summary::default()));
    };
    let snapshots: Vec<_> = files
        .found
        .iter()
        .map(|(_, id, file)| (*id, file.clone()))
        .collect();
    let from_index = index(&from)?;
    let stages = check::Stages::new(&context.reporter);
    let copy_failed = |error| to.failed("copy snapshots to the container", error);
    if let Some(archive) = archive_of(context, &from) {
        // The other container is not locked for so long. What it gets meanwhile is not copied.
        let destination = Destination {
            indexed: &index(&to)?,
            confirm: &|| Ok(()),
        };
        let planned = transfer(&from_index, &destination, &snapshots, true, &stages);
        let packs = planned.map_err(copy_failed)?.packs;
        await_packs(context, archive, &from_index.index, &packs)?;
    }
    let lock = match dry_run {
        true => Lock::take(&to, Access::Shared, &context.reporter)?,
        false => Lock::take_to_add(&to, &context.reporter)?,
    };
    let to_index = index(&to)?;
    let destination = Destination {
        indexed: &to_index,
        confirm: &|| lock.confirm(),
    };
    let report =
        transfer(&from_index, &destination, &snapshots, dry_run, &stages).map_err(copy_failed)?;
    tell(&files, &report, dry_run);
    Ok(outcome_of(&report, &files, dry_run))
}

/// That there is nothing to copy, and what there is instead.
fn none_found(work: &Copy, from: &Opened) -> Result<NoChoice, ActionError> {
    let all = from.snapshots(&Filter::default())?;
    Ok(NoChoice::NoneFound {
        wanted: Wanted::ToCopy {
            backup_name: work.backup_name.clone(),
            host: work.host.clone(),
        },
        place: work.from.location.clone(),
        held: held(all.iter().map(|(snapshot, ..)| snapshot)).into(),
        unreadable: 0,
    })
}

/// The other container, which gets a repository if it has none. `None`: it has none, and nothing is to be changed.
pub(super) fn destination(
    context: &Context,
    container: &Container,
    allow_new: bool,
    from: &Opened,
) -> Result<Option<Opened>, ActionError> {
    let password = password::read(container, &log)?;
    let vacant = match place::look_to_open(container, &context.reach, &password)? {
        Place::Repository(existing) => {
            let opened = Opened::open(existing, &password)?;
            refuse_without_snapshots(context, &opened, &opened.list_snapshots()?, allow_new)?;
            return Ok(Some(opened));
        }
        Place::Other(other) => return Err(other.refusal()),
        Place::Vacant(vacant) => vacant,
    };
    refuse_vacant(context, &container.location, allow_new)?;
    if context.request.action.dry_run {
        return Ok(None);
    }
    let (_creation, found) = Creation::begin(vacant, &context.reporter)?;
    let opened = match found {
        UnderLock::Repository(existing) => Opened::open(existing, &password)?,
        UnderLock::Creatable(place) => {
            // Later backups to this container find the copied pieces only if they cut files in the same places.
            let like = Some(&from.repository.config);
            let made = Opened::create_like(like, place, &password)?;
            let place = &container.location;
            log(&format!("created a repository in {place}"));
            made
        }
    };
    Ok(Some(opened))
}

pub(super) fn index(opened: &Opened) -> Result<Indexed, ActionError> {
    let indexed = Indexed::load(opened.repository.clone())
        .map_err(|error| opened.failed("read the index", error))?;
    for problem in &indexed.problems {
        let place = &opened.container.location;
        log(&format!("warning: {problem}, in {place}"));
    }
    Ok(indexed)
}

fn tell(files: &SnapshotFiles, report: &Report, dry_run: bool) {
    for (id, result) in &report.snapshots {
        let known = files.found.iter().find(|(_, known, _)| known == id);
        let Some((snapshot, ..)) = known else {
            continue;
        };
        let name = format!("{} of {}", snapshot.short_id(), local(snapshot.time));
        match result {
            Transferred::New(_) if dry_run => log(&format!("would copy {name}")),
            Transferred::New(copy) => log(&format!("copied {name} as {copy:.8}")),
            // Nobody wants a line for each of them every night.
            Transferred::Before(_) => {}
            Transferred::NotWhole(lacks) => log(&format!(
                "error: {name} is not copied, because it is not whole: {lacks}"
            )),
        }
    }
}

fn outcome_of(report: &Report, files: &SnapshotFiles, dry_run: bool) -> Outcome {
    let mut copied = 0;
    let mut newest = None;
    let mut problems = Vec::new();
    for (id, result) in &report.snapshots {
        match result {
            Transferred::New(copy) => {
                copied += 1;
                newest = Some(copy.to_string()).filter(|_| !dry_run);
            }
            Transferred::Before(copy) => newest = Some(copy.to_string()),
            Transferred::NotWhole(lacks) => problems.push(Problem {
                path: FileName::new(FileKind::Snapshot, *id).to_string(),
                kind: ProblemKind::Damaged,
                reason: lacks.to_string(),
            }),
        }
    }
    let before = report.snapshots.len() as u64 - copied - problems.len() as u64;
    log(&format!(
        "{} {} ({}), {before} there already",
        units::count(copied, "snapshot", "snapshots"),
        if dry_run { "to copy" } else { "copied" },
        units::bytes(report.bytes)
    ));
    let done = outcome::success(Summary {
        snapshot: newest,
        snapshots_copied: (!dry_run).then_some(copied),
        bytes_added: (!dry_run).then_some(report.bytes),
        ..Summary::default()
    });
    let missing = problems.len() + files.unreadable.len();
    if missing == 0 {
        return done;
    }
    let outcome = Outcome {
        verdict: Verdict::Partial,
        reason: Some(format!(
            "{} could not be copied, because the container that is read is damaged; `freezerd verify` says what is lost",
            units::count(missing as u64, "snapshot", "snapshots")
        )),
        problems_total: problems.len() as u64,
        problems,
        ..done
    };
    outcome::with_unreadable_snapshots(outcome, &files.unreadable)
}

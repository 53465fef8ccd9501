//! Verifies a container.

use std::sync::atomic::{AtomicBool, Ordering};

use super::error::ActionError;
use super::expected::{refuse_vacant, refuse_without_snapshots};
use super::place::{self, Place};
use super::report::{Reporter, log};
use super::{Context, open, outcome};
use crate::job::action::{Access, Check};
use crate::job::share::ReadData;
use crate::protocol::{DataRead, Outcome, Problem, ProblemKind, Summary, Verdict};
use crate::repository::check;
use crate::repository::check::lost::LossKind;
use crate::repository::check::report::Report;
use crate::repository::check::share::Share;
use crate::repository::progress::{Observer, Stage};
use crate::units;

/// So many problems go to the daemon, at most.
const MOST_PROBLEMS: usize = 1000;

/// So many lines of a kind go to the log, at most.
const MOST_LINES: usize = 1000;

/// Verifies one container.
pub fn run(context: &Context, work: &Check) -> Result<Outcome, ActionError> {
    let place = &work.container.location;
    if work.allow_missing
        && !context.request.expects_repository
        && let Place::Vacant(_) = place::look(&work.container, &context.reach)?
    {
        log(&format!(
            "there is no repository in {place} yet, so there is nothing to check"
        ));
        return Ok(outcome::success(Summary::default()));
    }
    if let Place::Vacant(_) = place::look(&work.container, &context.reach)? {
        refuse_vacant(context, place, false)?;
    }
    let (opened, _lock) = open(context, &work.container, Access::Shared)?;
    refuse_without_snapshots(context, &opened, &opened.list_snapshots()?, false)?;
    if context.request.action.dry_run {
        log(&format!("would check the container {place}"));
        return Ok(outcome::success(Summary::default()));
    }
    log(&format!(
        "checking the container {place}, {}",
        match (work.read_data, context.request.check_part) {
            (ReadData::Rolling { rolling }, Some(part)) => {
                ReadData::Part {
                    part,
                    parts: rolling,
                }
            }
            (read_data, _) => read_data,
        }
    ));
    let share = share_of(work.read_data, context.request.check_part);
    let report = check::check(&opened.repository, share, &Stages::new(&context.reporter))
        .map_err(|error| opened.failed("check", error))?;
    tell(&report);
    let summary = Summary {
        snapshots: Some(report.snapshots),
        data_read: data_read(share, &report),
        ..Summary::default()
    };
    let Some(first) = report.damage.first() else {
        log(&format!(
            "{} verified, {} of data read",
            units::count(report.snapshots, "snapshot", "snapshots"),
            units::bytes(report.bytes_read)
        ));
        return Ok(outcome::success(summary));
    };
    let path = place.to_string();
    let faults = report.damage.len() as u64;
    Ok(Outcome {
        verdict: Verdict::FailedForGood,
        reason: Some(format!(
            "the repository in {place} is damaged: {} found, the first being: {first}; `{}` repairs what can be repaired",
            units::count(faults, "fault", "faults"),
            repair_command(&report)
        )),
        problems_total: faults,
        damaged: true,
        problems: report
            .damage
            .iter()
            .take(MOST_PROBLEMS)
            .map(|damage| Problem {
                path: path.clone(),
                kind: ProblemKind::Damaged,
                reason: damage.to_string(),
            })
            .collect(),
        ..outcome::success(summary)
    })
}

/// The command that repairs what a check found. Without reading, a pack with damaged data looks whole.
pub fn repair_command(report: &Report) -> &'static str {
    match report.has_damaged_data() {
        true => "freezerd repair --read-data",
        false => "freezerd repair",
    }
}

/// The share of the packs that is read. `part` is the part of a rolling check, from 1.
pub fn share_of(read_data: ReadData, part: Option<u32>) -> Share {
    match read_data {
        ReadData::All(true) => Share::All,
        ReadData::All(false) => Share::Nothing,
        ReadData::Percent { percent } => Share::Percent(percent),
        ReadData::Bytes { bytes } => Share::Bytes(bytes),
        ReadData::Part { part, parts } => Share::Part {
            number: part.into(),
            of: parts.into(),
        },
        ReadData::Rolling { rolling } => Share::Part {
            number: part.unwrap_or(1).into(),
            of: rolling.into(),
        },
    }
}

/// What was read, if it is a part that can be told from the others. Packs that are chosen at random are not.
fn data_read(share: Share, report: &Report) -> Option<DataRead> {
    let (part, parts) = match share {
        Share::All => (1, 1),
        Share::Part { number, of } => (u32::try_from(number).ok()?, u32::try_from(of).ok()?),
        Share::Nothing | Share::Percent(_) | Share::Bytes(_) => return None,
    };
    Some(DataRead {
        part,
        parts,
        bytes: report.bytes_read,
        damaged: report.has_damaged_data(),
    })
}

/// Writes the findings to the log.
fn tell(report: &Report) {
    for note in report.notes.iter().take(MOST_LINES) {
        log(&format!("note: {note}"));
    }
    for damage in report.damage.iter().take(MOST_LINES) {
        log(&format!("error: {damage}"));
    }
    for loss in &report.losses {
        for lost in loss.paths.iter().take(MOST_LINES) {
            let path = String::from_utf8_lossy(&lost.path);
            let what = match lost.kind {
                LossKind::Directory => "what is in the directory",
                LossKind::Content => "the content, or a part of it,",
                LossKind::Entry(_) => "the entry",
            };
            log(&format!(
                "lost in snapshot {}: {what} of /{path}",
                short(&loss.snapshot.to_string())
            ));
        }
        if loss.more || loss.paths.len() > MOST_LINES {
            log(&format!(
                "lost in snapshot {}: further paths",
                short(&loss.snapshot.to_string())
            ));
        }
    }
    if report.left_out > 0 {
        let more = units::count(report.left_out, "more finding is", "more findings are");
        log(&format!("{more} not listed"));
    }
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// Tells the daemon how far an operation on a repository is.
pub struct Stages<'a> {
    reporter: &'a Reporter,
    /// The stage counts bytes, not files.
    bytes: AtomicBool,
}

impl Stages<'_> {
    /// For the daemon that this reporter writes to.
    pub fn new(reporter: &Reporter) -> Stages<'_> {
        Stages {
            reporter,
            bytes: AtomicBool::new(false),
        }
    }
}

impl Observer for Stages<'_> {
    fn stage(&self, stage: Stage, total: Option<u64>) {
        self.reporter.phase(stage.words());
        let bytes = stage.counts_bytes();
        match bytes {
            true => self.reporter.total(None, total),
            false => self.reporter.total(total, None),
        }
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    fn advance(&self, count: u64) {
        match self.bytes.load(Ordering::Relaxed) {
            true => self.reporter.advance(0, count),
            false => self.reporter.advance(count, 0),
        }
    }
}

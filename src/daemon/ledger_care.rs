//! The care of the ledger: opening it, reading what an earlier daemon left, keeping what cannot be read, and making
//! its file smaller.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::Mode;
use super::scheduler::StoredState;
use super::service::{Manager, Signals, Wish};
use crate::control::layout::Layout;
use crate::ledger::unreadable::{self, Key, Unreadable};
use crate::ledger::{Ledger, LedgerError, Reader, RedbLedger, Write, set_aside, set_asides};
use crate::record::{Claim, ClaimKind, RunRecord, RunState, Trigger};

/// The pause between two tries to open a ledger on a full disk.
const UNTIL_ROOM: Duration = Duration::from_secs(5);

/// How long a ledger may be in use by somebody else although no daemon runs.
const IN_USE_LIMIT: Duration = Duration::from_secs(5);

/// How the attempt to open the ledger ended.
pub(super) enum Opening {
    Ledger(RedbLedger),
    /// A signal came while the ledger was waited for.
    Ended(Wish),
}

/// Opens the ledger.
///
/// A damaged ledger is set aside, and a new one begun. On a full disk, a daemon that stays waits for room. A command
/// that repairs the ledger after a crash, or a child that a killed daemon was just starting, may have the ledger open
/// for a moment: it is waited for.
pub(super) async fn open(
    layout: &Layout,
    mode: Mode,
    manager: &Manager,
    signals: &mut Signals,
) -> Result<Opening, LedgerError> {
    let deadline = Instant::now() + IN_USE_LIMIT;
    let mut is_new = false;
    let mut complained = false;
    loop {
        let error = match RedbLedger::open(&layout.ledger()) {
            Ok(store) => return Ok(Opening::Ledger(store)),
            Err(error) => error,
        };
        let pause = match &error {
            LedgerError::InUse { .. } if Instant::now() < deadline => Duration::from_millis(10),
            LedgerError::Damaged { .. } if !is_new => {
                is_new = true;
                let aside = set_aside(&layout.ledger(), Utc::now())?;
                tracing::error!("{error}; it is kept as {}", aside.path.display());
                continue;
            }
            LedgerError::Full { .. } if mode == Mode::Forever => {
                if !complained {
                    tracing::error!("{error}; no job runs until then");
                    complained = true;
                }
                manager.waiting(&error.to_string(), UNTIL_ROOM);
                UNTIL_ROOM
            }
            _ => return Err(error),
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            wish = signals.next() => {
                if wish != Wish::Rescan {
                    return Ok(Opening::Ended(wish));
                }
            }
        }
    }
}

/// Makes the ledger's file as small as its content, where that is worth it.
pub(super) fn compact(store: &mut RedbLedger) -> Result<(), LedgerError> {
    if let Some((before, after)) = store.compact()? {
        tracing::info!(
            "compacted the ledger from {} to {}",
            crate::units::bytes(before),
            crate::units::bytes(after)
        );
    }
    Ok(())
}

/// The newest instant in the ledger.
pub(super) fn newest_instant(store: &RedbLedger) -> Result<Option<DateTime<Utc>>, LedgerError> {
    let newest = store.reader()?.history(None, 1)?.pop();
    Ok(newest.and_then(|run| run.ended.max(run.started).max(Some(run.claimed))))
}

/// Reads what an earlier daemon left, and repairs what cannot be read.
pub(super) fn recall(store: &mut RedbLedger, layout: &Layout) -> Result<StoredState, LedgerError> {
    let (mut remembered, unreadable) = read(store)?;
    if unreadable > 0 {
        let lost_jobs = set_values_aside(store)?;
        remembered = read(store)?.0;
        remembered.lost_jobs = lost_jobs;
    }
    release_busy_jobs(store, &mut remembered)?;
    // The ledger may be newer than the logs, or an older one that was imported. A log of a run that it does not know
    // keeps its number to itself.
    let known = remembered.last_run;
    let newest_log = layout.logged_runs().into_iter().max();
    remembered.last_run = known.max(newest_log.unwrap_or(0));
    if known == 0 && remembered.jobs.is_empty() {
        note_damaged_predecessor(&mut remembered, layout);
    }
    Ok(remembered)
}

/// What can be read, and how many values cannot.
fn read(store: &RedbLedger) -> Result<(StoredState, usize), LedgerError> {
    let reader = store.reader()?;
    let open_runs = reader.open_runs()?;
    let mut attempts = Vec::new();
    for run in &open_runs {
        attempts.extend(reader.attempts(run.number)?);
    }
    let remembered = StoredState {
        jobs: reader.jobs()?,
        files: reader.files()?,
        open_runs,
        attempts,
        outbox: reader.outbox()?,
        last_message: reader.last_message()?,
        last_run: reader.last_run()?,
        ..StoredState::default()
    };
    Ok((remembered, reader.left_out()))
}

/// Keeps the values that cannot be read in a file of their own, and takes them out of the ledger. Of an open run, what
/// its claim says stays. Returns the jobs that are lost.
fn set_values_aside(store: &mut RedbLedger) -> Result<BTreeSet<String>, LedgerError> {
    let reader = store.reader()?;
    let values = reader.unreadable_at_start()?;
    let mut lost = BTreeSet::new();
    let mut writes = Vec::new();
    for value in &values {
        writes.push(match &value.key {
            // The first scan at the jobs directory replaces it, or removes it where there is no file. Until then the
            // value says that the job is lost.
            Key::Job(job_id) => {
                lost.insert(job_id.clone());
                continue;
            }
            Key::Run(number) => match reader.claims_of(*number)? {
                Some(claim) => Write::Run(rebuilt_run(*number, claim, &reader)?),
                None => Write::Discard(value.key.clone()),
            },
            other => Write::Discard(other.clone()),
        });
    }
    drop(reader);
    keep_values(store.path(), &values)?;
    store.commit(&writes)?;
    Ok(lost)
}

/// Writes values that cannot be read into a file of their own, and reports them.
pub(super) fn keep_values(ledger: &Path, values: &[Unreadable]) -> Result<(), LedgerError> {
    if values.is_empty() {
        return Ok(());
    }
    let kept = unreadable::keep(ledger, values, Utc::now())?;
    for value in values {
        tracing::error!(
            "what the ledger says of {} cannot be read: {}; it is kept in {}",
            value.key.describe(),
            value.message,
            kept.display()
        );
    }
    Ok(())
}

/// The row of an open run, as far as its claim tells. It reads as a run that was cut off, so it will be caught up.
fn rebuilt_run(number: u64, claim: Claim, reader: &Reader) -> Result<RunRecord, LedgerError> {
    let makes_up_for = match claim.kind {
        ClaimKind::MakeUp => {
            let first = Claim {
                kind: ClaimKind::Due,
                ..claim.clone()
            };
            Some(reader.claimed_by(&first)?.unwrap_or(0))
        }
        ClaimKind::Due | ClaimKind::Manual => None,
    };
    Ok(RunRecord {
        number,
        job_id: claim.job_id,
        trigger: match claim.kind {
            ClaimKind::Due => Trigger::Schedule,
            ClaimKind::Manual => Trigger::Manual,
            ClaimKind::MakeUp => Trigger::CatchUp,
        },
        due: claim.due,
        first_due: claim.due,
        covers: 1,
        state: RunState::Running {
            action: 0,
            attempt: 1,
        },
        claimed: claim.due,
        started: Some(claim.due),
        ended: None,
        result: None,
        reason: None,
        waits_for: None,
        makes_up_for,
        digest: String::new(),
        actions: Vec::new(),
    })
}

/// Frees the jobs whose run is not open: they would wait for its end for ever.
fn release_busy_jobs(
    store: &mut RedbLedger,
    remembered: &mut StoredState,
) -> Result<(), LedgerError> {
    let open: BTreeSet<u64> = remembered.open_runs.iter().map(|run| run.number).collect();
    let mut writes = Vec::new();
    for job in &mut remembered.jobs {
        if let Some(run) = job.run.filter(|run| !open.contains(&run.number)) {
            tracing::error!(
                "the ledger says that {} is busy with run {}, which is over: it is let go",
                job.job_id,
                run.number
            );
            job.run = None;
            writes.push(Write::Job(Box::new(job.clone())));
        }
    }
    store.commit(&writes)
}

/// An empty ledger may replace one that was damaged: then a job that seems new may have run.
fn note_damaged_predecessor(remembered: &mut StoredState, layout: &Layout) {
    if let Some(aside) = set_asides(&layout.ledger()).pop() {
        remembered.begun_anew = true;
        tracing::error!(
            "this is a new ledger. Only {} knows the runs before {}. Jobs that run once are held until somebody triggers \
             them. Jobs with a schedule continue from now, even if they were stopped or removed by hand",
            aside.path.display(),
            aside.at.format("%F %T UTC")
        );
    }
}

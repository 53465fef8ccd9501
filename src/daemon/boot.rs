//! Before the first job: the ledger, the clock, the zone, and what an earlier daemon left behind.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::scheduler::Remembered;
use super::service::{Manager, Signals, Wish};
use super::{Mode, clock, orphans};
use crate::config::Settings;
use crate::control::layout::Layout;
use crate::ledger::unreadable::{self, Key, Unreadable};
use crate::ledger::{Ledger, LedgerError, Reader, RedbLedger, Write, set_aside, set_asides};
use crate::lifecycle::clock_doubt::KnownPast;
use crate::limits::{self, Groups, ResourceLimits};
use crate::os;
use crate::record::{Claim, ClaimKind, RunRecord, RunState, Trigger};
use crate::schedule::zone::Zone;

/// The pause between two tries to open a ledger on a disk that is full.
const UNTIL_ROOM: Duration = Duration::from_secs(5);

/// How long a ledger is waited for that somebody else has although no daemon runs.
const LEDGER_PATIENCE: Duration = Duration::from_secs(5);

/// Which zone schedules without one of their own are read in, and why that one.
pub(super) fn say_zone(settings: &Settings, zone: &Zone) {
    let whose = if settings.timezone.is_some() {
        "as configured"
    } else {
        "the host's"
    };
    if zone.is_assumed() {
        tracing::warn!(
            "the host's time zone cannot be told ({}): schedules are read in {}",
            zone.source(),
            zone.name()
        );
    } else {
        tracing::info!("time zone {} ({whose}: {})", zone.name(), zone.source());
    }
}

/// A clock that cannot be right is spoken of, and after the host's boot waited for: until then it may jump by years.
/// A wish that ended the wait, and everything with it, is returned.
pub(super) async fn doubt_clock(
    store: &RedbLedger,
    mode: Mode,
    manager: &Manager,
    signals: &mut Signals,
) -> Result<Option<Wish>, LedgerError> {
    let past = KnownPast {
        newest_row: newest(store)?,
        program_built: os::program_built().map(DateTime::from),
    };
    let Some(why) = past.doubt(Utc::now()) else {
        return Ok(None);
    };
    if mode == Mode::Once || !clock::just_booted() {
        tracing::warn!("{why}");
        return Ok(None);
    }
    tracing::warn!(
        "{why}: waiting up to {} for it to be set; no job runs before",
        crate::units::duration(clock::DOUBT_LIMIT)
    );
    manager.waiting(&why.to_string(), clock::DOUBT_LIMIT);
    let mut waiting = std::pin::pin!(clock::wait_until_set(past));
    loop {
        tokio::select! {
            set = &mut waiting => {
                if set {
                    tracing::info!("the clock is set");
                } else {
                    tracing::warn!("nobody set the clock: going on with what it shows");
                }
                return Ok(None);
            }
            wish = signals.next() => {
                if wish != Wish::Rescan {
                    return Ok(Some(wish));
                }
            }
        }
    }
}

/// The newest instant that the ledger knows.
pub(super) fn newest(store: &RedbLedger) -> Result<Option<DateTime<Utc>>, LedgerError> {
    let newest = store.reader()?.history(None, 1)?.pop();
    Ok(newest.and_then(|run| run.ended.max(run.started).max(Some(run.claimed))))
}

/// What came of opening the ledger.
pub(super) enum Opening {
    /// Here it is.
    Ledger(RedbLedger),
    /// Somebody wished something else while it was waited for.
    Ended(Wish),
}

/// Opens the ledger. A command that mends it after a crash, and a child that a killed daemon was just starting, may
/// have it for a moment. One that is damaged is put aside, and a new one begun; on a full disk, room is waited for.
/// A wish that ended the wait, and everything with it, is returned.
pub(super) async fn open_ledger(
    layout: &Layout,
    mode: Mode,
    manager: &Manager,
    signals: &mut Signals,
) -> Result<Opening, LedgerError> {
    let deadline = std::time::Instant::now() + LEDGER_PATIENCE;
    let mut put_aside = false;
    let mut complained = false;
    loop {
        let error = match RedbLedger::open(&layout.ledger()) {
            Ok(store) => return Ok(Opening::Ledger(store)),
            Err(error) => error,
        };
        let pause = match &error {
            LedgerError::InUse { .. } if std::time::Instant::now() < deadline => {
                Duration::from_millis(10)
            }
            LedgerError::Damaged { .. } if !put_aside => {
                put_aside = true;
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

/// Values that cannot be read are kept in a file of their own, and the ledger goes on without them: the jobs that are
/// lost so. A run that was going on stays one, as far as what it has claimed tells of it.
fn set_values_aside(store: &mut RedbLedger) -> Result<BTreeSet<String>, LedgerError> {
    let reader = store.reader()?;
    let values = reader.unreadable_at_start()?;
    let mut lost = BTreeSet::new();
    let mut writes = Vec::new();
    for value in &values {
        writes.push(match &value.key {
            // Replaced when its file is read, or forgotten where there is none: until then it is known to be lost.
            Key::Job(job_id) => {
                lost.insert(job_id.clone());
                continue;
            }
            Key::Run(number) => match reader.claims_of(*number)? {
                Some(claim) => Write::Run(remains(*number, claim, &reader)?),
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

/// Writes values that cannot be read into a file of their own, and says so.
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

/// What is left of a row that cannot be read, of a run that was going on: it was cut off, and will be made up for.
fn remains(number: u64, claim: Claim, reader: &Reader) -> Result<RunRecord, LedgerError> {
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

/// What the ledger remembers, as far as it can be read.
pub(super) fn recall(store: &mut RedbLedger, layout: &Layout) -> Result<Remembered, LedgerError> {
    let (mut remembered, left_out) = read(store)?;
    if left_out > 0 {
        let lost_jobs = set_values_aside(store)?;
        remembered = read(store)?.0;
        remembered.lost_jobs = lost_jobs;
    }
    release_jobs(store, &mut remembered)?;
    // The ledger may be younger than the logs, or an older one that came back: the logs of runs that it does not know
    // keep their names for themselves.
    let known = remembered.last_run;
    let newest_log = layout.logged_runs().into_iter().max();
    remembered.last_run = known.max(newest_log.unwrap_or(0));
    if known == 0 && remembered.jobs.is_empty() {
        begin_anew(&mut remembered, layout);
    }
    Ok(remembered)
}

/// What can be read, and how much could not.
fn read(store: &RedbLedger) -> Result<(Remembered, usize), LedgerError> {
    let reader = store.reader()?;
    let open_runs = reader.open_runs()?;
    let mut attempts = Vec::new();
    for run in &open_runs {
        attempts.extend(reader.attempts(run.number)?);
    }
    let remembered = Remembered {
        jobs: reader.jobs()?,
        files: reader.files()?,
        open_runs,
        attempts,
        last_run: reader.last_run()?,
        ..Remembered::default()
    };
    Ok((remembered, reader.left_out()))
}

/// A job that is said to be busy with a run that is not open would wait for its end for ever.
fn release_jobs(store: &mut RedbLedger, remembered: &mut Remembered) -> Result<(), LedgerError> {
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
            writes.push(Write::Job(job.clone()));
        }
    }
    store.commit(&writes)
}

/// A ledger that knows nothing, perhaps in the place of one that knew.
fn begin_anew(remembered: &mut Remembered, layout: &Layout) {
    if let Some(aside) = set_asides(&layout.ledger()).pop() {
        remembered.begun_anew = true;
        tracing::error!(
            "a new ledger is begun. What ran before {} is known only to {}: jobs that run once are held until somebody \
             triggers them, those with a schedule go on from now, also where they were stopped or removed by hand",
            aside.at.format("%F %T UTC"),
            aside.path.display()
        );
    }
}

/// Makes ready what holds agents to their limits. What cannot be had is said, once.
pub(super) fn set_limits(limits: ResourceLimits) -> Option<Groups> {
    let (groups, missing) = limits::set_up(limits);
    for what in missing {
        tracing::warn!("{what}; runs go on without it");
    }
    groups
}

/// Nothing of an earlier daemon's may run beside what this one starts.
pub(super) fn kill_orphans(remembered: &Remembered, ledger_id: &str, groups: Option<&Groups>) {
    let running = remembered
        .open_runs
        .iter()
        .filter_map(|run| match run.state {
            RunState::Running { action, .. } => Some((run.number, action)),
            _ => None,
        });
    let mut actions = Vec::new();
    for (run, action) in running {
        if let Some(groups) = groups {
            groups.clear(run);
        }
        actions.push((format!("{ledger_id}-{run}"), action));
    }
    let killed = orphans::kill(&actions);
    if killed > 0 {
        tracing::warn!("killed {killed} processes that an earlier freezerd left running");
    }
}

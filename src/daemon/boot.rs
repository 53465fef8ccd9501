//! Before the first job: the ledger, the clock, the zone, and what an earlier daemon left behind.

use std::time::Duration;

use chrono::Utc;

use super::scheduler::Remembered;
use super::service::{Manager, Signals, Wish};
use super::{Mode, clock, orphans};
use crate::config::Settings;
use crate::control::layout::Layout;
use crate::schedule::zone::Zone;
use crate::store::record::RunState;
use crate::store::{Store, StoreError};

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
    store: &Store,
    mode: Mode,
    manager: &Manager,
    signals: &mut Signals,
) -> Result<Option<Wish>, StoreError> {
    let newest = store.reader()?.history(None, 1)?.pop();
    let known = clock::Known {
        newest_row: newest.and_then(|run| run.ended.max(run.started).max(Some(run.claimed))),
        built: clock::built(),
    };
    let Some(why) = known.doubt(Utc::now()) else {
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
    manager.waiting(&why, clock::DOUBT_LIMIT);
    let mut waiting = std::pin::pin!(clock::wait_until_set(known));
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

/// Opens the ledger. A command that mends it after a crash, and a child that a killed daemon was just starting, may
/// have it for a moment.
pub(super) fn open_ledger(layout: &Layout) -> Result<Store, StoreError> {
    let deadline = std::time::Instant::now() + LEDGER_PATIENCE;
    loop {
        match Store::open(&layout.ledger()) {
            Err(StoreError::InUse { .. }) if std::time::Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

pub(super) fn recall(store: &Store) -> Result<Remembered, StoreError> {
    let reader = store.reader()?;
    let open_runs = reader.open_runs()?;
    let mut attempts = Vec::new();
    for run in &open_runs {
        attempts.extend(reader.attempts(run.number)?);
    }
    Ok(Remembered {
        jobs: reader.jobs()?,
        files: reader.files()?,
        open_runs,
        attempts,
        last_run: reader.last_run()?,
    })
}

/// Nothing of an earlier daemon's may run beside what this one starts.
pub(super) fn kill_orphans(remembered: &Remembered, ledger_id: &str) {
    let tags: Vec<String> = remembered
        .open_runs
        .iter()
        .filter(|run| matches!(run.state, RunState::Running { .. }))
        .map(|run| format!("{ledger_id}-{}", run.number))
        .collect();
    let killed = orphans::kill(&tags);
    if killed > 0 {
        tracing::warn!("killed {killed} processes that an earlier freezerd left running");
    }
}

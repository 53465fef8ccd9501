//! The daemon: one loop that owns all job state.
//!
//! The [`scheduler`] decides. The loop (`main_loop`) gives it what happens in the world (files, events, ends of agents,
//! signals, time) and carries out its orders. This file starts a daemon.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use tokio::sync::mpsc;

use crate::config::Settings;
use crate::control::daemon_lock::{DaemonLock, DaemonLockError};
use crate::control::event;
use crate::control::layout::{CannotCreate, Layout};
use crate::control::progress;
use crate::intake::Trust;
use crate::kill_point::{self, Point};
use crate::ledger::LedgerError;
use crate::lifecycle::retention::HistoryLimits;
use crate::limits::{self, Groups, ResourceLimits};
use crate::schedule::zone::Zone;
use crate::tell::receiver::Receiver;

mod agent_handle;
mod attempt;
mod bounded_log;
mod clock;
mod clock_wait;
mod directory_watch;
mod event_files;
mod inputs;
mod jobs_dir;
mod ledger_care;
mod log_copy;
mod log_file;
mod looks;
mod main_loop;
mod messenger;
mod orphans;
mod pipe_lines;
mod publish;
mod renewal;
mod runlog;
mod runner;
pub mod scheduler;
mod service;
pub mod session_summary;
mod standing_checks;
pub mod state_guard;
pub mod upkeep;

use crate::control::progress_sink::{AllSinks, ProgressFiles, ProgressSink};
use clock::Reading;
use inputs::Inputs;
use jobs_dir::{JobsDir, UnreadableDir};
use ledger_care::Opening;
use main_loop::Daemon;
use messenger::Messenger;
use publish::Publisher;
use renewal::Renewal;
use runner::{Circumstances, Runner};
use scheduler::{Policy, Scheduler};
use service::{Manager, Signals, Wish};
use session_summary::SessionSummary;
use state_guard::{StateGuard, StateLost};
use upkeep::Upkeep;

/// How long `--once` waits for the first firing of a new job: a job without a schedule is due after two seconds.
const FIRST_DUE: TimeDelta = TimeDelta::milliseconds(2100);

/// Why the daemon cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Critical {
    /// The jobs directory does not exist.
    #[error(
        "there is no jobs directory {path}; create it with `mkdir -p {path}`, or name another with --jobs-dir"
    )]
    NoJobsDir { path: PathBuf },
    /// The jobs directory cannot be read.
    #[error("cannot read the jobs directory {path}: {source}")]
    JobsDir {
        path: PathBuf,
        source: UnreadableDir,
    },
    /// One of the daemon's own directories cannot be created.
    #[error(transparent)]
    Create(#[from] CannotCreate),
    /// Another daemon works on the state directory.
    #[error(transparent)]
    DaemonLock(#[from] DaemonLockError),
    /// The state directory or the ledger is not the daemon's any more.
    #[error(transparent)]
    StateLost(#[from] StateLost),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The system refuses something that the daemon needs.
    #[error("cannot {what}: {source}")]
    System {
        /// The refused action, after "cannot".
        what: &'static str,
        source: io::Error,
    },
}

/// How long the daemon stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until it is told to stop.
    Forever,
    /// Until what is due now has been run.
    Once,
}

/// How the daemon ended.
#[derive(Debug)]
pub enum End {
    /// It was stopped, or `--once` is done.
    Done(SessionSummary),
    /// It made way for a newer version, which has to be started now.
    Renew,
}

/// Runs the daemon in this thread's tokio runtime.
pub async fn run(
    settings: &Settings,
    mode: Mode,
    screen: Arc<dyn ProgressSink>,
) -> Result<End, Critical> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    layout.create()?;
    let lock = DaemonLock::claim(&layout)?;
    let mut signals = Signals::listen().map_err(|source| Critical::System {
        what: "listen for signals",
        source,
    })?;
    let manager = Manager::new();
    let mut store = match ledger_care::open(&layout, mode, &manager, &mut signals).await? {
        Opening::Ledger(store) => store,
        Opening::Ended(wish) => return Ok(end_before_the_start(wish)),
    };
    progress::clear_all(&layout);
    event::sweep(&layout);
    ledger_care::compact(&mut store)?;
    let remembered = ledger_care::recall(&mut store, &layout)?;
    let guard = StateGuard::new(&layout, lock).map_err(|source| Critical::System {
        what: "read the state directory",
        source,
    })?;
    kill_point::reached(Point::Recalled);
    let zone = settings.zone();
    log_zone(settings, &zone);
    let newest_row = ledger_care::newest_instant(&store)?;
    if let Some(wish) = clock_wait::wait_out_doubt(newest_row, mode, &manager, &mut signals).await {
        return Ok(end_before_the_start(wish));
    }
    let mut jobs_dir = JobsDir::open(settings, &remembered)?;
    let (message_sender, messages) = mpsc::unbounded_channel();
    let inputs = Inputs::new(settings, &layout, messages);
    // The first scan comes after the watches are set up, so that no change is missed.
    let files = jobs_dir.first_scan()?;

    let receivers: Arc<[Receiver]> = settings
        .receivers
        .iter()
        .map(|(it, _)| it.clone())
        .collect();
    let now = Utc::now();
    let policy = Policy {
        slots: settings.concurrent_jobs,
        zone: zone.clone(),
        client_id: settings.client_id.clone(),
        ledger_id: store.id().to_owned(),
        grace: settings.stop_grace,
        only_until: (mode == Mode::Once).then(|| now + FIRST_DUE),
        receivers: Arc::clone(&receivers),
    };
    let groups = set_limits(settings.limits());
    orphans::kill_of_open_runs(&remembered.open_runs, store.id(), groups.as_ref());
    kill_point::reached(Point::OrphansKilled);
    let screens: Vec<Arc<dyn ProgressSink>> = vec![Arc::new(ProgressFiles::new(&layout)), screen];
    let limits = HistoryLimits {
        age: TimeDelta::from_std(settings.history_age).unwrap_or(TimeDelta::MAX),
        runs: settings.history_runs,
    };
    let daemon = Daemon {
        guard,
        complaints: event_files::Complaints::default(),
        settings,
        mode,
        upkeep: Upkeep::new(limits, &layout, newest_row, now),
        messenger: Messenger::new(receivers, &layout, message_sender.clone()),
        runner: Runner::new(
            Circumstances {
                layout: layout.clone(),
                progress_sink: Arc::new(AllSinks(screens)),
                stall_timeout: settings.stall_timeout,
                cache: settings.cache(),
                network_wait: settings.network_wait,
                bandwidth: settings.bandwidth(),
                zone: settings.zone_name(),
                prune_budget: settings.prune_budget(),
                groups,
                trust: Trust::of_process(settings.trusted_owners.clone()),
            },
            message_sender,
        ),
        layout,
        scheduler: Scheduler::new(store, policy, remembered),
        jobs_dir,
        manager,
        zone,
        summary: SessionSummary::default(),
        stopping: false,
        renewal: Renewal::default(),
        clocks: Reading::now(),
        publisher: settings.metrics_dir.as_deref().map(Publisher::new),
    };
    daemon.live(&mut signals, inputs, files).await
}

/// How the daemon ends when a wish comes before it has begun.
fn end_before_the_start(wish: Wish) -> End {
    match wish {
        Wish::Renew => End::Renew,
        Wish::Stop | Wish::Rescan => End::Done(SessionSummary::default()),
    }
}

/// Logs the zone of the schedules that name none, and where it comes from.
fn log_zone(settings: &Settings, zone: &Zone) {
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

/// Prepares the groups that hold agents to their limits. Warns once of each limit that this host cannot set.
fn set_limits(limits: ResourceLimits) -> Option<Groups> {
    let (groups, missing) = limits::set_up(limits);
    for what in missing {
        tracing::warn!("{what}; runs go on without it");
    }
    groups
}

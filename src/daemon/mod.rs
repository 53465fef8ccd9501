//! The daemon: one loop that owns all job state, and its hands.
//!
//! The [`scheduler`] decides; the loop (`live`) feeds it what the hands report (files, events, ends of agents, signals,
//! time) and carries out what it orders. Here is how a daemon begins.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use tokio::sync::mpsc;

use crate::config::Settings;
use crate::control::event;
use crate::control::layout::Layout;
use crate::control::presence::{Presence, PresenceError};
use crate::control::progress;
use crate::kill_point::{self, Point};
use crate::ledger::LedgerError;
use crate::lifecycle::retention::Limits;

mod boot;
pub mod clock;
mod conclusion;
mod ears;
mod jobs_dir;
pub mod limits;
mod lines;
mod live;
mod orphans;
mod publish;
mod renewal;
mod runlog;
mod runner;
pub mod scheduler;
mod service;
pub mod tally;
pub mod upkeep;
mod watch;
pub mod words;

use crate::control::progress_sink::{AllSinks, ProgressFiles, ProgressSink};
use boot::Opening;
use clock::{Reading, Steps};
use ears::Ears;
use jobs_dir::JobsDir;
use live::Daemon;
use publish::Publisher;
use renewal::Renewal;
use runner::{Circumstances, Runner};
use scheduler::{Policy, Scheduler};
use service::{Manager, Signals, Wish};
use tally::Summary;
use upkeep::Upkeep;
use watch::Watch;

/// How long `--once` waits for what has just been loaded: a job without a schedule is due after two seconds.
const FIRST_DUE: TimeDelta = TimeDelta::milliseconds(2100);

/// Why the daemon cannot start, or go on.
#[derive(Debug, thiserror::Error)]
pub enum Critical {
    /// There is nothing to watch.
    #[error(
        "there is no jobs directory {path}; create it with `mkdir -p {path}`, or name another with --jobs-dir"
    )]
    NoJobsDir {
        /// The directory.
        path: PathBuf,
    },
    /// The jobs directory cannot be read.
    #[error("cannot read the jobs directory {path}: {message}")]
    JobsDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// A directory of the daemon's own cannot be made.
    #[error(
        "cannot create {path}: {source}; name another place with --state-dir, or create it for this user"
    )]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another daemon is at work.
    #[error(transparent)]
    Presence(#[from] PresenceError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The system refuses something that the daemon cannot do without.
    #[error("cannot {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// Why not.
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

/// How the daemon's life ended.
#[derive(Debug)]
pub enum End {
    /// It was stopped, or has done what was due: what became of it.
    Done(Summary),
    /// It made way for a newer version, which is to be started now.
    Renew,
}

/// Runs the daemon in this thread's tokio runtime.
pub async fn run(
    settings: &Settings,
    mode: Mode,
    screen: Arc<dyn ProgressSink>,
) -> Result<End, Critical> {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    layout
        .create()
        .map_err(|(path, source)| Critical::Create { path, source })?;
    let _presence = Presence::claim(&layout)?;
    let mut signals = Signals::listen().map_err(|source| Critical::System {
        what: "listen for signals",
        source,
    })?;
    let manager = Manager::new();
    let mut store = match boot::open_ledger(&layout, mode, &manager, &mut signals).await? {
        Opening::Ledger(store) => store,
        Opening::Ended(wish) => return Ok(end_before_the_start(wish)),
    };
    progress::clear_all(&layout);
    event::sweep(&layout);
    boot::compact(&mut store)?;
    let remembered = boot::recall(&mut store, &layout)?;
    kill_point::reached(Point::Recalled);
    let zone = settings.zone();
    boot::say_zone(settings, &zone);
    if let Some(wish) = boot::doubt_clock(&store, mode, &manager, &mut signals).await? {
        return Ok(end_before_the_start(wish));
    }
    let mut jobs_dir = JobsDir::open(settings, &remembered)?;

    let (hint_jobs, jobs_hints) = mpsc::unbounded_channel();
    let (hint_events, event_hints) = mpsc::unbounded_channel();
    let jobs_watch = Watch::new(&settings.jobs_dir, hint_jobs);
    let events_watch = Watch::new(&layout.events(), hint_events);
    // The first look comes after the watches stand, so that nothing falls between.
    let files = jobs_dir.first_look()?;

    let now = Utc::now();
    let policy = Policy {
        slots: settings.concurrent_jobs,
        zone: zone.clone(),
        client_id: settings.client_id.clone(),
        ledger_id: store.id().to_owned(),
        grace: settings.stop_grace,
        only_until: (mode == Mode::Once).then(|| now + FIRST_DUE),
    };
    let groups = boot::set_limits(settings.limits);
    boot::kill_orphans(&remembered, store.id(), groups.as_ref());
    kill_point::reached(Point::OrphansKilled);
    let (inbox_sender, inbox) = mpsc::unbounded_channel();
    let screens: Vec<Arc<dyn ProgressSink>> = vec![Arc::new(ProgressFiles::new(&layout)), screen];
    let limits = Limits {
        age: TimeDelta::from_std(settings.history_age).unwrap_or(TimeDelta::MAX),
        runs: settings.history_runs,
    };
    let daemon = Daemon {
        settings,
        mode,
        upkeep: Upkeep::new(limits, &layout, boot::newest(&store)?, now),
        runner: Runner::new(
            Circumstances {
                layout: layout.clone(),
                progress_sink: Arc::new(AllSinks(screens)),
                stall_timeout: settings.stall_timeout,
                groups,
            },
            inbox_sender,
        ),
        layout,
        scheduler: Scheduler::new(store, policy, remembered),
        jobs_dir,
        manager,
        zone,
        summary: Summary::default(),
        stopping: false,
        renewal: Renewal::default(),
        clocks: Reading::now(),
        publisher: settings.metrics_dir.as_deref().map(Publisher::new),
    };
    let ears = Ears {
        inbox,
        jobs_hints,
        event_hints,
        jobs_watch,
        events_watch,
        settle: None,
        steps: Steps::listen(),
    };
    daemon.live(&mut signals, ears, files).await
}

/// Nothing was begun yet.
fn end_before_the_start(wish: Wish) -> End {
    match wish {
        Wish::Renew => End::Renew,
        Wish::Stop | Wish::Rescan => End::Done(Summary::default()),
    }
}

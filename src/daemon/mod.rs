//! The daemon: one loop that owns all job state, and its hands.
//!
//! The [`scheduler`] decides; this module feeds it what the hands report (files, events, ends of agents, signals,
//! time) and carries out what it orders.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta, Utc};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::config::Settings;
use crate::control::event;
use crate::control::layout::Layout;
use crate::control::mark;
use crate::control::presence::{Presence, PresenceError};
use crate::control::progress;
use crate::intake::Change;
use crate::kill_point::{Point, pass};
use crate::lifecycle::retention::Limits;
use crate::schedule::zone::Zone;
use crate::store::{Store, StoreError, quietly};

mod boot;
pub mod clock;
mod conclusion;
mod jobs_dir;
pub mod limits;
mod lines;
pub mod monitor;
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

use clock::{Reading, Steps};
use jobs_dir::JobsDir;
use monitor::Monitor;
use publish::Publisher;
use renewal::Renewal;
use runlog::RunLog;
use runner::{Circumstances, Runner};
use scheduler::notice::Notice;
use scheduler::{Message, Order, Policy, Scheduler};
use service::{Manager, Signals, Wish};
use tally::Summary;
use upkeep::{BETWEEN_STEPS, BETWEEN_SWEEPS, Upkeep};
use watch::Watch;

/// A directory that changes is read when it has been quiet for this long …
const QUIET: Duration = Duration::from_millis(100);
/// … or has not been for this long.
const IMPATIENCE: Duration = Duration::from_millis(700);

/// The pause between two looks at a jobs directory that cannot be read: the kernel does not tell when it comes back.
const UNTIL_READABLE: Duration = Duration::from_secs(1);

/// How long `--once` waits for what has just been loaded: a job without a schedule is due after two seconds.
const FIRST_DUE: TimeDelta = TimeDelta::milliseconds(2100);

/// How many steps of a sweep `--once` makes at its end.
const STEPS_OF_ONCE: usize = 256;

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
    Store(#[from] StoreError),
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

/// Why the loop was left.
enum Leave {
    Done,
    Renew,
}

/// Runs the daemon in this thread's tokio runtime.
pub async fn run(
    settings: &Settings,
    mode: Mode,
    screen: Arc<dyn Monitor>,
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
    let Some(mut store) = boot::open_ledger(&layout, mode, &manager, &mut signals).await? else {
        return Ok(End::Done(Summary::default()));
    };
    progress::clear_all(&layout);
    event::sweep(&layout);
    boot::compact(&mut store)?;
    let remembered = boot::recall(&mut store, &layout)?;
    pass(Point::Recalled);
    let zone = settings.zone();
    boot::say_zone(settings, &zone);
    match boot::doubt_clock(&store, mode, &manager, &mut signals).await? {
        None => {}
        Some(Wish::Renew) => return Ok(End::Renew),
        Some(_) => return Ok(End::Done(Summary::default())),
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
    pass(Point::OrphansKilled);
    let (inbox_sender, inbox) = mpsc::unbounded_channel();
    let screens: Vec<Arc<dyn Monitor>> = vec![Arc::new(monitor::Files::new(&layout)), screen];
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
                monitor: Arc::new(monitor::All(screens)),
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

/// What the loop listens to, beside signals.
struct Ears {
    inbox: UnboundedReceiver<Message>,
    jobs_hints: UnboundedReceiver<()>,
    event_hints: UnboundedReceiver<()>,
    jobs_watch: Watch,
    events_watch: Watch,
    /// The jobs directory changed: when it is looked at, and when at the latest.
    settle: Option<(Instant, Instant)>,
    steps: Steps,
}

impl Ears {
    fn jobs_changed(&mut self) {
        let now = Instant::now();
        let latest = self.settle.map_or(now + IMPATIENCE, |(_, latest)| latest);
        self.settle = Some(((now + QUIET).min(latest), latest));
    }

    fn look_after(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.settle.get_or_insert((at, at));
    }
}

struct Daemon<'a> {
    settings: &'a Settings,
    mode: Mode,
    layout: Layout,
    scheduler: Scheduler<Store>,
    runner: Runner,
    jobs_dir: JobsDir,
    manager: Manager,
    zone: Zone,
    summary: Summary,
    stopping: bool,
    renewal: Renewal,
    /// What the clocks showed when they were last looked at.
    clocks: Reading,
    /// Where there is a `metrics_dir`.
    publisher: Option<Publisher>,
    upkeep: Upkeep,
}

impl Daemon<'_> {
    async fn live(
        mut self,
        signals: &mut Signals,
        ears: Ears,
        files: Vec<Change>,
    ) -> Result<End, Critical> {
        let lived = self.serve(signals, ears, files).await;
        // However it ended, as far as the ledger can be read: nobody is to believe that a daemon runs.
        if let Some(publisher) = self.publisher.take() {
            publisher.end(self.scheduler.ledger()).await;
        }
        if let Leave::Renew = lived? {
            return Ok(End::Renew);
        }
        let (jobs, next) = self.scheduler.outlook();
        self.summary.jobs = jobs;
        self.summary.next = next;
        Ok(End::Done(self.summary))
    }

    /// The loop itself.
    async fn serve(
        &mut self,
        signals: &mut Signals,
        mut ears: Ears,
        files: Vec<Change>,
    ) -> Result<Leave, Critical> {
        self.pass(Message::Files(files))?;
        self.read_events()?;
        self.manager.ready();
        tracing::info!("ready: {}", self.status());

        let mut rescan = interval(self.settings.rescan_interval.max(Duration::from_secs(1)));
        rescan.set_missed_tick_behavior(MissedTickBehavior::Delay);
        rescan.reset();
        let mut heartbeat = interval(
            self.manager
                .heartbeat()
                .unwrap_or(Duration::from_secs(3600)),
        );
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sweep = Instant::now();

        while !self.is_done() {
            self.watch_clocks()?;
            if self.is_free() {
                tracing::info!("no action runs: making way for a new start");
                self.stopping = true;
                self.manager.status("making way for a new start".to_owned());
                self.pass(Message::Shutdown)?;
                return Ok(Leave::Renew);
            }
            self.manager.status(self.status());
            let wake = self.scheduler.next_wake();
            let settle = ears.settle.map_or_else(Instant::now, |(at, _)| at);
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Stop => self.stop()?,
                    Wish::Rescan => self.look(&mut ears)?,
                    Wish::Renew => self.renew()?,
                },
                Some(message) = ears.inbox.recv() => {
                    if let Message::Ended { run, .. } = &message {
                        self.runner.forget(*run);
                    }
                    self.pass(message)?;
                }
                Some(()) = ears.event_hints.recv() => self.read_events()?,
                Some(()) = ears.jobs_hints.recv() => ears.jobs_changed(),
                () = sleep_until(settle), if ears.settle.is_some() => {
                    ears.settle = None;
                    self.read_files(&mut ears)?;
                }
                _ = rescan.tick() => self.look(&mut ears)?,
                _ = heartbeat.tick() => self.manager.alive(),
                () = clock::sleep(wake) => self.pass(Message::Tick)?,
                () = ears.steps.next() => self.pass(Message::Tick)?,
                () = next_publication(&mut self.publisher) => {
                    if let Some(publisher) = &mut self.publisher {
                        publisher.publish(self.scheduler.ledger());
                    }
                }
                () = self.renewal.patience() => self.start_nothing_new()?,
                () = sleep_until(sweep), if !self.stopping => {
                    sweep = Instant::now() + if self.sweep() { BETWEEN_STEPS } else { BETWEEN_SWEEPS };
                }
            }
        }
        if self.mode == Mode::Once {
            // Who is started by a timer has no idle hours: a part of a sweep each time.
            let _ = (0..STEPS_OF_ONCE).try_for_each(|_| self.sweep().then_some(()));
        }
        Ok(Leave::Done)
    }

    /// Speaks of clocks that did not just go on. What that means for the jobs the scheduler sees for itself, now.
    fn watch_clocks(&mut self) -> Result<(), Critical> {
        let clocks = Reading::now();
        let jumps = clocks.jumps_since(&self.clocks);
        self.clocks = clocks;
        if jumps.is_empty() {
            return Ok(());
        }
        for jump in jumps {
            tracing::warn!("{jump}");
        }
        self.pass(Message::Tick)
    }

    /// A step of forgetting what is old; false when there is nothing more to do for now.
    fn sweep(&mut self) -> bool {
        let now = Utc::now().trunc_subsecs(3);
        let step = || self.upkeep.step(&mut self.scheduler, now);
        quietly(&self.layout.ledger(), step).unwrap_or_else(|error| {
            tracing::warn!("cannot forget what is old: {error}");
            false
        })
    }

    fn is_done(&self) -> bool {
        if self.stopping {
            return self.scheduler.running() == 0;
        }
        self.mode == Mode::Once && self.scheduler.is_idle()
    }

    /// The scheduler hears the message, and what it orders is done.
    fn pass(&mut self, message: Message) -> Result<(), Critical> {
        match self.scheduler.handle(message, Utc::now().trunc_subsecs(3)) {
            Ok(orders) => {
                if let Some(publisher) = &mut self.publisher {
                    publisher.committed(self.scheduler.commits());
                }
                for order in orders {
                    self.carry_out(order);
                }
                Ok(())
            }
            // Somebody waits for the end of this process: it must not wait for the disk.
            Err(error) if self.mode == Mode::Once || self.stopping => Err(error.into()),
            // The next start puts it aside.
            Err(error @ StoreError::Damaged { .. }) => Err(error.into()),
            Err(error) => {
                tracing::error!("{error}; nothing new is started until it works again");
                Ok(())
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Spawn(spawn) => self.runner.start(*spawn),
            Order::End { run, why } => self.runner.end(run, why),
            Order::Answered { event } => {
                pass(Point::AnswerBegins);
                let path = self.layout.events().join(format!("{event}.json"));
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::debug!("cannot remove {}: {error}", path.display());
                }
                pass(Point::Answered);
            }
            Order::Tell(notice) => self.tell(&notice),
        }
    }

    fn tell(&mut self, notice: &Notice) {
        if self.mode == Mode::Once {
            // A daemon that stays would remember every run of its life.
            self.summary.hear(notice);
        }
        pass(Point::TellBegins);
        let line = words::line(notice, &self.zone);
        if let Some(run) = line.run {
            let text = words::in_run_log(notice).unwrap_or_else(|| line.text.clone());
            RunLog::open(&self.layout, run, None).line(mark::WRITER, &text);
            pass(Point::LogWritten);
        }
        words::log(&line);
        pass(Point::Told);
    }

    fn stop(&mut self) -> Result<(), Critical> {
        if self.stopping {
            tracing::warn!("asked to stop again: running actions are killed");
            self.runner.kill_all();
            return Ok(());
        }
        self.stopping = true;
        self.manager
            .stopping(self.settings.stop_grace + Duration::from_secs(10));
        let running = self.scheduler.running();
        if running > 0 {
            tracing::info!(
                "stopping: {running} running action{} get{} up to {} to end",
                if running == 1 { "" } else { "s" },
                if running == 1 { "s" } else { "" },
                crate::units::duration(self.settings.stop_grace)
            );
        } else {
            tracing::info!("stopping");
        }
        self.pass(Message::Shutdown)
    }

    /// Somebody has installed a newer version: this one goes as soon as no action runs. Asked once more, it starts
    /// nothing until then.
    fn renew(&mut self) -> Result<(), Critical> {
        if self.stopping || self.mode == Mode::Once {
            tracing::info!("asked to make way for a new start, and about to end anyway");
            return Ok(());
        }
        if self.renewal.ask() {
            return self.start_nothing_new();
        }
        tracing::info!(
            "asked to make way for a new start: going on until no action runs, {} run{} now; after {} nothing new \
             is started",
            self.scheduler.running(),
            if self.scheduler.running() == 1 {
                "s"
            } else {
                ""
            },
            crate::units::duration(renewal::PATIENCE)
        );
        Ok(())
    }

    fn start_nothing_new(&mut self) -> Result<(), Critical> {
        if self.renewal.insist() {
            tracing::info!(
                "nothing new is started until the new start; what comes due is kept, and done then"
            );
            self.pass(Message::Drain)?;
        }
        Ok(())
    }

    /// Whether the process may go for a newer version's sake: nothing runs, and all is on disk.
    fn is_free(&self) -> bool {
        self.renewal.is_asked()
            && !self.stopping
            && self.scheduler.running() == 0
            && self.scheduler.is_committed()
    }

    /// The regular look at everything that the kernel may have kept quiet about.
    fn look(&mut self, ears: &mut Ears) -> Result<(), Critical> {
        ears.events_watch.renew();
        self.read_files(ears)?;
        self.read_events()?;
        if self.settings.timezone.is_none() {
            let zone = Zone::local();
            if zone != self.zone {
                tracing::warn!(
                    "the host's time zone is {} now ({}); it was {}",
                    zone.name(),
                    zone.source(),
                    self.zone.name()
                );
                self.zone = zone.clone();
                self.pass(Message::Zone(zone))?;
            }
        }
        Ok(())
    }

    fn read_files(&mut self, ears: &mut Ears) -> Result<(), Critical> {
        if self.stopping {
            return Ok(());
        }
        // The change may be that another directory has its name now. It is watched before it is looked at, so that
        // nothing falls between.
        ears.jobs_watch.renew();
        let look = self.jobs_dir.look();
        if look.unsettled {
            ears.jobs_changed();
        }
        if look.unreadable {
            ears.look_after(UNTIL_READABLE);
        }
        if look.changes.is_empty() {
            return Ok(());
        }
        self.pass(Message::Files(look.changes))
    }

    fn read_events(&mut self) -> Result<(), Critical> {
        let events = match event::waiting(&self.layout) {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!("cannot read {}: {error}", self.layout.events().display());
                return Ok(());
            }
        };
        for (path, event) in events {
            match event {
                // An id that is not the file's own name could not be cleared away by it.
                Ok(event) if path.file_stem().is_some_and(|stem| *stem == *event.id) => {
                    self.pass(Message::Asked(event))?;
                }
                Ok(_) => refuse_event(&path, "its name is not its id"),
                Err(error) => refuse_event(&path, &error),
            }
        }
        Ok(())
    }

    fn status(&self) -> String {
        let (jobs, next) = self.scheduler.outlook();
        let running = self.scheduler.running();
        let next = next.map_or_else(
            || "nothing to come".to_owned(),
            |next| format!("next run at {}", words::moment(next, &self.zone)),
        );
        let jobs = crate::units::count(jobs as u64, "job", "jobs");
        let renewal = self.renewal.words();
        format!("{jobs}, {running} running, {next}{renewal}")
    }
}

/// Never, where nothing is published.
async fn next_publication(publisher: &mut Option<Publisher>) {
    match publisher {
        Some(publisher) => publisher.next().await,
        None => std::future::pending().await,
    }
}

/// A file that is no event is put aside, so that it is not read for ever.
fn refuse_event(path: &std::path::Path, why: &str) {
    tracing::warn!("{} is no event: {why}; it is put aside", path.display());
    if std::fs::rename(path, path.with_extension("bad")).is_err() {
        let _ = std::fs::remove_file(path);
    }
}

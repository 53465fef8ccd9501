//! The loop: what the hands report becomes a message for the scheduler, and what that orders is carried out.

use std::time::Duration;

use chrono::{SubsecRound, Utc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::clock::{self, Reading};
use super::ears::Ears;
use super::jobs_dir::JobsDir;
use super::publish::Publisher;
use super::renewal::{self, Renewal};
use super::runlog::RunLog;
use super::runner::Runner;
use super::scheduler::notice::Notice;
use super::scheduler::notice::line::moment;
use super::scheduler::{Message, Order, Scheduler};
use super::service::{Manager, Signals, Wish};
use super::tally::Summary;
use super::upkeep::{BETWEEN_STEPS, BETWEEN_SWEEPS, Upkeep};
use super::{Critical, End, Mode};
use crate::config::Settings;
use crate::control::event;
use crate::control::layout::Layout;
use crate::control::mark;
use crate::intake::FileChange;
use crate::kill_point::{Point, pass};
use crate::ledger::{LedgerError, RedbLedger, quietly};
use crate::schedule::zone::Zone;

/// The pause between two looks at a jobs directory that cannot be read: the kernel does not tell when it comes back.
const UNTIL_READABLE: Duration = Duration::from_secs(1);

/// How many steps of a sweep `--once` makes at its end.
const STEPS_OF_ONCE: usize = 256;

/// Why the loop was left.
enum Leave {
    Done,
    Renew,
}

/// The daemon at work.
pub(super) struct Daemon<'a> {
    pub(super) settings: &'a Settings,
    pub(super) mode: Mode,
    pub(super) layout: Layout,
    pub(super) scheduler: Scheduler<RedbLedger>,
    pub(super) runner: Runner,
    pub(super) jobs_dir: JobsDir,
    pub(super) manager: Manager,
    pub(super) zone: Zone,
    pub(super) summary: Summary,
    pub(super) stopping: bool,
    pub(super) renewal: Renewal,
    /// What the clocks showed when they were last looked at.
    pub(super) clocks: Reading,
    /// Where there is a `metrics_dir`.
    pub(super) publisher: Option<Publisher>,
    pub(super) upkeep: Upkeep,
}

impl Daemon<'_> {
    /// From the first look at the jobs directory to the end.
    pub(super) async fn live(
        mut self,
        signals: &mut Signals,
        ears: Ears,
        files: Vec<FileChange>,
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
        files: Vec<FileChange>,
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
            Err(error @ LedgerError::Damaged { .. }) => Err(error.into()),
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
        let line = notice.line(&self.zone);
        if let Some(run) = line.run {
            let text = notice.in_run_log().unwrap_or_else(|| line.text.clone());
            RunLog::open(&self.layout, run, None).line(mark::WRITER, &text);
            pass(Point::LogWritten);
        }
        line.log();
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
            |next| format!("next run at {}", moment(next, &self.zone)),
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
    pass(Point::EventRefused);
}

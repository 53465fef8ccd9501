//! The main loop: what happens in the world becomes a message for the scheduler, and the scheduler's orders are
//! carried out.

use std::time::Duration;

use chrono::{SubsecRound, Utc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::clock::{self, Reading};
use super::inputs::Inputs;
use super::jobs_dir::JobsDir;
use super::messenger::Messenger;
use super::publish::Publisher;
use super::renewal::{self, Renewal};
use super::runlog::RunLog;
use super::runner::Runner;
use super::scheduler::notice::Notice;
use super::scheduler::notice::line::moment;
use super::scheduler::{Message, Order, Scheduler};
use super::service::{Manager, Signals, Wish};
use super::session_summary::SessionSummary;
use super::state_guard::StateGuard;
use super::upkeep::{BETWEEN_STEPS, BETWEEN_SWEEPS, Upkeep};
use super::{Critical, End, Mode, event_files};
use crate::config::Settings;
use crate::control::layout::Layout;
use crate::control::mark;
use crate::intake::FileChange;
use crate::kill_point::{self, Point};
use crate::ledger::{LedgerError, RedbLedger, quietly};
use crate::schedule::zone::Zone;

/// How many steps of a sweep `--once` takes at its end.
const STEPS_OF_ONCE: usize = 256;

/// The pause between two looks at what no message tells.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Why the loop ended.
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
    pub(super) messenger: Messenger,
    pub(super) jobs_dir: JobsDir,
    pub(super) manager: Manager,
    pub(super) zone: Zone,
    pub(super) summary: SessionSummary,
    pub(super) stopping: bool,
    pub(super) renewal: Renewal,
    /// The last reading of the clocks.
    pub(super) clocks: Reading,
    /// `None` without a `metrics_dir`.
    pub(super) publisher: Option<Publisher>,
    pub(super) upkeep: Upkeep,
    pub(super) guard: StateGuard,
    pub(super) complaints: event_files::Complaints,
}

impl Daemon<'_> {
    /// From the first scan of the jobs directory (`files`) to the end.
    pub(super) async fn live(
        mut self,
        signals: &mut Signals,
        inputs: Inputs,
        files: Vec<FileChange>,
    ) -> Result<End, Critical> {
        let lived = self.serve(signals, inputs, files).await;
        // Also after an error: nobody must believe that a daemon runs.
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
        mut inputs: Inputs,
        files: Vec<FileChange>,
    ) -> Result<Leave, Critical> {
        self.handle(Message::Files(files))?;
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
        let mut care = interval(BETWEEN_LOOKS);
        care.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sweep = Instant::now();

        while !self.is_done() {
            self.log_clock_jumps()?;
            if self.may_make_way() {
                tracing::info!("no action runs: making way for a new start");
                self.stopping = true;
                self.manager.status("making way for a new start".to_owned());
                self.handle(Message::Shutdown)?;
                return Ok(Leave::Renew);
            }
            self.manager.status(self.status());
            let wake = self.scheduler.next_wake();
            let settle = inputs.settle.map_or_else(Instant::now, |(at, _)| at);
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Stop => self.stop()?,
                    Wish::Rescan => self.rescan(&mut inputs)?,
                    Wish::Renew => self.renew()?,
                },
                Some(message) = inputs.messages.recv() => {
                    if let Message::Ended { run, .. } = &message {
                        self.runner.forget(*run);
                    }
                    self.handle(message)?;
                }
                Some(()) = inputs.event_hints.recv() => self.events_changed(&mut inputs)?,
                Some(()) = inputs.jobs_hints.recv() => inputs.jobs_changed(),
                () = sleep_until(settle), if inputs.settle.is_some() => {
                    inputs.settle = None;
                    self.read_files(&mut inputs)?;
                }
                _ = rescan.tick() => self.rescan(&mut inputs)?,
                _ = heartbeat.tick() => self.manager.alive(),
                _ = care.tick() => self.look_after(&mut inputs)?,
                () = clock::sleep(wake) => self.handle(Message::Tick)?,
                () = inputs.clock_steps.next() => self.handle(Message::Tick)?,
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
            // A daemon that a timer starts has no idle hours: it does a part of a sweep each time.
            let _ = (0..STEPS_OF_ONCE).try_for_each(|_| self.sweep().then_some(()));
        }
        Ok(Leave::Done)
    }

    /// Logs suspends and steps of the clock. The scheduler then sees for itself what they mean for the jobs.
    fn log_clock_jumps(&mut self) -> Result<(), Critical> {
        let clocks = Reading::now();
        let jumps = clocks.jumps_since(&self.clocks);
        self.clocks = clocks;
        if jumps.is_empty() {
            return Ok(());
        }
        for jump in jumps {
            tracing::warn!("{jump}");
        }
        self.handle(Message::Tick)
    }

    /// Takes one step of a sweep. False when nothing more has to be done for now.
    fn sweep(&mut self) -> bool {
        if self.guard.check().is_err() {
            // The next message ends the daemon.
            return false;
        }
        let now = Utc::now().trunc_subsecs(3);
        let step = || self.upkeep.step(&mut self.scheduler, now);
        let more = quietly(&self.layout.ledger(), step).unwrap_or_else(|error| {
            tracing::warn!("cannot forget what is old: {error}");
            false
        });
        self.guard.wrote(self.scheduler.ledger().last_commit());
        more
    }

    fn is_done(&self) -> bool {
        if self.stopping {
            return self.scheduler.running() == 0;
        }
        self.mode == Mode::Once && self.scheduler.is_idle()
    }

    /// Gives a message to the scheduler, and carries out its orders.
    pub(super) fn handle(&mut self, message: Message) -> Result<(), Critical> {
        self.guard.check()?;
        let handled = self.scheduler.handle(message, Utc::now().trunc_subsecs(3));
        self.guard.wrote(self.scheduler.ledger().last_commit());
        match handled {
            Ok(orders) => {
                if let Some(publisher) = &mut self.publisher {
                    publisher.committed(self.scheduler.commits());
                }
                for order in orders {
                    self.carry_out(order);
                }
                Ok(())
            }
            // Somebody waits for the end of this process, so it cannot wait for the disk.
            Err(error) if self.mode == Mode::Once || self.stopping => Err(error.into()),
            // The next start sets the ledger aside.
            Err(error @ LedgerError::Damaged { .. }) => Err(error.into()),
            Err(error) => {
                tracing::error!("{error}; nothing new is started until it works again");
                Ok(())
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Spawn(mut spawn) => {
                spawn.request.clock_in_doubt = self.upkeep.is_clock_in_doubt(Utc::now());
                self.runner.start(*spawn);
            }
            Order::SlotGiven { run } => self.runner.give_slot(run),
            Order::End { run, why } => self.runner.end(run, why),
            Order::Answered { event } => event_files::remove_answered(&self.layout, &event),
            Order::Tell(notice) => self.report(&notice),
            Order::Send(delivery) => self.messenger.send(*delivery),
        }
    }

    /// Logs a notice, also in the log of its run.
    fn report(&mut self, notice: &Notice) {
        if self.mode == Mode::Once {
            // A daemon that stays would collect every run of its life.
            self.summary.add(notice);
        }
        kill_point::reached(Point::TellBegins);
        let line = notice.line(&self.zone);
        if let Some(run) = line.run {
            let text = notice.in_run_log().unwrap_or_else(|| line.text.clone());
            RunLog::open(&self.layout, run).line(mark::WRITER, &text);
            kill_point::reached(Point::LogWritten);
        }
        line.log();
        kill_point::reached(Point::Told);
    }

    /// Ends what runs, and then the daemon. When it is asked a second time, it kills what runs.
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
        self.handle(Message::Shutdown)
    }

    /// A newer version was installed: this one ends as soon as no action runs. When it is asked a second time, it starts
    /// nothing new until then.
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

    /// Starts nothing new until the daemon makes way for a newer version.
    fn start_nothing_new(&mut self) -> Result<(), Critical> {
        if self.renewal.insist() {
            tracing::info!(
                "nothing new is started until the new start; what comes due is kept, and done then"
            );
            self.handle(Message::Drain)?;
        }
        Ok(())
    }

    /// Whether the daemon may end now to make way for a newer version: nothing runs, and everything is on disk.
    fn may_make_way(&self) -> bool {
        self.renewal.is_asked()
            && !self.stopping
            && self.scheduler.running() == 0
            && self.scheduler.is_committed()
    }

    /// One line for the service manager.
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

/// Waits for the next publication: for ever, when nothing is published.
async fn next_publication(publisher: &mut Option<Publisher>) {
    match publisher {
        Some(publisher) => publisher.next().await,
        None => std::future::pending().await,
    }
}

//! The daemon's manners towards the system: signals, and what systemd wants to hear.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// SIGTERM or SIGINT: stop.
    Stop,
    /// SIGHUP: look at the jobs directory.
    Rescan,
    /// SIGUSR1: make way for a newer version, as soon as no action runs.
    Renew,
}

/// The signals that the daemon heeds.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    renew: Signal,
}

impl Signals {
    /// Takes the signals from their default actions.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            renew: signal(SignalKind::user_defined1())?,
        })
    }

    /// The next wish.
    pub async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hangup.recv() => Wish::Rescan,
            _ = self.renew.recv() => Wish::Renew,
        }
    }
}

/// The service manager, where there is one.
pub struct Manager {
    status: String,
    watchdog: Option<Duration>,
}

impl Manager {
    /// Learns from the environment what the manager wants.
    pub fn new() -> Manager {
        Manager {
            status: String::new(),
            watchdog: sd_notify::watchdog_enabled(),
        }
    }

    /// Everything is loaded and the loop runs.
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// Not ready yet, for this reason, and perhaps for so long.
    pub fn waiting(&self, why: &str, limit: Duration) {
        let limit = limit + Duration::from_secs(30);
        let micros = u32::try_from(limit.as_micros()).unwrap_or(u32::MAX);
        tell(&[
            NotifyState::Status(why),
            NotifyState::ExtendTimeoutUsec(micros),
        ]);
    }

    /// Nothing new is started any more. `grace` is what the end may take.
    pub fn stopping(&self, grace: Duration) {
        let micros = u32::try_from(grace.as_micros()).unwrap_or(u32::MAX);
        tell(&[
            NotifyState::Stopping,
            NotifyState::ExtendTimeoutUsec(micros),
        ]);
    }

    /// One line for `systemctl status`.
    pub fn status(&mut self, status: String) {
        if status != self.status {
            tell(&[NotifyState::Status(&status)]);
            self.status = status;
        }
    }

    /// How often the loop has to show that it is alive.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2)
    }

    /// The loop is alive.
    pub fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("cannot tell the service manager: {error}");
    }
}

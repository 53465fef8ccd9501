//! The daemon as a service: the signals that it obeys, and its messages to the service manager (systemd).

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::escape::harmless;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// SIGTERM or SIGINT: stop.
    Stop,
    /// SIGHUP: rescan the jobs directory.
    Rescan,
    /// SIGUSR1: make way for a newer version, as soon as no action runs.
    Renew,
}

/// The signals that the daemon obeys.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    renew: Signal,
}

impl Signals {
    /// Replaces the default actions of the signals.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            renew: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hangup.recv() => Wish::Rescan,
            _ = self.renew.recv() => Wish::Renew,
        }
    }
}

/// The service manager. Without one, the messages go nowhere.
pub struct Manager {
    status: String,
    watchdog: Option<Duration>,
}

impl Manager {
    /// Reads from the environment what the manager wants.
    pub fn new() -> Manager {
        Manager {
            status: String::new(),
            watchdog: sd_notify::watchdog_enabled(),
        }
    }

    /// Reports that everything is loaded and the loop runs.
    pub fn ready(&self) {
        notify(&[NotifyState::Ready]);
    }

    /// Reports that the daemon is not ready, why, and how long that may last.
    pub fn waiting(&self, why: &str, limit: Duration) {
        let limit = limit + Duration::from_secs(30);
        let micros = u32::try_from(limit.as_micros()).unwrap_or(u32::MAX);
        notify(&[
            NotifyState::Status(&harmless(why)),
            NotifyState::ExtendTimeoutUsec(micros),
        ]);
    }

    /// Reports that the daemon stops, which may take as long as `grace`.
    pub fn stopping(&self, grace: Duration) {
        let micros = u32::try_from(grace.as_micros()).unwrap_or(u32::MAX);
        notify(&[
            NotifyState::Stopping,
            NotifyState::ExtendTimeoutUsec(micros),
        ]);
    }

    /// Sets the line that `systemctl status` shows.
    pub fn status(&mut self, status: String) {
        if status != self.status {
            notify(&[NotifyState::Status(&harmless(&status))]);
            self.status = status;
        }
    }

    /// How often the loop has to call [`Manager::alive`], if the manager watches it.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2)
    }

    /// Reports that the loop is alive.
    pub fn alive(&self) {
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("cannot tell the service manager: {error}");
    }
}

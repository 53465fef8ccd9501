//! A storage whose requests are tried again when their failure may pass: one policy for every kind of server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::bring_back::{Terms, Whereabouts};
use super::concurrency::Concurrency;
use super::error::{Error, ErrorKind};
use super::http::wanted_wait;
use super::id::Id;
use super::retention::Retention;
use super::{Durability, FileKind, FileName, First, Listing, Storage, Traits, at_once};

mod policy;

pub use policy::Policy;
use policy::Stage;

/// Is told of a failure, and how long the next try waits.
pub type Tell = Box<dyn Fn(&Error, Duration) + Send + Sync>;

/// A server that there is no way to when an action begins: the network may not be there yet.
pub struct NetworkWait {
    /// For how long it is waited for, from the first request on.
    pub limit: Duration,
    /// Is told what becomes of it. No request goes on while this function hears that the server has answered.
    pub tell: Box<dyn Fn(Network<'_>) + Send + Sync>,
}

/// What becomes of a server that there is no way to.
#[derive(Clone, Copy, Debug)]
pub enum Network<'e> {
    /// It is waited for from now on, because of this failure.
    Missing(&'e Error),
    /// It has answered.
    There,
    /// The limit is over.
    GivenUp,
}

/// A storage with retries.
pub struct Retry {
    inner: Arc<dyn Storage>,
    policy: Policy,
    concurrency: Arc<Concurrency>,
    tell: Tell,
    /// A request has succeeded, or was refused for a reason of the storage's own.
    has_answered: AtomicBool,
    /// When the first request began.
    began: OnceLock<Instant>,
    /// `None`: a server that cannot be reached fails as early as one that is busy.
    network: Option<NetworkWait>,
    /// The network is waited for.
    waits: Mutex<bool>,
}

impl Retry {
    /// `tell` is called before every wait, in the thread that waits.
    pub fn new(
        inner: Arc<dyn Storage>,
        policy: Policy,
        concurrency: Arc<Concurrency>,
        tell: Tell,
    ) -> Retry {
        Retry {
            inner,
            policy,
            concurrency,
            tell,
            has_answered: AtomicBool::new(false),
            began: OnceLock::new(),
            network: None,
            waits: Mutex::default(),
        }
    }

    /// The same, and a server that there is no way to at the beginning is waited for.
    pub fn waiting_for_network(self, network: NetworkWait) -> Retry {
        Retry {
            network: Some(network),
            ..self
        }
    }

    /// Makes a request about files of a kind.
    fn attempt<T>(
        &self,
        kind: FileKind,
        unlocks: bool,
        mut request: impl FnMut(u32) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let opened = *self.began.get_or_init(|| started);
        let mut tries = 0;
        loop {
            let turn = || request(tries);
            let error = match self.concurrency.run(kind, turn, |error: &Error| error.kind) {
                Ok(value) => {
                    self.answered();
                    return Ok(value);
                }
                Err(error) => error,
            };
            tries += 1;
            if !error.kind.is_passing() {
                self.answered();
                return Err(error);
            }
            let stage = self.stage(unlocks, error.kind);
            let elapsed = match stage {
                // All requests of the beginning have one limit together.
                Stage::NoNetwork(_) => opened.elapsed(),
                Stage::Unlocking | Stage::Opening | Stage::Answering => started.elapsed(),
            };
            let wanted = error.cause.as_ref().and_then(wanted_wait);
            let Some(wait) = self.policy.wait(tries, elapsed, stage, wanted) else {
                self.ends_waiting(&mut self.waits(), Network::GivenUp);
                return Err(error);
            };
            match (stage, &self.network) {
                (Stage::NoNetwork(_), Some(network)) => {
                    let mut waits = self.waits();
                    if !self.has_answered() && !std::mem::replace(&mut waits, true) {
                        (network.tell)(Network::Missing(&error));
                    }
                }
                _ => (self.tell)(&error, wait),
            }
            std::thread::sleep(wait);
        }
    }

    fn stage(&self, unlocks: bool, kind: ErrorKind) -> Stage {
        match (unlocks, self.has_answered(), &self.network) {
            (true, ..) => Stage::Unlocking,
            (false, true, _) => Stage::Answering,
            (false, false, Some(network)) if kind == ErrorKind::Unreachable => {
                Stage::NoNetwork(network.limit)
            }
            (false, false, _) => Stage::Opening,
        }
    }

    fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Acquire)
    }

    fn answered(&self) {
        if !self.has_answered() {
            let mut waits = self.waits();
            self.ends_waiting(&mut waits, Network::There);
            self.has_answered.store(true, Ordering::Release);
        }
    }

    fn ends_waiting(&self, waits: &mut bool, how: Network<'_>) {
        if let Some(network) = &self.network
            && std::mem::take(waits)
        {
            (network.tell)(how);
        }
    }

    fn waits(&self) -> MutexGuard<'_, bool> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Retry {
    fn create_layout(&self) -> Result<(), Error> {
        self.attempt(FileKind::Config, false, |_| self.inner.create_layout())
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        self.attempt(kind, false, |_| self.inner.list(kind))
    }

    fn lists(&self, kinds: &[FileKind]) -> Result<Vec<Listing>, Error> {
        // Each of several requests has its own tries.
        match self.traits().connects_quickly {
            true => at_once::lists(self, kinds),
            false => self.attempt(FileKind::Pack, false, |_| self.inner.lists(kinds)),
        }
    }

    fn has_directory(&self, kind: FileKind) -> Result<Option<bool>, Error> {
        self.attempt(kind, false, |_| self.inner.has_directory(kind))
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        self.attempt(file.kind, false, |_| self.inner.size(file))
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.attempt(file.kind, false, |_| {
            self.inner.read_range(file, offset, buffer)
        })
    }

    fn will_read(&self, file: FileName, offset: u64, length: u64) {
        self.inner.will_read(file, offset, length);
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        self.attempt(file.kind, false, |_| self.inner.read(file, limit))
    }

    fn read_first(&self, limit: u64) -> Result<First, Error> {
        match self.traits().connects_quickly {
            true => at_once::first(self, limit),
            false => self.attempt(FileKind::Config, false, |_| self.inner.read_first(limit)),
        }
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        // A write does nothing where the same file exists, so it may be repeated when only its answer was lost.
        self.attempt(file.kind, false, |_| self.inner.write(file, content))
    }

    fn write_data(&self, pack: Id, content: &[u8]) -> Result<Durability, Error> {
        self.attempt(FileKind::Pack, false, |_| {
            self.inner.write_data(pack, content)
        })
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        let unlocks = file.kind == FileKind::Lock;
        self.attempt(file.kind, unlocks, |tries| match self.inner.remove(file) {
            // An earlier try removed it, and its answer was lost.
            Err(error) if tries > 0 && error.kind == super::error::ErrorKind::NotFound => Ok(()),
            result => result,
        })
    }

    fn sync(&self) -> Result<(), Error> {
        self.attempt(FileKind::Pack, false, |_| self.inner.sync())
    }

    fn sweep(&self, age: Duration) -> Result<usize, Error> {
        self.attempt(FileKind::Pack, false, |_| self.inner.sweep(age))
    }

    fn may_remove_packs(&self) -> Result<(), Error> {
        self.attempt(FileKind::Pack, false, |_| self.inner.may_remove_packs())
    }

    fn retains(&self) -> Option<Duration> {
        self.inner.retains()
    }

    fn retention(&self, file: FileName) -> Result<Option<Retention>, Error> {
        self.attempt(file.kind, false, |_| self.inner.retention(file))
    }

    fn retain(&self, file: FileName, retention: Retention) -> Result<(), Error> {
        self.attempt(file.kind, false, |_| self.inner.retain(file, retention))
    }

    fn brings_back(&self) -> Option<Terms> {
        self.inner.brings_back()
    }

    fn bring_back(&self, pack: Id) -> Result<Whereabouts, Error> {
        self.attempt(FileKind::Pack, false, |_| self.inner.bring_back(pack))
    }

    fn traits(&self) -> Traits {
        self.inner.traits()
    }
}

#[cfg(test)]
mod tests;

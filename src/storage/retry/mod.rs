//! A storage whose requests are tried again when their failure may pass: one policy for every kind of server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::concurrency::Concurrency;
use super::error::{Error, ErrorKind};
use super::http::wanted_wait;
use super::id::Id;
use super::retention::Retention;
use super::{Durability, FileKind, FileName, Listing, Storage, Traits};

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
            let Some(wait) = self.policy.wait(tries, elapsed, stage) else {
                self.ends_waiting(&mut self.waits(), Network::GivenUp);
                return Err(error);
            };
            let wanted = error.cause.as_ref().and_then(wanted_wait);
            let wait = wait.max(wanted.unwrap_or_default().min(self.policy.longest_wait));
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

    fn traits(&self) -> Traits {
        self.inner.traits()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::storage::error::ErrorKind;
    use crate::storage::memory::{Memory, Request};

    const QUICK: Policy = Policy {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(1),
        opening: Duration::from_secs(60),
        patience: Duration::from_secs(60),
        unlocking: Duration::from_secs(60),
    };

    fn retry(policy: Policy) -> (Memory, Retry, Arc<Mutex<Vec<ErrorKind>>>) {
        let memory = Memory::new();
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        let tell: Tell = Box::new(move |error, _| list.lock().unwrap().push(error.kind));
        let retry = Retry::new(
            Arc::new(memory.clone()),
            policy,
            Concurrency::untold(5),
            tell,
        );
        (memory, retry, told)
    }

    fn named(content: &[u8]) -> FileName {
        FileName::new(FileKind::Pack, Id::of(content))
    }

    #[test]
    fn a_failure_that_passes_is_told_and_tried_again() {
        let (memory, retry, told) = retry(QUICK);
        memory.fail(Request::Write, 0, ErrorKind::Unreachable);
        memory.fail(Request::Write, 0, ErrorKind::Busy);
        retry.write(named(b"x"), b"x").unwrap();
        assert_eq!(memory.read(named(b"x"), 9).unwrap(), b"x");
        assert_eq!(
            *told.lock().unwrap(),
            [ErrorKind::Unreachable, ErrorKind::Busy]
        );
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        let (memory, retry, told) = retry(QUICK);
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::Denied,
            ErrorKind::NoSpace,
            ErrorKind::Unauthorized,
            ErrorKind::Untrusted,
            ErrorKind::Answer,
            ErrorKind::Io,
        ] {
            memory.fail(Request::List, 0, kind);
            assert_eq!(retry.list(FileKind::Key).unwrap_err().kind, kind);
        }
        assert_eq!(*told.lock().unwrap(), []);
    }

    #[test]
    fn a_storage_that_never_answered_fails_early() {
        let opening = Policy {
            opening: Duration::ZERO,
            ..QUICK
        };
        let (memory, retry, told) = retry(opening);
        for _ in 0..2 {
            memory.fail(Request::List, 0, ErrorKind::Unreachable);
        }
        let error = retry.list(FileKind::Key).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert_eq!(told.lock().unwrap().len(), 1);
        retry.list(FileKind::Key).unwrap();
        for _ in 0..5 {
            memory.fail(Request::List, 0, ErrorKind::Unreachable);
        }
        retry.list(FileKind::Key).unwrap();
    }

    fn with_network(limit: Duration) -> (Memory, Retry, Arc<Mutex<Vec<String>>>) {
        let (memory, retry, told) = retry(Policy {
            opening: Duration::ZERO,
            ..QUICK
        });
        let news = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&news);
        let retry = retry.waiting_for_network(NetworkWait {
            limit,
            tell: Box::new(move |news| {
                assert_eq!(*told.lock().unwrap(), []);
                list.lock().unwrap().push(match news {
                    Network::Missing(error) => format!("{:?}", error.kind),
                    other => format!("{other:?}"),
                });
            }),
        });
        (memory, retry, news)
    }

    #[test]
    fn a_server_that_cannot_be_reached_yet_is_waited_for_and_that_is_told_once() {
        let (memory, retry, news) = with_network(Duration::from_secs(60));
        for _ in 0..5 {
            memory.fail(Request::List, 0, ErrorKind::Unreachable);
        }
        retry.list(FileKind::Key).unwrap();
        retry.list(FileKind::Key).unwrap();
        assert_eq!(*news.lock().unwrap(), ["Unreachable", "There"]);
    }

    #[test]
    fn all_requests_wait_for_the_network_no_longer_than_the_limit() {
        let (memory, retry, news) = with_network(Duration::ZERO);
        for _ in 0..2 {
            memory.fail(Request::List, 0, ErrorKind::Unreachable);
        }
        let error = retry.list(FileKind::Key).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert_eq!(*news.lock().unwrap(), ["Unreachable", "GivenUp"]);
    }

    #[test]
    fn a_server_that_answers_is_not_waited_for() {
        let (memory, retry, news) = with_network(Duration::from_secs(60));
        for kind in [
            ErrorKind::Unauthorized,
            ErrorKind::Untrusted,
            ErrorKind::NoPlace,
        ] {
            memory.fail(Request::List, 0, kind);
            assert_eq!(retry.list(FileKind::Key).unwrap_err().kind, kind);
        }
        assert!(news.lock().unwrap().is_empty());
    }

    #[test]
    fn a_removal_whose_answer_was_lost_has_happened() {
        let (memory, retry, _) = retry(QUICK);
        assert_eq!(
            retry.remove(named(b"x")).unwrap_err().kind,
            ErrorKind::NotFound
        );
        memory.fail(Request::Remove, 0, ErrorKind::Unreachable);
        retry.remove(named(b"x")).unwrap();
    }
}

//! How many requests at a time a server gets. It gets fewer when it wants fewer, and more again later.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::FileKind;
use super::error::ErrorKind;
use aimd::Aimd;
pub use aimd::Change;

mod aimd;

/// For how long a server must take what it gets before it gets one request more at a time.
const STEP: Duration = Duration::from_secs(30);

/// Is told that the server gets fewer requests at a time, and that it gets all again.
pub type TellChange = Box<dyn Fn(Change) + Send + Sync>;

/// The number of requests at a time. All requests to one server share it. Those about lock files are not counted, because
/// they must not wait.
pub struct Concurrency {
    state: Mutex<State>,
    /// A request has ended, or there may be more.
    freed: Condvar,
    began: Instant,
    tell: TellChange,
}

struct State {
    aimd: Aimd,
    under_way: usize,
}

impl Concurrency {
    /// At most so many requests at a time, and at least one.
    pub fn new(most: usize, tell: TellChange) -> Concurrency {
        Concurrency::with_step(most, STEP, tell)
    }

    /// The same, with the time that the server must take what it gets before it gets one more.
    pub fn with_step(most: usize, step: Duration, tell: TellChange) -> Concurrency {
        Concurrency {
            state: Mutex::new(State {
                aimd: Aimd::new(most, step),
                under_way: 0,
            }),
            freed: Condvar::new(),
            began: Instant::now(),
            tell,
        }
    }

    /// The same, of which nobody is told.
    pub fn untold(most: usize) -> Arc<Concurrency> {
        Arc::new(Concurrency::new(most, Box::new(|_| ())))
    }

    /// The number that is never exceeded.
    pub fn most(&self) -> usize {
        self.locked().aimd.most()
    }

    /// How many there may be at the moment.
    pub fn allowed(&self) -> usize {
        self.locked().aimd.allowed()
    }

    /// Runs a request about files of a kind when it is its turn. `kind_of` says of which kind its failure is.
    pub(super) fn run<T, E>(
        &self,
        kind: FileKind,
        request: impl FnOnce() -> Result<T, E>,
        kind_of: impl FnOnce(&E) -> ErrorKind,
    ) -> Result<T, E> {
        let turn = (kind != FileKind::Lock).then(|| self.turn());
        let sent = self.began.elapsed();
        let result = request();
        let now = self.began.elapsed();
        match &result {
            Ok(_) => self.change(|aimd| aimd.succeeded(sent, now)),
            Err(error) if kind_of(error) == ErrorKind::Overloaded => {
                self.change(|aimd| aimd.overloaded(sent, now));
            }
            Err(_) => {}
        }
        drop(turn);
        result
    }

    /// The server has this many connections, and refused one more.
    #[cfg(any(feature = "ftp", feature = "sftp"))]
    pub(super) fn refused_above(&self, open: usize) {
        let now = self.began.elapsed();
        self.change(|aimd| aimd.refused_above(open, now));
    }

    fn turn(&self) -> Turn<'_> {
        let mut state = self.locked();
        while state.under_way >= state.aimd.allowed() {
            state = self
                .freed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.under_way += 1;
        Turn(self)
    }

    fn change(&self, change: impl FnOnce(&mut Aimd) -> Option<Change>) {
        let told = change(&mut self.locked().aimd);
        if let Some(told) = told {
            (self.tell)(told);
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concurrency")
            .field("aimd", &self.locked().aimd)
            .finish_non_exhaustive()
    }
}

/// A request that is under way.
struct Turn<'c>(&'c Concurrency);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.locked().under_way -= 1;
        // There may be several more than before.
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn request(concurrency: &Concurrency, kind: FileKind, result: Result<(), ErrorKind>) {
        let _ = concurrency.run(kind, || result, |kind| *kind);
    }

    fn told() -> (TellChange, Arc<Mutex<Vec<Change>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        (
            Box::new(move |change| list.lock().unwrap().push(change)),
            told,
        )
    }

    #[test]
    fn no_more_requests_are_under_way_than_the_server_wants() {
        let (tell, told) = told();
        let concurrency = Concurrency::new(6, tell);
        // All six are under way at the same time.
        let all = Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    concurrency.run(FileKind::Pack, || Ok(all.wait()), |(): &()| ErrorKind::Io)
                });
            }
        });
        request(&concurrency, FileKind::Pack, Err(ErrorKind::Overloaded));
        assert_eq!(concurrency.allowed(), 3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let work = || {
                            most.fetch_max(
                                now.fetch_add(1, Ordering::SeqCst) + 1,
                                Ordering::SeqCst,
                            );
                            std::thread::yield_now();
                            now.fetch_sub(1, Ordering::SeqCst);
                            Ok(())
                        };
                        concurrency
                            .run(FileKind::Pack, work, |(): &()| ErrorKind::Io)
                            .unwrap();
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 3);
        assert_eq!(*told.lock().unwrap(), [Change::Fewer { now: 3, most: 6 }]);
    }

    #[test]
    fn a_request_about_a_lock_file_does_not_wait() {
        let concurrency = Concurrency::untold(1);
        let inner = || {
            request(&concurrency, FileKind::Lock, Ok(()));
            Ok(())
        };
        concurrency
            .run(FileKind::Pack, inner, |(): &()| ErrorKind::Io)
            .unwrap();
    }

    #[test]
    fn a_server_that_takes_what_it_gets_gets_all_again() {
        let (tell, told) = told();
        let concurrency = Concurrency::with_step(3, Duration::ZERO, tell);
        request(&concurrency, FileKind::Pack, Err(ErrorKind::Overloaded));
        for kind in [ErrorKind::Busy, ErrorKind::Unreachable, ErrorKind::NotFound] {
            request(&concurrency, FileKind::Pack, Err(kind));
        }
        assert_eq!(concurrency.allowed(), 1);
        for _ in 0..9 {
            request(&concurrency, FileKind::Pack, Ok(()));
        }
        let all = [
            Change::Fewer { now: 1, most: 3 },
            Change::AllAgain { most: 3 },
        ];
        assert_eq!(*told.lock().unwrap(), all);
    }
}

//! The token that all requests of a storage share, and its renewal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::error::ErrorKind;
use super::super::http::Failure;
use super::keystone::Token;

/// A token is not used within this time before its end, or within a tenth of its life.
const MARGIN: Duration = Duration::from_secs(60);

/// Fetches a token.
pub(super) type Fetch = Box<dyn Fn() -> Result<Token, Failure> + Send + Sync>;

/// The shared token. Of any number of threads that need a new one, one fetches it.
pub(super) struct Session {
    fetch: Fetch,
    state: Mutex<State>,
    /// How many tries to fetch a token have ended. Changed only under the lock of the state.
    tries: AtomicU64,
}

#[derive(Default)]
struct State {
    current: Option<(Arc<Token>, Instant)>,
    /// Of the last try, if it failed.
    failure: Option<(ErrorKind, String)>,
}

impl Session {
    /// Nothing is fetched yet.
    pub fn new(fetch: Fetch) -> Session {
        Session {
            fetch,
            state: Mutex::default(),
            tries: AtomicU64::new(0),
        }
    }

    /// A token that is good for some time. Those who waited while another thread failed to fetch one fail with it.
    ///
    /// # Errors
    /// When there is none, and Keystone gives none.
    pub fn token(&self) -> Result<Arc<Token>, Failure> {
        self.token_after(self.tries.load(Ordering::Acquire))
    }

    /// The same for a thread that came when so many tries had ended.
    fn token_after(&self, tries: u64) -> Result<Arc<Token>, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &state.current {
            Some((token, until)) if now < *until => return Ok(Arc::clone(token)),
            _ => {}
        }
        let has_waited = self.tries.load(Ordering::Acquire) != tries;
        if let (true, Some((kind, text))) = (has_waited, &state.failure) {
            return Err(Failure::told(*kind, text.clone()));
        }
        let fetched = (self.fetch)();
        self.tries.fetch_add(1, Ordering::Release);
        match fetched {
            Ok(token) => {
                let token = Arc::new(token);
                let until = now + usable(token.life);
                state.current = Some((Arc::clone(&token), until));
                state.failure = None;
                Ok(token)
            }
            Err(failure) => {
                state.current = None;
                state.failure = Some((failure.kind, failure.to_string()));
                Err(failure)
            }
        }
    }

    /// The object store does not accept this token. Another one that was fetched meanwhile stays.
    pub fn forget(&self, token: &Arc<Token>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((current, _)) = &state.current
            && Arc::ptr_eq(current, token)
        {
            state.current = None;
        }
    }
}

/// For how long a token is used. Half of a short life is left for the requests that began with it.
fn usable(life: Duration) -> Duration {
    life - MARGIN.max(life / 10).min(life / 2)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn token(life: u64) -> Token {
        Token {
            secret: "t".to_owned().into(),
            store: "http://h/".to_owned(),
            life: Duration::from_secs(life),
        }
    }

    fn session(life: u64) -> (Arc<AtomicUsize>, Session) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let session = Session::new(Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(token(life))
        }));
        (count, session)
    }

    #[test]
    fn a_token_is_renewed_some_time_before_its_end() {
        let seconds = Duration::from_secs;
        for (life, used) in [(3600, 3240), (300, 240), (100, 50), (4, 2), (0, 0)] {
            assert_eq!(usable(seconds(life)), seconds(used), "{life}");
        }
    }

    #[test]
    fn threads_share_one_token_and_one_renewal() {
        let (count, session) = session(3600);
        let first = session.token().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    // All of them were refused with the first token.
                    session.forget(&first);
                    assert!(!Arc::ptr_eq(&session.token().unwrap(), &first));
                });
            }
        });
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_token_whose_time_is_over_is_not_used() {
        let (count, session) = session(0);
        session.token().unwrap();
        session.token().unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn those_who_waited_for_a_token_that_did_not_come_ask_no_more() {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let (fetching, is_fetching) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel();
        let ended = Mutex::new(ended);
        let session = Session::new(Box::new(move || {
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                fetching.send(()).unwrap();
                ended.lock().unwrap().recv().unwrap();
            }
            Err(Failure::status(503))
        }));
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(session.token().err().unwrap().kind, ErrorKind::Overloaded));
            is_fetching.recv().unwrap();
            // What a thread knows that comes while another one fetches.
            let tries = session.tries.load(Ordering::Acquire);
            end.send(()).unwrap();
            let failure = session.token_after(tries).err().unwrap();
            assert_eq!(failure.kind, ErrorKind::Overloaded);
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
        // A later one asks anew.
        assert!(session.token().is_err());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}

//! Credentials, which may end and are then fetched anew: by one thread at a time, before they end.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use super::super::http::Failure;

pub mod chain;
mod outside;
mod profile;
mod replies;

pub use outside::{Outside, Reply, System};

/// Credentials are fetched anew when they end within this time.
const BEFORE_THE_END: Duration = Duration::from_secs(5 * 60);

/// Not more often than this, because the clock of this host may be wrong.
const NOT_MORE_OFTEN: Duration = Duration::from_secs(60);

/// An access key with what belongs to it. Its secrets are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The id of the key, which is not secret.
    pub access_key: String,
    pub secret_key: Zeroizing<String>,
    /// Of credentials that end.
    pub session_token: Option<Zeroizing<String>>,
    /// When they end; `None`: never, or nobody knows.
    pub expires: Option<SystemTime>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Fetches credentials from where they are. It may take seconds.
pub type Fetch = Box<dyn Fn() -> Result<Credentials, Failure> + Send + Sync>;

/// The credentials of all threads.
pub struct Provider {
    fetch: Fetch,
    current: Mutex<Option<Current>>,
}

struct Current {
    credentials: Arc<Credentials>,
    fetched: Instant,
}

impl Provider {
    /// Fetches nothing yet.
    pub fn new(fetch: Fetch) -> Provider {
        Provider {
            fetch,
            current: Mutex::new(None),
        }
    }

    /// Credentials that are good for the next minutes, as far as it is known.
    ///
    /// # Errors
    /// When there are none.
    pub fn current(&self) -> Result<Arc<Credentials>, Failure> {
        // Others wait here while one fetches.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &*current
            && !is_due(
                current.credentials.expires,
                SystemTime::now(),
                current.fetched.elapsed(),
            )
        {
            return Ok(Arc::clone(&current.credentials));
        }
        match (self.fetch)() {
            Ok(fetched) => {
                let credentials = Arc::new(fetched);
                *current = Some(Current {
                    credentials: Arc::clone(&credentials),
                    fetched: Instant::now(),
                });
                Ok(credentials)
            }
            // The old ones may still be good for some minutes.
            Err(failure) => match &mut *current {
                Some(old) => {
                    old.fetched = Instant::now();
                    Ok(Arc::clone(&old.credentials))
                }
                None => Err(failure),
            },
        }
    }

    /// Forgets these credentials, because the server says that they have ended.
    pub fn forget(&self, ended: &Arc<Credentials>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have fetched new ones meanwhile.
        if current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(&current.credentials, ended))
        {
            *current = None;
        }
    }
}

/// Whether credentials are to be fetched anew.
fn is_due(expires: Option<SystemTime>, now: SystemTime, since_fetched: Duration) -> bool {
    let Some(expires) = expires else { return false };
    let is_near = expires
        .duration_since(now)
        .map_or(true, |left| left < BEFORE_THE_END);
    is_near && since_fetched >= NOT_MORE_OFTEN
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::storage::error::ErrorKind;

    const MINUTE: Duration = Duration::from_secs(60);

    fn numbered(number: usize, lasts: Duration) -> Credentials {
        Credentials {
            access_key: number.to_string(),
            secret_key: "canary".to_owned().into(),
            session_token: Some("canary".to_owned().into()),
            expires: Some(SystemTime::now() + lasts),
        }
    }

    #[test]
    fn many_threads_fetch_once_and_no_secret_is_shown() {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let provider = Provider::new(Box::new(move || {
            Ok(numbered(
                counted.fetch_add(1, Ordering::SeqCst),
                60 * MINUTE,
            ))
        }));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(provider.current().unwrap().access_key, "0"));
            }
        });
        let first = provider.current().unwrap();
        assert!(!format!("{first:?}").contains("canary"));
        provider.forget(&first);
        let second = provider.current().unwrap();
        assert_eq!(second.access_key, "1");
        // A thread that saw the refusal late.
        provider.forget(&first);
        assert_eq!(provider.current().unwrap().access_key, "1");
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn they_are_fetched_minutes_before_they_end_and_not_all_the_time() {
        let now = SystemTime::now();
        assert!(!is_due(None, now, 1000 * MINUTE));
        assert!(!is_due(Some(now + 6 * MINUTE), now, 60 * MINUTE));
        assert!(is_due(Some(now + 4 * MINUTE), now, 60 * MINUTE));
        assert!(is_due(Some(now - MINUTE), now, 2 * MINUTE));
        assert!(!is_due(Some(now - MINUTE), now, MINUTE / 2));
    }

    #[test]
    fn without_any_credentials_there_is_an_error_each_time() {
        let provider = Provider::new(Box::new(|| {
            Err(Failure::told(ErrorKind::Unauthorized, "none".to_owned()))
        }));
        for _ in 0..2 {
            let failure = provider.current().unwrap_err();
            assert_eq!(failure.kind, ErrorKind::Unauthorized);
        }
    }
}

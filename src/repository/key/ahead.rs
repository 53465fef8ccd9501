//! The key that opened the repository before, derived while the server is asked whether it still has it. Far away, that
//! hides most of the time that the derivation takes.

use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use zeroize::Zeroizing;

use super::{Error, SecretKeys, parse};
use crate::storage::Storage;
use crate::storage::id::Id;

/// What the password makes of a key file; nothing when it is not the password of this key.
type Opened = Result<Option<SecretKeys>, Error>;

/// A derivation that goes on. It is good for one question: whether this password opens this key.
#[derive(Debug)]
pub struct Ahead {
    id: Id,
    thread: Mutex<Option<JoinHandle<Opened>>>,
}

impl Ahead {
    /// Begins with the key that this host has kept; `None` if it has none.
    pub fn begin(storage: &dyn Storage, password: &[u8]) -> Option<Ahead> {
        let (id, content) = storage.earlier_key()?;
        let password = Zeroizing::new(password.to_vec());
        let derive = move || parse(id, &content)?.open(id, &password);
        let named = std::thread::Builder::new().name("key".to_owned());
        let thread = Mutex::new(Some(named.spawn(derive).ok()?));
        Some(Ahead { id, thread })
    }

    /// The key that is being opened. It may be gone from the server.
    pub(super) fn id(&self) -> Id {
        self.id
    }

    /// Waits for the result; `None` if it is about another key, or was taken already.
    pub(super) fn take(&self, id: Id) -> Option<Opened> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = (id == self.id).then(|| thread.take())??;
        thread.join().ok()
    }
}

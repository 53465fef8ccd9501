//! The connections of a storage. Each request has one for itself while it runs; what ends is made anew.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::FileKind;
use super::concurrency::Concurrency;

/// A connection to a server, of which each request needs one.
pub(super) trait Connection {
    /// Why there is no connection.
    type Failure;

    /// Whether the next request can use it. May ask the server, if nothing was heard of it for long.
    fn is_usable(&mut self) -> bool;

    /// Whether a connection may have failed because the server has as many as it allows.
    fn may_be_one_too_many(failure: &Self::Failure) -> bool;
}

/// The connections: some for all files, and one for lock files, which never wait behind large ones.
pub(super) struct Pool<C> {
    concurrency: Arc<Concurrency>,
    state: Mutex<State<C>>,
    /// A connection is free, or may be made.
    freed: Condvar,
    locks: Mutex<Option<C>>,
}

struct State<C> {
    idle: Vec<C>,
    /// How many there are, with those that are in use.
    open: usize,
}

impl<C: Connection> Pool<C> {
    /// A pool without connections. There will be no more than this allows.
    pub fn new(concurrency: Arc<Concurrency>) -> Pool<C> {
        Pool {
            concurrency,
            state: Mutex::new(State {
                idle: Vec::new(),
                open: 0,
            }),
            freed: Condvar::new(),
            locks: Mutex::default(),
        }
    }

    /// Runs a request on a connection. `connect` makes one where it is needed. A connection that breaks is not used again.
    pub fn with<T>(
        &self,
        kind: FileKind,
        connect: impl Fn() -> Result<C, C::Failure>,
        request: impl FnOnce(&mut C) -> Result<T, C::Failure>,
    ) -> Result<T, C::Failure> {
        if kind == FileKind::Lock {
            let mut own = locked(&self.locks);
            if !own.as_mut().is_some_and(C::is_usable) {
                *own = None;
                match connect() {
                    Ok(session) => *own = Some(session),
                    // A server that has as many connections as it allows.
                    Err(error)
                        if C::may_be_one_too_many(&error) && locked(&self.state).open > 0 => {}
                    Err(error) => return Err(error),
                }
            }
            if let Some(session) = own.as_mut() {
                let result = request(session);
                if !session.is_usable() {
                    *own = None;
                }
                return result;
            }
        }
        let mut session = self.take(connect)?;
        let result = request(&mut session);
        let is_usable = session.is_usable();
        let mut state = locked(&self.state);
        // The server may want fewer than there are.
        if is_usable && state.open <= self.concurrency.allowed() {
            state.idle.push(session);
            drop(state);
        } else {
            drop(state);
            drop(session);
            locked(&self.state).open -= 1;
        }
        self.freed.notify_one();
        result
    }

    fn take(&self, connect: impl Fn() -> Result<C, C::Failure>) -> Result<C, C::Failure> {
        let mut state = locked(&self.state);
        loop {
            while let Some(mut session) = state.idle.pop() {
                drop(state);
                let is_usable = session.is_usable();
                state = locked(&self.state);
                if is_usable {
                    return Ok(session);
                }
                state.open -= 1;
            }
            if state.open < self.concurrency.allowed() {
                state.open += 1;
                drop(state);
                let connected = connect();
                state = locked(&self.state);
                let error = match connected {
                    Ok(session) => return Ok(session),
                    Err(error) => error,
                };
                state.open -= 1;
                self.freed.notify_one();
                // Others work, so this may be one too many for the server.
                if !C::may_be_one_too_many(&error) || state.open == 0 {
                    return Err(error);
                }
                self.concurrency.refused_above(state.open);
                continue;
            }
            state = self
                .freed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The slot of the action (`concurrent_jobs`). The agent gives it back while it waits for the network, so that other actions
//! can start, and takes one again before it goes on.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::report::Reporter;
use crate::protocol::Report;

/// A daemon that has a free slot answers at once. After this time the wait is told.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The slot of this agent's action.
pub struct Slot {
    reporter: Arc<Reporter>,
    state: Mutex<State>,
    given: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    Returned,
    /// The daemon was asked for one.
    Wanted,
}

impl Slot {
    /// The slot with which every action starts.
    pub fn new(reporter: Arc<Reporter>) -> Slot {
        Slot {
            reporter,
            state: Mutex::new(State::Held),
            given: Condvar::new(),
        }
    }

    /// Gives the slot back. Call it only while nothing is done but wait.
    pub fn give_back(&self) {
        let mut state = self.lock();
        if *state == State::Held {
            *state = State::Returned;
            self.reporter.send(&Report::SlotReturned);
        }
    }

    /// Waits until the action has a slot again, if it gave its own back.
    pub fn take_again(&self) {
        let mut state = self.lock();
        if *state == State::Returned {
            *state = State::Wanted;
            self.reporter.send(&Report::SlotWanted);
        }
        let (mut state, timeout) = self
            .given
            .wait_timeout_while(state, AT_ONCE, |state| *state == State::Wanted)
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            self.reporter.waits("a free slot (`concurrent_jobs`)");
        }
        while *state == State::Wanted {
            state = self
                .given
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The daemon has answered that there is a slot.
    pub fn given(&self) {
        let mut state = self.lock();
        if *state == State::Wanted {
            *state = State::Held;
            self.given.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

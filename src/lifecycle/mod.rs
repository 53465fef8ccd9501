//! What a fact or an event means for a job and for a run: pure functions from a record, an input and an instant to
//! a new record and the effects that are to follow.
//!
//! `docs/design.md` has the transition tables.

pub mod clock_doubt;
pub mod job;
pub mod queue;
pub mod retention;
pub mod run;

//! What a fact or an event means for a job and for a run. Pure functions take a record, an input and an instant, and
//! return a new record and the effects that have to follow.
//!
//! `docs/design.md` has the transition tables.

pub mod clock_doubt;
pub mod job;
pub mod notices;
pub mod queue;
pub mod retention;
pub mod run;

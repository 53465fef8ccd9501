//! What receivers are told of a job, and when. Pure, as everything in this room.
//!
//! By default a receiver is told when the state of a job changes: when its runs begin to go wrong, when they go wrong in
//! another way, when it becomes overdue, and when it is well again.

#[cfg(test)]
mod alarm_tests;
mod decide;
mod delivery;
#[cfg(test)]
mod tests;
mod words;

pub use decide::{
    Audience, Telling, Turn, after_run, alarm_of_failed, every_run, is_still_news, look, next_look,
    overdue_at, turn,
};
pub use delivery::{AFTER_A_REFUSAL, GIVE_UP_AFTER, first_try, next_try};
pub use words::{Facts, digest, of_job, of_run};

//! What receivers are told of a job, and when. Pure, as everything in this room.
//!
//! By default a receiver is told when the state of a job changes: when its runs begin to go wrong, when they go wrong in
//! another way, when it becomes overdue, and when it is well again.

mod audience;
mod delivery;
#[cfg(test)]
mod tests;
mod time;
mod turn;
mod words;

pub use audience::{Audience, Telling, hears_every_run};
pub use delivery::{AFTER_A_REFUSAL, GIVE_UP_AFTER, first_try, is_still_news, next_try};
pub use time::{look, next_look, overdue_at};
pub use turn::{AtEnd, Turn, after_run, every_run, turn};
pub use words::{Facts, digest, of_job, of_run};

//! What is refused in a schedule, and what each refusal says: one form, one message, and a correction where there is one.

mod combinations;
mod messages;

use freezerd::schedule::Schedule;
use freezerd::schedule::fault::{Fault, Field};
use freezerd::schedule::parse::RawSchedule;

fn parse(texts: &[(Field, &str)]) -> Result<Schedule, Vec<Fault>> {
    let mut raw = RawSchedule::default();
    for (field, text) in texts {
        *raw.slot(*field) = Some(text);
    }
    Schedule::parse(&raw)
}

//! The edge to the schedule's room: `job_schedule` as texts, and its faults as places in the file.

use super::codes;
use super::decode::{Field, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::values::Judge;
use super::{Event, InitialState, JobResult, Status};
use crate::schedule::Schedule;

/// A job's schedule, as far as it could be read.
pub(super) struct Timing {
    /// `None` where there was a fault.
    pub schedule: Option<Schedule>,
}

impl Timing {
    /// Reads the schedule.
    pub fn read(_fields: &Fields<'_>, _judge: &mut Judge<'_>) -> Timing {
        Timing {
            schedule: Some(Schedule {}),
        }
    }

    /// A date of an action in the job's zone, Unix seconds. `None` where it is unset or wrong.
    pub fn moment(&self, field: Option<Field<'_>>, judge: &mut Judge<'_>) -> Option<i64> {
        let field = field?;
        let written = judge.text(Some(field))?;
        match chrono::NaiveDateTime::parse_from_str(&written, "%Y-%m-%dT%H:%M:%S") {
            Ok(moment) => Some(moment.and_utc().timestamp()),
            Err(_) => {
                judge.tell(
                    Diagnostic::error(
                        codes::BAD_DATE,
                        format!("{} is no date and time", quoted(&written)),
                    )
                    .at(field.node.span.clone())
                    .label("expected a date and a time")
                    .help("write it as `2026-06-02T16:20:00`"),
                );
                None
            }
        }
    }
}

/// What the file says of the job's state.
pub(super) fn initial_state(fields: &Fields<'_>, judge: &mut Judge<'_>) -> InitialState {
    InitialState {
        status: judge.word(fields.get("status")).map(|word| match word {
            "scheduled" => Status::Scheduled,
            "running" => Status::Running,
            "aborting" => Status::Aborting,
            "removed" => Status::Removed,
            // "stop", and "completed", which Freezer also writes.
            _ => Status::Stop,
        }),
        event: judge.word(fields.get("event")).map(|word| match word {
            "start" => Event::Start,
            "abort" => Event::Abort,
            "remove" => Event::Remove,
            _ => Event::Stop,
        }),
        result: judge.word(fields.get("result")).map(|word| match word {
            "success" => JobResult::Success,
            "aborted" => JobResult::Aborted,
            _ => JobResult::Fail,
        }),
        time_created: judge.timestamp(fields.get("time_created")),
        time_started: judge.timestamp(fields.get("time_started")),
        time_ended: judge.timestamp(fields.get("time_ended")),
    }
}

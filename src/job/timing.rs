//! The edge to the schedule's room: `job_schedule` as texts, and its faults as places in the file.

use super::codes;
use super::decode::{Field, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Node, Span, Value};
use super::values::{Judge, head};
use super::{Event, InitialState, JobResult, Status};
use crate::schedule::Schedule;
use crate::schedule::fault::Field as ScheduleField;
use crate::schedule::moment::Moment;
use crate::schedule::parse::RawSchedule;

/// A job's schedule, as far as it could be read.
pub(super) struct Timing {
    /// `None` where there was a fault.
    pub schedule: Option<Schedule>,
}

impl Timing {
    /// Reads the schedule.
    pub fn read(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Timing {
        let mut raw = RawSchedule::default();
        let mut whole = true;
        for field in ScheduleField::ALL {
            let Some(given) = fields.get(field.key()) else {
                continue;
            };
            match written(given.node) {
                Written::Unset => {}
                Written::Text(text) => *raw.slot(field) = Some(text),
                Written::Unusable => {
                    whole = false;
                    unusable(&given, judge);
                }
            }
        }
        let schedule = match Schedule::parse(&raw) {
            Ok(schedule) => schedule,
            Err(faults) => {
                for fault in faults {
                    let Some(given) = fields.get(fault.field.key()) else {
                        continue;
                    };
                    let place = place_of(given.node, fault.range.clone());
                    judge.tell(
                        from_room(fault.code, fault.message, fault.label, fault.help).at(place),
                    );
                }
                return Timing { schedule: None };
            }
        };
        for idle in schedule.idle_fields() {
            if let Some(given) = fields.set(idle.key()) {
                judge.tell(
                    Diagnostic::warning(
                        codes::NO_EFFECT,
                        format!("{} has no effect here", quoted(given.written)),
                    )
                    .at(given.key_span.clone())
                    .label("accepted, and ignored")
                    .help("it bounds schedules that repeat, and this one does not"),
                );
            }
        }
        Timing {
            schedule: whole.then_some(schedule),
        }
    }

    /// A date of an action in the job's zone, Unix seconds. `None` where it is unset or wrong.
    pub fn moment(&self, field: Option<Field<'_>>, judge: &mut Judge<'_>) -> Option<i64> {
        let field = field?;
        let text = match written(field.node) {
            Written::Text(text) if !text.trim().is_empty() => text,
            Written::Text(_) | Written::Unset => return None,
            Written::Unusable => {
                unusable(&field, judge);
                return None;
            }
        };
        match Moment::parse(text) {
            Ok(moment) => {
                let host_zone = &judge.host.zone;
                let zone = self
                    .schedule
                    .as_ref()
                    .map_or(host_zone, |schedule| schedule.zone_or(host_zone));
                Some(moment.instant(zone).timestamp())
            }
            Err(flaw) => {
                let place = place_of(field.node, flaw.range.clone());
                judge.tell(from_room(flaw.code, flaw.message, flaw.label, flaw.help).at(place));
                None
            }
        }
    }
}

/// A value as the schedule's room takes it.
enum Written<'a> {
    Unset,
    Text(&'a str),
    Unusable,
}

fn written(node: &Node) -> Written<'_> {
    match &node.value {
        Value::Null | Value::Bool(false) => Written::Unset,
        Value::Text(text) => Written::Text(&text.content),
        Value::Number(number) => Written::Text(number),
        _ => Written::Unusable,
    }
}

fn unusable(field: &Field<'_>, judge: &mut Judge<'_>) {
    if field.node.value == Value::Broken {
        return;
    }
    let fault = Diagnostic::error(
        codes::WRONG_TYPE,
        format!(
            "{} takes a text or a number, and this is {}",
            quoted(field.written),
            field.node.kind()
        ),
    )
    .at(head(field.node))
    .label("expected a text");
    let Value::List(nodes) = &field.node.value else {
        return judge.tell(fault);
    };
    // What was meant by a list is clear, as far as it holds nothing but items.
    let items = nodes.iter().map(|node| match written(node) {
        Written::Text(text) => Some(text.trim()),
        _ => None,
    });
    judge.tell(match items.collect::<Option<Vec<&str>>>() {
        Some(items) if !items.is_empty() && items.len() < 20 => fault.help(format!(
            "write the list as one text: {}",
            quoted(&format!("\"{}\"", items.join(", ")))
        )),
        _ => fault,
    });
}

/// A place inside of a value's text as a place in the file.
fn place_of(node: &Node, range: Option<Span>) -> Span {
    let begin = match &node.value {
        Value::Text(text) if text.plain => node.span.start + 1,
        Value::Number(_) => node.span.start,
        _ => return node.span.clone(),
    };
    match range {
        Some(range) if begin + range.end <= node.span.end => begin + range.start..begin + range.end,
        _ => node.span.clone(),
    }
}

/// A fault that the schedule's room found. Its kinds have their stories in this room's table.
fn from_room(
    code: &str,
    message: String,
    label: Option<String>,
    help: Option<String>,
) -> Diagnostic {
    let mut fault = Diagnostic::error(codes::find(code).unwrap_or(codes::NOT_UNDERSTOOD), message);
    fault.label = label;
    fault.help = help;
    fault
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::keys::{Place, Shape};

    #[test]
    fn the_table_has_the_keys_that_the_schedule_reads() {
        let table = Place::Schedule
            .keys()
            .iter()
            .filter(|key| key.shape == Shape::Schedule);
        let mut table: Vec<&str> = table.map(|key| key.name).collect();
        let mut room: Vec<&str> = ScheduleField::ALL.iter().map(|field| field.key()).collect();
        table.sort_unstable();
        room.sort_unstable();
        assert_eq!(table, room);
    }
}

//! Reads `job_schedule`: gives its texts to `schedule/`, and finds in the file the faults that come back.

use std::time::Duration;

use super::codes;
use super::decode::{Field, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Node, Span, Value};
use super::state::{Event, InitialState, JobResult, Status};
use super::values::{ValueReader, head};
use crate::schedule::Schedule;
use crate::schedule::fault::Field as ScheduleField;
use crate::schedule::habits;
use crate::schedule::interval;
use crate::schedule::moment::Moment;
use crate::schedule::parse::RawSchedule;
use crate::schedule::zone;

/// The schedule of a job, as far as it could be read.
pub(super) struct Timing {
    /// `None` where there is a fault.
    pub schedule: Option<Schedule>,
}

impl Timing {
    /// Reads the schedule, and reports its faults.
    pub fn read(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Timing {
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
                    unusable(&given, values);
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
                    let span = span_of(given.node, fault.range.clone());
                    // The fault of two kinds of schedule is not one of the text itself.
                    let of_text = fault.code != codes::SEVERAL_KINDS.name;
                    let habit = raw
                        .get(fault.field)
                        .filter(|text| of_text && names_a_time(fault.field, text))
                        .and_then(habits::as_members);
                    let help = habit
                        .map(|fields| format!("write `{fields}`"))
                        .or(fault.help);
                    values.report(
                        fault_of_schedule(fault.code, fault.message, fault.label, help).at(span),
                    );
                }
                return Timing { schedule: None };
            }
        };
        for idle in schedule.idle_fields() {
            if let Some(given) = fields.set(idle.key()) {
                values.report(
                    Diagnostic::warning(
                        codes::NO_EFFECT,
                        format!("{} has no effect here", quoted(given.written)),
                    )
                    .at(given.key_span.clone())
                    .label("accepted, and ignored")
                    .help("it limits schedules that repeat, and this one does not"),
                );
            }
        }
        warn_of_weekdays(fields, values);
        warn_of_zone(fields, values);
        Timing {
            schedule: whole.then_some(schedule),
        }
    }

    /// A date of an action, in the zone of the job, as Unix seconds. `None` where it is unset or wrong.
    pub fn moment(&self, field: Option<Field<'_>>, values: &mut ValueReader<'_>) -> Option<i64> {
        let field = field?;
        let text = match written(field.node) {
            Written::Text(text) if !text.trim().is_empty() => text,
            Written::Text(_) | Written::Unset => return None,
            Written::Unusable => {
                unusable(&field, values);
                return None;
            }
        };
        match Moment::parse(text) {
            Ok(moment) => {
                let host_zone = &values.host.zone;
                let zone = self
                    .schedule
                    .as_ref()
                    .map_or(host_zone, |schedule| schedule.zone_or(host_zone));
                Some(moment.instant(zone).timestamp())
            }
            Err(flaw) => {
                let span = span_of(field.node, flaw.range.clone());
                values.report(
                    fault_of_schedule(flaw.code, flaw.message, flaw.label, flaw.help).at(span),
                );
                None
            }
        }
    }
}

/// A span of time such as `26 hours`, more than 0. `None` where it is unset or wrong.
pub(super) fn duration(field: Option<Field<'_>>, values: &mut ValueReader<'_>) -> Option<Duration> {
    let field = field.filter(|field| !field.node.is_unset())?;
    let Written::Text(text) = written(field.node) else {
        unusable(&field, values);
        return None;
    };
    match interval::parse_duration(text) {
        Ok(Duration::ZERO) => {
            values.report(
                Diagnostic::error(
                    codes::OUT_OF_RANGE,
                    format!("{} takes more than 0", quoted(field.written)),
                )
                .at(field.node.span.clone())
                .label("out of range")
                .help("to have none, write `null` or remove the key"),
            );
            None
        }
        Ok(duration) => Some(duration),
        Err(flaw) => {
            let span = span_of(field.node, flaw.range.clone());
            values
                .report(fault_of_schedule(flaw.code, flaw.message, flaw.label, flaw.help).at(span));
            None
        }
    }
}

/// Warns about weekdays by number, which other programs count from Sunday.
fn warn_of_weekdays(fields: &Fields<'_>, values: &mut ValueReader<'_>) {
    let Some(given) = fields.get(ScheduleField::DayOfWeek.key()) else {
        return;
    };
    let Written::Text(text) = written(given.node) else {
        return;
    };
    let Some((named, cron)) = habits::numbered_weekdays(text) else {
        return;
    };
    let or_cron = cron.map_or_else(String::new, |cron| {
        format!(", or `{cron}` if you mean it as in cron, where 0 is Sunday")
    });
    values.report(
        Diagnostic::warning(
            codes::NUMBERED_WEEKDAYS,
            format!("{} means `{named}`: 0 is Monday", quoted(text)),
        )
        .at(given.node.span.clone())
        .label("counted from Monday")
        .help(format!("write `{named}`{or_cron}")),
    );
}

/// Whether a text in the wrong field is a whole time, and not a mistake in a value of that field. A word as `daily` and a
/// span as `6h` say only in some fields which time is meant: beside `schedule_hour`, a day that is `daily` has its hour.
fn names_a_time(field: ScheduleField, text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    let is_simple = !lower.starts_with('@')
        && !lower.contains(|it: char| it == ':' || it.is_whitespace())
        && !lower.ends_with("am")
        && !lower.ends_with("pm");
    match field {
        ScheduleField::Date => true,
        ScheduleField::Interval => !is_simple,
        field => ScheduleField::CALENDAR.contains(&field) && !is_simple,
    }
}

/// Warns about a zone whose sign is the other way round.
fn warn_of_zone(fields: &Fields<'_>, values: &mut ValueReader<'_>) {
    let Some(given) = fields.get(ScheduleField::Timezone.key()) else {
        return;
    };
    let Written::Text(text) = written(given.node) else {
        return;
    };
    if let Some((meaning, other)) = zone::inverted(text) {
        values.report(
            Diagnostic::warning(
                codes::INVERTED_ZONE,
                format!("{} is {meaning} Greenwich", quoted(text)),
            )
            .at(given.node.span.clone())
            .label("its sign is the other way round")
            .help(format!(
                "if you mean the other direction, write `{other}`; a city, as `Europe/Berlin`, follows its clocks in summer, too"
            )),
        );
    }
}

/// A value in the form that `schedule/` takes.
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

fn unusable(field: &Field<'_>, values: &mut ValueReader<'_>) {
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
        return values.report(fault);
    };
    // The meaning of a list of plain values is clear.
    let items = nodes.iter().map(|node| match written(node) {
        Written::Text(text) => Some(text.trim()),
        _ => None,
    });
    values.report(match items.collect::<Option<Vec<&str>>>() {
        Some(items) if !items.is_empty() && items.len() < 20 => fault.help(format!(
            "write the list as one text: {}",
            quoted(&format!("\"{}\"", items.join(", ")))
        )),
        _ => fault,
    });
}

/// The span in the file of a range of a value's text.
fn span_of(node: &Node, range: Option<Span>) -> Span {
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

/// A fault that `schedule/` found. The table of codes in this room has the story of its code.
fn fault_of_schedule(
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

/// What the file says about the state of the job.
pub(super) fn initial_state(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> InitialState {
    InitialState {
        status: values.value_of_word(fields.get("status"), Status::WORDS),
        event: values.value_of_word(fields.get("event"), Event::WORDS),
        result: values.value_of_word(fields.get("result"), JobResult::WORDS),
        time_created: values.timestamp(fields.get("time_created")),
        time_started: values.timestamp(fields.get("time_started")),
        time_ended: values.timestamp(fields.get("time_ended")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::keys::{Object, Shape};

    #[test]
    fn the_table_has_the_keys_that_the_schedule_reads() {
        let table = Object::Schedule
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

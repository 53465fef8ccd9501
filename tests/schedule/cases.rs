//! Three hundred documents whose firings are known, and what this program makes of them.
//!
//! Each line of `data/schedule-cases.jsonl` has a zone, a moment, a schedule, and the first firings from that moment on
//! as APScheduler computes them (`expect`), or that it refuses the schedule (`error`). Where this program means to
//! differ, the line says what it does (`recommended`). More files of the same form are checked when the variable
//! `FREEZERD_SCHEDULE_CASES` names them, separated by colons.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::schedule::Schedule;
use freezerd::schedule::fault::{Fault, Field};
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;
use serde_json::{Map, Value};

/// What a case leads to: firings, or a refusal.
#[derive(Debug, PartialEq)]
enum Outcome {
    Fires(Vec<DateTime<Utc>>),
    Refused,
}

struct Case {
    id: String,
    zone: Zone,
    now: DateTime<Utc>,
    texts: BTreeMap<&'static str, String>,
    class: String,
    expected: Outcome,
    /// A key that no schedule has: the job's reader refuses it before the schedule is looked at.
    foreign_key: bool,
}

fn instants(value: &Value) -> Vec<DateTime<Utc>> {
    let list = value.as_array().expect("a list of instants");
    list.iter()
        .map(|text| {
            text.as_str()
                .and_then(|text| text.parse().ok())
                .expect("an instant")
        })
        .collect()
}

/// Texts as the job's reader hands them on: numbers and truth values spelled out, empty ones left out.
fn texts(schedule: &Map<String, Value>) -> BTreeMap<&'static str, String> {
    let mut texts = BTreeMap::new();
    for field in Field::ALL {
        match schedule.get(field.key()) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(Value::String(text)) => drop(texts.insert(field.key(), text.clone())),
            Some(other) => drop(texts.insert(field.key(), other.to_string())),
        }
    }
    texts
}

fn read(line: &str) -> Case {
    let case: Value = serde_json::from_str(line).expect("a line of JSON");
    let text = |key: &str| case[key].as_str().expect("a text").to_owned();
    let answer = if case["recommended"].is_null() {
        &case
    } else {
        &case["recommended"]
    };
    let expected = match (answer.as_array(), answer.get("error")) {
        (Some(_), _) => Outcome::Fires(instants(answer)),
        (_, Some(_)) => Outcome::Refused,
        _ => Outcome::Fires(instants(&answer["expect"])),
    };
    let schedule = case["schedule"].as_object().expect("a schedule");
    Case {
        id: text("id"),
        zone: Zone::bundled(&text("tz")).expect("a zone"),
        now: text("now").parse().expect("an instant"),
        texts: texts(schedule),
        class: text("class"),
        expected,
        foreign_key: schedule.keys().any(|key| {
            key == Field::Timezone.key() || Field::ALL.iter().all(|field| field.key() != key)
        }),
    }
}

fn parse(case: &Case) -> Result<Schedule, Vec<Fault>> {
    let mut raw = RawSchedule::default();
    for field in Field::ALL {
        *raw.slot(field) = case.texts.get(field.key()).map(String::as_str);
    }
    Schedule::parse(&raw)
}

fn outcome(case: &Case) -> Outcome {
    match parse(case) {
        Ok(schedule) => Outcome::Fires(
            schedule
                .occurrences(case.now, case.now, &case.zone)
                .take(5)
                .collect(),
        ),
        Err(_) => Outcome::Refused,
    }
}

/// How many kinds of schedule a document has.
fn kinds(case: &Case) -> usize {
    let has = |field: &Field| case.texts.contains_key(field.key());
    usize::from(has(&Field::Date))
        + usize::from(has(&Field::Interval))
        + usize::from(Field::CALENDAR.iter().any(has))
}

/// A date that APScheduler or Freezer refuses and this program reads: ISO 8601 without seconds, with fractions, with
/// an offset, a blank for the `T`, or a day alone.
fn has_date_of_wider_form(case: &Case) -> bool {
    [Field::Date, Field::StartDate, Field::EndDate]
        .iter()
        .filter_map(|field| case.texts.get(field.key()))
        .any(|text| {
            text.parse::<chrono::NaiveDateTime>().is_err()
                || text.contains('.')
                || text.contains(' ')
        })
}

/// What this program does, where the contract for job files is more than the vectors know.
fn contracted(case: &Case) -> Outcome {
    if kinds(case) > 1 {
        return Outcome::Refused;
    }
    if case.class == "date_past"
        && let Outcome::Fires(firings) = &case.expected
    {
        let kept = firings
            .iter()
            .filter(|date| case.now - **date <= TimeDelta::hours(1));
        return Outcome::Fires(kept.copied().collect());
    }
    match &case.expected {
        Outcome::Fires(firings) => Outcome::Fires(firings.clone()),
        Outcome::Refused => Outcome::Refused,
    }
}

/// The ids of cases that do not come out as expected, each with both outcomes.
fn differences(lines: &str) -> (usize, Vec<String>) {
    let mut count = 0;
    let mut differences = Vec::new();
    for case in lines.lines().map(read).filter(|case| !case.foreign_key) {
        count += 1;
        let expected = contracted(&case);
        let found = outcome(&case);
        let wider =
            expected == Outcome::Refused && kinds(&case) <= 1 && has_date_of_wider_form(&case);
        if found != expected && !(wider && found != Outcome::Refused) {
            differences.push(format!(
                "{} ({}) {:?} at {} in {}\n    expected {expected:?}\n    found    {found:?}",
                case.id, case.class, case.texts, case.now, case.zone
            ));
        }
    }
    (count, differences)
}

#[test]
fn the_known_cases_come_out_as_expected() {
    let (count, differences) = differences(include_str!("../data/schedule-cases.jsonl"));
    assert_eq!(count, 300);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The cases in which the contract for job files and the vectors say different things, and the contract is followed.
#[test]
fn the_contract_goes_before_the_vectors_in_these_cases() {
    let cases: Vec<Case> = include_str!("../data/schedule-cases.jsonl")
        .lines()
        .map(read)
        .collect();
    let ids = |differs: &dyn Fn(&Case) -> bool| -> Vec<String> {
        let differing = cases.iter().filter(|case| differs(case));
        differing.map(|case| case.id.clone()).collect()
    };
    // Two kinds of schedule in one document, of which APScheduler's caller takes one without a word.
    assert_eq!(
        ids(&|case| kinds(case) > 1),
        ["p0031", "p0143", "p0206", "p0268", "p0289"]
    );
    // A date without seconds, or with a blank for the `T`.
    let wider =
        |case: &Case| case.expected == Outcome::Refused && outcome(case) != Outcome::Refused;
    assert_eq!(ids(&wider), ["p0021", "p0032", "p0176"]);
    // A date past by more than an hour, which the vectors run at once or drop without a word.
    let too_late = |case: &Case| kinds(case) == 1 && contracted(case) != case.expected;
    assert_eq!(
        ids(&too_late),
        [
            "p0097", "p0099", "p0157", "p0172", "p0210", "p0220", "p0262"
        ]
    );
}

#[test]
fn further_cases_come_out_as_expected() {
    let files = std::env::var("FREEZERD_SCHEDULE_CASES").unwrap_or_default();
    for file in files.split(':').filter(|file| !file.is_empty()) {
        let lines = std::fs::read_to_string(file).expect("a file of cases");
        let (count, differences) = differences(&lines);
        println!("{file}: {count} cases, {} differ", differences.len());
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

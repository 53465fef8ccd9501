//! How long it takes to find the next occurrence of typical calendars, compared with two similar crates:
//! `cargo bench --bench schedule`.
//!
//! Every measurement finds the next occurrence after the previous one, again and again, so easy and hard cases occur as
//! often as in practice. The other crates search in UTC, where the clock never changes.

use std::hint::black_box;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use croner::parser::{CronParser, Seconds};
use divan::Bencher;
use freezerd::schedule::Schedule;
use freezerd::schedule::fault::Field::{
    self, Day, DayOfWeek, Hour, Interval, Minute, Month, Second, Week, Year,
};
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;

fn main() {
    divan::main();
}

/// A calendar in this program's fields, and in the syntax of each other crate that can express it.
struct Expression {
    name: &'static str,
    fields: &'static [(Field, &'static str)],
    cron: Option<&'static str>,
    croner: Option<&'static str>,
}

impl std::fmt::Display for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

const fn both(
    name: &'static str,
    fields: &'static [(Field, &'static str)],
    cron: &'static str,
    croner: &'static str,
) -> Expression {
    Expression {
        name,
        fields,
        cron: Some(cron),
        croner: Some(croner),
    }
}

const fn ours(name: &'static str, fields: &'static [(Field, &'static str)]) -> Expression {
    Expression {
        name,
        fields,
        cron: None,
        croner: None,
    }
}

const EXPRESSIONS: [Expression; 21] = [
    both(
        "every second",
        &[(Second, "*")],
        "* * * * * *",
        "* * * * * *",
    ),
    both(
        "every minute",
        &[(Minute, "*")],
        "0 * * * * *",
        "0 * * * * *",
    ),
    both(
        "every 15 minutes",
        &[(Minute, "*/15")],
        "0 */15 * * * *",
        "0 */15 * * * *",
    ),
    both("every hour", &[(Hour, "*")], "0 0 * * * *", "0 0 * * * *"),
    both(
        "every 6 hours",
        &[(Hour, "*/6")],
        "0 0 */6 * * *",
        "0 0 */6 * * *",
    ),
    both(
        "office hours",
        &[(DayOfWeek, "mon-fri"), (Hour, "8-17"), (Minute, "*/30")],
        "0 */30 8-17 * * Mon-Fri",
        "0 */30 8-17 * * MON-FRI",
    ),
    both(
        "daily",
        &[(Hour, "3"), (Minute, "25")],
        "0 25 3 * * *",
        "0 25 3 * * *",
    ),
    both(
        "daily in the gap",
        &[(Hour, "2"), (Minute, "30")],
        "0 30 2 * * *",
        "0 30 2 * * *",
    ),
    both(
        "twice a day",
        &[(Hour, "3,15"), (Minute, "25")],
        "0 25 3,15 * * *",
        "0 25 3,15 * * *",
    ),
    both(
        "weekdays",
        &[(DayOfWeek, "mon,wed,fri"), (Hour, "3"), (Minute, "25")],
        "0 25 3 * * Mon,Wed,Fri",
        "0 25 3 * * MON,WED,FRI",
    ),
    both(
        "weekly",
        &[(DayOfWeek, "sun"), (Hour, "4")],
        "0 0 4 * * Sun",
        "0 0 4 * * SUN",
    ),
    both(
        "monthly",
        &[(Day, "1"), (Hour, "4")],
        "0 0 4 1 * *",
        "0 0 4 1 * *",
    ),
    both(
        "the 31st",
        &[(Day, "31"), (Hour, "4")],
        "0 0 4 31 * *",
        "0 0 4 31 * *",
    ),
    both(
        "yearly",
        &[(Month, "1"), (Day, "1"), (Hour, "4")],
        "0 0 4 1 1 *",
        "0 0 4 1 1 *",
    ),
    both(
        "29 February",
        &[(Month, "2"), (Day, "29"), (Hour, "4")],
        "0 0 4 29 2 *",
        "0 0 4 29 2 *",
    ),
    both(
        "Friday the 13th",
        &[(Day, "13"), (DayOfWeek, "fri"), (Hour, "4")],
        "0 0 4 13 * Fri",
        "0 0 4 13 * FRI",
    ),
    ours(
        "days by name",
        &[
            (Month, "1-6, 9-12"),
            (Day, "mon, wed, fri"),
            (Hour, "03"),
            (Minute, "25"),
        ],
    ),
    Expression {
        name: "last day of the month",
        fields: &[(Day, "last"), (Hour, "4")],
        cron: None,
        croner: Some("0 0 4 L * *"),
    },
    Expression {
        name: "second Friday",
        fields: &[(Day, "2nd fri"), (Hour, "4")],
        cron: None,
        croner: Some("0 0 4 * * FRI#2"),
    },
    ours("week 10", &[(Week, "10"), (DayOfWeek, "mon"), (Hour, "4")]),
    ours(
        "week 53 on a Monday",
        &[(Week, "53"), (DayOfWeek, "mon"), (Hour, "4")],
    ),
];

const IMPOSSIBLE: [(&str, &[(Field, &str)]); 4] = [
    ("30 February", &[(Month, "2"), (Day, "30")]),
    ("week 53 in June", &[(Month, "6"), (Week, "53")]),
    (
        "29 February on a Monday in week 53",
        &[(Month, "2"), (Day, "29"), (Week, "53"), (DayOfWeek, "mon")],
    ),
    (
        "29 February of odd years",
        &[(Year, "1971/2"), (Month, "2"), (Day, "29")],
    ),
];

fn parse(fields: &[(Field, &'static str)]) -> Schedule {
    let mut raw = RawSchedule::default();
    for (field, text) in fields {
        *raw.slot(*field) = Some(text);
    }
    Schedule::parse(&raw).expect("a schedule")
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("1 January 2026")
}

/// Measures steps from one occurrence to the next. After the last occurrence it starts again from the beginning.
fn chain(bencher: Bencher, next: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>) {
    let mut now = start();
    // The other crates do not search beyond the year 2099.
    let end = start() + TimeDelta::days(366 * 70);
    bencher.bench_local(|| {
        now = match next(black_box(now)) {
            Some(next) if next < end => next,
            _ => start(),
        };
    });
}

fn bench_in(bencher: Bencher, expression: &Expression, zone: &Zone) {
    let schedule = parse(expression.fields);
    chain(bencher, |now| schedule.next_after(now, start(), zone));
}

#[divan::bench(args = &EXPRESSIONS)]
fn freezerd_in_berlin(bencher: Bencher, expression: &Expression) {
    bench_in(
        bencher,
        expression,
        &Zone::bundled("Europe/Berlin").expect("a zone"),
    );
}

#[divan::bench(args = &EXPRESSIONS)]
fn freezerd_in_utc(bencher: Bencher, expression: &Expression) {
    bench_in(bencher, expression, &Zone::utc());
}

#[divan::bench(args = EXPRESSIONS.iter().filter(|expression| expression.cron.is_some()))]
fn cron_in_utc(bencher: Bencher, expression: &Expression) {
    let schedule = cron::Schedule::from_str(expression.cron.expect("words")).expect("a schedule");
    chain(bencher, |now| schedule.after(&now).next());
}

#[divan::bench(args = EXPRESSIONS.iter().filter(|expression| expression.croner.is_some()))]
fn croner_in_utc(bencher: Bencher, expression: &Expression) {
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .dom_and_dow(true)
        .build();
    let schedule = parser
        .parse(expression.croner.expect("words"))
        .expect("a schedule");
    chain(bencher, |now| {
        schedule.find_next_occurrence(&now, false).ok()
    });
}

#[divan::bench(args = IMPOSSIBLE.map(|(name, _)| name))]
fn impossible(bencher: Bencher, name: &str) {
    let (_, fields) = IMPOSSIBLE
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a name");
    let schedule = parse(fields);
    let zone = Zone::bundled("Europe/Berlin").expect("a zone");
    bencher.bench_local(|| schedule.next_after(black_box(start()), start(), &zone));
}

#[divan::bench(args = ["every second", "every minute", "daily"])]
fn due_in_a_year(bencher: Bencher, name: &str) {
    let expression = EXPRESSIONS
        .iter()
        .find(|expression| expression.name == name)
        .expect("a name");
    let schedule = parse(expression.fields);
    let zone = Zone::bundled("Europe/Berlin").expect("a zone");
    let end = start() + TimeDelta::days(365);
    bencher.bench_local(|| schedule.due_between(black_box(start()), end, start(), &zone));
}

#[divan::bench]
fn interval(bencher: Bencher) {
    let schedule = parse(&[(Interval, "6 hours")]);
    let zone = Zone::utc();
    chain(bencher, |now| schedule.next_after(now, start(), &zone));
}

#[divan::bench(args = EXPRESSIONS.iter().filter(|expression| matches!(expression.name, "every second" | "daily" | "days by name")))]
fn reading(bencher: Bencher, expression: &Expression) {
    bencher.bench_local(|| parse(black_box(expression.fields)));
}

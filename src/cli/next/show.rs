//! What is to come, as tables by day and as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::coming::{Coming, Firing, Owed, clock_changes, time};
use super::plan::Entry;
use crate::cli::table::printable;
use crate::schedule::zone::Zone;
use crate::units;

/// A plan with what it takes to read it.
pub struct Plan {
    pub until: DateTime<Utc>,
    pub slots: usize,
    pub entries: Vec<Entry>,
    /// Whether there were past runs to go by, by job.
    pub known: Vec<bool>,
}

/// A job that fires more often than this in a day has one line for the day.
const MOST_A_DAY: usize = 24;

/// One job.
pub fn one(coming: &Coming, now: DateTime<Utc>, as_json: bool) {
    if as_json {
        return println!("{:#}", as_value(coming));
    }
    let mut heading = format!(
        "{}: {} ({})",
        coming.job_id,
        coming.schedule,
        coming.zone.name()
    );
    if !coming.jitter.is_zero() {
        heading.push_str(&format!(
            ", {} later by schedule_jitter",
            units::duration(coming.jitter)
        ));
    }
    println!("{}", printable(&heading));
    if let Some(off) = &coming.off {
        return println!("Nothing is to come: {}.", printable(off));
    }
    if let Some(owed) = &coming.owed {
        println!("{}", owed_words(owed, &coming.zone));
    }
    let mut table = Days::new(&coming.zone);
    for firing in &coming.firings {
        table.row(
            firing.at,
            vec![offset_and_zone(firing.at, &coming.zone)],
            coming.notes(firing),
        );
    }
    table.print(now, coming.firings.last().map(|firing| firing.at));
    if coming.firings.is_empty() && coming.owed.is_none() {
        println!("Nothing is due in that time.");
    }
    if coming.continuous {
        println!("It runs again a second after each end, later after failures.");
    }
}

/// All jobs that are on their schedules, and the plan, where one was asked for.
pub fn all(coming: &[Coming], plan: Option<&Plan>, now: DateTime<Utc>, zone: &Zone, as_json: bool) {
    if as_json {
        let jobs: Vec<Value> = coming.iter().filter_map(|job| in_list(job, zone)).collect();
        let mut object = json!({"jobs": jobs});
        if let Some(plan) = plan {
            object["plan"] = plan_value(coming, plan, now, zone);
        }
        return println!("{object:#}");
    }
    for job in coming {
        if let Some(owed) = &job.owed {
            println!("{}: {}", job.job_id, owed_words(owed, zone));
        }
    }
    let mut table = Days::new(zone);
    match plan {
        None => {
            for job in coming {
                for firing in &job.firings {
                    let notes = foreign_time(job, firing, zone).into_iter();
                    let notes = notes.chain(job.notes(firing)).collect();
                    table.row(firing.at, columns(firing.at, zone, &job.job_id), notes);
                }
            }
        }
        Some(plan) => plan_rows(coming, plan, zone, &mut table),
    }
    let end = plan
        .map(|plan| plan.until)
        .or_else(|| table.rows.iter().map(|row| row.at).max());
    let empty = table.rows.is_empty();
    table.print(now, end);
    if empty {
        println!(
            "Nothing is scheduled{}.",
            if plan.is_some() { " in that time" } else { "" }
        );
    }
    if let Some(plan) = plan {
        println!("\n{}", summary(coming, plan));
    }
}

fn columns(at: DateTime<Utc>, zone: &Zone, job_id: &str) -> Vec<String> {
    vec![offset_and_zone(at, zone), job_id.to_owned()]
}

fn offset_and_zone(at: DateTime<Utc>, zone: &Zone) -> String {
    format!("{} {}", zone.offset_at(at), zone.name())
}

/// A job of another zone: the time there.
fn foreign_time(job: &Coming, firing: &Firing, zone: &Zone) -> Option<String> {
    (job.zone.name() != zone.name()).then(|| {
        let there = job.zone.to_local(firing.at);
        format!(
            "{} {} in {}",
            there.format("%a"),
            time(there.naive_local()),
            job.zone.name()
        )
    })
}

fn owed_words(owed: &Owed, zone: &Zone) -> String {
    let at = |instant: DateTime<Utc>| zone.to_local(instant).format("%a %F %T").to_string();
    let what = if owed.due.count == 1 {
        format!("the run due {} has not started", at(owed.due.last))
    } else {
        format!(
            "{} runs were due from {} to {}",
            owed.due.count,
            at(owed.due.first),
            at(owed.due.last)
        )
    };
    match &owed.refusal {
        None if owed.due.count == 1 => format!("{what}: it is run as soon as freezerd gets to it"),
        None => format!("{what}: one run makes up for them as soon as freezerd gets to it"),
        Some(why) => format!("{what}: not made up for ({why})"),
    }
}

/// Rows under their days.
struct Days<'a> {
    zone: &'a Zone,
    rows: Vec<Row>,
}

struct Row {
    at: DateTime<Utc>,
    cells: Vec<String>,
    notes: Vec<String>,
}

impl Days<'_> {
    fn new(zone: &Zone) -> Days<'_> {
        Days {
            zone,
            rows: Vec::new(),
        }
    }

    fn row(&mut self, at: DateTime<Utc>, cells: Vec<String>, notes: Vec<String>) {
        self.rows.push(Row { at, cells, notes });
    }

    /// Prints the rows, and the changes of the clock from `now` up to `end` among them.
    fn print(mut self, now: DateTime<Utc>, end: Option<DateTime<Utc>>) {
        for (at, words) in clock_changes(self.zone, now, end.unwrap_or(now)) {
            self.row(at, Vec::new(), vec![words]);
        }
        // A change comes before what fires in its second.
        self.rows.sort_by_key(|row| (row.at, !row.cells.is_empty()));
        let columns = self
            .rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
                cells.map(|cell| cell.width()).max().unwrap_or(0)
            })
            .collect();
        let mut day: Option<NaiveDate> = None;
        for row in &self.rows {
            let local = self.zone.to_local(row.at);
            if day != Some(local.date_naive()) {
                day = Some(local.date_naive());
                println!("\n{}", local.format("%a %F"));
            }
            let notes = printable(&row.notes.join("; "));
            if row.cells.is_empty() {
                println!("  ── {notes}");
                continue;
            }
            let mut line = format!("  {}", local.format("%T"));
            for (cell, width) in row.cells.iter().zip(&widths) {
                let cell = printable(cell);
                let gap = width.saturating_sub(cell.width());
                line.push_str(&format!("  {cell}{}", " ".repeat(gap)));
            }
            println!("{}", format!("{line}  {notes}").trim_end());
        }
    }
}

/// The plan's lines: those of frequent jobs together, a line a day.
fn plan_rows(coming: &[Coming], plan: &Plan, zone: &Zone, table: &mut Days<'_>) {
    let day = |at: DateTime<Utc>| zone.to_local(at).date_naive();
    let mut by_day: BTreeMap<(NaiveDate, usize), Vec<&Entry>> = BTreeMap::new();
    for entry in &plan.entries {
        by_day
            .entry((day(entry.at), entry.job))
            .or_default()
            .push(entry);
    }
    for ((_, index), entries) in by_day {
        let job = &coming[index];
        if entries.len() > MOST_A_DAY
            && let (Some(first), Some(last)) = (entries.first(), entries.last())
        {
            let skipped = entries.iter().filter(|entry| entry.runs.is_none()).count();
            let waiting = entries.iter().filter(|entry| entry.wait.is_some()).count();
            let mut notes = vec![format!(
                "{} times until {}",
                entries.len(),
                zone.to_local(last.at).format("%T")
            )];
            notes.extend((waiting > 0).then(|| format!("{waiting} of them wait")));
            notes.extend((skipped > 0).then(|| format!("{skipped} of them are skipped")));
            table.row(first.at, plan_columns(first, job, plan, zone), notes);
            continue;
        }
        for entry in entries {
            let firing = job.firings.iter().find(|firing| firing.at == entry.at);
            let mut notes = entry_notes(entry, coming);
            if let Some(firing) = firing {
                notes.extend(foreign_time(job, firing, zone));
                notes.extend(job.notes(firing));
            } else {
                notes.push("owed".to_owned());
            }
            table.row(entry.at, plan_columns(entry, job, plan, zone), notes);
        }
    }
}

fn plan_columns(entry: &Entry, job: &Coming, plan: &Plan, zone: &Zone) -> Vec<String> {
    let mut cells = columns(entry.at, zone, &job.job_id);
    cells.push(match entry.runs {
        _ if !plan.known[entry.job] => "takes ?".to_owned(),
        Some((start, end)) => format!("takes {}", units::duration(span(end - start))),
        None => "–".to_owned(),
    });
    cells
}

fn span(delta: TimeDelta) -> Duration {
    delta.to_std().unwrap_or_default()
}

/// What the plan says about a firing.
fn entry_notes(entry: &Entry, coming: &[Coming]) -> Vec<String> {
    let mut notes = Vec::new();
    if entry.runs.is_none() {
        notes.push("skipped: its run before is still going on".to_owned());
    }
    if let Some(wait) = &entry.wait {
        let lasts = units::duration(span(wait.lasts));
        notes.push(match &wait.container {
            Some((name, holder)) => {
                format!(
                    "waits {lasts} for container {name}, held by {}",
                    coming[*holder].job_id
                )
            }
            None => format!("waits {lasts} for a free slot"),
        });
    }
    match &entry.beside[..] {
        [] => {}
        others if others.len() <= 3 => {
            let names: Vec<&str> = others
                .iter()
                .map(|job| coming[*job].job_id.as_str())
                .collect();
            notes.push(format!("beside {}", names.join(", ")));
        }
        others => notes.push(format!("beside {} others", others.len())),
    }
    notes
}

/// The plan in two lines.
fn summary(coming: &[Coming], plan: &Plan) -> String {
    let total = plan.entries.len() as u64;
    let count =
        |test: &dyn Fn(&Entry) -> bool| plan.entries.iter().filter(|entry| test(entry)).count();
    let for_container = count(&|entry| {
        entry
            .wait
            .as_ref()
            .is_some_and(|wait| wait.container.is_some())
    });
    let for_slot = count(&|entry| {
        entry
            .wait
            .as_ref()
            .is_some_and(|wait| wait.container.is_none())
    });
    let overlapping = count(&|entry| !entry.beside.is_empty());
    let skipped = count(&|entry| entry.runs.is_none());
    let mut words = format!(
        "{}: {overlapping} beside others, {for_slot} waiting for a slot (there {}), {for_container} for a container, \
         {skipped} skipped.",
        units::count(total, "run", "runs"),
        if plan.slots == 1 {
            "is 1".to_owned()
        } else {
            format!("are {}", plan.slots)
        },
    );
    let unknown: Vec<&str> = coming
        .iter()
        .zip(&plan.known)
        .filter(|(_, known)| !**known)
        .map(|(job, _)| job.job_id.as_str())
        .collect();
    if unknown.is_empty() {
        words.push_str(" Each is taken to last as long as its past runs did (the median).");
    } else {
        words.push_str(&format!(
            "\nNo past runs to go by, so taken to last no time: {}{}.",
            unknown
                .iter()
                .take(8)
                .copied()
                .collect::<Vec<_>>()
                .join(", "),
            if unknown.len() > 8 { ", …" } else { "" }
        ));
    }
    words
}

/// RFC 3339 with the zone's offset; fractions only where there are any.
fn rfc3339(instant: DateTime<Utc>, zone: &Zone) -> String {
    zone.to_local(instant)
        .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}

/// One job, as documented in `docs/commands.md`.
fn as_value(coming: &Coming) -> Value {
    let zone = &coming.zone;
    let occurrences: Vec<String> = coming
        .firings
        .iter()
        .map(|firing| rfc3339(firing.at, zone))
        .collect();
    let firings: Vec<Value> = coming
        .firings
        .iter()
        .map(|firing| {
            json!({
                "due": rfc3339(firing.due, zone),
                "at": rfc3339(firing.at, zone),
                "notes": coming.notes(firing),
            })
        })
        .collect();
    json!({
        "job_id": coming.job_id,
        "schedule": coming.schedule,
        "zone": zone.name(),
        "jitter_seconds": coming.jitter.as_secs(),
        "occurrences": occurrences,
        "firings": firings,
        "owed": coming.owed.as_ref().map(|owed| owed_value(owed, zone)),
        "reason": coming.off,
    })
}

fn owed_value(owed: &Owed, zone: &Zone) -> Value {
    json!({
        "first": rfc3339(owed.due.first, zone),
        "last": rfc3339(owed.due.last, zone),
        "count": owed.due.count,
        "refusal": owed.refusal,
    })
}

/// A job among all: with its next firing on top.
fn in_list(coming: &Coming, zone: &Zone) -> Option<Value> {
    if coming.firings.is_empty() && coming.owed.is_none() {
        return None;
    }
    let mut value = as_value(coming);
    value["next"] = match coming.firings.first() {
        Some(firing) => json!(rfc3339(firing.at, zone)),
        None => Value::Null,
    };
    Some(value)
}

fn plan_value(coming: &[Coming], plan: &Plan, now: DateTime<Utc>, zone: &Zone) -> Value {
    let name = |job: &usize| coming[*job].job_id.clone();
    let runs: Vec<Value> = plan
        .entries
        .iter()
        .map(|entry| {
            json!({
                "job_id": name(&entry.job),
                "at": rfc3339(entry.at, zone),
                "starts": entry.runs.map(|(start, _)| rfc3339(start, zone)),
                "ends": entry.runs.map(|(_, end)| rfc3339(end, zone)),
                "skipped": entry.runs.is_none(),
                "waits": entry.wait.as_ref().map(|wait| json!({
                    "seconds": wait.lasts.num_seconds(),
                    "container": wait.container.as_ref().map(|(name, _)| name),
                    "held_by": wait.container.as_ref().map(|(_, holder)| name(holder)),
                })),
                "beside": entry.beside.iter().map(name).collect::<Vec<_>>(),
                "from_past_runs": plan.known[entry.job],
            })
        })
        .collect();
    json!({
        "from": rfc3339(now, zone),
        "until": rfc3339(plan.until, zone),
        "slots": plan.slots,
        "runs": runs,
    })
}

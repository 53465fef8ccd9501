//! The words of a message.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::audience::Telling;
use super::turn::had_no_space;
use crate::escape::harmless;
use crate::keep::room::Room;
use crate::protocol::OpenAlarm;
use crate::record::{ActionRecord, JobRecord, OutboxRow, RunRecord, Trigger};
use crate::schedule::zone::Zone;
use crate::tell::message::Kind;
use crate::units;

/// The longest reason in a message, in characters.
const LONGEST_REASON: usize = 2_000;

/// How many messages a digest names one by one.
const NAMED: usize = 200;

/// Where and when something is told.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub host: &'a str,
    /// The zone of the instants in the text.
    pub zone: &'a Zone,
    pub now: DateTime<Utc>,
}

/// The subject and the text of a message about a run.
pub fn of_run(kind: Kind, row: &RunRecord, facts: Facts<'_>) -> (String, String) {
    let job = &row.job_id;
    let what = What::of_run(kind, row);
    let subject = subject(what, job, facts.host);
    let mut text = format!("{}.\n", sentence(what, job, facts.host));
    let _ = writeln!(text, "\nRun {} {}.", row.number, times(row, facts));
    if let Some(reason) = &row.reason {
        let reason: String = harmless(reason).chars().take(LONGEST_REASON).collect();
        let _ = writeln!(text, "{reason}");
    }
    for action in &row.actions {
        if let (Some(room), Some(container)) =
            (action.room.filter(Room::is_little), &action.container)
        {
            let _ = writeln!(
                text,
                "{} is free on the disk of {container}, and a backup usually adds {}: {} if nothing is removed.",
                units::bytes(room.free),
                units::bytes(room.adds),
                units::count(room.fits(), "more backup fits", "more backups fit")
            );
        }
    }
    // Of other kinds of work, the reason counts what was found.
    let missing: u64 = row.actions.iter().map(ActionRecord::paths_missing).sum();
    if missing > 0 {
        let missing = units::count(missing, "path was", "paths were");
        let _ = writeln!(text, "{missing} not backed up or restored.");
    }
    let alarms = row
        .actions
        .iter()
        .flat_map(|it| it.open_alarms.iter().flatten());
    let runs = Runs {
        log: Some(row.number),
        accept: runs_of(alarms),
    };
    let _ = write!(text, "\n{}", help(kind, job, &runs));
    (subject, text.trim_end().to_owned())
}

/// When the run was due, began and ended, as far as it has.
fn times(row: &RunRecord, facts: Facts<'_>) -> String {
    let due = match row.trigger {
        Trigger::Manual => "was asked for",
        Trigger::Schedule | Trigger::CatchUp => "was due",
    };
    let at = |what: &str, instant| format!("{what} at {}", facts.at(instant));
    let due = at(due, row.due);
    let began = row.started.map(|started| at("began", started));
    let ended = row.ended.map(|ended| at("ended", ended));
    match (began, ended) {
        (None, None) => due,
        (Some(last), None) | (None, Some(last)) => format!("{due} and {last}"),
        (Some(began), Some(ended)) => format!("{due}, {began} and {ended}"),
    }
}

/// The subject and the text of a message about a job that is overdue, or whose trouble goes on.
pub fn of_job(telling: &Telling, record: &JobRecord, facts: Facts<'_>) -> (String, String) {
    let kind = telling.kind;
    let job = &record.job_id;
    let what = match kind {
        Kind::Space if record.told.little_room => What::LittleRoom,
        kind => What::Kind(kind),
    };
    let mut subject = subject(what, job, facts.host);
    let mut text = format!("{}.\n", sentence(what, job, facts.host));
    if telling.again {
        subject.push_str(" (still)");
        text = format!(
            "Nothing has changed: {}.\n",
            sentence(what, job, facts.host)
        );
    }
    text.push('\n');
    let too_old = record.too_old_at().is_some_and(|at| at <= facts.now);
    if let Some(max_age) = record.max_age.filter(|_| too_old) {
        let max_age = units::duration(Duration::from_secs(max_age));
        let _ = writeln!(
            text,
            "It has not succeeded within its max_age of {max_age}."
        );
    } else if let Some(since) = record.past.owed_since.filter(|_| kind == Kind::Overdue) {
        let _ = writeln!(text, "It was due at {} and has not run.", facts.at(since));
    }
    let last = match record.past.last_success {
        Some(last) => format!("The last success was at {}.", facts.at(last)),
        None => "It has never succeeded.".to_owned(),
    };
    let run = record.past.last_run.as_ref();
    if let Some(run) = run {
        let _ = writeln!(
            text,
            "The result of its last run, {}, is {}.",
            run.number,
            run.ending.name()
        );
    }
    let runs = Runs {
        log: run.map(|run| run.number),
        accept: runs_of(record.past.alarms.iter()),
    };
    let _ = write!(text, "{last}\n\n{}", help(kind, job, &runs));
    (subject, text.trim_end().to_owned())
}

/// The subject and the text of one message for several.
pub fn digest(rows: &[OutboxRow], facts: Facts<'_>) -> (String, String) {
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.message.kind).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.word()))
        .collect();
    let subject = format!("freezerd on {}: {}", facts.host, counts.join(", "));
    let mut text = units::count(rows.len() as u64, "message", "messages") + ":\n";
    for row in rows.iter().take(NAMED) {
        let message = &row.message;
        let _ = write!(
            text,
            "\n{} {}",
            message.at.format("%F %H:%M"),
            message.subject
        );
    }
    if let more @ 1.. = rows.len().saturating_sub(NAMED) {
        let _ = write!(text, "\n… and {more} more");
    }
    text.push_str("\n\n`freezerd status` shows all jobs.");
    (subject, text)
}

/// What a message tells of.
#[derive(Clone, Copy)]
enum What {
    Kind(Kind),
    /// Of [`Kind::Space`]: there was space for the run, and there is little room for the next ones.
    LittleRoom,
    /// Of [`Kind::Check`]: a check has found damage.
    Damage,
    /// Of [`Kind::Check`]: no check came to a result.
    NotChecked,
}

impl What {
    fn of_run(kind: Kind, row: &RunRecord) -> What {
        let mut actions = row.actions.iter();
        match kind {
            Kind::Space if !had_no_space(row) => What::LittleRoom,
            Kind::Check if actions.any(|action| action.damaged) => What::Damage,
            Kind::Check => What::NotChecked,
            kind => What::Kind(kind),
        }
    }
}

fn subject(what: What, job: &str, host: &str) -> String {
    let kind = match what {
        What::Kind(kind) => kind,
        What::LittleRoom => return format!("{job} has little room left on {host}"),
        What::Damage => return format!("{job} found damage in its container on {host}"),
        What::NotChecked => return format!("{job} could not check its container on {host}"),
    };
    let what = match kind {
        Kind::Started => "has started",
        Kind::Failed => "failed",
        Kind::Partial => "is incomplete",
        Kind::Overdue => "is overdue",
        Kind::Guard => "backed up a source that looks damaged",
        Kind::Check => "failed a check",
        Kind::Drill => "could not prove its backup",
        Kind::Space => "failed for lack of space",
        Kind::Recovered => "is well again",
        Kind::Succeeded => "succeeded",
        Kind::Digest | Kind::Test => "sends its regards",
    };
    format!("{job} {what} on {host}")
}

fn sentence(what: What, job: &str, host: &str) -> String {
    let what = match what {
        What::LittleRoom => "has made a backup, and there is little room left for the next ones",
        What::Damage => "has found damage in its container",
        What::NotChecked => "could not check its container",
        What::Kind(kind) => what_of(kind),
    };
    format!("The job {job} on {host} {what}")
}

fn what_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Started => "has started",
        Kind::Failed => "has failed",
        Kind::Partial => "has left something out",
        Kind::Overdue => "is overdue",
        Kind::Guard => {
            "has backed up a source that looks damaged: much of it is gone, or much of it has changed"
        }
        Kind::Check => "has found damage in its container, or could not check it",
        Kind::Drill => "could not prove that its backup can be restored",
        Kind::Space => "has failed, because a disk or a quota is full",
        Kind::Recovered => "has succeeded again",
        Kind::Succeeded => "has succeeded",
        Kind::Digest | Kind::Test => "is known",
    }
}

/// The runs that the commands in a message name.
struct Runs {
    log: Option<u64>,
    /// Their alarms wait for an answer.
    accept: BTreeSet<u64>,
}

/// The runs that have raised these alarms.
fn runs_of<'a>(alarms: impl Iterator<Item = &'a OpenAlarm>) -> BTreeSet<u64> {
    alarms.filter_map(|alarm| alarm.run).collect()
}

/// What to do.
fn help(kind: Kind, job: &str, runs: &Runs) -> String {
    let log = runs
        .log
        .map(|run| format!("`freezerd log {run}` shows its log"));
    let why = format!("`freezerd why {job}` explains it");
    let mut accept = runs
        .accept
        .iter()
        .map(|run| format!("`freezerd accept {run}`"));
    let accept = accept.next().map(|first| {
        let all: Vec<String> = [first].into_iter().chain(accept).collect();
        let (verb, all) = (
            if all.len() == 1 { "says" } else { "say" },
            all.join(" and "),
        );
        format!("if the source is right, {all} {verb} so")
    });
    let parts = match kind {
        Kind::Guard => [accept, log, None],
        Kind::Recovered | Kind::Succeeded | Kind::Started => [log, None, None],
        _ => [log, Some(why), None],
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!("{}.", capital(&parts.join("; "))),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase());
    first.into_iter().flatten().chain(characters).collect()
}

impl Facts<'_> {
    fn at(&self, instant: DateTime<Utc>) -> String {
        self.zone.to_local(instant).format("%F %T").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ExitStatus;
    use crate::samples::{action_record, minute as at, run_record};

    fn told(kind: Kind, row: &RunRecord) -> (String, String) {
        let zone = Zone::utc();
        let facts = Facts {
            host: "web1",
            zone: &zone,
            now: at(90),
        };
        of_run(kind, row, facts)
    }

    #[test]
    fn a_message_says_when_its_run_was_due_began_and_ended_as_far_as_it_has() {
        for (started, ended, expected) in [
            (None, None, "Run 7 was due at 2026-01-01 01:00:00."),
            (
                Some(at(61)),
                None,
                "Run 7 was due at 2026-01-01 01:00:00 and began at 2026-01-01 01:01:00.",
            ),
            (
                None,
                Some(at(62)),
                "Run 7 was due at 2026-01-01 01:00:00 and ended at 2026-01-01 01:02:00.",
            ),
            (
                Some(at(61)),
                Some(at(62)),
                "Run 7 was due at 2026-01-01 01:00:00, began at 2026-01-01 01:01:00 and ended at 2026-01-01 01:02:00.",
            ),
        ] {
            let row = RunRecord {
                started,
                ended,
                ..run_record(7, "job", at(60))
            };
            let (_, text) = told(Kind::Started, &row);
            assert!(
                text.lines().any(|line| line == expected),
                "{expected}\n{text}"
            );
        }
    }

    #[test]
    fn a_check_that_found_damage_is_told_apart_from_one_that_was_not_done() {
        let check = |damaged, problems| ActionRecord {
            kind: "check".to_owned(),
            exit_status: Some(ExitStatus::Fail),
            damaged,
            problems,
            ..action_record()
        };
        let row = |actions| RunRecord {
            actions,
            ..run_record(7, "job", at(60))
        };
        let damage = row(vec![check(true, 3)]);
        let (subject, text) = told(Kind::Check, &damage);
        assert_eq!(subject, "job found damage in its container on web1");
        assert!(
            text.starts_with("The job job on web1 has found damage in its container.\n"),
            "{text}"
        );
        assert!(!text.contains("paths"), "a fault is not a path: {text}");
        let away = row(vec![check(false, 0)]);
        let (subject, text) = told(Kind::Check, &away);
        assert_eq!(subject, "job could not check its container on web1");
        assert!(
            text.starts_with("The job job on web1 could not check its container.\n"),
            "{text}"
        );
        let both = row(vec![check(false, 0), check(true, 1)]);
        assert!(told(Kind::Check, &both).1.contains("has found damage"));
    }
}

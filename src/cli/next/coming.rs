//! What is to come of one job: what it is owed, its firings, and what the wall clock does to them.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::job::Job;
use crate::lifecycle::job::catch_up_refusal;
use crate::record::{JobRecord, Standing};
use crate::schedule::landing::Landing;
use crate::schedule::zone::{SINGLE_CHANGE_SPAN, Zone};
use crate::schedule::{Due, Kind};
use crate::units;

/// How many firings are looked for, and up to when.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub count: usize,
    pub until: Option<DateTime<Utc>>,
}

/// What is to come of a job.
#[derive(Clone, Debug)]
pub struct Coming {
    pub job_id: String,
    /// The schedule in words.
    pub schedule: String,
    /// The zone that the schedule is read in.
    pub zone: Zone,
    /// How much later than due the job fires on this host.
    pub jitter: Duration,
    /// What came due and was not run yet.
    pub owed: Option<Owed>,
    pub firings: Vec<Firing>,
    /// It begins again a second after each end.
    pub continuous: bool,
    /// Why there is nothing to come, where that is so.
    pub off: Option<String>,
}

/// Due instants that have passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    pub due: Due,
    /// Why they will not be run; `None`: one run stands for all of them.
    pub refusal: Option<String>,
}

/// One firing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Firing {
    /// When it is due.
    pub due: DateTime<Utc>,
    /// When it fires, jitter included.
    pub at: DateTime<Utc>,
    pub landing: Landing,
}

impl Coming {
    /// Of a file that would be dropped into the jobs directory at `now`.
    pub fn of_file(
        job: &Job,
        client_id: &str,
        now: DateTime<Utc>,
        host_zone: &Zone,
        limits: Limits,
    ) -> Coming {
        let mut coming = Coming::new(job, client_id, host_zone);
        let delay = coming.delay();
        coming.firings = job
            .schedule
            .occurrences(now, now, host_zone)
            .filter_map(|due| firing(job, due, delay, host_zone))
            .take_while(|firing| limits.until.is_none_or(|until| firing.at < until))
            .take(limits.count)
            .collect();
        if coming.firings.is_empty() && limits.until.is_none() && limits.count > 0 {
            coming.off = Some("it is not due any more".to_owned());
        }
        coming
    }

    /// Of a job that is known. `from` is an instant that somebody asks about; without it what is owed counts too.
    pub fn of_job(
        job: &Job,
        record: &JobRecord,
        client_id: &str,
        (now, from): (DateTime<Utc>, Option<DateTime<Utc>>),
        host_zone: &Zone,
        limits: Limits,
    ) -> Coming {
        let mut coming = Coming::new(job, client_id, host_zone);
        if record.standing != Standing::OnSchedule {
            let word = match record.standing {
                Standing::Removed => "removed",
                Standing::Stopped => "stopped",
                Standing::Finished | Standing::OnSchedule => "finished",
            };
            coming.off = Some(match &record.reason {
                Some(reason) => format!("it is {word}: {reason}"),
                None => format!("it is {word}"),
            });
            return coming;
        }
        let delay = coming.delay();
        let mut after = record.handled;
        if let Some(from) = from {
            after = from - delay - TimeDelta::milliseconds(1);
        } else if let Some(due) =
            job.schedule
                .due_between(after, now - delay, record.anchor, host_zone)
        {
            after = due.last;
            let refusal = match record.run {
                Some(run) => Some(format!("run {} is still going on", run.number)),
                None => catch_up_refusal(&job.schedule, now - delay - due.last),
            };
            coming.owed = Some(Owed { due, refusal });
        }
        while coming.firings.len() < limits.count {
            let next = job.schedule.next_after(after, record.anchor, host_zone);
            let Some(firing) = next.and_then(|due| firing(job, due, delay, host_zone)) else {
                break;
            };
            if limits.until.is_some_and(|until| firing.at >= until) {
                break;
            }
            after = firing.due;
            coming.firings.push(firing);
        }
        coming
    }

    fn new(job: &Job, client_id: &str, host_zone: &Zone) -> Coming {
        Coming {
            job_id: job.id.clone(),
            schedule: job.schedule.describe(),
            zone: job.schedule.zone_or(host_zone).clone(),
            jitter: job.schedule.jitter_delay(client_id, &job.id),
            owed: None,
            firings: Vec::new(),
            continuous: job.schedule.kind() == Kind::Continuous,
            off: None,
        }
    }

    fn delay(&self) -> TimeDelta {
        TimeDelta::from_std(self.jitter).unwrap_or(TimeDelta::zero())
    }

    /// What there is to say about a firing.
    pub fn notes(&self, firing: &Firing) -> Vec<String> {
        let mut notes = Vec::new();
        match firing.landing {
            Landing::AsAsked => {}
            Landing::Moved { asked, merged } => notes.push(format!(
                "moved: {} does not exist in {} that day{}",
                time(asked),
                self.zone.name(),
                if merged {
                    "; merged with the one due at this time"
                } else {
                    ""
                }
            )),
            Landing::FirstOfTwo { both: false } => {
                notes.push("the first of two such times: runs once".to_owned());
            }
            Landing::FirstOfTwo { both: true } => {
                notes.push("the first of two such times".to_owned())
            }
            Landing::SecondOfTwo => notes.push("the second of two such times".to_owned()),
        }
        if !self.jitter.is_zero() {
            notes.push(format!(
                "due {}, {} later by schedule_jitter",
                time(self.zone.to_local(firing.due).naive_local()),
                units::duration(self.jitter)
            ));
        }
        notes
    }
}

fn firing(job: &Job, due: DateTime<Utc>, delay: TimeDelta, host_zone: &Zone) -> Option<Firing> {
    Some(Firing {
        due,
        at: due.checked_add_signed(delay)?,
        landing: job.schedule.landing(due, host_zone),
    })
}

/// A time of day, with seconds only where there are any.
pub fn time(wall: NaiveDateTime) -> String {
    let format = if wall.format("%S%.f").to_string() == "00" {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    wall.format(format).to_string()
}

/// The changes of a zone's offset between two instants that are not too far apart, in words and with their instants.
pub fn clock_changes(
    zone: &Zone,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, String)> {
    const FARTHEST: i64 = 3 * 366 * 86_400;
    let (mut at, end) = (from.timestamp(), until.timestamp());
    let mut found = Vec::new();
    if end.saturating_sub(at) > FARTHEST {
        return found;
    }
    while at < end {
        let step = end.min(at.saturating_add(SINGLE_CHANGE_SPAN));
        if let Some(change) = zone.change_between(at, step)
            && let Some(instant) = DateTime::from_timestamp(change.at, 0)
        {
            let by = i64::from(change.after) - i64::from(change.before);
            let offset = |seconds: i32| {
                chrono::FixedOffset::east_opt(seconds).map_or_else(String::new, |it| it.to_string())
            };
            let wall = DateTime::from_timestamp(change.at + i64::from(change.before), 0)
                .map_or_else(String::new, |wall| time(wall.naive_utc()));
            let words = format!(
                "clocks go {} by {} at {wall} ({} → {})",
                if by > 0 { "forward" } else { "back" },
                units::duration(Duration::from_secs(by.unsigned_abs())),
                offset(change.before),
                offset(change.after)
            );
            found.push((instant, words));
        }
        at = step;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::parse;
    use crate::samples::host;

    fn job(schedule: &str) -> Job {
        let host = host(zone());
        let document = format!(
            r#"{{"job_id": "nightly", "job_actions": [{{"freezer_action": {{"action": "exec", "command": "true"}}}}],
                "job_schedule": {schedule}}}"#
        );
        parse(document.as_bytes(), "nightly.json", &host)
            .job
            .expect("a valid job")
    }

    fn zone() -> Zone {
        Zone::bundled("Europe/Berlin").expect("a zone")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn of_file(schedule: &str, now: &str, count: usize) -> Coming {
        let limits = Limits { count, until: None };
        Coming::of_file(&job(schedule), "host", at(now), &zone(), limits)
    }

    fn record(job: &Job, handled: &str) -> JobRecord {
        use crate::lifecycle::job::{Clockwork, Content, first_seen};
        let content = Content {
            file: "nightly.json",
            digest: "",
            document: "",
        };
        let clockwork = Clockwork {
            schedule: &job.schedule,
            zone: &zone(),
            delay: TimeDelta::zero(),
        };
        first_seen(&job.id, content, &job.initial, clockwork, at(handled)).record
    }

    fn of_job(schedule: &str, handled: &str, now: &str) -> Coming {
        let job = job(schedule);
        let limits = Limits {
            count: 2,
            until: None,
        };
        Coming::of_job(
            &job,
            &record(&job, handled),
            "host",
            (at(now), None),
            &zone(),
            limits,
        )
    }

    #[test]
    fn a_firing_in_a_gap_is_marked_with_the_time_that_does_not_exist() {
        let daily = r#"{"schedule_hour": "2", "schedule_minute": "30"}"#;
        let coming = of_file(daily, "2026-03-28T12:00:00Z", 1);
        let notes = coming.notes(&coming.firings[0]);
        assert_eq!(
            notes,
            ["moved: 02:30 does not exist in Europe/Berlin that day"]
        );
        let coming = of_file(daily, "2026-10-24T12:00:00Z", 1);
        let notes = coming.notes(&coming.firings[0]);
        assert_eq!(notes, ["the first of two such times: runs once"]);
    }

    #[test]
    fn jitter_is_added_and_told() {
        let coming = of_file(
            r#"{"schedule_hour": "2", "schedule_jitter": "1 hours"}"#,
            "2026-06-01T12:00:00Z",
            1,
        );
        let firing = coming.firings[0];
        assert!(!coming.jitter.is_zero());
        assert_eq!(firing.due, at("2026-06-02T00:00:00Z"));
        assert_eq!(
            firing.at - firing.due,
            TimeDelta::from_std(coming.jitter).unwrap()
        );
        let notes = coming.notes(&firing);
        assert!(
            notes[0].starts_with("due 02:00, ") && notes[0].ends_with(" later by schedule_jitter")
        );
    }

    #[test]
    fn what_was_missed_is_one_run_that_is_owed_and_not_a_list_of_the_past() {
        let coming = of_job(
            r#"{"schedule_hour": "2"}"#,
            "2026-06-01T12:00:00Z",
            "2026-06-04T12:00:00Z",
        );
        let owed = coming.owed.expect("three runs were missed");
        assert_eq!((owed.due.count, owed.refusal), (3, None));
        assert_eq!(coming.firings[0].due, at("2026-06-05T00:00:00Z"));
    }

    #[test]
    fn what_is_not_caught_up_says_why() {
        let coming = of_job(
            r#"{"schedule_hour": "2", "schedule_catch_up": "skip"}"#,
            "2026-06-01T12:00:00Z",
            "2026-06-04T12:00:00Z",
        );
        let owed = coming.owed.expect("three runs were missed");
        assert_eq!(
            owed.refusal.as_deref(),
            Some("it was missed, and schedule_catch_up is skip")
        );
    }

    #[test]
    fn the_end_of_a_span_is_not_in_it() {
        let limits = Limits {
            count: 100,
            until: Some(at("2026-06-03T00:00:00Z")),
        };
        let daily = job(r#"{"schedule_hour": "2"}"#);
        let coming = Coming::of_file(&daily, "host", at("2026-06-01T00:00:00Z"), &zone(), limits);
        let due: Vec<_> = coming.firings.iter().map(|firing| firing.due).collect();
        assert_eq!(
            due,
            [at("2026-06-01T00:00:00Z"), at("2026-06-02T00:00:00Z")]
        );
    }

    #[test]
    fn changes_of_the_clock_are_told_in_words() {
        let changes = clock_changes(
            &zone(),
            at("2026-01-01T00:00:00Z"),
            at("2027-01-01T00:00:00Z"),
        );
        let words: Vec<&str> = changes.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(
            words,
            [
                "clocks go forward by 1 h at 02:00 (+01:00 → +02:00)",
                "clocks go back by 1 h at 03:00 (+02:00 → +01:00)"
            ]
        );
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        for now in [
            "-262000-01-01T00:00:00Z",
            "+262000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            let Ok(now) = now.parse::<DateTime<Utc>>() else {
                continue;
            };
            let limits = Limits {
                count: 3,
                until: now.checked_add_signed(TimeDelta::days(7)),
            };
            let daily = job(r#"{"schedule_hour": "2", "schedule_jitter": "900 weeks"}"#);
            let _ = Coming::of_file(&daily, "host", now, &zone(), limits);
            let record = record(&daily, "2026-06-01T12:00:00Z");
            let _ = Coming::of_job(&daily, &record, "host", (now, Some(now)), &zone(), limits);
            let _ = Coming::of_job(&daily, &record, "host", (now, None), &zone(), limits);
        }
    }
}

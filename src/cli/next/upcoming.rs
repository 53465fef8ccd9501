//! The upcoming firings of one job: what is owed, when it fires, and what changes of the clock do to that.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::clock_changes::time_of_day;
use crate::cli::prunes::{self, JobPrune};
use crate::job::Job;
use crate::lifecycle::job::catch_up_refusal;
use crate::record::{JobRecord, Standing};
use crate::schedule::landing::Landing;
use crate::schedule::zone::Zone;
use crate::schedule::{Due, Kind};
use crate::units;

/// How many firings to find, and up to which instant.
#[derive(Clone, Copy, Debug)]
pub struct UpcomingLimits {
    pub count: usize,
    /// Exclusive. `None`: no end.
    pub until: Option<DateTime<Utc>>,
}

/// The upcoming firings of a job.
#[derive(Clone, Debug)]
pub struct Upcoming {
    pub job_id: String,
    /// In words.
    pub schedule: String,
    /// The zone of the schedule: its own, else the host's.
    pub zone: Zone,
    /// How much later than its due time the job fires on this host.
    pub jitter: Duration,
    /// What came due and has not run yet.
    pub owed: Option<Owed>,
    pub firings: Vec<Firing>,
    /// The containers that it is time to prune, by the firing.
    pub prunes: BTreeMap<DateTime<Utc>, Vec<String>>,
    /// The job runs again one second after each end.
    pub continuous: bool,
    /// Why there is no upcoming firing. `None` if there may be one.
    pub off: Option<String>,
}

/// Due instants in the past without a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    pub due: Due,
    /// Why they get no run. `None`: one run stands for all of them.
    pub refusal: Option<String>,
}

/// One upcoming firing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Firing {
    pub due: DateTime<Utc>,
    /// The due time plus the job's jitter.
    pub at: DateTime<Utc>,
    pub landing: Landing,
}

impl Upcoming {
    /// The firings of a file, as if it were put into the jobs directory at `now`.
    pub fn of_file(
        job: &Job,
        client_id: &str,
        now: DateTime<Utc>,
        host_zone: &Zone,
        limits: UpcomingLimits,
    ) -> Upcoming {
        let mut upcoming = Upcoming::new(job, client_id, host_zone);
        let delay = upcoming.delay();
        upcoming.firings = job
            .schedule
            .occurrences(now, now, host_zone)
            .filter_map(|due| firing(job, due, delay, host_zone))
            .take_while(|firing| limits.until.is_none_or(|until| firing.at < until))
            .take(limits.count)
            .collect();
        if upcoming.firings.is_empty() && limits.until.is_none() && limits.count > 0 {
            upcoming.off = Some("it is not due any more".to_owned());
        }
        upcoming
    }

    /// The firings of a job in the ledger. With `from`, they start at this instant. Without it they start now, and owed
    /// runs are included.
    pub fn of_job(
        job: &Job,
        record: &JobRecord,
        client_id: &str,
        (now, from): (DateTime<Utc>, Option<DateTime<Utc>>),
        host_zone: &Zone,
        limits: UpcomingLimits,
    ) -> Upcoming {
        let mut upcoming = Upcoming::new(job, client_id, host_zone);
        if record.standing != Standing::OnSchedule {
            let word = match record.standing {
                Standing::Removed => "removed",
                Standing::Stopped => "stopped",
                Standing::Finished | Standing::OnSchedule => "finished",
            };
            upcoming.off = Some(match &record.reason {
                Some(reason) => format!("it is {word}: {reason}"),
                None => format!("it is {word}"),
            });
            return upcoming;
        }
        let delay = upcoming.delay();
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
            upcoming.owed = Some(Owed { due, refusal });
        }
        while upcoming.firings.len() < limits.count {
            let next = job.schedule.next_after(after, record.anchor, host_zone);
            let Some(firing) = next.and_then(|due| firing(job, due, delay, host_zone)) else {
                break;
            };
            if limits.until.is_some_and(|until| firing.at >= until) {
                break;
            }
            after = firing.due;
            upcoming.firings.push(firing);
        }
        upcoming
    }

    fn new(job: &Job, client_id: &str, host_zone: &Zone) -> Upcoming {
        Upcoming {
            job_id: job.id.clone(),
            schedule: job.schedule.describe(),
            zone: job.schedule.zone_or(host_zone).clone(),
            jitter: job.schedule.jitter_delay(client_id, &job.id),
            owed: None,
            firings: Vec::new(),
            prunes: BTreeMap::new(),
            continuous: job.schedule.kind() == Kind::Continuous,
            off: None,
        }
    }

    fn delay(&self) -> TimeDelta {
        TimeDelta::from_std(self.jitter).unwrap_or(TimeDelta::zero())
    }

    /// Marks the firings at which it is time to prune these containers.
    pub fn with_prunes(mut self, prunes: &[JobPrune]) -> Upcoming {
        self.prunes = prunes::due(prunes, self.firings.iter().map(|firing| firing.at));
        self
    }

    /// The containers that it is time to prune at a firing.
    pub fn prunes(&self, firing: &Firing) -> &[String] {
        self.prunes.get(&firing.at).map_or(&[], Vec::as_slice)
    }

    /// Notes about a firing: what a change of the clock does to it, its jitter, and prunes.
    pub fn notes(&self, firing: &Firing) -> Vec<String> {
        let mut notes = Vec::new();
        match firing.landing {
            Landing::AsAsked => {}
            Landing::Moved { asked, merged } => notes.push(format!(
                "moved: {} does not exist in {} that day{}",
                time_of_day(asked),
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
                time_of_day(self.zone.to_local(firing.due).naive_local()),
                units::duration(self.jitter)
            ));
        }
        let prunes = self.prunes(firing).iter();
        notes.extend(prunes.map(|container| format!("time to prune {container}")));
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

    fn of_file(schedule: &str, now: &str, count: usize) -> Upcoming {
        let limits = UpcomingLimits { count, until: None };
        Upcoming::of_file(&job(schedule), "host", at(now), &zone(), limits)
    }

    fn record(job: &Job, handled: &str) -> JobRecord {
        use crate::lifecycle::job::{Clockwork, Content, first_seen};
        let content = Content {
            file: "nightly.json",
            digest: "",
            document: "",
            max_age: None,
        };
        let clockwork = Clockwork {
            schedule: &job.schedule,
            zone: &zone(),
            delay: TimeDelta::zero(),
        };
        first_seen(&job.id, content, &job.initial, clockwork, at(handled)).record
    }

    fn of_job(schedule: &str, handled: &str, now: &str) -> Upcoming {
        let job = job(schedule);
        let limits = UpcomingLimits {
            count: 2,
            until: None,
        };
        Upcoming::of_job(
            &job,
            &record(&job, handled),
            "host",
            (at(now), None),
            &zone(),
            limits,
        )
    }

    #[test]
    fn a_firing_in_a_gap_names_the_time_that_does_not_exist() {
        let daily = r#"{"schedule_hour": "2", "schedule_minute": "30"}"#;
        let upcoming = of_file(daily, "2026-03-28T12:00:00Z", 1);
        let notes = upcoming.notes(&upcoming.firings[0]);
        assert_eq!(
            notes,
            ["moved: 02:30 does not exist in Europe/Berlin that day"]
        );
        let upcoming = of_file(daily, "2026-10-24T12:00:00Z", 1);
        let notes = upcoming.notes(&upcoming.firings[0]);
        assert_eq!(notes, ["the first of two such times: runs once"]);
    }

    #[test]
    fn jitter_is_added_and_in_the_notes() {
        let upcoming = of_file(
            r#"{"schedule_hour": "2", "schedule_jitter": "1 hours"}"#,
            "2026-06-01T12:00:00Z",
            1,
        );
        let firing = upcoming.firings[0];
        assert!(!upcoming.jitter.is_zero());
        assert_eq!(firing.due, at("2026-06-02T00:00:00Z"));
        assert_eq!(
            firing.at - firing.due,
            TimeDelta::from_std(upcoming.jitter).unwrap()
        );
        let notes = upcoming.notes(&firing);
        assert!(
            notes[0].starts_with("due 02:00, ") && notes[0].ends_with(" later by schedule_jitter")
        );
    }

    #[test]
    fn missed_firings_are_one_owed_run() {
        let upcoming = of_job(
            r#"{"schedule_hour": "2"}"#,
            "2026-06-01T12:00:00Z",
            "2026-06-04T12:00:00Z",
        );
        let owed = upcoming.owed.expect("three runs were missed");
        assert_eq!((owed.due.count, owed.refusal), (3, None));
        assert_eq!(upcoming.firings[0].due, at("2026-06-05T00:00:00Z"));
    }

    #[test]
    fn a_missed_firing_that_is_not_caught_up_has_a_reason() {
        let upcoming = of_job(
            r#"{"schedule_hour": "2", "schedule_catch_up": "skip"}"#,
            "2026-06-01T12:00:00Z",
            "2026-06-04T12:00:00Z",
        );
        let owed = upcoming.owed.expect("three runs were missed");
        assert_eq!(
            owed.refusal.as_deref(),
            Some("it was missed, and schedule_catch_up is skip")
        );
    }

    #[test]
    fn the_end_of_a_span_is_exclusive() {
        let limits = UpcomingLimits {
            count: 100,
            until: Some(at("2026-06-03T00:00:00Z")),
        };
        let daily = job(r#"{"schedule_hour": "2"}"#);
        let upcoming =
            Upcoming::of_file(&daily, "host", at("2026-06-01T00:00:00Z"), &zone(), limits);
        let due: Vec<_> = upcoming.firings.iter().map(|firing| firing.due).collect();
        assert_eq!(
            due,
            [at("2026-06-01T00:00:00Z"), at("2026-06-02T00:00:00Z")]
        );
    }

    #[test]
    fn extreme_instants_do_not_panic() {
        for now in [
            "-262000-01-01T00:00:00Z",
            "+262000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            let Ok(now) = now.parse::<DateTime<Utc>>() else {
                continue;
            };
            let limits = UpcomingLimits {
                count: 3,
                until: now.checked_add_signed(TimeDelta::days(7)),
            };
            let daily = job(r#"{"schedule_hour": "2", "schedule_jitter": "900 weeks"}"#);
            let _ = Upcoming::of_file(&daily, "host", now, &zone(), limits);
            let record = record(&daily, "2026-06-01T12:00:00Z");
            let _ = Upcoming::of_job(&daily, &record, "host", (now, Some(now)), &zone(), limits);
            let _ = Upcoming::of_job(&daily, &record, "host", (now, None), &zone(), limits);
        }
    }
}

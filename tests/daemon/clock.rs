//! The real daemon under clocks that people change: set forward, set back, corrected, moved to another time zone.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Clock, Host, exec};

/// An instant in the next year, at which the daemon does not doubt the clock.
fn next_year(rest: &str) -> DateTime<Utc> {
    let year = Utc::now().year() + 1;
    format!("{year}-{rest}Z").parse().expect("an instant")
}

fn hourly() -> Value {
    json!({"job_actions": [exec("true")], "job_schedule": {"schedule_minute": "0"}})
}

/// The due instants, newest first, each with the trigger of its row and the number of occurrences that it stands for.
fn rows(host: &Host, job: &str) -> Vec<(DateTime<Utc>, String, u64)> {
    host.history(job)
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let due = text("due").parse().expect("an instant");
            (due, text("trigger"), row["covers"].as_u64().unwrap_or(0))
        })
        .collect()
}

fn next_of(host: &Host, job: &str) -> DateTime<Utc> {
    let next = &host.show(job)["x-freezerd"]["next"];
    let text = next
        .as_str()
        .unwrap_or_else(|| panic!("{next} is no instant"));
    text.parse().expect("an instant")
}

#[test]
fn after_a_step_forward_a_missed_job_runs_and_after_a_long_one_it_runs_once() {
    let Some(clock) = Clock::at(next_year("06-01T10:58:00")) else {
        return;
    };
    let host = &clock.host;
    host.put("a", hourly());
    let daemon = host.start();
    clock.step(&daemon, next_year("06-01T11:00:05"));
    daemon.run_of("a");
    clock.step(&daemon, next_year("06-01T15:10:00"));
    daemon.until(|line| line.message.contains("the clock was set forward by 4 h"));
    daemon.run_of("a");
    assert_eq!(
        rows(host, "a"),
        [
            (next_year("06-01T15:00:00"), "catch_up".to_owned(), 4),
            (next_year("06-01T11:00:00"), "schedule".to_owned(), 1),
        ]
    );
    assert_eq!(next_of(host, "a"), next_year("06-01T16:00:00"));
}

#[test]
fn after_a_step_back_a_job_does_not_run_again_for_the_same_occurrence() {
    let Some(clock) = Clock::at(next_year("06-01T10:59:58")) else {
        return;
    };
    let host = &clock.host;
    host.put("a", hourly());
    let daemon = host.start();
    daemon.run_of("a");
    clock.step(&daemon, next_year("06-01T09:30:00"));
    daemon.until(|line| {
        line.message
            .contains("the clock was set back by 1 h 30 min")
    });
    assert_eq!(next_of(host, "a"), next_year("06-01T12:00:00"));
    for again in ["06-01T10:00:01", "06-01T11:00:01"] {
        clock.step(&daemon, next_year(again));
        daemon.until(|line| line.message.contains("the clock was set forward"));
    }
    clock.step(&daemon, next_year("06-01T12:00:01"));
    daemon.run_of("a");
    let due: Vec<_> = rows(host, "a").into_iter().map(|(due, _, _)| due).collect();
    assert_eq!(
        due,
        [next_year("06-01T12:00:00"), next_year("06-01T11:00:00")]
    );
}

#[test]
fn after_a_clock_was_corrected_by_hours_the_schedule_continues_from_there() {
    let Some(clock) = Clock::at(next_year("06-01T22:59:58")) else {
        return;
    };
    let host = &clock.host;
    host.put("a", hourly());
    let daemon = host.start();
    daemon.run_of("a");
    clock.step(&daemon, next_year("06-01T12:30:00"));
    daemon.until(|line| {
        line.message
            .contains("the schedule of 1 job goes on from now")
    });
    assert_eq!(next_of(host, "a"), next_year("06-01T13:00:00"));
    clock.step(&daemon, next_year("06-01T12:59:59"));
    daemon.run_of("a");
    let due: Vec<_> = rows(host, "a").into_iter().map(|(due, _, _)| due).collect();
    assert_eq!(
        due,
        [next_year("06-01T13:00:00"), next_year("06-01T23:00:00")]
    );
}

#[test]
fn after_a_stop_of_three_days_one_run_catches_up_for_all_missed_occurrences() {
    let Some(clock) = Clock::at(next_year("06-01T12:00:00")) else {
        return;
    };
    let host = &clock.host;
    let daily = |catch_up: &str| {
        json!({"job_actions": [exec("true")],
               "job_schedule": {"schedule_hour": "3", "schedule_catch_up": catch_up}})
    };
    host.put("once", daily("once"));
    host.put("skip", daily("skip"));
    host.put("recent", daily("6 hours"));
    host.start().stop();
    clock.set(next_year("06-04T12:00:00"));
    let told = host.freezerd(&["why", "once"]).exits(0).stdout();
    assert!(
        told.contains("3 due times from ") && told.contains("freezerd starts one run for them"),
        "{told}"
    );
    let daemon = host.start();
    daemon.run_of("once");
    assert_eq!(
        rows(host, "once"),
        [(next_year("06-04T03:00:00"), "catch_up".to_owned(), 3)]
    );
    for job in ["skip", "recent"] {
        let history = host.history(job);
        assert_eq!(history.len(), 1, "{job}");
        assert_eq!(history[0]["state"], "skipped", "{job}");
        assert_eq!(history[0]["covers"], 3, "{job}");
    }
}

#[test]
fn a_retry_does_not_wait_longer_because_the_clock_was_set_back() {
    let Some(clock) = Clock::at(next_year("06-01T12:00:00")) else {
        return;
    };
    let host = &clock.host;
    let mut failing = exec("exit 1");
    failing["max_retries"] = json!(1);
    failing["max_retries_interval"] = json!(600);
    host.put(
        "a",
        json!({"job_actions": [failing], "job_schedule": {"schedule_date": "2999-01-01"}}),
    );
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "tried again at");
    clock.step(&daemon, next_year("06-01T11:00:00"));
    daemon.until(|line| line.message.contains("the clock was set back by 1 h"));
    crate::harness::eventually("the retry is due ten minutes from now", || {
        let told = host.history("a")[0]["next_attempt"].clone();
        let retry: Option<DateTime<Utc>> = told.as_str().and_then(|text| text.parse().ok());
        retry.is_some_and(|retry| {
            let wait = retry - next_year("06-01T11:00:00");
            wait > TimeDelta::minutes(9) && wait < TimeDelta::minutes(11)
        })
    });
    clock.step(&daemon, next_year("06-01T11:11:00"));
    daemon.run_of("a");
}

/// The last Sunday of next March.
fn spring() -> String {
    let mut day = next_year("03-31T00:00:00").date_naive();
    while day.weekday() != chrono::Weekday::Sun {
        day = day.pred_opt().expect("a day before");
    }
    day.format("%m-%d").to_string()
}

#[test]
fn a_time_that_does_not_exist_fires_later_by_exactly_the_length_of_the_gap() {
    let Some(clock) = Clock::at(next_year(&format!("{}T01:29:58", spring()))) else {
        return;
    };
    let host = &clock.host;
    host.put(
        "a",
        json!({"job_actions": [exec("true")], "job_schedule": {
            "schedule_hour": "2", "schedule_minute": "30", "schedule_timezone": "Europe/Berlin",
        }}),
    );
    let daemon = host.start();
    daemon.run_of("a");
    let row = &host.history("a")[0];
    let instant = |key: &str| -> DateTime<Utc> {
        row[key]
            .as_str()
            .expect("an instant")
            .parse()
            .expect("an instant")
    };
    let due = next_year(&format!("{}T01:30:00", spring()));
    assert_eq!(instant("due"), due);
    let late = instant("started") - due;
    assert!(
        late >= TimeDelta::zero() && late < TimeDelta::seconds(2),
        "{late}"
    );
}

#[test]
fn a_new_time_zone_of_the_host_is_noticed_and_applies_from_then_on() {
    let zones = PathBuf::from("/usr/share/zoneinfo");
    if !zones.join("Europe/Berlin").exists() {
        println!("SKIPPED: there are no time zone files");
        return;
    }
    let host = Host::new();
    let localtime = host.path("localtime");
    let point_to = |zone: &str| {
        let new = host.path("localtime.new");
        fs::copy(zones.join(zone), &new).expect("a copy of the zone file");
        fs::rename(new, &localtime).expect("its name");
    };
    point_to("Europe/Berlin");
    let setting = format!(":{}", localtime.display());
    let host = host.env("TZ", &setting).flag("--rescan-interval=1 second");
    let daily = json!({"job_actions": [exec("true")], "job_schedule": {"schedule_hour": "12"}});
    let host = host.job("a", daily);
    let daemon = host.start();
    let before = next_of(&host, "a");
    let log = daemon.log();
    assert!(
        log.contains("time zone ") && log.contains(&setting),
        "{log}"
    );
    let shown = host.freezerd(&["config", "show"]).exits(0).stdout();
    assert!(
        shown.contains("Time zone in use: ") && shown.contains(&setting),
        "{shown}"
    );

    fs::copy(zones.join("Pacific/Kiritimati"), host.path("localtime.new")).expect("a copy");
    fs::rename(host.path("localtime.new"), host.path("localtime")).expect("its name");
    daemon.until(|line| line.message.contains("the host's time zone is "));
    crate::harness::eventually("the next firing is noon there", || {
        let next = next_of(&host, "a");
        next != before && next.format("%T").to_string() == "22:00:00"
    });
    assert_eq!(host.history("a").len(), 0, "nothing is owed because of it");
}

//! Occurrences that were missed while no daemon ran.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Daemon, Host, every, exec};

fn instant(value: &Value) -> DateTime<Utc> {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no instant"));
    text.parse().unwrap()
}

/// A job that was last due `minutes` before now, and every hour before that, while no daemon ran.
fn missed(host: &Host, catch_up: Option<&str>, hours: i64) -> Daemon {
    let mut job = every("1 hour", vec![exec("true")]);
    if let Some(word) = catch_up {
        job["job_schedule"]["schedule_catch_up"] = json!(word);
    }
    host.put("a", job);
    host.start().stop();
    host.sleep_through("a", TimeDelta::hours(hours) + TimeDelta::minutes(10));
    host.start()
}

#[test]
fn one_catch_up_run_stands_for_several_missed_occurrences_and_says_so() {
    let host = Host::new();
    let daemon = missed(&host, None, 3);
    daemon.run_of("a");
    let rows = host.history("a");
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (&row["trigger"], &row["covers"], &row["result"]),
        (&json!("catch_up"), &json!(3), &json!("success"))
    );
    assert_eq!(
        instant(&row["due"]) - instant(&row["first_due"]),
        TimeDelta::hours(2)
    );
    let late = instant(&row["started"]) - instant(&row["due"]);
    assert!(
        late > TimeDelta::minutes(9) && late < TimeDelta::minutes(12),
        "it stands for the last one: {late}"
    );
    let next = instant(&host.show("a")["x-freezerd"]["next"]);
    assert_eq!(
        next - instant(&row["due"]),
        TimeDelta::hours(1),
        "and the phase is kept"
    );
}

#[test]
fn with_schedule_catch_up_skip_a_row_records_the_missed_occurrences() {
    let host = Host::new();
    let daemon = missed(&host, Some("skip"), 3);
    daemon.looks(&host);
    let rows = host.history("a");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["state"], &rows[0]["covers"]),
        (&json!("skipped"), &json!(3))
    );
    assert!(
        rows[0]["reason"]
            .as_str()
            .unwrap()
            .contains("schedule_catch_up"),
        "{:#}",
        rows[0]
    );
    assert_eq!(host.state("a"), "scheduled//");
}

#[test]
fn a_duration_as_schedule_catch_up_limits_how_late_a_catch_up_may_be() {
    let host = Host::new();
    let daemon = missed(&host, Some("20 minutes"), 2);
    daemon.run_of("a");
    assert_eq!(host.history("a")[0]["result"], "success");
    let host = Host::new();
    let daemon = missed(&host, Some("5 minutes"), 2);
    daemon.looks(&host);
    assert_eq!(host.history("a")[0]["state"], "skipped");
}

#[test]
fn a_missed_date_is_caught_up_however_late_it_is() {
    let host = Host::new();
    let date = (Utc::now() + TimeDelta::hours(1)).to_rfc3339();
    host.put(
        "a",
        json!({"job_actions": [exec("true")], "job_schedule": {"schedule_date": date}}),
    );
    host.start().stop();
    // The test cannot move the file into the past. So it writes to the ledger that the file has always had this date.
    let past = (Utc::now() - TimeDelta::hours(30)).to_rfc3339();
    let job =
        json!({"job_actions": [exec("true")], "job_schedule": {"schedule_date": past}}).to_string();
    host.put_text("a.json", &job);
    host.edit_job("a", |record| {
        record.document = job.clone();
        record.digest = freezerd::intake::Digest::of(job.as_bytes()).to_string();
        record.handled -= TimeDelta::hours(48);
    });
    let daemon = host.start();
    daemon.run_of("a");
    assert_eq!(host.history("a")[0]["trigger"], "catch_up");
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn an_interval_keeps_its_phase_over_a_restart() {
    let host = Host::new().job("a", every("7 hours", vec![exec("true")]));
    let daemon = host.start();
    let next = host.show("a")["x-freezerd"]["next"].clone();
    daemon.stop();
    let _daemon = host.start();
    assert_eq!(host.show("a")["x-freezerd"]["next"], next);
}

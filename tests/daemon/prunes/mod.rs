//! When a backup that removes snapshots also prunes its container, and who tells it.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::harness::every;

mod always;
mod hourly;

use hourly::{Hourly, action};

const HOUR: TimeDelta = TimeDelta::minutes(61);

/// What the log says where the container is pruned, and where it is not.
const PRUNING: &str = "pruning ";
const LATER: &str =
    "the next prune comes when 5 % of the container may be waste, or with the first run after ";

#[test]
fn an_hourly_backup_removes_snapshots_each_time_and_prunes_when_a_share_is_reached() {
    let Some(mut hourly) = Hourly::new(&json!({}), &[]) else {
        return;
    };
    // Nobody knows when a container was pruned that is seen for the first time.
    let first = hourly.run(HOUR);
    assert!(first.contains("no earlier prune of it is known"), "{first}");
    // The first snapshot had added everything.
    let second = hourly.run(HOUR);
    assert!(second.contains("(`prune_waste`)"), "{second}");
    let pruned = hourly.size();
    let mut waited = 0;
    loop {
        let before = hourly.size();
        let log = hourly.run(HOUR);
        assert!(log.contains("removed 1 snapshot of www of "), "{log}");
        assert_eq!(hourly.snapshots(), 1);
        hourly.check();
        if log.contains(PRUNING) {
            assert!(log.contains("(`prune_waste`)"), "{log}");
            break;
        }
        assert!(log.contains(LATER), "{log}");
        assert!(hourly.size() > before, "nothing was freed");
        waited += 1;
        assert!(waited < 10, "{log}");
    }
    assert!(waited > 1, "each run prunes");
    // As restic has it, 5 % may stay, so that not all packs are copied.
    assert!(hourly.size() < pruned + pruned / 15, "{}", hourly.size());
    let (prune, sentence) = hourly.why();
    assert_eq!(prune["snapshots_removed"], 0, "{prune}");
    assert!(sentence.contains("nothing was removed since"), "{sentence}");
}

#[test]
fn what_is_removed_is_freed_within_a_time_however_little_it_is() {
    let settings = [("FREEZERD_PRUNE_WASTE", "90%")];
    let Some(mut hourly) = Hourly::new(&json!({}), &settings) else {
        return;
    };
    hourly.run(HOUR);
    let second = hourly.run(HOUR);
    assert!(second.contains("(`prune_waste`)"), "{second}");
    let pruned_at = hourly.now;
    let later = hourly.run(HOUR);
    assert!(!later.contains(PRUNING), "{later}");

    // Who asks is told how much may be waste, and when it goes at the latest.
    let (prune, sentence) = hourly.why();
    assert_eq!(
        (&prune["prune"], &prune["snapshots_removed"]),
        (&json!("needed"), &json!(1))
    );
    let bytes = prune["bytes_removed"].as_u64().expect("a number");
    assert!((4000..20_000).contains(&bytes), "{prune}");
    let size = prune["bytes"].as_u64().expect("a number");
    assert!((400_000..450_000).contains(&size), "{prune}");
    let instant = |key: &str| {
        let text = prune[key].as_str().expect("an instant");
        text.parse::<DateTime<Utc>>().expect("an instant")
    };
    assert!(instant("pruned") - pruned_at < TimeDelta::minutes(30));
    assert_eq!(instant("latest") - instant("pruned"), TimeDelta::days(7));
    for words in [
        "was pruned last on ",
        "since then 1 snapshot was removed, and up to ",
        "the next prune comes when 90 % of the container may be waste, or with the first run after ",
    ] {
        assert!(sentence.contains(words), "{sentence}");
    }
    let status = hourly.host().json(&["status"]);
    let known = &status["jobs"][0]["prunes"][0];
    assert_eq!(known["pruned"], prune["pruned"], "{status:#}");
    let metrics = hourly.host().freezerd(&["status", "--prometheus"]).stdout();
    let metric = "freezerd_container_pruned_timestamp_seconds{job_id=\"www\"";
    assert!(metrics.contains(metric), "{metrics}");

    // The plan marks the run that prunes.
    let next = hourly.host().json(&["next", "www", "--count", "400"]);
    let place = json!([hourly.host().path("container")]);
    let firings = next["firings"].as_array().expect("a list");
    let marked: Vec<DateTime<Utc>> = firings
        .iter()
        .filter(|firing| firing["prunes"] == place)
        .map(|firing| {
            firing["at"]
                .as_str()
                .expect("text")
                .parse()
                .expect("an instant")
        })
        .collect();
    // A run may be an hour early, since runs do not begin at the same second.
    let after = |at: &DateTime<Utc>| (*at - instant("pruned")).num_hours();
    assert_eq!(marked.iter().map(after).collect::<Vec<_>>(), [167, 334]);
    let text = hourly.host().freezerd(&["next", "www", "--count", "400"]);
    let note = format!(
        "time to prune {}",
        hourly.host().path("container").display()
    );
    assert_eq!(text.stdout().matches(&note).count(), 2);

    let plan = hourly.host().freezerd(&["next", "--for", "8d"]).exits(0);
    assert_eq!(plan.stdout().matches(&note).count(), 1, "{}", plan.stdout());

    let later = hourly.run(TimeDelta::days(6));
    assert!(!later.contains(PRUNING), "{later}");
    let due = hourly.run(TimeDelta::days(1));
    assert!(due.contains(PRUNING), "{due}");
    assert!(due.contains("(`prune_every`)"), "{due}");
    hourly.check();

    // In a plan, a day with many runs of a job is one row.
    let often = vec![action(hourly.host(), &json!({}))];
    hourly.host().put("www", every("20 minutes", often));
    hourly.host().once();
    let plan = hourly.host().freezerd(&["next", "--for", "8d"]).exits(0);
    let note = format!("{note} at ");
    assert_eq!(plan.stdout().matches(&note).count(), 1, "{}", plan.stdout());
}

#[test]
fn outside_the_window_a_prune_waits_and_the_window_is_in_the_zone_of_the_job() {
    let settings = [
        ("FREEZERD_PRUNE_WINDOW", "02:00-04:00"),
        ("FREEZERD_PRUNE_WASTE", "0%"),
    ];
    let Some(mut hourly) = Hourly::new(&json!({}), &settings) else {
        return;
    };
    hourly.run(HOUR);
    let later = hourly.run(HOUR);
    let waits = "a prune is needed, and comes in the hours 02:00-04:00 (`prune_window`), or after ";
    assert!(later.contains(waits), "{later}");
    assert!(!later.contains(PRUNING), "{later}");
    assert!(hourly.why().1.contains(waits), "{:?}", hourly.why());
    let in_tokyo: DateTime<Utc> = "2040-06-04T18:00:00Z".parse().expect("an instant");
    let at_three = hourly.run(in_tokyo - hourly.now);
    assert!(at_three.contains(PRUNING), "{at_three}");
    hourly.check();
}

#[test]
fn a_job_may_prune_in_each_run_or_never() {
    let Some(mut hourly) = Hourly::new(&json!({"prune": "never"}), &[]) else {
        return;
    };
    for _ in 0..2 {
        let log = hourly.run(HOUR);
        assert!(
            log.contains("this action does not prune (`prune`)"),
            "{log}"
        );
        assert!(!log.contains(PRUNING) && !log.contains("freed"), "{log}");
    }
    assert_eq!(hourly.snapshots(), 1);
    hourly.check();
    let never = hourly.why().1;
    assert!(never.contains("this job does not prune it"), "{never}");
    let before = hourly.size();
    let always = action(hourly.host(), &json!({"prune": "always"}));
    hourly.host().put("www", every("1 hours", vec![always]));
    hourly.host().once();
    for _ in 0..2 {
        let log = hourly.run(HOUR);
        assert!(log.contains("left; freed "), "{log}");
    }
    assert!(hourly.size() < before, "the waste is gone");
    assert!(hourly.why().1.contains("each run prunes it"));
}

#[test]
fn an_action_admin_prunes_in_each_run_and_the_backups_know_of_it() {
    let Some(mut hourly) = Hourly::new(&json!({}), &[]) else {
        return;
    };
    hourly.run(HOUR);
    hourly.run(HOUR);
    hourly.run(HOUR);
    assert_eq!(hourly.why().0["snapshots_removed"], 1);
    let mut admin = action(hourly.host(), &json!({"action": "admin"}));
    let keys = admin["freezer_action"].as_object_mut().expect("an object");
    keys.remove("path_to_backup");
    let date = hourly.now + TimeDelta::minutes(5);
    let tidy = json!({"job_actions": [admin], "job_schedule": {"schedule_date": date}});
    hourly.host().put("tidy", tidy);
    hourly.host().once();
    hourly.wait(TimeDelta::minutes(6));
    hourly.host().once().exits(0);
    let log = hourly.host().freezerd(&["log", "tidy"]).stdout();
    assert!(log.contains("left; freed "), "{log}");
    let (prune, _) = hourly.why();
    assert_eq!(prune["snapshots_removed"], 0, "{prune}");
    hourly.run(HOUR);
    assert_eq!(hourly.why().0["snapshots_removed"], 1);
}

#[test]
fn the_actions_of_one_run_know_what_the_earlier_ones_did() {
    let Some(mut hourly) = Hourly::new(&json!({}), &[]) else {
        return;
    };
    let host = hourly.host();
    let other = action(host, &json!({"backup_name": "other"}));
    let both = vec![action(host, &json!({})), other];
    host.put("www", every("1 hours", both));
    host.once();
    let log = hourly.run(HOUR);
    assert_eq!(
        log.matches("no earlier prune of it is known").count(),
        1,
        "{log}"
    );
    // Another program may have removed some.
    let known = "no job of this host has removed any since the last prune";
    assert_eq!(log.matches(known).count(), 1, "{log}");
    assert!(!log.contains("nothing to prune"), "{log}");
}

#[test]
fn a_prune_that_was_killed_does_not_count() {
    let Some(mut hourly) = Hourly::new(&json!({}), &[]) else {
        return;
    };
    hourly.run(HOUR);
    let known = hourly.why().0["pruned"].clone();
    assert!(known.is_string(), "{known}");
    // The second run would prune because of the share.
    hourly.wait(HOUR);
    hourly.change();
    let ran = hourly
        .host()
        .command(&["run", "--once"])
        .env("FREEZERD_KILL_TRACE", hourly.host().path("trace"))
        .env("FREEZERD_KILL_AT", "SnapshotsForgotten:1:agent")
        .output()
        .expect("freezerd");
    assert_ne!(ran.status.code(), Some(0), "{ran:?}");
    let (prune, sentence) = hourly.why();
    assert_eq!(prune["pruned"], known);
    assert!(prune["bytes_removed"].is_null(), "{prune}");
    let words = "it is not known how much the removed snapshots have left";
    assert!(sentence.contains(words), "{sentence}");
    let log = hourly.run(HOUR);
    assert!(log.contains(PRUNING) && log.contains(words), "{log}");
    hourly.check();
    let (prune, _) = hourly.why();
    assert_eq!(prune["bytes_removed"], 0, "{prune}");
    assert_ne!(prune["pruned"], known);
}

#[test]
fn a_damaged_index_is_told_and_no_snapshot_is_removed() {
    let Some(mut hourly) = Hourly::new(&json!({}), &[]) else {
        return;
    };
    hourly.run(HOUR);
    hourly.run(HOUR);
    let index = fs::read_dir(hourly.host().path("container/index")).expect("the index");
    let file = index.map(|it| it.expect("a file").path()).next();
    let file = file.expect("a file");
    fs::remove_file(&file).expect("a file of the directory");
    fs::write(&file, "damage").expect("a file");
    hourly.wait(HOUR);
    hourly.change();
    hourly.host().once().exits(1);
    assert_eq!(hourly.snapshots(), 2, "{}", hourly.log());
}

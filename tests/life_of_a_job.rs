//! What becomes of a job: its status, events and results, its retries, and the rows that tell of them.

mod harness;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use harness::{Daemon, Gate, Host, eventually, every, exec, is_alive, now, once, someday};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A job with one action that waits at a gate.
fn gated(host: &Host, job: &str) -> Gate {
    let gate = host.gate(&format!("gate-of-{job}"));
    host.put(job, someday(vec![gate.action()]));
    gate
}

/// Triggers the job, and waits until its command runs.
fn run_to_the_gate(host: &Host, daemon: &Daemon, job: &str) -> u64 {
    let run = host.trigger(job);
    daemon.says(job, &format!("run {run} started"));
    run
}

fn scheduled(schedule: Value, command: &str) -> Value {
    json!({"job_actions": [exec(command)], "job_schedule": schedule})
}

fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn instant(value: &Value) -> DateTime<Utc> {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no instant"));
    text.parse().unwrap()
}

fn next(host: &Host, job: &str) -> Value {
    host.show(job)["x-freezerd"]["next"].clone()
}

fn exit_statuses(shown: &Value) -> Vec<&str> {
    let actions = shown["job_actions"].as_array().unwrap();
    actions
        .iter()
        .map(|action| action["exit_status"].as_str().unwrap_or("-"))
        .collect()
}

// ---------------------------------------------------------------- status, event, result, times

#[test]
fn a_finished_one_shot_reads_stop_with_its_result() {
    let host = Host::new();
    let daemon = host.start();
    host.put("good", now(vec![exec("true")]));
    host.put("bad", now(vec![exec("true"), exec("false")]));
    daemon.run_of("good");
    daemon.run_of("bad");
    assert_eq!(host.state("good"), "stop//success");
    assert_eq!(host.state("bad"), "stop//fail");
    assert_eq!(exit_statuses(&host.show("bad")), ["success", "fail"]);
    assert_eq!(next(&host, "good"), Value::Null);
}

#[test]
fn while_a_job_runs_time_started_is_set_and_time_ended_is_0() {
    let host = Host::new();
    let before = Utc::now().timestamp();
    let gate = gated(&host, "a");
    let daemon = host.start();
    let schedule = host.schedule("a");
    assert_eq!(
        (&schedule["time_started"], &schedule["time_ended"]),
        (&json!(0), &json!(0))
    );
    assert!(schedule["time_created"].as_i64().unwrap() >= before);
    run_to_the_gate(&host, &daemon, "a");
    let schedule = host.schedule("a");
    assert_eq!(schedule["status"], "running");
    assert!(schedule["time_started"].as_i64().unwrap() >= before);
    assert_eq!(schedule["time_ended"], 0);
    gate.pass();
    daemon.run_of("a");
    let schedule = host.schedule("a");
    assert!(schedule["time_ended"].as_i64() >= schedule["time_started"].as_i64());
    run_to_the_gate(&host, &daemon, "a");
    assert_eq!(
        host.schedule("a")["time_ended"],
        0,
        "the second run's end is not the first one's"
    );
}

#[test]
fn a_repeating_job_is_scheduled_again_after_its_run_and_shows_its_result() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", every("1 second", vec![exec("true")]));
    daemon.run_of("a");
    daemon.run_of("a");
    let schedule = host.schedule("a");
    assert!(["scheduled", "running"].contains(&schedule["status"].as_str().unwrap()));
    assert_eq!(schedule["result"], "success");
}

#[test]
fn a_schedule_that_is_over_leaves_the_job_stopped_with_its_last_result() {
    let host = Host::new();
    let daemon = host.start();
    let end = rfc3339(Utc::now() + TimeDelta::seconds(2));
    host.put(
        "a",
        scheduled(
            json!({"schedule_interval": "1 second", "schedule_end_date": end}),
            "true",
        ),
    );
    daemon.run_of("a");
    eventually("its end", || host.state("a") == "stop//success");
    assert!(instant(&host.history("a")[0]["due"]) <= end.parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn a_date_runs_once_at_that_moment() {
    let host = Host::new();
    let daemon = host.start();
    let date = Utc::now() + TimeDelta::seconds(1);
    host.put(
        "a",
        scheduled(json!({"schedule_date": rfc3339(date)}), "true"),
    );
    daemon.run_of("a");
    let rows = host.history("a");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        instant(&rows[0]["due"]),
        date.to_rfc3339_opts(SecondsFormat::Millis, true)
            .parse::<DateTime<Utc>>()
            .unwrap()
    );
    assert!(instant(&rows[0]["started"]) >= instant(&rows[0]["due"]));
}

#[test]
fn a_job_without_a_schedule_runs_once_two_seconds_after_it_is_loaded_and_not_again_at_restart() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", once(vec![exec("true")]));
    daemon.run_of("a");
    let (row, created) = (
        host.history("a")[0].clone(),
        host.schedule("a")["time_created"].clone(),
    );
    let waited = instant(&row["started"]).timestamp() - created.as_i64().unwrap();
    assert!(
        (2..=3).contains(&waited) || waited == 1,
        "it waited {waited} s"
    );
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "stop//success");
    daemon.looks(&host);
    assert_eq!(host.history("a").len(), 1);
}

#[test]
fn a_date_that_is_past_by_more_than_an_hour_when_first_seen_does_not_run_and_says_so() {
    let host = Host::new();
    let date = rfc3339(Utc::now() - TimeDelta::minutes(61));
    host.put("a", scheduled(json!({"schedule_date": date}), "true"));
    let daemon = host.start();
    daemon.looks(&host);
    assert_eq!(host.state("a"), "stop//");
    let reason = host.show("a")["x-freezerd"]["reason"].clone();
    assert!(
        reason
            .as_str()
            .unwrap()
            .contains("passed by more than an hour"),
        "{reason}"
    );
    assert!(host.history("a").is_empty());
}

#[test]
fn a_date_that_is_past_by_less_than_an_hour_when_first_seen_runs_as_a_catch_up() {
    let host = Host::new();
    let daemon = host.start();
    let date = rfc3339(Utc::now() - TimeDelta::minutes(55));
    host.put("a", scheduled(json!({"schedule_date": date}), "true"));
    daemon.run_of("a");
    let row = &host.history("a")[0];
    assert_eq!(row["trigger"], "catch_up");
    assert_eq!(instant(&row["due"]), date.parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn the_same_occurrence_never_runs_twice_however_its_file_is_edited() {
    let host = Host::new();
    let daemon = host.start();
    let date = Utc::now() - TimeDelta::minutes(5);
    let mut job = scheduled(json!({"schedule_date": rfc3339(date)}), "true");
    host.put("a", job.clone());
    daemon.run_of("a");
    job["description"] = json!("another word");
    host.put("a", job.clone());
    daemon.says("a", "changed");
    // The same moment, written in another way.
    job["job_schedule"]["schedule_date"] = json!(rfc3339(date).replace('Z', "+00:00"));
    host.put("a", job.clone());
    daemon.says("a", "changed");
    daemon.looks(&host);
    assert_eq!(host.history("a").len(), 1);
    assert_eq!(host.state("a"), "stop//success");
    host.delete("a");
    daemon.says("a", "gone");
    host.put("a", job);
    daemon.says("a", "loaded");
    daemon.looks(&host);
    assert_eq!(
        host.history("a").len(),
        1,
        "not even when the file was away"
    );
    assert_eq!(host.schedule("a")["status"], "stop");
}

#[test]
fn jitter_delays_every_firing_by_the_same_time_on_one_host() {
    let host = Host::new();
    let date = "2999-01-01T00:00:00Z";
    host.put(
        "a",
        scheduled(
            json!({"schedule_date": date, "schedule_jitter": "1 hour"}),
            "true",
        ),
    );
    let daemon = host.start();
    let first = next(&host, "a");
    let delay = instant(&first) - date.parse::<DateTime<Utc>>().unwrap();
    assert!(
        delay >= TimeDelta::zero() && delay <= TimeDelta::hours(1),
        "{delay}"
    );
    daemon.stop();
    let daemon = host.start();
    assert_eq!(next(&host, "a"), first);
    daemon.stop();
    let host = host.env("FREEZERD_CLIENT_ID", "another");
    let _daemon = host.start();
    assert_ne!(next(&host, "a"), first, "and by another on another host");
}

// ---------------------------------------------------------------- stop, abort, remove, start, trigger

#[test]
fn stop_takes_a_job_off_its_schedule_and_start_puts_it_back() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    let due = next(&host, "a");
    host.ask("stop", "a");
    assert_eq!(host.state("a"), "stop//");
    assert_eq!(next(&host, "a"), Value::Null);
    assert!(host.ask("stop", "a").contains("already"));
    daemon.stop();
    let _daemon = host.start();
    assert_eq!(host.state("a"), "stop//", "also over a restart");
    host.ask("start", "a");
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(next(&host, "a"), due);
}

#[test]
fn stop_lets_a_run_finish_and_then_stops() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    let run = run_to_the_gate(&host, &daemon, "a");
    host.ask("stop", "a");
    assert_eq!(host.state("a"), "running/stop/");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success", "the event is cleared");
    assert_eq!(host.run(run)["result"], "success");
}

#[test]
fn start_takes_back_a_stop_that_waits_for_the_end_of_a_run() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "a");
    host.ask("stop", "a");
    host.ask("start", "a");
    assert_eq!(host.state("a"), "running//");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "scheduled//success");
}

#[test]
fn start_of_a_job_without_a_schedule_runs_it_in_two_seconds() {
    let host = Host::new();
    host.put("a", scheduled(json!({"status": "stop"}), "true"));
    let daemon = host.start();
    let before = Utc::now() - TimeDelta::milliseconds(1);
    host.ask("start", "a");
    let due = instant(&next(&host, "a")) - TimeDelta::seconds(2);
    assert!(before <= due && due <= Utc::now(), "{before} {due}");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn start_of_a_job_with_no_firing_left_is_refused_and_names_trigger() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", now(vec![exec("true")]));
    daemon.run_of("a");
    let refusal = host.freezerd(&["start", "a"]).exits(75).stderr();
    assert!(
        refusal.contains("no more firings") && refusal.contains("freezerd trigger"),
        "{refusal}"
    );
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn abort_ends_the_running_action_now_and_then_stops() {
    let host = Host::new();
    let going = host.gate("going");
    // It needs a moment to end, so that its ending can be seen.
    let command = format!(
        "trap '{}; exit 1' TERM; echo $$ > '{}'; while :; do sleep 1; done",
        going.wait(),
        host.path("pid").display()
    );
    host.put("a", someday(vec![exec(&command), exec("true")]));
    let daemon = host.start();
    let run = host.trigger("a");
    eventually("its command runs", || {
        host.path("pid").exists() && host.read("pid").ends_with('\n')
    });
    host.ask("abort", "a");
    assert_eq!(host.state("a"), "aborting/abort/");
    going.pass();
    let end = daemon.run_of("a");
    assert!(end.message.contains("was aborted"), "{}", end.message);
    assert_eq!(host.state("a"), "stop//aborted");
    assert_eq!(exit_statuses(&host.show("a")), ["fail", "-"]);
    assert_eq!(host.run(run)["result"], "aborted");
    assert!(!is_alive(&host.read("pid")), "the command is gone");
}

#[test]
fn abort_kills_a_command_that_does_not_heed_it_and_all_that_it_started() {
    let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
    let gate = host.gate("gate");
    let command = format!(
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >> {pids}; read -r _ < {gate}' & echo $$ >> {pids}; read -r _ < {gate}",
        pids = host.path("pids").display(),
        gate = host.path("gate").display()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    host.trigger("a");
    eventually("both run", || {
        host.path("pids").exists() && host.read("pids").lines().count() == 2
    });
    host.ask("abort", "a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
    eventually("they are gone", || !host.read("pids").lines().any(is_alive));
    drop(gate);
}

/// A script that says who it is, and then waits at a gate, whatever it is told.
fn stray(host: &Host, name: &str, gate: &Gate) -> String {
    let pid = host.path(name);
    let script = format!(
        "trap '' TERM HUP; echo $$ > '{}'; {}",
        pid.display(),
        gate.wait()
    );
    let script = host.file(&format!("{name}.sh"), &script);
    format!("setsid sh '{}'", script.display())
}

fn pid_of(host: &Host, name: &str) -> String {
    eventually("it runs", || {
        host.path(name).exists() && host.read(name).ends_with('\n')
    });
    host.read(name)
}

#[test]
fn what_left_the_process_group_ends_with_an_attempt_that_is_ended_or_lost() {
    for how in ["abort", "timeout", "a lost agent"] {
        let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
        let gate = host.gate("gate");
        let mut action = exec(&format!(
            "echo $PPID > '{}'; {} & {}",
            host.path("agent").display(),
            stray(&host, "stray", &gate),
            gate.wait()
        ));
        if how == "timeout" {
            action["timeout"] = json!(3);
        }
        host.put("a", someday(vec![action]));
        let daemon = host.start();
        let run = host.trigger("a");
        let pid = pid_of(&host, "stray");
        match how {
            "abort" => drop(host.ask("abort", "a")),
            "a lost agent" => {
                let agent = Pid::from_raw(pid_of(&host, "agent").trim().parse().unwrap());
                kill_process(agent.unwrap(), Signal::KILL).unwrap();
            }
            _ => {}
        }
        daemon.run_of("a");
        assert!(!is_alive(&pid), "{how}");
        let log = host.freezerd(&["log", &run.to_string()]).exits(0).stdout();
        assert!(
            log.contains("killed 1 process that had left the action's process group"),
            "{how}: {log}"
        );
    }
}

#[test]
fn what_an_earlier_action_left_running_outlives_an_abort_of_its_run_and_a_kill() {
    for kill in [false, true] {
        let host = Host::new().env("FREEZERD_STOP_GRACE", "1 second");
        let gate = host.gate("gate");
        let server = exec(&format!(
            "{} >/dev/null 2>&1 &",
            stray(&host, "server", &gate)
        ));
        host.put("a", someday(vec![server, gate.action()]));
        let daemon = host.start();
        host.trigger("a");
        let pid = pid_of(&host, "server");
        daemon.says("a", "exec done");
        daemon.says("a", "exec");
        let daemon = if kill {
            daemon.kill();
            host.start()
        } else {
            host.ask("abort", "a");
            daemon.run_of("a");
            daemon
        };
        daemon.looks(&host);
        assert!(is_alive(&pid), "killed: {kill}");
        gate.pass();
        gate.pass();
        gate.pass();
    }
}

#[test]
fn abort_with_no_run_going_on_is_refused() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let _daemon = host.start();
    let refusal = host.freezerd(&["abort", "a"]).exits(75).stderr();
    assert!(refusal.contains("no run to abort"), "{refusal}");
    assert_eq!(host.state("a"), "scheduled//");
}

#[test]
fn start_during_an_abort_puts_the_job_back_on_its_schedule_after_it() {
    let host = Host::new();
    let going = host.gate("going");
    let command = format!(
        "trap '{}; exit 1' TERM; : > '{}'; while :; do sleep 1; done",
        going.wait(),
        host.path("up").display()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    host.trigger("a");
    eventually("its command runs", || host.path("up").exists());
    host.ask("abort", "a");
    host.ask("start", "a");
    assert_eq!(host.state("a"), "aborting/start/");
    going.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "scheduled//aborted");
}

#[test]
fn the_result_is_aborted_even_when_an_action_had_failed_before() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut waiting = gate.action();
    waiting["mandatory"] = json!(true);
    host.put("a", someday(vec![exec("false"), waiting]));
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec failed");
    daemon.says("a", "exec read");
    host.ask("abort", "a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
}

#[test]
fn remove_takes_a_job_off_for_good_and_start_revives_it_while_its_file_is_there() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    host.ask("remove", "a");
    assert_eq!(host.state("a"), "removed//");
    let refusal = host.freezerd(&["trigger", "a"]).exits(75).stderr();
    assert!(refusal.contains("freezerd start"), "{refusal}");
    let refusal = host.freezerd(&["stop", "a"]).exits(75).stderr();
    assert!(refusal.contains("freezerd start"), "{refusal}");
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "removed//", "also over a restart");
    host.put("a", every("1 second", vec![exec("true")]));
    daemon.says("a", "changed");
    assert_eq!(host.state("a"), "removed//", "and when its file changes");
    host.ask("start", "a");
    daemon.run_of("a");
}

#[test]
fn remove_lets_a_run_finish_first() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "a");
    host.ask("remove", "a");
    assert_eq!(host.state("a"), "running/remove/");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "removed//success");
}

#[test]
fn trigger_runs_a_job_now_whatever_its_schedule_says_and_leaves_that_alone() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .job("b", someday(vec![exec("true")]));
    let daemon = host.start();
    let due = next(&host, "a");
    let run = host.trigger("a");
    daemon.run_of("a");
    assert_eq!(host.run(run)["trigger"], "manual");
    assert_eq!(host.state("a"), "scheduled//success");
    assert_eq!(next(&host, "a"), due);
    host.ask("stop", "b");
    host.trigger("b");
    daemon.run_of("b");
    assert_eq!(
        host.state("b"),
        "stop//success",
        "a stopped job runs once and stays stopped"
    );
}

#[test]
fn trigger_beside_a_run_is_refused_and_names_it() {
    let host = Host::new();
    let gate = gated(&host, "a");
    let daemon = host.start();
    let run = run_to_the_gate(&host, &daemon, "a");
    let refusal = host.freezerd(&["trigger", "a"]).exits(75).stderr();
    assert!(
        refusal.contains(&format!("run {run} is going on")),
        "{refusal}"
    );
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.history("a").len(), 1);
}

/// A host with one slot, which a job of the name `holder` has; and a run of `a` that waits for it.
fn queued() -> (Host, Daemon, Gate, u64) {
    let host = Host::new()
        .env("FREEZERD_CONCURRENT_JOBS", "1")
        .job("a", someday(vec![exec("true")]));
    let gate = gated(&host, "holder");
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "holder");
    let run = host.trigger("a");
    daemon.says("a", "waiting for a free slot");
    (host, daemon, gate, run)
}

#[test]
fn a_run_that_waits_for_its_first_slot_is_not_running_yet() {
    let (host, daemon, gate, run) = queued();
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(host.run(run)["state"], "queued");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.state("a"), "scheduled//success");
}

#[test]
fn stop_and_remove_close_the_row_of_a_run_that_has_not_started() {
    for (command, state) in [("stop", "stop//"), ("remove", "removed//")] {
        let (host, daemon, gate, run) = queued();
        host.ask(command, "a");
        assert_eq!(host.state("a"), state);
        let row = host.run(run);
        assert_eq!(row["state"], "skipped");
        assert!(
            row["reason"]
                .as_str()
                .unwrap()
                .contains("before it started"),
            "{row:#}"
        );
        gate.pass();
        daemon.run_of("holder");
        daemon.looks(&host);
        assert_eq!(host.attempts(run), [], "{command}: it never started");
    }
}

#[test]
fn abort_closes_the_row_of_a_run_that_has_not_started_as_aborted() {
    let (host, _daemon, _gate, run) = queued();
    host.ask("abort", "a");
    assert_eq!(host.state("a"), "stop//aborted");
    assert_eq!(host.run(run)["result"], "aborted");
    assert_eq!(host.attempts(run), []);
}

#[test]
fn a_file_that_is_deleted_closes_the_row_of_a_run_that_has_not_started() {
    let (host, daemon, _gate, run) = queued();
    host.delete("a");
    daemon.says("a", "gone");
    let row = host.run(run);
    assert_eq!(row["state"], "skipped");
    assert!(
        row["reason"].as_str().unwrap().contains("deleted"),
        "{row:#}"
    );
}

// ---------------------------------------------------------------- what a file says of its state

#[test]
fn what_a_file_says_of_its_state_is_where_the_job_starts_from() {
    let host = Host::new();
    let said = json!({
        "schedule_date": "2999-01-01T00:00:00", "status": "stop", "event": "", "result": "fail",
        "time_created": 1_000_000_000, "time_started": 1_000_000_100, "time_ended": 1_000_000_200,
    });
    host.put("a", scheduled(said, "true"));
    for (job, key, word) in [
        ("completed", "status", "completed"),
        ("removed", "status", "removed"),
        ("running", "status", "running"),
        ("event-stop", "event", "stop"),
        ("event-remove", "event", "remove"),
        ("event-start", "event", "start"),
    ] {
        host.put(
            job,
            scheduled(
                json!({"schedule_date": "2999-01-01T00:00:00", key: word}),
                "true",
            ),
        );
    }
    let both = json!({"schedule_date": "2999-01-01T00:00:00", "status": "stop", "event": "start"});
    host.put("both", scheduled(both, "true"));
    let _daemon = host.start();
    let schedule = host.schedule("a");
    assert_eq!(host.state("a"), "stop//fail");
    assert_eq!(schedule["time_created"], 1_000_000_000);
    assert_eq!(schedule["time_started"], 1_000_000_100);
    assert_eq!(schedule["time_ended"], 1_000_000_200);
    for (job, state) in [
        ("completed", "stop//"),
        ("removed", "removed//"),
        ("running", "scheduled//"),
        ("event-stop", "stop//"),
        ("event-remove", "removed//"),
        ("event-start", "scheduled//"),
        ("both", "scheduled//"),
    ] {
        assert_eq!(host.state(job), state, "{job}");
    }
}

#[test]
fn only_a_changed_event_or_status_in_a_file_is_acted_on_again() {
    let host = Host::new();
    let daemon = host.start();
    let mut count = 0;
    let mut say = |daemon: &Daemon, key: &str, word: &str| {
        count += 1;
        let mut job = scheduled(
            json!({"schedule_date": "2999-01-01T00:00:00", key: word}),
            "true",
        );
        job["description"] = json!(format!("content {count}"));
        host.put("a", job);
        daemon.says("a", if count == 1 { "loaded" } else { "changed" });
    };
    say(&daemon, "event", "stop");
    assert_eq!(host.state("a"), "stop//");
    host.ask("start", "a");
    say(&daemon, "event", "stop");
    assert_eq!(host.state("a"), "scheduled//", "it says nothing new");
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "scheduled//", "nor does a restart");
    say(&daemon, "event", "");
    assert_eq!(host.state("a"), "scheduled//");
    say(&daemon, "event", "stop");
    assert_eq!(host.state("a"), "stop//", "now it is new again");
    say(&daemon, "event", "start");
    assert_eq!(host.state("a"), "scheduled//");
    say(&daemon, "event", "remove");
    assert_eq!(host.state("a"), "removed//");
    say(&daemon, "status", "scheduled");
    assert_eq!(host.state("a"), "scheduled//");
    say(&daemon, "status", "stop");
    assert_eq!(host.state("a"), "stop//");
    say(&daemon, "status", "running");
    assert_eq!(
        host.state("a"),
        "stop//",
        "a file cannot say that something runs"
    );
}

#[test]
fn a_file_can_abort_a_run() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut job = someday(vec![gate.action()]);
    host.put("a", job.clone());
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "a");
    job["job_schedule"]["event"] = json!("abort");
    host.put("a", job);
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
}

// ---------------------------------------------------------------- actions, retries, timeouts

#[test]
fn after_a_failure_only_mandatory_actions_still_run_and_the_result_is_fail() {
    let host = Host::new();
    let mut last = exec("true");
    last["mandatory"] = json!(true);
    let daemon = host.start();
    host.put(
        "a",
        now(vec![exec("true"), exec("exit 3"), exec("true"), last]),
    );
    let end = daemon.run_of("a");
    assert!(end.message.contains("exit code 3"), "{}", end.message);
    assert_eq!(
        exit_statuses(&host.show("a")),
        ["success", "fail", "-", "success"]
    );
    assert_eq!(host.state("a"), "stop//fail");
}

#[test]
fn attempts_are_max_retries_and_one_each_with_its_row() {
    let host = Host::new();
    let daemon = host.start();
    let mut action = exec("exit 9");
    action["max_retries"] = json!(2);
    action["max_retries_interval"] = json!(0);
    host.put("a", now(vec![action]));
    let run = daemon.run_of("a").run;
    let attempts = host.attempts(run);
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(numbers, [1, 2, 3]);
    for attempt in &attempts {
        assert_eq!(json!(attempt.end)["outcome"]["summary"]["exit_code"], 9);
        assert!(attempt.ended >= Some(attempt.started));
    }
    assert_eq!(host.run(run)["actions"][0]["attempts"], 3);
    assert_eq!(host.history("a").len(), 1, "a retry is no run of its own");
}

#[test]
fn an_attempt_that_succeeds_after_others_failed_is_a_success_and_waits_for_the_interval() {
    let host = Host::new();
    let daemon = host.start();
    let mut action = exec(&format!(
        "test -e '{0}' || {{ : > '{0}'; exit 1; }}",
        host.path("second").display()
    ));
    action["max_retries"] = json!(5);
    action["max_retries_interval"] = json!(2);
    host.put("a", now(vec![action]));
    let line = daemon.says("a", "tried again at");
    let row = host.run(line.run);
    assert_eq!(row["state"], "waiting");
    assert!(instant(&row["next_attempt"]) > instant(&row["started"]));
    let shown = host.freezerd(&["show", "a"]).exits(0).stdout();
    assert!(shown.contains("the next attempt is due at"), "{shown}");
    assert_eq!(host.state("a"), "running//");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success");
    let attempts = host.attempts(line.run);
    assert_eq!(attempts.len(), 2);
    let waited = attempts[1].started - attempts[0].ended.unwrap();
    assert!(waited >= TimeDelta::seconds(2), "{waited}");
}

#[test]
fn a_wait_for_the_next_attempt_can_be_aborted_and_stopped() {
    let host = Host::new();
    let daemon = host.start();
    let mut action = exec("false");
    action["max_retries"] = json!(5);
    action["max_retries_interval"] = json!(3600);
    host.put("a", now(vec![action.clone()]));
    let run = daemon.says("a", "tried again at").run;
    assert!(host.ask("stop", "a").contains("once run"));
    assert_eq!(host.state("a"), "running/stop/");
    host.ask("abort", "a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
    assert_eq!(host.attempts(run).len(), 1);
}

#[test]
fn an_attempt_that_takes_longer_than_its_timeout_is_ended_and_fails() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut action = gate.action();
    action["timeout"] = json!(1);
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(0);
    let daemon = host.start();
    host.put("a", now(vec![action]));
    let end = daemon.run_of("a");
    assert!(
        end.message.contains("longer than its timeout"),
        "{}",
        end.message
    );
    assert_eq!(host.state("a"), "stop//fail");
    let ends: Vec<Value> = host
        .attempts(end.run)
        .iter()
        .map(|attempt| json!(attempt.end)["how"].clone())
        .collect();
    assert_eq!(ends, ["timed_out", "timed_out"]);
}

#[test]
fn what_would_fail_again_just_so_is_not_tried_again() {
    let host = Host::new();
    let daemon = host.start();
    let with_retries = |mut action: Value| {
        action["max_retries"] = json!(3);
        action["max_retries_interval"] = json!(3600);
        now(vec![action])
    };
    host.put(
        "nowhere",
        with_retries(harness::backup(
            &host.path("nowhere"),
            &host.path("container"),
        )),
    );
    host.put("no-command", with_retries(exec("/no/such/program")));
    let missing = json!({"freezer_action": {"action": "exec", "command": ["/no/such/program"]}});
    host.put("no-program", with_retries(missing));
    for job in ["nowhere", "no-command", "no-program"] {
        let run = daemon.run_of(job).run;
        assert_eq!(host.attempts(run).len(), 1, "{job}");
        assert_eq!(host.state(job), "stop//fail");
    }
}

#[test]
fn an_agent_that_crashes_is_a_failure_and_never_a_success() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", now(vec![exec("kill -9 $PPID; sleep 60")]));
    let end = daemon.run_of("a");
    assert!(end.message.contains("killed"), "{}", end.message);
    assert_eq!(host.state("a"), "stop//fail");
}

#[test]
fn what_an_agent_leaves_behind_does_not_hold_up_its_run() {
    let host = Host::new();
    let gate = host.gate("gate");
    let daemon = host.start();
    host.put(
        "a",
        now(vec![exec(&format!(
            "setsid sh -c '{}' & true",
            gate.wait().replace('\'', "\"")
        ))]),
    );
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//success");
    gate.pass();
}

// ---------------------------------------------------------------- firings beside a run

#[test]
fn a_firing_that_falls_due_while_the_job_runs_is_skipped_with_a_row_that_names_the_run_in_the_way()
{
    let host = Host::new();
    let gate = host.gate("gate");
    let daemon = host.start();
    host.put("a", every("1 second", vec![gate.action()]));
    let run = daemon.says("a", "started").run;
    let skipped = daemon.says("a", "is skipped").run;
    let row = host.run(skipped);
    assert_eq!(row["state"], "skipped");
    assert_eq!(row["reason"], format!("run {run} was still going on"));
    assert!(instant(&row["due"]) > instant(&host.run(run)["due"]));
    assert_eq!(host.run(run)["state"], "running");
    gate.pass();
    daemon.run_of("a");
    let after = daemon.says("a", "started").run;
    assert!(
        after > skipped,
        "it goes on with the next firing, and does not make up for the skipped one"
    );
    let dues: Vec<DateTime<Utc>> = host
        .history("a")
        .iter()
        .map(|row| instant(&row["due"]))
        .collect();
    for pair in dues.windows(2) {
        assert!(pair[0] > pair[1], "each firing has one row: {dues:?}");
    }
}

#[test]
fn a_continuous_job_starts_again_one_second_after_its_last_run_ended() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", every("continuous", vec![exec("true")]));
    daemon.run_of("a");
    daemon.run_of("a");
    let rows = host.history("a");
    for pair in rows.windows(2).filter(|pair| !pair[0]["started"].is_null()) {
        let pause = instant(&pair[0]["due"]) - instant(&pair[1]["ended"]);
        assert_eq!(pause, TimeDelta::seconds(1));
    }
}

#[test]
fn a_continuous_job_backs_off_while_it_fails() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", every("continuous", vec![exec("false")]));
    let pause = |host: &Host| instant(&next(host, "a")) - instant(&host.history("a")[0]["ended"]);
    daemon.run_of("a");
    assert_eq!(pause(&host), TimeDelta::seconds(1));
    daemon.run_of("a");
    assert_eq!(pause(&host), TimeDelta::seconds(2));
}

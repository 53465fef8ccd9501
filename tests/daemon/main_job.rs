//! The main purpose of the program: a file becomes a job, its actions run in child processes, a directory is backed up
//! to a repository and restored from it, and the ledger records all of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{
    Daemon, Host, backup, eventually, every, exec, now, once, restore, someday, tree,
};

/// Creates a small tree with the usual kinds of entries.
fn source(host: &Host) -> std::path::PathBuf {
    host.file("source/letter.txt", "Dear reader");
    host.file("source/deep/er/down", "here");
    host.file("source/empty", "");
    let script = host.file("source/run.sh", "#!/bin/sh\n");
    fs::set_permissions(script, fs::Permissions::from_mode(0o750)).unwrap();
    symlink("letter.txt", host.path("source/link")).unwrap();
    host.path("source")
}

fn words(run: &Value) -> Vec<&str> {
    let actions = run["actions"].as_array().unwrap();
    actions
        .iter()
        .map(|action| action["exit_status"].as_str().unwrap_or("-"))
        .collect()
}

#[test]
fn a_file_that_is_dropped_into_the_jobs_directory_becomes_a_scheduled_job() {
    let host = Host::new();
    let daemon = host.start();
    host.put("nightly", someday(vec![exec("true")]));
    daemon.says("nightly", "loaded from nightly.json");
    assert_eq!(host.state("nightly"), "scheduled//");
    let next = &host.show("nightly")["x-freezerd"]["next"];
    assert_eq!(next, "2999-01-01T00:00:00Z");
}

#[test]
fn a_directory_is_backed_up_and_restored_and_the_copy_equals_the_source() {
    let host = Host::new();
    let source = source(&host);
    let (container, target) = (host.path("container"), host.path("target"));
    let daemon = host.start();
    host.put(
        "copy",
        now(vec![
            backup(&source, &container),
            restore(&container, &target),
            exec(&format!(
                "diff -r '{}' '{}'",
                source.display(),
                target.display()
            )),
        ]),
    );
    let end = daemon.run_of("copy");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    assert_eq!(tree(&source), tree(&target));
    assert_eq!(host.state("copy"), "stop//success");
    assert_eq!(words(&host.run(end.run)), ["success"; 3]);
}

#[test]
fn actions_run_in_children_of_the_same_binary() {
    let host = Host::new();
    let daemon = host.start();
    let note = host.path("who");
    host.put(
        "who",
        now(vec![exec(&format!(
            "{{ readlink /proc/$PPID/exe; awk '{{print $4}}' /proc/$PPID/stat; }} > '{}'",
            note.display()
        ))]),
    );
    daemon.run_of("who");
    let binary = fs::canonicalize(env!("CARGO_BIN_EXE_freezerd")).unwrap();
    assert_eq!(
        host.read("who"),
        format!("{}\n{}\n", binary.display(), daemon.id()),
        "the agent is the binary, and the daemon its parent"
    );
}

#[test]
fn actions_run_in_order() {
    let host = Host::new();
    let mark = |word: &str| {
        exec(&format!(
            "echo {word} >> '{}'",
            host.path("marks").display()
        ))
    };
    let daemon = host.start();
    host.put("order", now(vec![mark("one"), mark("two"), mark("three")]));
    daemon.run_of("order");
    assert_eq!(host.read("marks"), "one\ntwo\nthree\n");
}

#[test]
fn a_command_gets_the_job_the_run_and_the_result_so_far() {
    let host = Host::new();
    let tell = format!(
        "echo $FREEZERD_JOB_ID $FREEZERD_RUN $FREEZERD_ACTION $FREEZERD_RESULT >> '{}'",
        host.path("told").display()
    );
    let mut after = exec(&tell);
    after["mandatory"] = json!(true);
    let daemon = host.start();
    host.put("told", now(vec![exec(&tell), exec("false"), after]));
    let run = daemon.run_of("told").run;
    assert_eq!(
        host.read("told"),
        format!("told {run} 0 success\ntold {run} 2 fail\n")
    );
}

#[test]
fn admin_info_and_check_run_like_other_actions() {
    let host = Host::new();
    let source = source(&host);
    let container = host.path("container");
    let work = |action: &str, more: Value| {
        let mut work = json!({"action": action, "container": container, "backup_name": "data"});
        for (key, value) in more.as_object().unwrap() {
            work[key] = value.clone();
        }
        json!({"freezer_action": work})
    };
    let daemon = host.start();
    host.put(
        "care",
        now(vec![
            backup(&source, &container),
            backup(&source, &container),
            work("admin", json!({"remove_older_than": 1})),
            work("info", json!({})),
            json!({"freezer_action": {"action": "check", "container": container}}),
        ]),
    );
    let run = daemon.run_of("care").run;
    assert_eq!(words(&host.run(run)), ["success"; 5]);
    let summaries: Vec<_> = host
        .attempts(run)
        .into_iter()
        .map(|attempt| json!(attempt.end))
        .collect();
    assert_eq!(summaries[2]["outcome"]["summary"]["snapshots_removed"], 0);
    assert_eq!(summaries[3]["outcome"]["summary"]["snapshots"], 2);
}

#[test]
fn the_state_survives_a_restart() {
    let host = Host::new()
        .job("done", once(vec![exec("true")]))
        .job("broken", once(vec![exec("exit 7")]))
        .job("hourly", every("1 hour", vec![exec("true")]))
        .job("halted", someday(vec![exec("true")]));
    let daemon = host.start();
    daemon.run_of("done");
    daemon.run_of("broken");
    host.ask("stop", "halted");
    let jobs = ["broken", "done", "halted", "hourly"];
    let all = |host: &Host| -> Vec<Value> {
        let mut all: Vec<Value> = jobs.iter().map(|job| host.show(job)).collect();
        for job in &mut all {
            job["x-freezerd"]["daemon"] = json!(null);
        }
        all
    };
    let before = (all(&host), host.history("done"), host.history("broken"));
    assert!(daemon.stop().success());
    assert_eq!(
        (all(&host), host.history("done"), host.history("broken")),
        before,
        "while it is down"
    );
    let _daemon = host.start();
    assert_eq!(
        (all(&host), host.history("done"), host.history("broken")),
        before,
        "and after that"
    );
}

#[test]
fn the_sample_jobs_run_once_and_exit_0() {
    let host = Host::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(project.join("src"))
        .arg(host.path("work/src"))
        .status()
        .unwrap();
    assert!(copied.success());
    for entry in fs::read_dir(project.join("jobs.d")).unwrap() {
        let path = entry.unwrap().path();
        host.put_text(
            path.file_name().unwrap().to_str().unwrap(),
            &fs::read_to_string(&path).unwrap(),
        );
    }
    let ran = host.freezerd(&["run", "--once"]).exits(0);
    assert!(ran.stdout().contains("success"), "{}", ran.stdout());
    assert_eq!(
        tree(&host.path("work/src")),
        tree(&host.path("work/target/demo/restored"))
    );
    assert_eq!(host.state("first-backup"), "stop//success");
    assert_eq!(host.state("nightly"), "scheduled//");
}

#[test]
fn the_log_tells_what_happens_in_order_in_plain_words_with_sizes_and_times() {
    let host = Host::new();
    let source = source(&host);
    let container = host.path("container");
    host.put(
        "copy",
        once(vec![
            backup(&source, &container),
            restore(&container, &host.path("target")),
        ]),
    );
    let ran = host.freezerd(&["run", "--once"]).exits(0);
    let log = ran.stderr();
    let mut rest = log.as_str();
    for part in [
        "copy: loaded from copy.json: once",
        "copy: run 1 started",
        "copy: backup ",
        "copy: backup done in ",
        " s: 5 files and other entries, 25 B;",
        "copy: restore ",
        "copy: restore done in ",
        "copy: run 1 succeeded after ",
    ] {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part:?} is not in\n{rest}\nof\n{log}");
        };
        rest = after;
    }
    assert!(
        ran.stdout().contains("copy  1    success"),
        "{}",
        ran.stdout()
    );
}

/// The exit code of `run --once` with these jobs.
fn exit_code(host: &Host) -> i32 {
    host.freezerd(&["run", "--once"]).code()
}

#[test]
fn once_with_nothing_due_exits_0_and_says_what_comes_next() {
    let host = Host::new().job("later", someday(vec![exec("false")]));
    let ran = host.freezerd(&["run", "--once"]).exits(0);
    assert_eq!(
        ran.stdout(),
        "Nothing was due: 1 job, the next run is due at 2999-01-01 00:00:00.\n"
    );
}

#[test]
fn once_exits_1_when_a_run_failed() {
    let host = Host::new()
        .job("bad", now(vec![exec("false")]))
        .job("good", now(vec![exec("true")]));
    host.put_text("worse.json", "{");
    assert_eq!(exit_code(&host), 1);
}

#[test]
fn once_exits_65_when_a_file_is_invalid_and_all_else_is_well() {
    let host = Host::new().job("good", now(vec![exec("true")]));
    host.put_text("bad.json", "{");
    let ran = host.freezerd(&["run", "--once"]).exits(65);
    assert!(
        ran.stdout().contains("Invalid: bad.json"),
        "{}",
        ran.stdout()
    );
    assert_eq!(host.state("good"), "stop//success");
}

#[test]
fn once_exits_3_when_a_backup_is_incomplete_and_nothing_worse_happened() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    let source = source(&host);
    fs::set_permissions(
        host.path("source/letter.txt"),
        fs::Permissions::from_mode(0o000),
    )
    .unwrap();
    host.put("copy", now(vec![backup(&source, &host.path("container"))]));
    host.put_text("bad.json", "{");
    let ran = host.once().exits(3);
    assert_eq!(ran.json()["runs"][0]["partial"], true);
    let shown = host.freezerd(&["show", "copy"]).exits(0).stdout();
    assert!(
        shown.contains("letter.txt: "),
        "the path is named:\n{shown}"
    );
    assert_eq!(
        host.state("copy"),
        "stop//fail",
        "something missing is no success"
    );
    let snapshots = host.json(&["snapshots", "copy"]);
    assert_eq!(
        snapshots["snapshots"][0]["partial"], true,
        "and the snapshot is kept: {snapshots:#}"
    );
    host.put("worse", now(vec![exec("false")]));
    assert_eq!(
        exit_code(&host),
        1,
        "a failure is worse than something missing"
    );
}

#[test]
fn once_runs_each_job_that_missed_occurrences_once() {
    let host = Host::new()
        .job("often", every("continuous", vec![exec("true")]))
        .job("hourly", every("1 hour", vec![exec("true")]));
    assert_eq!(exit_code(&host), 0);
    assert_eq!(host.history("often").len(), 1);
    assert!(host.history("hourly").is_empty());
    host.sleep_through("hourly", TimeDelta::minutes(150));
    let summary = host.once().exits(0).json();
    assert_eq!(host.history("often").len(), 2);
    assert_eq!(host.history("hourly").len(), 1);
    assert_eq!(host.history("hourly")[0]["trigger"], "catch_up");
    assert_eq!(summary["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_restore_that_fails_says_why() {
    let host = Host::new();
    let source = source(&host);
    let (container, target) = (host.path("container"), host.path("target"));
    host.file("target/letter.txt", "another letter");
    let mut other = restore(&container, &target);
    other["freezer_action"]["backup_name"] = json!("other");
    let daemon = host.start();
    host.put(
        "copy",
        now(vec![
            backup(&source, &container),
            restore(&container, &target),
        ]),
    );
    host.put("none", now(vec![restore(&host.path("nowhere"), &target)]));
    let end = daemon.run_of("copy");
    assert!(
        end.message.contains("letter.txt"),
        "the file that differs is named: {}",
        end.message
    );
    assert_eq!(host.read("target/letter.txt"), "another letter", "and kept");
    let end = daemon.run_of("none");
    assert!(end.message.contains("nowhere"), "{}", end.message);
    host.put("wrong-name", now(vec![other]));
    let end = daemon.run_of("wrong-name");
    assert!(
        end.message.contains("no snapshot of other") && end.message.contains("data of "),
        "it names what there is: {}",
        end.message
    );
}

#[test]
fn a_backup_of_a_path_that_does_not_exist_fails_before_anything_is_written() {
    let host = Host::new();
    let daemon: Daemon = host.start();
    host.put(
        "copy",
        now(vec![backup(&host.path("source"), &host.path("container"))]),
    );
    let end = daemon.run_of("copy");
    assert!(end.message.contains("does not exist"), "{}", end.message);
    assert!(!host.path("container").exists());
    eventually("the result", || host.state("copy") == "stop//fail");
}

//! What a person types and reads: every command, its help, its JSON, its errors and exit codes.

mod harness;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use harness::{Host, backup, eventually, every, exec, now, restore, someday, tree};
use serde_json::{Value, json};

/// Every command that people use, with arguments that work on a [`busy`] host.
const COMMANDS: &[&[&str]] = &[
    &["run", "--once"],
    &["check"],
    &["next"],
    &["list"],
    &["show", "save"],
    &["history"],
    &["log", "save"],
    &["start", "save"],
    &["stop", "save"],
    &["abort", "save"],
    &["remove", "save"],
    &["trigger", "save"],
    &["snapshots", "save"],
    &["restore", "save", "--to", "back"],
    &["status"],
    &["doctor"],
    &["state", "check"],
    &["config", "show"],
];

/// A host where a job `save` has made a snapshot of `source`.
fn busy() -> Host {
    let host = Host::new();
    let source = host.file("source/file", "content");
    host.put(
        "save",
        now(vec![backup(
            source.parent().unwrap(),
            &host.path("container"),
        )]),
    );
    host.once().exits(0);
    host
}

/// A host where a job `save` has run, and has saved nothing.
fn idle() -> Host {
    let host = Host::new().job("save", now(vec![exec("true")]));
    host.once().exits(0);
    host
}

fn snapshots(host: &Host, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["snapshots"];
    all.extend(arguments);
    host.json(&all)["snapshots"].as_array().unwrap().clone()
}

// ---------------------------------------------------------------- help, JSON, usage

#[test]
fn every_command_has_a_help_with_an_example() {
    let host = Host::new();
    for command in COMMANDS {
        let name: Vec<&str> = match *command {
            [name @ ("config" | "state"), second, ..] => vec![name, second],
            [name, ..] => vec![name],
            [] => vec![],
        };
        let mut arguments = name.clone();
        arguments.push("--help");
        let help = host.freezerd(&arguments).exits(0).stdout();
        let example = format!("Example: freezerd {}", name.join(" "));
        assert!(help.contains(&example), "{help}");
        assert!(help.contains("--json"), "{help}");
    }
    let help = host.freezerd(&["--help"]).exits(0).stdout();
    for name in COMMANDS.iter().map(|command| command[0]) {
        assert!(
            help.contains(&format!("\n  {name} ")),
            "{name} is listed in\n{help}"
        );
    }
    assert!(
        !help.contains("\n  agent "),
        "what the daemon starts is hidden:\n{help}"
    );
    assert!(help.contains("Exit codes"), "{help}");
}

#[test]
fn every_command_answers_in_json_whether_it_succeeds_or_not() {
    let host = busy();
    for command in COMMANDS {
        let mut arguments = command.to_vec();
        arguments.push("--json");
        let ran = host.freezerd(&arguments);
        let answer = ran.json();
        assert!(answer.is_object());
        let failed = !answer["error"].is_null();
        // The doctor's own codes are its answer.
        let answered = ran.code() == 0 || command[0] == "doctor" && [4, 5].contains(&ran.code());
        assert_eq!(failed, !answered, "{command:?}\n{answer:#}");
        if failed {
            assert_eq!(answer["error"]["exit_code"], ran.code());
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(ran.stderr().contains(message), "{command:?}");
        }
    }
}

#[test]
fn the_five_commands_that_ask_answer_in_json_too() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    for (command, accepted) in [
        ("abort", false),
        ("stop", true),
        ("start", true),
        ("trigger", true),
        ("remove", true),
    ] {
        let ran = host
            .freezerd(&[command, "a", "--json"])
            .exits(if accepted { 0 } else { 75 });
        let answer = ran.json();
        assert_eq!(answer["job_id"], "a");
        assert_eq!(answer["command"], command);
        assert_eq!(answer["accepted"], accepted);
        assert!(!answer["answer"].as_str().unwrap().is_empty());
        assert_eq!(answer["run"].is_u64(), command == "trigger");
        if command == "trigger" {
            daemon.run_of("a");
        }
    }
    let said = host.freezerd(&["start", "a"]).exits(0).stdout();
    assert_eq!(said, "a: is back on its schedule\n");
}

#[test]
fn a_job_whose_file_was_dropped_a_moment_ago_can_be_asked_for() {
    let host = Host::new();
    let daemon = host.start();
    host.put("fresh", someday(vec![exec("true")]));
    host.trigger("fresh");
    daemon.run_of("fresh");
    let unknown = host.freezerd(&["trigger", "never"]).exits(66).stderr();
    assert!(unknown.contains("there is no job never"), "{unknown}");
}

#[test]
fn a_command_line_that_is_wrong_exits_64() {
    let host = idle();
    for arguments in [
        &[][..],
        &["backup"],
        &["list", "--no-such-flag"],
        &["show"],
        &["run", "--json"],
        &["history", "--limit", "many"],
        &["next", "--now", "tomorrow"],
        &["next", "save", "--job", "file.json"],
        &["snapshots"],
        &["restore", "save"],
        &["restore", "--container", "x", "--to", "y"],
        &[
            "restore",
            "--container",
            "x",
            "--backup-name",
            "y",
            "--to",
            "z",
            "--at",
            "yesterday",
        ],
    ] {
        let said = host.freezerd(arguments).exits(64).stderr();
        assert!(!said.is_empty(), "{arguments:?}");
    }
    let said = host.freezerd(&["histroy"]).exits(64).stderr();
    assert!(
        said.contains("history"),
        "it suggests the right one:\n{said}"
    );
}

#[test]
fn what_is_not_there_exits_66_and_names_what_may_be_meant() {
    let host = idle();
    for arguments in [
        &["show", "sav"][..],
        &["history", "sav"],
        &["log", "sav"],
        &["next", "sav"],
        &["snapshots", "sav"],
        &["restore", "sav", "--to", "x"],
    ] {
        let said = host.freezerd(arguments).exits(66).stderr();
        assert!(said.contains("did you mean save?"), "{arguments:?}: {said}");
    }
    for (arguments, names) in [
        (&["log", "999"][..], "run 999"),
        (&["next", "--job", "no-such-file.json"], "no-such-file.json"),
        (&["check", "no-such-file.json"], "no-such-file.json"),
        (
            &["snapshots", "--container", "/no/such/container"],
            "/no/such/container",
        ),
        (
            &["run", "--jobs-dir", "/no/such/jobs.d"],
            "mkdir -p /no/such/jobs.d",
        ),
    ] {
        let said = host.freezerd(arguments).exits(66).stderr();
        assert!(said.contains(names), "{arguments:?}: {said}");
    }
    let _daemon = host.start();
    for command in ["start", "stop", "abort", "remove", "trigger"] {
        let said = host.freezerd(&[command, "sav"]).exits(66).stderr();
        assert!(said.contains("did you mean save?"), "{said}");
    }
}

#[test]
fn a_job_whose_file_is_invalid_exits_65_with_the_diagnostics() {
    let host = Host::new();
    host.put_text("bad.json", "{\"job_id\": \"bad\", \"job_actionz\": []}");
    let _daemon = host.start();
    for arguments in [
        &["show", "bad"][..],
        &["trigger", "bad"],
        &["history", "bad"],
        &["next", "bad"],
        &["check"],
    ] {
        let said = host.freezerd(arguments).exits(65).stderr();
        assert!(
            said.contains("job_actionz") && said.contains("job_actions"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_place_that_cannot_be_made_exits_73() {
    let host = Host::new();
    host.file("occupied", "");
    let state = host.path("occupied/state");
    let said = host
        .freezerd(&["run", "--once", "--state-dir", state.to_str().unwrap()])
        .exits(73)
        .stderr();
    assert!(
        said.contains("occupied") && said.contains("--state-dir"),
        "{said}"
    );
}

#[test]
fn a_user_who_may_not_look_exits_77() {
    let host = idle();
    for arguments in [&["list"][..], &["history"], &["trigger", "save"]] {
        let Some(ran) = host.command_of_a_stranger(arguments) else {
            return;
        };
        let said = ran.exits(77).stderr();
        assert!(said.contains("another user"), "{said}");
    }
}

#[test]
fn a_jobs_directory_that_may_not_be_read_exits_77() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    let jobs_dir = host.path("jobs.d");
    fs::set_permissions(&jobs_dir, fs::Permissions::from_mode(0o000)).unwrap();
    let said = host.once().exits(77).stderr();
    assert!(said.contains("chmod"), "{said}");
    fs::set_permissions(&jobs_dir, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_ledger_is_for_its_owner_alone_wherever_it_lies() {
    let host = Host::new().job("a", now(vec![exec("true")]));
    fs::create_dir(host.path("state")).unwrap();
    fs::set_permissions(host.path("state"), fs::Permissions::from_mode(0o755)).unwrap();
    host.once().exits(0);
    let mut pending = vec![host.path("state")];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            }
        }
    }
}

// ---------------------------------------------------------------- next

/// The occurrences that `next --job` tells for this schedule.
fn occurrences(schedule: Value, arguments: &[&str]) -> Vec<String> {
    let host = Host::new();
    let file = host.file(
        "job.json",
        &json!({"job": {"job_actions": [exec("true")], "job_schedule": schedule}}).to_string(),
    );
    let mut all = vec!["next", "--job", file.to_str().unwrap(), "--json"];
    all.extend(arguments);
    let answer = host.freezerd(&all).exits(0).json();
    assert!(!host.path("state").exists(), "it needs no ledger");
    serde_json::from_value(answer["occurrences"].clone()).unwrap()
}

#[test]
fn next_tells_the_occurrences_of_a_file_with_neither_a_daemon_nor_a_ledger() {
    let nightly =
        json!({"schedule_day": "mon, wed, fri", "schedule_hour": "03", "schedule_minute": "25"});
    let arguments = [
        "--now",
        "2026-03-28T12:00:00",
        "--timezone",
        "Europe/Berlin",
        "--count",
        "2",
    ];
    assert_eq!(
        occurrences(nightly, &arguments),
        ["2026-03-30T03:25:00+02:00", "2026-04-01T03:25:00+02:00"]
    );
}

#[test]
fn next_tells_fewer_occurrences_or_none_when_a_schedule_ends() {
    let hourly = json!({"schedule_interval": "1 hour", "schedule_start_date": "2026-01-01T00:00:00Z",
        "schedule_end_date": "2026-01-01T02:00:00Z"});
    let from = |now: &str| {
        let arguments = ["--now", now, "--timezone", "UTC", "--count", "9"];
        occurrences(hourly.clone(), &arguments)
    };
    assert_eq!(
        from("2026-01-01T00:30:00Z"),
        ["2026-01-01T01:00:00+00:00", "2026-01-01T02:00:00+00:00"]
    );
    assert_eq!(from("2026-01-02T00:00:00Z"), [""; 0]);
}

#[test]
fn next_reads_the_zone_of_the_job_before_that_of_the_flag() {
    let daily = json!({"schedule_hour": "12", "schedule_timezone": "Asia/Tokyo"});
    let arguments = [
        "--now",
        "2026-01-01T00:00:00Z",
        "--timezone",
        "Europe/Berlin",
        "--count",
        "1",
    ];
    assert_eq!(
        occurrences(daily, &arguments),
        ["2026-01-01T12:00:00+09:00"]
    );
}

#[test]
fn next_of_an_invalid_file_exits_65_with_its_diagnostics() {
    let host = Host::new();
    let text = "{\"job_actions\": [],\n \"job_schedule\": {\"schedule_hour\": \"25\"}}";
    let file = host.file("job.json", text);
    let ran = host
        .freezerd(&["next", "--json", "--job", file.to_str().unwrap()])
        .exits(65);
    let diagnostics = ran.json()["diagnostics"].as_array().unwrap().clone();
    let error = diagnostics
        .iter()
        .find(|fault| fault["severity"] == "error")
        .unwrap();
    assert_eq!(
        (&error["line"], &error["column"]),
        (&json!(2), &json!(37)),
        "{error:#}"
    );
    for key in ["message", "code", "file"] {
        assert!(!error[key].as_str().unwrap().is_empty(), "{error:#}");
    }
    let said = host
        .freezerd(&["next", "--job", file.to_str().unwrap()])
        .exits(65)
        .stderr();
    assert!(said.contains("job.json:2:") && said.contains('^'), "{said}");
}

#[test]
fn next_of_a_known_job_goes_on_from_what_was_dealt_with() {
    let host = Host::new()
        .job("a", every("6 hours", vec![exec("true")]))
        .job("b", someday(vec![exec("true")]));
    let _daemon = host.start();
    let next: chrono::DateTime<chrono::Utc> = host.show("a")["x-freezerd"]["next"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let told = host.json(&["next", "a", "--count", "3"])["occurrences"].clone();
    let told: Vec<chrono::DateTime<chrono::Utc>> = serde_json::from_value(told).unwrap();
    assert_eq!(
        told,
        [0, 6, 12].map(|hours| next + chrono::TimeDelta::hours(hours))
    );
    let all = host.json(&["next"])["jobs"].clone();
    let jobs: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["job_id"].as_str().unwrap())
        .collect();
    assert_eq!(jobs, ["a", "b"], "the soonest first");
    host.ask("stop", "a");
    assert_eq!(host.json(&["next", "a"])["occurrences"], json!([]));
}

// ---------------------------------------------------------------- settings

fn setting(host: &Host, key: &str, arguments: &[&str]) -> (String, String) {
    let mut all = vec!["config", "show"];
    all.extend(arguments);
    let shown = host.json(&all)["settings"][key].clone();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    (word(&shown["value"]), word(&shown["origin"]["from"]))
}

fn pair(value: &str, from: &str) -> (String, String) {
    (value.to_owned(), from.to_owned())
}

#[test]
fn a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default() {
    let key = "concurrent_jobs";
    let host = Host::new();
    assert_eq!(setting(&host, key, &[]), pair("2", "default"));
    host.file("freezerd.toml", "# freezerd\nconcurrent_jobs = 3\n");
    assert_eq!(setting(&host, key, &[]), pair("3", "file"));
    let origin = &host.json(&["config", "show"])["settings"][key]["origin"];
    assert_eq!(origin["path"], host.path("freezerd.toml").to_str().unwrap());
    assert_eq!(origin["line"], 2);
    let host = host.env("FREEZERD_CONCURRENT_JOBS", "4");
    assert_eq!(setting(&host, key, &[]), pair("4", "environment"));
    assert_eq!(
        setting(&host, key, &["--concurrent-jobs", "5"]),
        pair("5", "flag")
    );
    let text = host
        .freezerd(&["config", "show", "--concurrent-jobs", "5"])
        .exits(0)
        .stdout();
    let line = text
        .lines()
        .find(|line| line.starts_with("concurrent_jobs"))
        .unwrap();
    assert!(
        line.contains(" 5 ") && line.contains("flag --concurrent-jobs"),
        "{line}"
    );
}

#[test]
fn every_setting_can_be_given_in_all_three_ways() {
    let values = [
        ("jobs_dir", "/srv/jobs.d"),
        ("state_dir", "/srv/state"),
        ("runtime_dir", "/srv/run"),
        ("container_root", "/srv/containers"),
        ("client_id", "someone"),
        ("timezone", "Asia/Tokyo"),
        ("concurrent_jobs", "7"),
        ("stop_grace", "9 seconds"),
        ("stall_timeout", "7 minutes"),
        ("memory_limit", "2 GiB"),
        ("cpu_limit", "150 %"),
        ("rescan_interval", "8 minutes"),
        ("history_age", "90 days"),
        ("history_runs", "500"),
        ("trusted_owners", "1000,1001"),
        ("disable_exec", "true"),
        ("metrics_dir", "/srv/metrics"),
        ("log_format", "human"),
        ("log_level", "warn"),
    ];
    let host = Host::new();
    let known: Vec<String> = host.json(&["config", "show"])["settings"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(known, values.map(|(key, _)| key));
    for (key, value) in values {
        let flag = format!("--{}", key.replace('_', "-"));
        let arguments = if key == "disable_exec" {
            vec![flag.as_str()]
        } else {
            vec![flag.as_str(), value]
        };
        assert_eq!(setting(&host, key, &arguments), pair(value, "flag"));
    }
    let text: String = values
        .iter()
        .map(|(key, value)| format!("{key} = {value:?}\n"))
        .collect();
    let file = host.file("all.toml", &text);
    let mut command = host.command(&[
        "config",
        "show",
        "--json",
        "--config",
        file.to_str().unwrap(),
    ]);
    for (key, _) in values {
        command.env_remove(format!("FREEZERD_{}", key.to_uppercase()));
    }
    let shown: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    for (key, value) in values {
        let shown = &shown["settings"][key];
        assert_eq!(
            (&shown["value"], &shown["origin"]["from"]),
            (&json!(value), &json!("file")),
            "{key}"
        );
    }
    let mut host = host;
    for (key, value) in values {
        host = host.env(&format!("FREEZERD_{}", key.to_uppercase()), value);
    }
    for (key, value) in values {
        assert_eq!(setting(&host, key, &[]), pair(value, "environment"));
    }
}

#[test]
fn systemds_directories_are_the_defaults_under_systemd() {
    let host = Host::new();
    let mut command = host.command(&["config", "show", "--json"]);
    command.env_remove("FREEZERD_STATE_DIR");
    command
        .env("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
        .env("RUNTIME_DIRECTORY", "/run/one");
    let shown: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let settings = &shown["settings"];
    assert_eq!(settings["state_dir"]["value"], "/var/lib/one");
    assert_eq!(
        settings["state_dir"]["origin"]["variable"],
        "STATE_DIRECTORY"
    );
    assert_eq!(settings["runtime_dir"]["value"], "/run/one");
    assert_eq!(
        settings["container_root"]["value"], "/var/lib/one/containers",
        "it follows the state directory"
    );
}

#[test]
fn a_configuration_that_is_wrong_exits_78_and_says_where() {
    let host = Host::new();
    for (text, names) in [
        (
            "\nconcurent_jobs = 3\n",
            &["freezerd.toml:2", "did you mean \"concurrent_jobs\"?"][..],
        ),
        (
            "\n\nlog_level = \"loud\"\n",
            &[
                "freezerd.toml:3",
                "loud",
                "error, warn, info, debug or trace",
            ],
        ),
        ("concurrent_jobs = 0\n", &["freezerd.toml:1", "1 to 256"]),
        (
            "stop_grace = \"soon\"\n",
            &["freezerd.toml:1", "30 seconds"],
        ),
        (
            "timezone = \"Europe/Atlantis\"\n",
            &["freezerd.toml:1", "Europe/Atlantis"],
        ),
        ("jobs_dir = \n", &["freezerd.toml:1"]),
        ("[jobs_dir]\n", &["freezerd.toml:1", "a section"]),
    ] {
        host.file("freezerd.toml", text);
        for arguments in [&["config", "show"][..], &["run"], &["list"]] {
            // What is given in the environment wins, but a file that is wrong is wrong.
            let mut command = host.command(arguments);
            command
                .env_remove("FREEZERD_JOBS_DIR")
                .env_remove("FREEZERD_STOP_GRACE");
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(78), "{text:?}: {said}");
            for name in names {
                assert!(said.contains(name), "{text:?}: {name:?} is not in {said}");
            }
        }
    }
    host.file("freezerd.toml", "");
    let said = host
        .freezerd(&["list", "--config", "/no/such.toml"])
        .exits(78)
        .stderr();
    assert!(said.contains("/no/such.toml"), "{said}");
    let said = host
        .freezerd(&["list", "--log-level", "loud"])
        .exits(78)
        .stderr();
    assert!(said.contains("flag --log-level"), "{said}");
    let host = host.env("FREEZERD_LOG_LEVEL", "loud");
    let said = host.freezerd(&["list"]).exits(78).stderr();
    assert!(said.contains("FREEZERD_LOG_LEVEL"), "{said}");
}

#[test]
fn a_ledger_of_another_format_is_refused_with_78() {
    let host = idle();
    {
        let table: redb::TableDefinition<&str, &str> = redb::TableDefinition::new("meta");
        let mut builder = redb::Builder::new();
        builder.set_concurrency_mode(redb::ConcurrencyMode::SingleWriter);
        let database = builder.open(host.path("state/ledger.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction
            .open_table(table)
            .unwrap()
            .insert("format", "99")
            .unwrap();
        transaction.commit().unwrap();
    }
    for arguments in [&["list"][..], &["run", "--once"]] {
        let said = host.freezerd(arguments).exits(78).stderr();
        assert!(said.contains("format 99"), "{said}");
    }
}

#[test]
fn disable_exec_refuses_jobs_with_commands_when_they_are_loaded() {
    let host = Host::new()
        .env("FREEZERD_DISABLE_EXEC", "true")
        .job("a", now(vec![exec(&format!("touch {}", "ran"))]));
    let said = host.once().exits(65).stderr();
    assert!(said.contains("disable_exec"), "{said}");
    assert!(!host.path("work/ran").exists());
    let said = host.freezerd(&["check"]).exits(65).stderr();
    assert!(said.contains("disable_exec"), "{said}");
}

// ---------------------------------------------------------------- list, show, history, check

#[test]
fn list_shows_every_job_and_every_file_that_is_none() {
    let host = Host::new()
        .job("later", someday(vec![exec("true")]))
        .job("theirs", json!({"job_actions": [], "client_id": "other"}));
    host.put_text("broken.json", "{");
    let daemon = host.start();
    host.put("bad", now(vec![exec("exit 4")]));
    daemon.run_of("bad");
    let said = host.freezerd(&["list"]).exits(0).stdout();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("JOB"), "{said}");
    assert!(
        lines[1].starts_with("bad") && lines[1].contains("stop") && lines[1].contains("fail"),
        "{said}"
    );
    assert!(
        lines[2].starts_with("later") && lines[2].contains("scheduled"),
        "{said}"
    );
    assert!(lines[2].contains("2999-01-01 00:00:00"), "{said}");
    assert!(lines[3].starts_with("invalid  broken.json: "), "{said}");
    assert_eq!(lines[4], "foreign  theirs.json: theirs is a job of other");
}

#[test]
fn show_prints_the_job_document_in_the_files_shape_with_the_live_schedule() {
    let host = Host::new();
    let document = json!({"job": {
        "job_id": "a", "description": "what for", "client_id": "testhost", "user_id": "u", "x-note": {"kept": true},
        "job_actions": [{"freezer_action": {"action": "exec", "command": "true"}, "max_retries": "2"}],
        "job_schedule": {"schedule_date": "2999-01-01T00:00:00", "status": "scheduled", "event": ""},
    }});
    host.put("a", document.clone());
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    let shown = host.show("a");
    let document = &document["job"];
    for key in ["job_id", "description", "client_id", "user_id", "x-note"] {
        assert_eq!(shown[key], document[key]);
    }
    let action = &shown["job_actions"][0];
    assert_eq!(
        action["freezer_action"],
        document["job_actions"][0]["freezer_action"]
    );
    assert_eq!(
        (&action["max_retries"], &action["exit_status"]),
        (&json!("2"), &json!("success"))
    );
    let schedule = &shown["job_schedule"];
    assert_eq!(schedule["schedule_date"], "2999-01-01T00:00:00");
    assert_eq!(
        (&schedule["status"], &schedule["result"]),
        (&json!("scheduled"), &json!("success"))
    );
    let text = host.freezerd(&["show", "a"]).exits(0).stdout();
    for part in [
        "what for",
        "once, at 2999-01-01",
        "scheduled",
        "success",
        "1. exec",
        "exit code 0",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn show_names_what_could_not_be_backed_up() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    let secret = host.file("source/secret", "x");
    host.file("source/open", "x");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    host.put(
        "a",
        now(vec![backup(&host.path("source"), &host.path("container"))]),
    );
    host.once().exits(3);
    let text = host.freezerd(&["show", "a"]).exits(0).stdout();
    assert!(text.contains(&format!("{}: ", secret.display())), "{text}");
    assert!(text.contains("1 path"), "they are counted:\n{text}");
}

#[test]
fn history_has_the_newest_first_and_as_many_as_asked_for() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .job("b", someday(vec![exec("false")]));
    let daemon = host.start();
    for job in ["a", "b", "a"] {
        host.trigger(job);
        daemon.run_of(job);
    }
    let numbers = |arguments: &[&str]| -> Vec<u64> {
        let mut all = vec!["history"];
        all.extend(arguments);
        let answer = host.json(&all);
        let runs = answer["runs"].as_array().unwrap();
        runs.iter()
            .map(|run| run["run"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(numbers(&[]), [3, 2, 1]);
    assert_eq!(numbers(&["a"]), [3, 1]);
    assert_eq!(numbers(&["--limit", "2"]), [3, 2]);
    let text = host.freezerd(&["history"]).exits(0).stdout();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[2].contains("by hand") && lines[2].contains("fail"),
        "{text}"
    );
    assert!(
        lines[2].contains("exit code 1"),
        "the reason is there:\n{text}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let host = idle();
    let mut child = host
        .command(&["list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn check_judges_the_jobs_directory_as_the_daemon_would() {
    let host = Host::new().job("good", someday(vec![exec("true")]));
    let ran = host.freezerd(&["check"]).exits(0);
    assert_eq!(ran.stdout(), "1 job fine\n");
    host.put_text("bad.json", "{\"job_actions\": []\n\"job_id\": 1}");
    let ran = host.freezerd(&["check"]).exits(65);
    assert!(
        ran.stdout().contains("1 job fine, 1 invalid file"),
        "{}",
        ran.stdout()
    );
    assert!(ran.stderr().contains("bad.json:"), "{}", ran.stderr());
    let diagnostics = host.freezerd(&["check", "--json"]).exits(65).json()["diagnostics"].clone();
    assert!(
        diagnostics[0]["file"]
            .as_str()
            .unwrap()
            .ends_with("bad.json"),
        "{diagnostics:#}"
    );
    let good = host.path("jobs.d/good.json");
    host.freezerd(&["check", good.to_str().unwrap()]).exits(0);
    // What is worth a warning is an error for the strict.
    host.delete("bad");
    let container = host.path("container");
    host.put(
        "open",
        someday(vec![backup(&host.path("work"), &container)]),
    );
    host.freezerd(&["check"]).exits(0);
    host.freezerd(&["check", "--strict"]).exits(65);
}

#[test]
fn check_looks_at_owners_and_modes_unless_told_not_to() {
    let host = Host::new().job("open", someday(vec![exec("true")]));
    fs::set_permissions(
        host.path("jobs.d/open.json"),
        fs::Permissions::from_mode(0o666),
    )
    .unwrap();
    let said = host.freezerd(&["check"]).exits(65).stderr();
    assert!(said.contains("chmod"), "{said}");
    host.freezerd(&["check", "--no-trust"]).exits(0);
}

// ---------------------------------------------------------------- logs

#[test]
fn log_shows_what_a_run_wrote_by_its_number_or_by_its_job() {
    let host = Host::new().job(
        "a",
        someday(vec![exec("echo to stdout; echo to stderr >&2")]),
    );
    let daemon = host.start();
    let first = host.trigger("a");
    daemon.run_of("a");
    host.put("a", someday(vec![exec("echo the second run")]));
    daemon.says("a", "changed");
    host.trigger("a");
    daemon.run_of("a");
    let text = host
        .freezerd(&["log", &first.to_string()])
        .exits(0)
        .stdout();
    for part in [
        "to stdout",
        "to stderr",
        &format!("run {first} started"),
        "succeeded",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("the second run"));
    let text = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(
        text.contains("the second run") && !text.contains("to stdout"),
        "{text}"
    );
    let answer = host.json(&["log", &first.to_string()]);
    assert_eq!(
        (&answer["run"], &answer["job_id"]),
        (&json!(first), &json!("a"))
    );
    assert!(answer["lines"].as_array().unwrap().len() >= 4);
}

#[test]
fn log_takes_a_job_whose_id_is_a_number() {
    let host = Host::new();
    host.put_text("job_4822.conf", &now(vec![exec("echo hello")]).to_string());
    host.once().exits(0);
    let text = host.freezerd(&["log", "4822"]).exits(0).stdout();
    assert!(text.contains("hello"), "{text}");
}

#[test]
fn a_job_that_has_not_run_yet_has_no_log() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    host.once().exits(0);
    let said = host.freezerd(&["log", "a"]).exits(66).stderr();
    assert!(said.contains("has not run yet"), "{said}");
}

#[test]
fn an_actions_log_is_appended_to_its_log_file_as_well() {
    let host = Host::new();
    let log = host.file("action.log", "what was there\n");
    let mut action = exec("echo from the command");
    action["freezer_action"]["log_file"] = json!(log);
    host.put("a", now(vec![action.clone(), exec("echo from the other")]));
    host.once().exits(0);
    let text = host.read("action.log");
    assert!(
        text.starts_with("what was there\n") && text.contains("from the command"),
        "{text}"
    );
    assert!(
        !text.contains("from the other"),
        "only this action's:\n{text}"
    );
    let kept = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(
        kept.contains("from the command") && kept.contains("from the other"),
        "{kept}"
    );
}

#[test]
fn a_log_file_that_cannot_be_written_is_told_and_does_not_fail_the_run() {
    let host = Host::new();
    let mut action = exec("true");
    action["freezer_action"]["log_file"] = json!(host.path("no/such/dir/action.log"));
    let _fifo = host.gate("fifo");
    let mut waits = exec("true");
    waits["freezer_action"]["log_file"] = json!(host.path("fifo"));
    host.put("a", now(vec![action, waits]));
    host.once().exits(0);
    let text = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert_eq!(
        text.matches("cannot append to log_file").count(),
        2,
        "{text}"
    );
}

// ---------------------------------------------------------------- snapshots, restore

#[test]
fn snapshots_lists_what_a_container_holds_by_job_or_by_place() {
    let host = busy();
    let by_job = snapshots(&host, &["save"]);
    assert_eq!(by_job.len(), 1);
    let snapshot = &by_job[0];
    assert_eq!(
        (&snapshot["backup_name"], &snapshot["level"]),
        (&json!("data"), &json!(0))
    );
    assert_eq!(
        (&snapshot["files"], &snapshot["bytes"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(snapshot["partial"], false);
    let container = host.path("container");
    assert_eq!(
        snapshots(&host, &["--container", container.to_str().unwrap()]),
        by_job
    );
    assert!(snapshots(&host, &["save", "--backup-name", "other"]).is_empty());
    assert!(snapshots(&host, &["save", "--host", "other"]).is_empty());
    let text = host.freezerd(&["snapshots", "save"]).exits(0).stdout();
    let id = &snapshot["id"].as_str().unwrap()[..8];
    assert!(text.contains(id) && text.contains("data"), "{text}");
}

#[test]
fn a_container_with_a_password_opens_with_its_pass_file_alone() {
    let host = Host::new();
    let pass = host.file("pass", "correct horse\n");
    fs::set_permissions(&pass, fs::Permissions::from_mode(0o600)).unwrap();
    let source = host.file("source/file", "content");
    let container = host.path("container");
    let mut save = backup(source.parent().unwrap(), &container);
    save["freezer_action"]["encrypt_pass_file"] = json!(pass);
    host.put("save", now(vec![save]));
    host.once().exits(0);
    assert_eq!(
        snapshots(&host, &["save"]).len(),
        1,
        "the job's own pass file is used"
    );
    let place = ["snapshots", "--container", container.to_str().unwrap()];
    let said = host.freezerd(&place).stderr();
    assert!(said.contains("password"), "{said}");
    let mut with = place.to_vec();
    with.extend(["--encrypt-pass-file", pass.to_str().unwrap()]);
    host.freezerd(&with).exits(0);
}

#[test]
fn restore_brings_a_snapshot_back_by_hand() {
    let host = busy();
    let source = host.path("source");
    let container = host.path("container");
    let ran = host
        .freezerd(&["restore", "save", "--to", "../back"])
        .exits(0);
    assert!(
        ran.stdout().starts_with("Restored into "),
        "{}",
        ran.stdout()
    );
    assert_eq!(tree(&host.path("back")), tree(&source));
    let first = snapshots(&host, &["save"])[0].clone();
    host.file("source/file", "new content");
    host.file("source/second", "file");
    host.put("again", now(vec![backup(&source, &container)]));
    host.once().exits(0);

    let differs = host
        .freezerd(&["restore", "save", "--to", "../back"])
        .exits(3);
    assert!(
        differs.stdout().contains("file: "),
        "what differs is named: {}",
        differs.stdout()
    );
    assert_eq!(host.read("back/file"), "content", "and kept");
    host.freezerd(&[
        "restore",
        "save",
        "--to",
        "../back",
        "--overwrite",
        "--dry-run",
    ])
    .exits(0);
    assert_eq!(
        host.read("back/file"),
        "content",
        "a rehearsal changes nothing"
    );
    host.freezerd(&["restore", "save", "--to", "../back", "--overwrite"])
        .exits(0);
    assert_eq!(tree(&host.path("back")), tree(&source));

    let id = &first["id"].as_str().unwrap()[..8];
    host.freezerd(&["restore", "save", "--to", "../old", "--snapshot", id])
        .exits(0);
    assert_eq!(host.read("old/file"), "content");
    let before = first["time"].as_str().unwrap();
    let place = container.to_str().unwrap();
    let arguments = [
        "restore",
        "--container",
        place,
        "--backup-name",
        "data",
        "--at",
        before,
        "--to",
        "../older",
    ];
    host.freezerd(&arguments).exits(0);
    assert_eq!(host.read("older/file"), "content");
    let said = host
        .freezerd(&["restore", "save", "--at", "2001-01-01", "--to", "../none"])
        .exits(1)
        .stderr();
    assert!(
        said.contains("2 snapshots"),
        "it says what there is: {said}"
    );
    let answer = host
        .freezerd(&["restore", "save", "--to", "../json", "--json"])
        .exits(0)
        .json();
    assert_eq!(answer["verdict"], "success");
    assert_eq!(answer["summary"]["files"], 2);
}

// ---------------------------------------------------------------- progress

#[test]
fn a_running_backup_shows_its_progress() {
    let host = Host::new();
    // Nothing on the disk, and long to read.
    fs::create_dir(host.path("source")).unwrap();
    let size = 200 << 30;
    File::create(host.path("source/huge"))
        .unwrap()
        .set_len(size)
        .unwrap();
    host.put(
        "a",
        now(vec![backup(&host.path("source"), &host.path("container"))]),
    );
    let daemon = host.start();
    daemon.says("a", "started");
    let progress = || host.show("a")["x-freezerd"]["progress"].clone();
    eventually("bytes are done, and it is known of how many", || {
        let now = progress();
        now["bytes_done"].as_u64() > Some(0)
            && now["bytes_total"].is_u64()
            && now["seconds_left"].is_u64()
    });
    let now = progress();
    assert_eq!(
        (&now["kind"], &now["attempt"]),
        (&json!("backup"), &json!(1))
    );
    assert_eq!(
        (&now["bytes_total"], &now["files_total"]),
        (&json!(size), &json!(1))
    );
    assert!(now["bytes_per_second"].as_f64() > Some(0.0), "{now:#}");
    let done = now["bytes_done"].as_u64();
    eventually("it goes on", || progress()["bytes_done"].as_u64() > done);
    let listed = host.json(&["list"])["jobs"][0]["progress"].clone();
    assert_eq!(listed["bytes_total"], size);
    for arguments in [&["list"][..], &["show", "a"]] {
        let said = host.freezerd(arguments).exits(0).stdout();
        for part in ["backup ", " of 1 files", " of 215 GB", "/s", " left"] {
            assert!(said.contains(part), "{part:?} is not in\n{said}");
        }
    }
    host.ask("abort", "a");
    daemon.run_of("a");
    assert!(
        host.show("a")["x-freezerd"]["progress"].is_null(),
        "nothing is left of it"
    );
}

#[test]
fn a_restore_in_a_job_restores_where_it_says() {
    let host = busy();
    let target = host.path("target");
    host.put(
        "fetch",
        now(vec![restore(&host.path("container"), &target)]),
    );
    host.once().exits(0);
    assert_eq!(tree(&target), tree(&host.path("source")));
}

#[test]
fn snapshots_with_a_wrong_password_are_not_permitted_and_without_a_repository_not_found() {
    let host = Host::new();
    let source = host.file("source/file", "content");
    let right = host.file("right", "one");
    fs::set_permissions(&right, fs::Permissions::from_mode(0o600)).unwrap();
    let container = host.path("container");
    let mut action = backup(source.parent().unwrap(), &container);
    action["freezer_action"]["encrypt_pass_file"] = json!(right);
    host.put("a", now(vec![action]));
    host.once().exits(0);
    let wrong = host.file("wrong", "two");
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).unwrap();
    let ask = |container: &Path, pass: &Path| {
        let container = container.to_str().unwrap();
        let pass = pass.to_str().unwrap();
        host.freezerd(&[
            "snapshots",
            "--container",
            container,
            "--encrypt-pass-file",
            pass,
        ])
    };
    ask(&container, &right).exits(0);
    ask(&container, &wrong).exits(77);
    ask(&host.path("nowhere"), &right).exits(66);
}

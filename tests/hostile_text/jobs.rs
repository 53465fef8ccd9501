//! Job files, the output of commands, and the names of files that are backed up.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Host, backup, now};
use crate::judge::{HOSTILE, TURNED, assert_harmless, judge, judge_every_command};

/// Bytes that are not UTF-8, around the hostile text, with a tab.
fn output_of_a_command() -> Vec<u8> {
    let long = "x".repeat(200_000);
    [
        b"\xff\xfe\t",
        HOSTILE.as_bytes(),
        b"\xc3\n",
        long.as_bytes(),
        b"\x1b[2J\n",
    ]
    .concat()
}

/// A source with hostile names, of which the user cannot read one.
fn source(host: &Host) -> std::path::PathBuf {
    let source = host.path("source");
    let directory = source.join(OsStr::new(HOSTILE));
    fs::create_dir_all(&directory).unwrap();
    let long = OsStr::from_bytes(&[b'\x1b'; 255]).to_owned();
    for name in [
        OsStr::new(HOSTILE),
        OsStr::from_bytes(b"raw\xff\x1b[31m"),
        &long,
    ] {
        fs::write(directory.join(name), "content").unwrap();
    }
    let locked = directory.join(format!("locked {HOSTILE}"));
    fs::write(&locked, "content").unwrap();
    fs::set_permissions(locked, fs::Permissions::from_mode(0o0)).unwrap();
    std::os::unix::fs::symlink(HOSTILE, directory.join("link")).unwrap();
    source
}

/// A job whose backup lacks a file and whose command fails, both with hostile words.
fn job(host: &Host, source: &Path) -> Value {
    let output = host.path("output");
    fs::write(&output, output_of_a_command()).unwrap();
    let mut save = backup(source, &host.path(&format!("container {TURNED}")));
    save["freezer_action"]["backup_name"] = json!(format!("name {TURNED}"));
    save["freezer_action"]["hostname"] = json!(format!("host {TURNED}"));
    save["freezer_action"]["exclude"] = json!(format!("x{TURNED}"));
    let command = format!("cat '{0}'; cat '{0}' >&2; exit 3", output.display());
    let mut document = now(vec![
        save,
        json!({"mandatory": true, "freezer_action": {
            "action": "exec", "command": command, "log_file": host.path("log file"),
        }}),
    ]);
    document["description"] = json!(HOSTILE);
    document["x-note"] = json!(HOSTILE);
    document
}

fn host() -> Option<Host> {
    let host = Host::unprivileged()?;
    let source = source(&host);
    host.put("j", job(&host, &source));
    Some(host)
}

#[test]
fn names_of_files_and_output_of_commands_are_harmless_in_every_command_and_log() {
    let Some(host) = host() else {
        return;
    };
    let ran = host.freezerd(&["run", "--once"]);
    judge("run --once", &ran);
    let log = ran.stderr();
    assert!(log.contains("backup is incomplete"), "{log}");
    assert_harmless(
        "the log of the run",
        &fs::read(host.path("state/logs/1.log")).unwrap(),
    );
    assert_harmless("log_file", &fs::read(host.path("log file")).unwrap());
    assert!(
        host.read("log file").contains("\ta\\x1b[31m"),
        "a tab stays"
    );
    let texts = judge_every_command(&host);
    let has = |wanted: &str| texts.iter().any(|text| text.contains(wanted));
    assert!(
        has(&format!("/{HOSTILE}/{HOSTILE}")),
        "JSON has names exactly"
    );
    assert!(has(HOSTILE), "JSON has the description exactly");
    // What cannot be read of a file is named once more where it is restored or shown.
    for words in [
        &["trigger", "j"][..],
        &["stop", HOSTILE],
        &["log", HOSTILE],
        &["ls", "j", HOSTILE],
    ] {
        judge(&words.join(" "), &host.freezerd(words));
    }
}

#[test]
fn each_format_of_the_daemons_log_is_harmless() {
    let Some(host) = host() else {
        return;
    };
    host.put_text(
        "bad \x1b[31m\nforged.json",
        &json!({HOSTILE: HOSTILE}).to_string(),
    );
    for format in ["human", "journal", "json"] {
        let state = host.path(format);
        let words = [
            "run",
            "--once",
            "--log-level",
            "debug",
            "--log-format",
            format,
        ];
        let ran = host.freezerd(&[&words[..], &["--state-dir", state.to_str().unwrap()]].concat());
        judge(format, &ran);
        assert!(
            ran.stderr().contains("is not a valid job"),
            "{}",
            ran.stderr()
        );
        if format == "json" {
            for line in ran.stderr().lines() {
                let _: Value = serde_json::from_str(line).unwrap();
            }
        }
    }
}

#[test]
fn job_files_with_hostile_names_and_contents_are_harmless_in_every_command() {
    let host = Host::new();
    host.put(
        "j",
        now(vec![
            json!({"freezer_action": {"action": "exec", "command": "true"}}),
        ]),
    );
    let texts = [
        ("a \x1b[31m\nforged.json", json!({ HOSTILE: HOSTILE })),
        ("b \u{202e}.json", json!({"job_actions": HOSTILE})),
        ("c.json", json!({"job_id": HOSTILE, "job_actions": []})),
        (
            "d.json",
            json!({"client_id": HOSTILE, "job_actions": [
            {"freezer_action": {"action": "exec", "command": "true"}}]}),
        ),
        (
            "e.json",
            json!({"job_schedule": {"schedule_interval": HOSTILE, "schedule_date": HOSTILE}}),
        ),
        (
            "f.json",
            json!({"job_actions": [{"freezer_action": {
            "action": HOSTILE, "container": HOSTILE, "backup_name": HOSTILE, "exclude": HOSTILE,
            "path_to_backup": HOSTILE, "storage": HOSTILE, "encrypt_pass_file": HOSTILE}}]}),
        ),
        (
            "g.json",
            json!({"job_actions": [{"freezer_action": {
            "container": format!("/c{HOSTILE}"), "backup_name": "b", "path_to_backup": format!("/s{HOSTILE}"),
            "log_file": format!("/l{HOSTILE}"), "encrypt_pass_file": format!("/p{HOSTILE}")}}]}),
        ),
    ];
    for (name, document) in &texts {
        host.put_text(name, &document.to_string());
    }
    // The text as it is, where JSON does not allow it, and bytes that are not UTF-8.
    host.put_text(
        "h.json",
        &format!("{{\"job_id\": \"{HOSTILE}\", {HOSTILE}: {TURNED}}}"),
    );
    fs::write(
        host.path("jobs.d/i.json"),
        b"{\"a\xff\x1b[2J\": \xfe\nforged}",
    )
    .unwrap();
    judge("run --once", &host.freezerd(&["run", "--once"]));
    judge_every_command(&host);
    for name in ["a-31m-forged", "c", "g", "a \x1b[31m\nforged.json"] {
        for words in [["show", name], ["why", name], ["next", name], ["log", name]] {
            judge(&words.join(" "), &host.freezerd(&words));
        }
    }
    for (name, _) in texts {
        let file = host.path("jobs.d").join(name);
        let file = file.to_str().unwrap();
        for words in [
            &["check", file][..],
            &["check", file, "--json"],
            &["next", file],
            &["show", file],
        ] {
            judge(&words.join(" "), &host.freezerd(words));
        }
    }
}

#[test]
fn what_monitoring_reads_is_harmless_and_whole() {
    let Some(host) = host() else {
        return;
    };
    let metrics = host.path("metrics");
    fs::create_dir(&metrics).unwrap();
    fs::set_permissions(&metrics, fs::Permissions::from_mode(0o777)).unwrap();
    let host = host.env("FREEZERD_METRICS_DIR", metrics.to_str().unwrap());
    host.freezerd(&["run", "--once"]);
    for name in ["freezerd.prom", "status.json"] {
        assert_harmless(name, &fs::read(metrics.join(name)).unwrap());
    }
    let status = fs::read(metrics.join("status.json")).unwrap();
    let _: Value = serde_json::from_slice(&status).unwrap();
}

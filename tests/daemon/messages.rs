//! Messages to receivers: who is told what, when, and how often, whatever happens to the receiver and to the daemon.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use freezerd::record::{OutboxRow, OutboxState};
use serde_json::{Value, json};

use crate::disk::SmallDisk;
use crate::harness::{Daemon, Host, PATIENCE, backup, eventually, exec, someday};

/// A receiver that writes each message into the file `heard`, while the file `open` exists.
pub(super) const ADMINS: &str = r#"
[notify.admins]
type = "command"
command = ["/bin/sh", "-c", "test -e open || { echo closed >&2; exit 1; }; cat >> heard"]
"#;

/// A host with a receiver, which is there.
pub(super) fn host() -> Host {
    let host = Host::new();
    host.file("freezerd.toml", ADMINS);
    host.file("work/open", "");
    host
}

/// A job that fails until the file `well` exists.
pub(super) fn sick() -> Value {
    someday(vec![exec("test -e well")])
}

fn heard(host: &Host) -> Vec<Value> {
    let text = std::fs::read_to_string(host.path("work/heard")).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

pub(super) fn kinds(host: &Host) -> Vec<String> {
    let heard = heard(host);
    let kinds = heard.iter().map(|it| it["kind"].as_str().expect("a word"));
    kinds.map(str::to_owned).collect()
}

pub(super) fn outbox(host: &Host) -> Vec<OutboxRow> {
    host.ledger().outbox().expect("the messages")
}

/// Waits until no message waits any more, and so many were sent.
#[track_caller]
pub(super) fn sent(host: &Host, count: usize) {
    eventually("every message sent", || {
        let rows = outbox(host);
        let sent = |row: &&OutboxRow| matches!(row.state, OutboxState::Sent { .. });
        rows.iter().filter(sent).count() == count && rows.len() == count
    });
}

/// A host whose job `a` has failed, and whose receiver was away when it was told of that.
pub fn with_a_receiver_that_is_away() -> (Host, Daemon) {
    let host = host().job("a", sick());
    std::fs::remove_file(host.path("work/open")).expect("it was there");
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    daemon.until(|line| line.message.contains("cannot tell admins"));
    (host, daemon)
}

#[test]
fn a_failing_job_is_told_of_once_and_its_recovery_once() {
    let host = host().job("a", sick());
    let daemon = host.start();
    let first = host.trigger("a");
    daemon.run_of("a");
    host.trigger("a");
    daemon.run_of("a");
    host.file("work/well", "");
    host.trigger("a");
    daemon.run_of("a");
    host.trigger("a");
    daemon.run_of("a");
    sent(&host, 2);
    assert_eq!(kinds(&host), ["failed", "recovered"]);
    let failed = &heard(&host)[0];
    assert_eq!(failed["job"], "a", "{failed:#}");
    assert_eq!(failed["run"], first.to_string());
    assert_eq!(failed["host"], "testhost");
    let text = failed["text"].as_str().expect("a text");
    assert!(text.contains("exec: "), "it says why: {text}");
    assert!(text.contains(&format!("`freezerd log {first}`")), "{text}");
    assert!(failed.get("log").is_none(), "nobody asked for it");
}

#[test]
fn a_full_disk_and_a_drill_that_failed_are_told_of_as_such() {
    let host = host();
    let Some(disk) = SmallDisk::mount(&host.path("disk"), "1m") else {
        return;
    };
    host.file("source/small", "x");
    let mut random = fastrand::Rng::with_seed(1);
    let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(3_000_000)
        .collect();
    std::fs::write(host.path("source/random"), content).expect("a file");
    let save = backup(&host.path("source"), &disk.0.join("container"));
    let good = backup(&host.path("source"), &host.path("container"));
    // The scratch space is too small.
    let drill = json!({"freezer_action": {
        "action": "drill", "backup_name": "data", "container": host.path("container"), "scratch": disk.0,
    }});
    let host = host
        .job("full", someday(vec![save]))
        .job("drill", someday(vec![good, drill]));
    let daemon = host.start();
    host.trigger("full");
    daemon.run_of("full");
    host.trigger("drill");
    daemon.run_of("drill");
    sent(&host, 2);
    assert_eq!(kinds(&host), ["space", "drill"]);
    let subjects: Vec<Value> = heard(&host)
        .iter()
        .map(|it| it["subject"].clone())
        .collect();
    assert_eq!(subjects[0], "full failed for lack of space on testhost");
    assert!(daemon.stop().success());
}

#[test]
fn a_disk_with_little_room_for_the_next_backups_is_told_of_before_it_is_full_and_when_it_has_room()
{
    let host = host();
    let Some(disk) = SmallDisk::mount(&host.path("disk"), "8m") else {
        return;
    };
    let save = backup(&host.path("source"), &disk.0.join("container"));
    let host = host.job("save", someday(vec![save]));
    host.file("source/small", "x");
    let daemon = host.start();
    let mut random = fastrand::Rng::with_seed(1);
    let mut back_up = || {
        let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
            .take(200_000)
            .collect();
        std::fs::write(host.path("source/random"), content).expect("a file");
        let run = host.trigger("save");
        let ended = daemon.run_of("save").message;
        assert!(ended.contains("succeeded"), "{ended}");
        host.freezerd(&["log", &run.to_string()]).stdout()
    };
    let doctor = || host.freezerd(&["doctor", "--no-containers"]).stdout();
    let warning = "and a backup usually adds";
    for _ in 0..5 {
        let log = back_up();
        assert!(!log.contains(warning), "{log}");
    }
    assert!(!doctor().contains("more backup"), "{}", doctor());
    std::fs::write(disk.0.join("other"), vec![1; 6_300_000]).expect("a file");
    assert!(
        doctor().contains("a backup of save usually adds"),
        "{}",
        doctor()
    );
    for _ in 0..2 {
        let log = back_up();
        assert!(log.contains(warning), "{log}");
    }
    std::fs::remove_file(disk.0.join("other")).expect("it was there");
    back_up();
    sent(&host, 2);
    assert_eq!(kinds(&host), ["space", "recovered"]);
    let told = &heard(&host)[0];
    assert_eq!(told["subject"], "save has little room left on testhost");
    let text = told["text"].as_str().expect("a text");
    assert!(
        text.contains("has made a backup") && text.contains("more backup"),
        "{text}"
    );
    assert!(daemon.stop().success());
}

#[test]
fn a_receiver_that_is_away_is_told_later_and_no_run_waits_for_it() {
    let host = host().job("a", sick()).job("b", sick());
    std::fs::remove_file(host.path("work/open")).expect("it was there");
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    daemon.until(|line| {
        line.message.contains("cannot tell admins") && line.message.contains("closed")
    });
    host.trigger("b");
    daemon.run_of("b");
    let status = host.json(&["status"]);
    assert_eq!(status["summary"]["messages_waiting"], 2, "{status:#}");
    let doctor = host.freezerd(&["doctor", "--no-containers"]).stdout();
    assert!(doctor.contains("was not accepted yet"), "{doctor}");
    assert!(
        doctor.contains("`freezerd notify --test admins`"),
        "{doctor}"
    );
    let summary = host.freezerd(&["status"]).stdout();
    assert!(summary.contains("2 messages to be sent"), "{summary}");
    assert!(daemon.stop().success());
    assert_eq!(heard(&host), [] as [Value; 0]);
    host.file("work/open", "");
    let daemon = host.start();
    sent(&host, 2);
    assert_eq!(kinds(&host), ["failed", "failed"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_daemon_that_is_killed_between_the_commit_and_the_sending_tells_exactly_once() {
    let host = host().job("a", sick());
    let mut command = host.command(&["run", "--log-format", "json"]);
    command.env("FREEZERD_KILL_TRACE", host.path("trace"));
    command.env("FREEZERD_KILL_AT", "SendBegins:1:daemon");
    let daemon = host.launch_command(command);
    daemon.until(|line| line.message.starts_with("ready"));
    host.freezerd(&["trigger", "a"]);
    daemon.end();
    assert_eq!(heard(&host), [] as [Value; 0]);
    let daemon = host.start();
    sent(&host, 1);
    assert_eq!(kinds(&host), ["failed"]);
    assert!(daemon.stop().success());
    let daemon = host.start();
    daemon.looks(&host);
    assert_eq!(
        kinds(&host),
        ["failed"],
        "what was accepted is not sent again"
    );
}

#[test]
fn what_waits_for_a_receiver_that_was_deleted_is_given_up_and_that_is_visible() {
    let (host, daemon) = with_a_receiver_that_is_away();
    assert!(daemon.stop().success());
    host.file("freezerd.toml", "");
    let daemon = host.start();
    daemon.looks(&host);
    assert!(
        daemon.log().contains("no receiver admins any more"),
        "{}",
        daemon.log()
    );
    let status = host.json(&["status"]);
    assert_eq!(status["summary"]["messages_waiting"], 0, "{status:#}");
    assert_eq!(status["summary"]["messages_given_up"], 1, "{status:#}");
    let doctor = host.freezerd(&["doctor", "--no-containers"]).stdout();
    assert!(doctor.contains("1 message was given up"), "{doctor}");
}

#[test]
fn a_job_tells_the_receivers_that_it_names() {
    let with = |notify: Value| {
        let mut job = sick();
        job["notify"] = notify;
        job
    };
    let host = host()
        .job("none", with(json!(false)))
        .job("other", with(json!(["somebody"])))
        .job("one", with(json!("admins")));
    let daemon = host.start();
    for job in ["none", "other", "one"] {
        host.trigger(job);
        daemon.run_of(job);
    }
    sent(&host, 1);
    assert_eq!(heard(&host)[0]["job"], "one");
}

#[test]
fn a_job_that_is_overdue_is_told_of_without_a_run() {
    let mut rarely = someday(vec![exec("true")]);
    rarely["max_age"] = json!("1 second");
    let host = host().job("a", rarely);
    let daemon = host.start();
    eventually("the first message", || !heard(&host).is_empty());
    host.trigger("a");
    daemon.run_of("a");
    eventually("the second message", || heard(&host).len() > 1);
    assert_eq!(kinds(&host)[..2], ["overdue", "recovered"]);
    let text = heard(&host)[0]["text"].to_string();
    assert!(text.contains("max_age"), "{text}");
}

#[test]
fn a_run_by_hand_without_a_daemon_tells_before_it_ends() {
    let host = host().job("a", json!({"job_actions": [exec("false")]}));
    host.once().exits(1);
    assert_eq!(kinds(&host), ["failed"]);
    host.once();
    assert_eq!(kinds(&host), ["failed"]);
}

#[test]
fn a_receiver_that_never_answers_keeps_neither_a_run_nor_the_stop_waiting() {
    let host = host()
        .job("a", sick())
        .job("b", someday(vec![exec("true")]));
    let silent = "[notify.silent]\ntype = \"command\"\ncommand = [\"sleep\", \"600\"]\ntimeout = \"10 minutes\"\n";
    host.file("freezerd.toml", silent);
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    host.trigger("b");
    assert!(daemon.run_of("b").message.contains("succeeded"));
    assert_eq!(outbox(&host).len(), 1);
    assert!(daemon.stop().success());
}

#[test]
fn quiet_hours_delay_a_message_and_drop_none() {
    let host = host().job("a", sick()).job("b", sick());
    let hour = |hours: i64| (chrono::Utc::now() + chrono::TimeDelta::hours(hours)).format("%H:%M");
    let quiet = format!("quiet_hours = \"{}-{}\"\n", hour(-1), hour(2));
    host.file("freezerd.toml", &format!("{ADMINS}{quiet}"));
    let daemon = host.start();
    for job in ["a", "b"] {
        host.trigger(job);
        daemon.run_of(job);
    }
    let rows = outbox(&host);
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let OutboxState::Waiting { next, tries: 0, .. } = row.state else {
            panic!("{row:?}");
        };
        assert!(next - row.made > chrono::TimeDelta::minutes(90), "{row:?}");
    }
    assert_eq!(heard(&host), [] as [Value; 0]);
}

/// A server that takes requests, and their first lines.
fn server() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            // The head ends with an empty line. A ping has no body that matters.
            let _ = lines.find(String::is_empty);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK";
            let _ = (&stream).write_all(answer.as_bytes());
            if sender.send(first).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

#[test]
fn a_check_that_waits_for_pings_hears_of_the_start_and_the_end_of_each_run() {
    let (port, requests) = server();
    let host = Host::new();
    let gate = host.gate("gate");
    let host = host.job("a", someday(vec![gate.action(), exec("test -e well")]));
    let check =
        format!("[notify.check]\ntype = \"ping\"\nurl = \"http://127.0.0.1:{port}/uuid\"\n");
    host.file("freezerd.toml", &check);
    let daemon = host.start();
    let next = || requests.recv_timeout(PATIENCE).expect("a ping");
    for end in ["/uuid/fail?rid=", "/uuid/fail?rid=", "/uuid?rid="] {
        host.trigger("a");
        let start = next();
        assert!(start.contains("/uuid/start?rid="), "{start}");
        if end == "/uuid?rid=" {
            host.file("work/well", "");
        }
        gate.pass();
        daemon.run_of("a");
        let stop = next();
        assert!(stop.contains(end), "{stop}");
        let id = |line: &str| line.split("rid=").nth(1).map(|rest| rest[..36].to_owned());
        assert_eq!(id(&start), id(&stop), "one run");
    }
    eventually("no message left", || outbox(&host).len() == 2);
}

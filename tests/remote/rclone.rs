//! Jobs with a container in a remote of rclone, with both versions of it, and on a REST server at a socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Host, eventually, now};
use crate::kills::{agent_of, kill_and_go_on};
use crate::rclone_programs::{
    AtSocket, CONFIG_PASSWORD, configuration, encrypt, kill, newer, processes_with, programs,
};
use crate::restic_support::restics;
use crate::secrets::{command_lines, files_with};
use crate::site::{CONTAINER, action, files, host, restored, saved};

/// A host whose storage is the directory `top` in a remote of this program.
fn host_of(program: &Path) -> Host {
    let host = host("http://127.0.0.1:1/", "");
    configuration(&host.path(""));
    define(&host, program, &format!("disk:{}", top(&host)), "");
    host
}

fn top(host: &Host) -> String {
    host.path("top").display().to_string()
}

/// Writes `freezerd.toml`.
pub fn define(host: &Host, program: &Path, remote: &str, lines: &str) {
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"rclone\"\nremote = \"{remote}\"\nprogram = \"{}\"\nconfig_file = \"{}\"\n{lines}\n",
            program.display(),
            host.path("rclone.conf").display()
        ),
    );
}

/// Runs a job with these actions, and returns the log.
#[track_caller]
fn run(host: &Host, name: &str, actions: Vec<Value>) -> String {
    host.put(name, now(actions));
    host.once().exits(0);
    host.freezerd(&["log", name]).exits(0).stdout()
}

/// Runs a backup that fails, and returns its log.
#[track_caller]
fn fails(host: &Host) -> String {
    host.put("save", now(vec![saved(host)]));
    host.once().exits(1);
    host.freezerd(&["log", "save"]).exits(0).stdout()
}

/// Runs both versions of restic on the container, through rclone.
#[track_caller]
fn with_restic(host: &Host, program: &Path, arguments: &[&str]) -> Vec<String> {
    let repository = format!("rclone:disk:{}/{CONTAINER}", top(host));
    let option = format!("rclone.program={}", program.display());
    let mut printed = Vec::new();
    for restic in restics() {
        let ran = restic
            .command(Path::new(&repository), crate::restic_support::PASSWORD)
            .env("RCLONE_CONFIG", host.path("rclone.conf"))
            .args(["-o", &option])
            .args(arguments)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success(),
            "{:?} {arguments:?}: {error}",
            restic.0
        );
        printed.push(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    printed
}

#[test]
fn restic_reads_through_rclone_what_freezerd_saved_through_it_and_the_reverse() {
    for program in programs() {
        let host = host_of(&program);
        let log = run(&host, "save", vec![saved(&host), restored(&host)]);
        assert_eq!(files(&host.path("source")), files(&host.path("target")));
        // What rclone says while it starts is of no use to anybody.
        assert!(!log.contains("Serving"), "{log}");
        with_restic(&host, &program, &["check", "--read-data"]);
        host.file("more/file", "of restic");
        let more = host.path("more").display().to_string();
        let backups = with_restic(&host, &program, &["backup", &more]).len();
        let check = action(&host, json!({"action": "check", "read_data": true}));
        let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
        run(
            &host,
            "look",
            vec![saved(&host), check, action(&host, removal)],
        );
        for listed in with_restic(&host, &program, &["snapshots", "--json"]) {
            let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
            assert_eq!(listed.len(), 1 + backups);
        }
        with_restic(&host, &program, &["check", "--read-data"]);
        let listed = host.json(&["snapshots", "save"]);
        assert!(!listed["snapshots"].as_array().unwrap().is_empty());
        let ran = host.freezerd(&["ls", "save"]).exits(0);
        assert!(!ran.stderr().contains("rclone:"), "{}", ran.stderr());
        assert_eq!(processes_with(&top(&host)), []);
    }
}

#[test]
fn a_storage_in_a_remote_is_tried_out() {
    for program in programs() {
        let host = host_of(&program);
        let report = host
            .freezerd(&["storage", "test", "offsite", "--size", "1M", "--json"])
            .exits(0)
            .json();
        assert_eq!(report["good"], json!(true), "{report:#}");
        assert_eq!(processes_with(&top(&host)), []);
    }
}

#[test]
fn after_kills_of_the_agent_no_rclone_is_left_and_the_next_backup_is_whole() {
    for program in programs() {
        let host = host_of(&program);
        kill_and_go_on(&host, CONTAINER, 1, 3);
        with_restic(&host, &program, &["check", "--read-data"]);
        eventually("no rclone is left", || {
            processes_with(&top(&host)).is_empty()
        });
    }
}

/// A host whose backup takes until somebody ends it.
fn slow(program: &Path) -> (Host, Value) {
    let host = host_of(program);
    let content: Vec<u8> = (0..60_000_u32)
        .flat_map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    fs::write(host.path("source/noise"), content).unwrap();
    let mut slow = saved(&host);
    slow["freezer_action"]["upload_limit"] = json!("1K");
    (host, slow)
}

/// The directory of the locks of the container.
fn locks(host: &Host) -> PathBuf {
    host.path("top").join(CONTAINER).join("locks")
}

#[track_caller]
fn has_lock(host: &Host) {
    let locks = locks(host);
    eventually("it has the lock", || {
        fs::read_dir(&locks).is_ok_and(|mut entries| entries.next().is_some())
    });
}

#[test]
fn rclone_ends_with_an_agent_that_is_aborted_or_killed_or_whose_daemon_is() {
    for program in programs() {
        let (host, slow) = slow(&program);
        for way in ["abort", "agent", "daemon"] {
            let _ = fs::remove_dir_all(locks(&host));
            host.put(way, now(vec![slow.clone()]));
            let daemon = host.start();
            has_lock(&host);
            assert_eq!(processes_with(&top(&host)).len(), 1);
            match way {
                "abort" => {
                    host.ask("abort", way);
                    daemon.run_of(way);
                    // rclone lived long enough to remove the lock.
                    assert_eq!(fs::read_dir(locks(&host)).unwrap().count(), 0);
                    daemon.stop();
                }
                "agent" => {
                    let agent = agent_of(daemon.id()).unwrap();
                    rustix::process::kill_process(agent, rustix::process::Signal::KILL).unwrap();
                    daemon.run_of(way);
                    daemon.stop();
                }
                _ => daemon.kill(),
            }
            eventually(way, || processes_with(&top(&host)).is_empty());
            host.delete(way);
        }
    }
}

#[test]
fn a_backup_whose_rclone_is_killed_goes_on_with_another() {
    for program in programs() {
        let (host, mut slow) = slow(&program);
        slow["freezer_action"]["upload_limit"] = json!("100K");
        host.put("save", now(vec![slow, restored(&host)]));
        let daemon = host.start();
        has_lock(&host);
        kill(&processes_with(&top(&host)));
        let end = daemon.run_of("save");
        assert!(end.message.contains("succeeded"), "{}", end.message);
        drop(daemon);
        let log = host.freezerd(&["log", "save"]).exits(0).stdout();
        assert!(log.contains("started again"), "{log}");
        assert_eq!(files(&host.path("source")), files(&host.path("target")));
        with_restic(&host, &program, &["check", "--read-data"]);
    }
}

#[test]
fn what_is_wrong_with_rclone_is_told_with_what_helps() {
    for program in programs() {
        let host = host_of(&program);
        define(&host, Path::new("/no/such/rclone"), "disk:/x", "");
        let log = fails(&host);
        assert!(log.contains("install the package rclone"), "{log}");
        define(&host, &program, "drive:x", "");
        let log = fails(&host);
        assert!(log.contains("knows no remote \"drive\""), "{log}");
        host.file(
            "rclone.conf",
            "[drive]\ntype = sftp\nhost = 127.0.0.1\nport = 1\nuser = u\n",
        );
        let log = fails(&host);
        assert!(log.contains("ended before it served"), "{log}");
        assert!(log.contains("trying again"), "{log}");
    }
}

#[test]
fn the_password_of_the_configuration_is_in_no_argument_no_log_and_not_in_the_ledger() {
    let Some(newer) = newer() else {
        return;
    };
    for program in programs() {
        let (host, mut slow) = slow(&program);
        let file = host.file("config-pass", &format!("{CONFIG_PASSWORD}\n"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        encrypt(&newer, &host.path("rclone.conf"));
        let line = format!("config_password_file = \"{}\"", file.display());
        let remote = format!("disk:{}", top(&host));
        define(&host, &program, &remote, &line);
        slow["freezer_action"]["upload_limit"] = json!("100K");
        slow["freezer_action"]["log_file"] = json!(host.path("state/action.log"));
        host.put("save", now(vec![slow]));
        let daemon = host.start();
        has_lock(&host);
        for line in command_lines() {
            assert!(!line.contains(CONFIG_PASSWORD), "{line}");
        }
        for process in processes_with(&top(&host)) {
            let path = format!("/proc/{}/cmdline", process.as_raw_nonzero());
            let line = fs::read(path).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            assert!(!line.contains(CONFIG_PASSWORD), "{line}");
        }
        let end = daemon.run_of("save");
        assert!(end.message.contains("succeeded"), "{}", end.message);
        let mut told = daemon.log();
        drop(daemon);
        host.file("config-pass", &format!("not-{CONFIG_PASSWORD}\n"));
        told += &fails(&host);
        assert!(told.contains("with the password that"), "{told}");
        for words in [
            &["log", "save"][..],
            &["show", "save", "--json"],
            &["config", "show"],
            &["history", "--json"],
            &["state", "export"],
            &["storage", "list"],
            &["snapshots", "save"],
            &["check"],
        ] {
            let ran = host.freezerd(words);
            told += &(ran.stdout() + &ran.stderr());
        }
        assert!(!told.contains(CONFIG_PASSWORD), "{told}");
        let found = files_with(&host.path("state"), CONFIG_PASSWORD);
        assert_eq!(found, [""; 0].map(PathBuf::from));
    }
}

#[test]
fn a_job_saves_to_a_rest_server_at_a_socket_and_restic_reads_it() {
    let Some(server) = AtSocket::start() else {
        return;
    };
    let host = host("http://127.0.0.1:1/", "");
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"rest\"\nendpoint = \"{}\"\n",
            server.address("top")
        ),
    );
    run(&host, "save", vec![saved(&host), restored(&host)]);
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    let repository = format!("rest:{}/", server.address("top/hosts/web%201"));
    // 0.14 knows no sockets.
    if let Some(restic) = restics().into_iter().nth(1) {
        restic.run(Path::new(&repository), &["check", "--read-data"]);
    }
}

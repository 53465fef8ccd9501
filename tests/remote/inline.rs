//! Jobs of Freezer, which describe their storage themselves: without `freezerd.toml`, and with a secret in the job file.

use std::fs;
use std::path::{Path, PathBuf};

use freezerd::storage::ftp::Tls;
use serde_json::{Value, json};

use crate::bucket;
use crate::ftp_server::{self, vsftpd};
use crate::harness::{Host, backup, eventually, now, restore, someday};
use crate::s3_server::{self, ACCESS_KEY, SECRET_KEY};
use crate::secrets::{command_lines, files_with};
use crate::sftp_server::rclone::{PASSWORD, Rclone, USER};
use crate::site::{files, host};

/// A host whose `freezerd.toml` defines nothing.
fn bare() -> Host {
    let host = host("http://127.0.0.1:1/", "");
    host.file("freezerd.toml", "");
    host
}

/// A backup and a restore with these keys of a storage.
fn both(host: &Host, keys: &Value) -> Vec<Value> {
    let save = backup(&host.path("source"), Path::new("/"));
    let load = restore(Path::new("/"), &host.path("target"));
    [save, load].map(|action| with(host, action, keys)).to_vec()
}

fn with(host: &Host, mut action: Value, keys: &Value) -> Value {
    let inner = action["freezer_action"].as_object_mut().unwrap();
    for (key, value) in keys.as_object().unwrap() {
        inner.insert(key.clone(), value.clone());
    }
    inner.insert("encrypt_pass_file".to_owned(), json!(host.path("pass")));
    action
}

/// The keys of Freezer for a bucket of the server.
fn s3(server: &s3_server::Server, bucket: &str) -> Value {
    json!({
        "storage": "s3",
        "endpoint": server.endpoint(),
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "container": format!("{bucket}/hosts/web 1"),
    })
}

/// Everything that freezerd says of the job `save`.
fn told(host: &Host) -> String {
    let mut told = String::new();
    for words in [
        &["check"][..],
        &["check", "--json"],
        &["check", "--effective"],
        &["list", "--json"],
        &["show", "save"],
        &["show", "save", "--json"],
        &["log", "save"],
        &["history", "--json"],
        &["why", "save"],
        &["snapshots", "save"],
        &["ls", "save"],
        &["status", "--json"],
        &["doctor"],
        &["state", "export"],
    ] {
        let ran = host.freezerd(words);
        told += &(ran.stdout() + &ran.stderr());
    }
    told
}

#[test]
fn a_job_with_the_keys_of_freezer_saves_to_a_bucket_and_its_secret_stays_in_its_file() {
    let Some(server) = s3_server::Server::start() else {
        return;
    };
    let host = bare();
    let name = server.new_bucket();
    let mut actions = both(&host, &s3(&server, &name));
    // Slow enough to be looked at.
    actions[0]["freezer_action"]["upload_limit"] = json!("100K");
    actions[0]["freezer_action"]["log_file"] = json!(host.path("state/action.log"));
    host.put("save", now(actions));
    let daemon = host.start();
    let mut seen = 0;
    eventually("the run ends", || {
        for line in command_lines() {
            assert!(!line.contains(SECRET_KEY), "{line}");
            seen += 1;
        }
        host.state("save").ends_with("success")
    });
    assert!(seen > 0);
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let core = limits
        .lines()
        .find(|it| it.starts_with("Max core file size"));
    let soft = core.and_then(|line| line.split_whitespace().nth(4));
    assert!(matches!(soft, Some("0" | "1")), "no core file: {limits}");
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    bucket::assert_clean_for_restic(&bucket::for_restic(&server, &name), 1);
    let mut all = daemon.log();
    drop(daemon);
    all += &told(&host);
    assert!(all.contains("secret_key_file"), "the better key is told");
    // A file that becomes invalid, near the secret.
    let text = host.read("jobs.d/save.json");
    for broken in [
        text.replace("\"secret_key\"", "\"action\": \"x\", \"secret_key\""),
        text.replace(&format!("\"{SECRET_KEY}\""), SECRET_KEY),
        text.replace(&format!("{SECRET_KEY}\""), SECRET_KEY),
        text.replace("\"secret_key\":", "\"secret_key\""),
        text.replace(&format!("\"{SECRET_KEY}\""), &format!("[\"{SECRET_KEY}\"]")),
    ] {
        assert_ne!(broken, text);
        host.put_text("save.json", &broken);
        let ran = host.once();
        all += &(ran.stdout() + &ran.stderr());
        all += &told(&host);
    }
    assert!(!all.contains(SECRET_KEY), "{all}");
    let found = files_with(&host.path("state"), SECRET_KEY);
    assert_eq!(found, [""; 0].map(PathBuf::from));
}

#[test]
fn after_a_restart_the_secret_is_read_in_the_file_again_or_its_absence_is_told() {
    let Some(server) = s3_server::Server::start() else {
        return;
    };
    let host = bare();
    let keys = s3(&server, &server.new_bucket());
    host.put("save", someday(both(&host, &keys)));
    let daemon = host.start();
    host.trigger("save");
    daemon.run_of("save");
    daemon.stop();
    assert!(host.state("save").ends_with("success"));
    // A new secret in the same file is used at once.
    let text = host.read("jobs.d/save.json");
    let wrong = text.replace(SECRET_KEY, "another-secret");
    host.put_text("save.json", &wrong);
    let daemon = host.start();
    host.trigger("save");
    daemon.run_of("save");
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert!(log.contains("secret key"), "{log}");
    daemon.stop();
    host.put_text("save.json", &text);
    let daemon = host.start();
    host.trigger("save");
    daemon.run_of("save");
    assert!(host.state("save").ends_with("success"));
    daemon.stop();
    // The last good content stays in effect, and does not have the secret.
    host.put_text("save.json", "{ broken");
    let daemon = host.start();
    host.trigger("save");
    daemon.run_of("save");
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert!(log.contains("does not hold `secret_key` now"), "{log}");
}

#[test]
fn a_job_with_the_keys_of_freezer_saves_to_a_server_with_ssh() {
    let Some(server) = Rclone::start() else {
        return;
    };
    let host = bare();
    let known = host.file("known_hosts", &server.known_host());
    let keys = json!({
        "storage": "ssh",
        "ssh_host": "127.0.0.1",
        "ssh_port": server.port.to_string(),
        "ssh_username": USER,
        "ssh-password": PASSWORD,
        "known_hosts": known,
        "container": "/hosts/web 1",
    });
    host.put("save", now(both(&host, &keys)));
    let mut all = host.once().exits(0).stderr();
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    let config = server.files("hosts/web 1/config");
    eventually("rclone writes its cache to the disk", || config.exists());
    all += &told(&host);
    assert!(!all.contains(PASSWORD), "{all}");
    let found = files_with(&host.path("state"), PASSWORD);
    assert_eq!(found, [""; 0].map(PathBuf::from));
}

#[test]
fn a_job_with_the_keys_of_freezer_saves_to_a_server_with_ftp() {
    for tls in [Tls::None, Tls::Explicit] {
        let Some(server) = vsftpd::Server::with(tls, "") else {
            return;
        };
        let host = bare();
        let mut keys = json!({
            "storage": "ftp",
            "ftp_host": "127.0.0.1",
            "ftp_port": server.port.to_string(),
            "ftp_username": vsftpd::USER,
            "ftp-password": ftp_server::PASSWORD,
            "container": "hosts/web 1",
        });
        if tls == Tls::Explicit {
            keys["storage"] = json!("ftps");
            keys["ca_file"] = json!(server.file("cert.pem"));
        }
        host.put("save", now(both(&host, &keys)));
        let mut all = host.once().exits(0).stderr();
        assert_eq!(files(&host.path("source")), files(&host.path("target")));
        assert!(server.files("hosts/web 1/config").exists());
        all += &told(&host);
        assert!(!all.contains(ftp_server::PASSWORD), "{all}");
        let found = files_with(&host.path("state"), ftp_server::PASSWORD);
        assert_eq!(found, [""; 0].map(PathBuf::from));
    }
}

//! The password of a server is nowhere but where the storage says it is.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::{Host, eventually, now};
use crate::rest_server::{PASSWORD, Server, USER};
use crate::site::{define, host, restored, saved};

/// The files below a directory that have this text.
pub fn files_with(top: &Path, text: &str) -> Vec<PathBuf> {
    let contains = |bytes: &[u8]| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    let found = crate::site::files(top).into_iter();
    found
        .filter(|(_, content)| contains(content))
        .map(|(path, _)| path)
        .collect()
}

/// The same password in the encoding of HTTP.
fn encoded() -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

/// The arguments of every process of freezerd.
pub fn command_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.starts_with("freezerd") {
            lines.push(line);
        }
    }
    lines
}

#[test]
fn the_password_of_the_server_is_in_no_argument_no_log_no_message_and_not_in_the_ledger() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let mut action = saved(&host);
    action["freezer_action"]["log_file"] = json!(host.path("state/action.log"));
    // Slow enough to be looked at.
    action["freezer_action"]["upload_limit"] = json!("1K");
    host.put("save", now(vec![action, restored(&host)]));
    let daemon = host.start();
    eventually("the agent has the lock", || {
        std::fs::read_dir(server.files("hosts/web 1/locks")).is_ok_and(|it| it.count() > 0)
    });
    let lines = command_lines();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(!line.contains(PASSWORD), "{line}");
    }
    daemon.run_of("save");
    let mut told = daemon.log();
    drop(daemon);
    // A wrong one, which the server refuses.
    host.file("server-pass", &format!("not-{PASSWORD}\n"));
    host.put("wrong", now(vec![saved(&host)]));
    let ran = host.once();
    told += &(ran.stdout() + &ran.stderr());
    for words in [
        &["log", "save"][..],
        &["log", "wrong"],
        &["show", "save", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["history", "--json"],
        &["state", "export"],
        &["doctor"],
        &["snapshots", "wrong"],
        &["check"],
    ] {
        let ran = host.freezerd(words);
        told += &(ran.stdout() + &ran.stderr());
    }
    for secret in [PASSWORD, &encoded()] {
        assert!(!told.contains(secret), "{told}");
        assert_eq!(
            files_with(&host.path("state"), secret),
            [""; 0].map(PathBuf::from)
        );
    }
    assert!(
        told.contains("server-pass"),
        "the place of the secret is told"
    );
}

#[test]
fn the_password_comes_from_a_file_a_credential_a_command_or_the_environment() {
    let Some(server) = Server::start() else {
        return;
    };
    let address = server.address("");
    let host = host(&address, "").env("OFFSITE_PASSWORD", PASSWORD);
    host.file("credentials/offsite", &format!("{PASSWORD}\n"));
    let host = {
        let directory = host.path("credentials").display().to_string();
        host.env("CREDENTIALS_DIRECTORY", &directory)
    };
    let file = host.path("server-pass").display().to_string();
    for (number, line) in [
        format!("password_file = \"{file}\""),
        "password_file = \"%d/offsite\"".to_owned(),
        "password_env = \"OFFSITE_PASSWORD\"".to_owned(),
        format!("password_command = \"cat {file}\""),
        format!("password_command = [\"cat\", \"{file}\"]"),
    ]
    .into_iter()
    .enumerate()
    {
        with(&host, &address, &line);
        let name = format!("save{number}");
        host.put(&name, now(vec![saved(&host)]));
        host.once().exits(0);
        let state = host.state(&name);
        assert!(state.ends_with("success"), "{line}: {state}");
    }
}

fn with(host: &Host, address: &str, line: &str) {
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"rest\"\nendpoint = \"{address}\"\nusername = \"{USER}\"\n{line}\n"
        ),
    );
}

#[test]
fn a_password_in_the_configuration_is_refused_with_the_way_out_and_not_repeated() {
    let host = host("http://127.0.0.1:1/", "");
    define(
        &host,
        "http://127.0.0.1:1/",
        &format!("password = \"{PASSWORD}\""),
    );
    let ran = host.freezerd(&["config", "show"]);
    assert_ne!(ran.code(), 0);
    assert!(ran.stderr().contains("password_file"), "{}", ran.stderr());
    assert!(!ran.stderr().contains(PASSWORD), "{}", ran.stderr());
    let address = format!("http://{USER}:{PASSWORD}@127.0.0.1:1/");
    define(&host, &address, "");
    let ran = host.freezerd(&["config", "show"]);
    assert!(
        ran.stderr()
            .contains("must not contain a user or a password"),
        "{}",
        ran.stderr()
    );
    assert!(!ran.stderr().contains(PASSWORD), "{}", ran.stderr());
}

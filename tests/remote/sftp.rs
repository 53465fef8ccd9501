//! Jobs with a container on a server that speaks SFTP: OpenSSH's sshd.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Host, eventually, now};
use crate::restic_support::restics;
use crate::sftp_server::rclone::{self, Rclone};
use crate::sftp_server::{PASSPHRASE, Server};
use crate::site::{CONTAINER, action, files, host, restored, saved};

/// Writes `freezerd.toml`.
fn define(host: &Host, port: u16, user: &str, lines: &str) {
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"ssh\"\nhost = \"127.0.0.1\"\nport = {port}\nusername = \"{user}\"\n{lines}\n"
        ),
    );
}

/// A file that only its owner can read.
fn secret(host: &Host, name: &str, content: &str) -> String {
    let file = host.file(name, content);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}

/// A host whose storage is a directory on this server, with a key to log in.
fn host_of(server: &Server) -> Host {
    host_at(server, server.port)
}

/// The same for a line to this server, which begins at the port.
pub fn host_at(server: &Server, port: u16) -> Host {
    let host = host("http://127.0.0.1:1/", "");
    let (old, new) = (format!(":{} ", server.port), format!(":{port} "));
    let known = server.known_host("host").replace(&old, &new);
    let known = secret(&host, "known_hosts", &known);
    let lines = format!(
        "directory = \"{}\"\nkey_file = \"{}\"\nknown_hosts = \"{known}\"",
        server.files("top").display(),
        server.file("user").display(),
    );
    define(&host, port, &server.user, &lines);
    host
}

/// Runs a job with these actions, and returns the log.
#[track_caller]
fn run(host: &Host, name: &str, actions: Vec<Value>) -> String {
    host.put(name, now(actions));
    host.once().exits(0);
    host.freezerd(&["log", name]).exits(0).stdout()
}

/// Runs a backup that fails, and returns what became of it and the log.
#[track_caller]
fn fails(host: &Host) -> (String, String) {
    host.put("save", now(vec![saved(host)]));
    host.once().exits(1);
    let run = &host.history("save")[0];
    let attempts = host.attempts(run["run"].as_u64().unwrap());
    let end = format!("{:?}", attempts.last().unwrap());
    (end, host.freezerd(&["log", "save"]).exits(0).stdout())
}

/// Both versions of restic find nothing wrong in the container, and see this many snapshots.
#[track_caller]
fn assert_clean_for_restic(server: &Server, snapshots: usize) {
    let (name, command) = server.for_restic(&format!("top/{}", CONTAINER));
    let name = name.replace(' ', "%20");
    for restic in restics() {
        restic.run(Path::new(&name), &["-o", &command, "check", "--read-data"]);
        let listed = restic.run(Path::new(&name), &["-o", &command, "snapshots", "--json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.len(), snapshots);
    }
}

#[test]
fn backup_restore_check_and_removal_work_over_sftp_and_restic_reads_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host_of(&server);
    let log = run(&host, "first", vec![saved(&host)]);
    assert!(log.contains("created a repository in sftp://"), "{log}");
    assert_clean_for_restic(&server, 1);

    host.file("source/letter", "Dear reader, once more");
    let actions = vec![
        saved(&host),
        restored(&host),
        action(&host, json!({"action": "check", "read_data": true})),
        action(&host, json!({"action": "info"})),
    ];
    let log = run(&host, "second", actions);
    assert!(
        log.contains("2 snapshots in the container sftp://"),
        "{log}"
    );
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    assert_clean_for_restic(&server, 2);

    let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
    run(&host, "third", vec![action(&host, removal)]);
    assert_clean_for_restic(&server, 1);
    let locks = server.files(&format!("top/{CONTAINER}/locks"));
    assert_eq!(fs::read_dir(locks).unwrap().count(), 0);
}

#[test]
fn freezerd_restores_what_restic_backed_up_over_sftp() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host_of(&server);
    let (name, command) = server.for_restic(&format!("top/{CONTAINER}"));
    let name = name.replace(' ', "%20");
    let repository = Path::new(&name);
    for (number, restic) in restics().iter().enumerate() {
        if number == 0 {
            restic.run(repository, &["-o", &command, "init"]);
        }
        let source = host.path("source");
        let source = source.to_str().unwrap();
        restic.run(
            repository,
            &["-o", &command, "backup", "--host", "other", source],
        );
    }
    let pass = host.path("pass").display().to_string();
    let with = |words: &[&str]| -> Vec<String> {
        let place = ["--storage", "offsite", "--container", CONTAINER];
        let all = words.iter().chain(&place).map(|word| (*word).to_owned());
        all.chain(["--encrypt-pass-file".to_owned(), pass.clone()])
            .collect()
    };
    let run = |words: &[&str]| {
        let words = with(words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        host.freezerd(&words).exits(0)
    };
    let listed: Value = serde_json::from_str(&run(&["snapshots", "--json"]).stdout()).unwrap();
    let id = listed["snapshots"][0]["id"].as_str().unwrap().to_owned();
    let target = host.path("target").display().to_string();
    run(&["restore", "--to", &target, "--snapshot", &id]);
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
}

#[test]
fn a_backup_goes_on_after_its_connections_are_cut() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host_of(&server);
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(600_000)
        .collect();
    fs::write(host.path("source/noise"), noise).unwrap();
    let mut slow = saved(&host);
    // About two seconds, of which each is a chance to cut.
    slow["freezer_action"]["upload_limit"] = json!("300K");
    host.put("save", now(vec![slow]));
    let daemon = host.start();
    let locks = server.files(&format!("top/{CONTAINER}/locks"));
    eventually("it has the lock", || {
        fs::read_dir(&locks).is_ok_and(|entries| entries.count() > 0)
    });
    let before = server.count();
    server.cut();
    eventually("it connects again", || server.count() > before);
    let end = daemon.run_of("save");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    assert_clean_for_restic(&server, 1);
}

#[test]
fn an_unknown_host_and_a_changed_key_fail_for_good_and_say_what_to_do() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host_of(&server);
    fs::remove_file(host.path("known_hosts")).unwrap();
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("SHA256:"), "{log}");
    let command = format!(
        "ssh-keyscan -p {} 127.0.0.1 >> {}",
        server.port,
        host.path("known_hosts").display()
    );
    assert!(log.contains(&command), "{log}");
    secret(&host, "known_hosts", &server.known_host("stranger"));
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("ALARM"), "{log}");
    assert!(!log.contains("trying again"), "{log}");
    assert!(!server.files("top").exists());
}

#[test]
fn secrets_of_sftp_come_from_files_commands_and_the_environment_and_are_nowhere_else() {
    let (Some(server), Some(other)) = (Server::start(), Rclone::start()) else {
        return;
    };
    let host = host_of(&server)
        .env("KEY_PASSWORD", PASSPHRASE)
        .env("OFFSITE_PASSWORD", rclone::PASSWORD);
    let passphrase = secret(&host, "passphrase", &format!("{PASSPHRASE}\n"));
    let password = secret(&host, "server-pass", &format!("{}\n", rclone::PASSWORD));
    let known = secret(
        &host,
        "known_hosts",
        &(server.known_host("host") + &other.known_host()),
    );
    let top = server.files("top").display().to_string();
    let key = server.file("protected").display().to_string();
    let with_key =
        format!("directory = \"{top}\"\nkey_file = \"{key}\"\nknown_hosts = \"{known}\"\n");
    let with_password = format!("directory = \"top\"\nknown_hosts = \"{known}\"\n");
    let mut told = String::new();
    for (number, (is_key, line)) in [
        (true, format!("key_password_file = \"{passphrase}\"")),
        (true, "key_password_env = \"KEY_PASSWORD\"".to_owned()),
        (true, format!("key_password_command = \"cat {passphrase}\"")),
        (false, format!("password_file = \"{password}\"")),
        (false, "password_env = \"OFFSITE_PASSWORD\"".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let (port, user, lines) = match is_key {
            true => (server.port, server.user.as_str(), &with_key),
            false => (other.port, rclone::USER, &with_password),
        };
        define(&host, port, user, &format!("{lines}{line}"));
        let name = format!("save{number}");
        host.put(&name, now(vec![saved(&host)]));
        let ran = host.once();
        told += &(ran.stdout() + &ran.stderr());
        let state = host.state(&name);
        assert!(state.ends_with("success"), "{line}: {state}");
    }
    // Wrong ones.
    define(&host, server.port, &server.user, &with_key);
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("key_password_file"), "{log}");
    told += &log;
    secret(&host, "server-pass", &format!("not-{}\n", rclone::PASSWORD));
    let line = format!("{with_password}password_file = \"{password}\"");
    define(&host, other.port, rclone::USER, &line);
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(
        log.contains("password_file") || log.contains("the password"),
        "{log}"
    );
    told += &log;
    for words in [
        &["config", "show"][..],
        &["config", "show", "--json"],
        &["history", "--json"],
        &["state", "export"],
        &["doctor"],
        &["check"],
    ] {
        let ran = host.freezerd(words);
        told += &(ran.stdout() + &ran.stderr());
    }
    let pem = fs::read_to_string(server.file("protected")).unwrap();
    let line_of_key = pem.lines().nth(2).unwrap();
    for canary in [PASSPHRASE, rclone::PASSWORD, line_of_key] {
        assert!(!told.contains(canary), "{told}");
        for (path, content) in files(&host.path("state")) {
            let text = String::from_utf8_lossy(&content);
            assert!(!text.contains(canary), "{}", path.display());
        }
    }
}

#[test]
fn what_is_wrong_with_the_definition_is_said_with_the_key() {
    let host = host("http://127.0.0.1:1/", "");
    for (lines, words) in [
        ("", "`username` is missing"),
        ("username = \"u\"\ndirectory = \"~/x\"", "directory"),
        ("username = \"u\"\ndirectory = \"../x\"", "directory"),
        ("username = \"u\"\nport = 70000", "from 1 to 65535"),
        ("username = \"u\"\nkey_file = \"id\"", "an absolute path"),
        (
            "username = \"u\"\nkey_password = \"x\"",
            "key_password_file",
        ),
        (
            "username = \"u\"\nendpoint = \"https://h/\"",
            "has no `endpoint`",
        ),
    ] {
        host.file(
            "freezerd.toml",
            &format!("[storage.offsite]\nkind = \"sftp\"\nhost = \"h\"\n{lines}\n"),
        );
        let ran = host.freezerd(&["config", "show"]);
        assert_ne!(ran.code(), 0, "{lines}");
        assert!(ran.stderr().contains(words), "{lines}: {}", ran.stderr());
    }
}

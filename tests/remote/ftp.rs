//! Jobs with a container on a server that speaks FTP, plain and with TLS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use freezerd::storage::ftp::Tls;
use serde_json::{Value, json};

use crate::ftp_server::vsftpd::{Server, USER};
use crate::ftp_server::{PASSWORD, pyftpdlib};
use crate::harness::{Host, eventually, now};
use crate::restic_support::restics;
use crate::site::{CONTAINER, action, assert_clean_for_restic, files, host, restored, saved};

/// A file that only its owner can read.
fn secret(host: &Host, name: &str, content: &str) -> String {
    let file = host.file(name, content);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}

/// Writes `freezerd.toml`.
fn define(host: &Host, kind: &str, port: u16, user: &str, lines: &str) {
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"{kind}\"\nhost = \"127.0.0.1\"\nport = {port}\nusername = \"{user}\"\n{lines}\n"
        ),
    );
}

/// The lines for the directory `top` of this server, with TLS as it has it.
fn lines(host: &Host, server: &Server, tls: Tls) -> (&'static str, String) {
    let password = secret(host, "server-pass", &format!("{PASSWORD}\n"));
    let lines = format!("directory = \"top\"\npassword_file = \"{password}\"\n");
    let ca = format!("ca_file = \"{}\"\n", server.file("cert.pem").display());
    match tls {
        Tls::None => ("ftp", lines),
        Tls::Explicit => ("ftps", lines + &ca),
        Tls::Implicit => ("ftps", format!("{lines}{ca}implicit_tls = true\n")),
    }
}

/// A host whose storage is a directory on this server.
fn host_of(server: &Server, tls: Tls) -> Host {
    host_at(server, tls, server.port)
}

/// The same for a line to this server, which begins at the port.
pub fn host_at(server: &Server, tls: Tls, port: u16) -> Host {
    let host = host("http://127.0.0.1:1/", "");
    let (kind, lines) = lines(&host, server, tls);
    define(&host, kind, port, USER, &lines);
    host
}

/// The directory of the container.
pub fn container(server: &Server) -> String {
    server
        .files(&format!("top/{CONTAINER}"))
        .display()
        .to_string()
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

#[test]
fn backup_restore_check_and_removal_work_over_ftp_and_restic_reads_it() {
    for tls in [Tls::None, Tls::Explicit, Tls::Implicit] {
        let Some(server) = Server::with(tls, "") else {
            return;
        };
        let host = host_of(&server, tls);
        let place = container(&server);
        let log = run(&host, "first", vec![saved(&host)]);
        assert!(log.contains("created a repository in ftp://"), "{log}");
        assert_clean_for_restic(&place, 1);

        host.file("source/letter", "Dear reader, once more");
        let actions = vec![
            saved(&host),
            restored(&host),
            action(&host, json!({"action": "check", "read_data": true})),
            action(&host, json!({"action": "info"})),
        ];
        let log = run(&host, "second", actions);
        assert!(log.contains("2 snapshots in the container ftp://"), "{log}");
        assert_eq!(files(&host.path("source")), files(&host.path("target")));
        assert_clean_for_restic(&place, 2);

        let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
        run(&host, "third", vec![action(&host, removal)]);
        assert_clean_for_restic(&place, 1);
        let locks = Path::new(&place).join("locks");
        assert_eq!(fs::read_dir(locks).unwrap().count(), 0);
    }
}

#[test]
fn freezerd_restores_over_ftp_what_restic_backed_up() {
    let Some(server) = pyftpdlib::Server::start(Tls::None) else {
        return;
    };
    let host = host("http://127.0.0.1:1/", "");
    let password = secret(&host, "server-pass", &format!("{PASSWORD}\n"));
    let lines = format!("directory = \"top\"\npassword_file = \"{password}\"\n");
    define(&host, "ftp", server.port, pyftpdlib::USER, &lines);
    let repository = server.files(&format!("top/{CONTAINER}"));
    fs::create_dir_all(&repository).unwrap();
    let source = host.path("source");
    for (number, restic) in restics().iter().enumerate() {
        if number == 0 {
            restic.run(&repository, &["init"]);
        }
        let words = ["backup", "--host", "other", source.to_str().unwrap()];
        restic.run(&repository, &words);
    }
    let pass = host.path("pass").display().to_string();
    let place = ["--storage", "offsite", "--container", CONTAINER];
    let run = |words: &[&str]| {
        let pass = ["--encrypt-pass-file", pass.as_str()];
        let words: Vec<&str> = words.iter().chain(&place).chain(&pass).copied().collect();
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
    let host = host_of(&server, Tls::None);
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
    let locks = Path::new(&container(&server)).join("locks");
    eventually("it has the lock", || {
        fs::read_dir(&locks).is_ok_and(|entries| entries.count() > 0)
    });
    let before = server.count();
    server.cut();
    eventually("it connects again", || server.count() > before);
    let end = daemon.run_of("save");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    assert_clean_for_restic(&container(&server), 1);
}

#[test]
fn a_storage_can_be_tried_out() {
    let Some(server) = Server::with(Tls::Explicit, "") else {
        return;
    };
    let host = host_of(&server, Tls::Explicit);
    let words = ["storage", "test", "offsite", "--size", "1M"];
    let told = host.freezerd(&words).exits(0).stdout();
    assert!(told.ends_with("The storage works.\n"), "{told}");
    assert_eq!(files(&server.files("top")), []);
}

#[test]
fn what_is_wrong_is_said_once_and_for_good() {
    let Some(server) = Server::with(Tls::Explicit, "") else {
        return;
    };
    let host = host_of(&server, Tls::Explicit);
    secret(&host, "server-pass", "wrong\n");
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(
        log.contains("does not accept the user or the password"),
        "{log}"
    );
    let (_, lines) = lines(&host, &server, Tls::Explicit);
    define(
        &host,
        "ftp",
        server.port,
        USER,
        &lines.replace("ca_file", "#"),
    );
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("ftps"), "{log}");
    define(
        &host,
        "ftps",
        server.port,
        USER,
        &lines.replace("ca_file", "#"),
    );
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("certificate"), "{log}");
    assert!(!log.contains("trying again"), "{log}");
    assert!(!server.files("top").exists());
}

#[test]
fn passwords_of_ftp_come_from_files_commands_and_the_environment_and_are_nowhere_else() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host_of(&server, Tls::None).env("OFFSITE_PASSWORD", PASSWORD);
    let password = secret(&host, "server-pass", &format!("{PASSWORD}\n"));
    let mut told = String::new();
    for (number, line) in [
        format!("password_file = \"{password}\""),
        "password_env = \"OFFSITE_PASSWORD\"".to_owned(),
        format!("password_command = \"cat {password}\""),
    ]
    .into_iter()
    .enumerate()
    {
        let lines = format!("directory = \"top\"\n{line}");
        define(&host, "ftp", server.port, USER, &lines);
        let name = format!("save{number}");
        host.put(&name, now(vec![saved(&host)]));
        let ran = host.once();
        told += &(ran.stdout() + &ran.stderr());
        let state = host.state(&name);
        assert!(state.ends_with("success"), "{line}: {state}");
        told += &host.freezerd(&["log", &name]).stdout();
    }
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
    assert!(!told.contains(PASSWORD), "{told}");
    for (path, content) in files(&host.path("state")) {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains(PASSWORD), "{}", path.display());
    }
}

#[test]
fn what_is_wrong_with_the_definition_is_said_with_the_key() {
    let host = host("http://127.0.0.1:1/", "");
    for (kind, lines, words) in [
        ("ftp", "", "`username` is missing"),
        ("ftp", "username = \"u\"\ndirectory = \"../x\"", "directory"),
        ("ftps", "username = \"u\"\nport = 70000", "from 1 to 65535"),
        (
            "ftp",
            "username = \"u\"\nca_file = \"/x\"",
            "has no `ca_file`",
        ),
        (
            "ftp",
            "username = \"u\"\nimplicit_tls = true",
            "has no `implicit_tls`",
        ),
        (
            "ftps",
            "username = \"u\"\npassword = \"x\"",
            "password_file",
        ),
        (
            "ftps",
            "username = \"u\"\nendpoint = \"ftp://h/\"",
            "has no `endpoint`",
        ),
    ] {
        host.file(
            "freezerd.toml",
            &format!("[storage.offsite]\nkind = \"{kind}\"\nhost = \"h\"\n{lines}\n"),
        );
        let ran = host.freezerd(&["config", "show"]);
        assert_ne!(ran.code(), 0, "{lines}");
        assert!(ran.stderr().contains(words), "{lines}: {}", ran.stderr());
    }
}

#[test]
fn a_check_warns_of_a_password_that_everybody_on_the_way_can_read() {
    let host = host("http://127.0.0.1:1/", "");
    let warned = |kind: &str, lines: &str| {
        host.file(
            "freezerd.toml",
            &format!(
                "[storage.offsite]\nkind = \"{kind}\"\nhost = \"backup.example\"\nusername = \"u\"\n\
                 password_file = \"{}\"\n{lines}\n",
                host.path("server-pass").display()
            ),
        );
        host.put("save", now(vec![saved(&host)]));
        let ran = host.freezerd(&["check"]);
        ran.stdout() + &ran.stderr()
    };
    let told = warned("ftp", "");
    assert!(told.contains("goes over the network as it is"), "{told}");
    assert!(told.contains("use the kind `ftps`"), "{told}");
    let told = warned("ftps", "insecure = true");
    assert!(
        told.contains("certificate of the storage is not checked"),
        "{told}"
    );
    let told = warned("ftps", "");
    assert!(!told.contains("insecure-storage"), "{told}");
}

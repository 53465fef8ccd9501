//! Remotes of rclone that do not work as they are configured: whose server refuses the login, and others.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::harness::{Host, eventually, now};
use crate::rclone::define;
use crate::rclone_programs::{CONFIG_PASSWORD, configuration, encrypt, newer, programs};
use crate::s3_server;
use crate::site::{host, saved};

const USER: &str = "web1";

/// The password that the server knows.
const PASSWORD: &str = "canary-2cV6-right";

/// The password that rclone has.
const WRONG: &str = "canary-9bN4-wrong";

/// What every refused login is told with.
const REFUSED: &str = "does not accept the user or the password";

/// A server that rclone plays, which ends with this value.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Serves a directory with this protocol to who knows the password.
    fn start(program: &Path, protocol: &str, directory: &Path) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["serve", protocol, "--user", USER, "--pass", PASSWORD])
            .args(["--addr", &format!("127.0.0.1:{port}")])
            .arg(directory)
            .env("RCLONE_CONFIG", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { process, port };
        eventually("it serves", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        server
    }

    /// The lines of a remote with this password.
    fn remote(&self, program: &Path, protocol: &str, password: &str) -> String {
        let port = self.port;
        let place = match protocol {
            "webdav" => format!("url = http://127.0.0.1:{port}/\nvendor = other"),
            _ => format!("host = 127.0.0.1\nport = {port}"),
        };
        let obscured = Command::new(program).args(["obscure", password]).output();
        let obscured = String::from_utf8(obscured.unwrap().stdout).unwrap();
        format!("[far]\ntype = {protocol}\n{place}\nuser = {USER}\npass = {obscured}\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A host whose storage is the remote `far`, which has these lines in rclone's configuration.
fn host_with(program: &Path, remote: &str) -> Host {
    let host = host("http://127.0.0.1:1/", "");
    host.file("rclone.conf", remote);
    define(&host, program, "far:top", "");
    host
}

/// What `ls` says of the container, when it ends with this code.
#[track_caller]
fn told(host: &Host, code: i32) -> String {
    let words = ["ls", "--storage", "offsite", "--container", "web"];
    let ran = host.freezerd(&words).exits(code);
    ran.stderr()
}

#[test]
fn a_login_that_a_server_refuses_is_told_as_such_whatever_the_kind_of_the_remote() {
    let s3 = s3_server::Server::start();
    for program in programs() {
        for protocol in ["webdav", "sftp"] {
            let directory = tempfile::tempdir().unwrap();
            let server = Server::start(&program, protocol, directory.path());
            let host = host_with(&program, &server.remote(&program, protocol, WRONG));
            let told = told(&host, 77);
            assert!(told.contains(REFUSED), "{protocol}: {told}");
            assert!(!told.contains(WRONG), "{told}");
        }
        if let Some(s3) = &s3 {
            let remote = format!(
                "[far]\ntype = s3\nprovider = Other\nendpoint = http://{}\naccess_key_id = {}\nsecret_access_key = {WRONG}\n",
                s3.authority,
                s3_server::ACCESS_KEY
            );
            let told = told(&host_with(&program, &remote), 77);
            assert!(told.contains(REFUSED), "{told}");
            assert!(!told.contains(WRONG), "{told}");
        }
    }
}

#[test]
fn a_backup_with_a_refused_login_is_not_tried_again_and_one_with_the_right_password_succeeds() {
    for program in programs() {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(&program, "webdav", directory.path());
        let host = host_with(&program, &server.remote(&program, "webdav", WRONG));
        let mut save = saved(&host);
        save["max_retries"] = json!(3);
        host.put("save", now(vec![save]));
        host.once().exits(1);
        let log = host.freezerd(&["log", "save"]).exits(0).stdout();
        assert!(log.contains(REFUSED), "{log}");
        let run = host.history("save")[0]["run"].as_u64().unwrap();
        assert_eq!(host.attempts(run).len(), 1, "{log}");
        host.file("rclone.conf", &server.remote(&program, "webdav", PASSWORD));
        host.put("again", now(vec![saved(&host)]));
        host.once().exits(0);
    }
}

#[test]
fn what_is_wrong_on_this_host_is_told_at_once_and_nobody_is_asked() {
    let missing = Path::new("/no/such/rclone");
    let text = told(&host_with(missing, ""), 66);
    assert!(text.contains("install the package rclone"), "{text}");
    for program in programs() {
        let text = told(&host_with(&program, "[other]\ntype = local\n"), 66);
        assert!(text.contains("knows no remote"), "{text}");
        let Some(newer) = newer() else {
            continue;
        };
        let host = host_with(&program, "");
        encrypt(&newer, &configuration(&host.path("")));
        let text = told(&host, 66);
        assert!(text.contains("`config_password_file`"), "{text}");
        assert!(!text.contains(CONFIG_PASSWORD), "{text}");
    }
}

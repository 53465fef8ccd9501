//! A real mail server: Python's aiosmtpd, whose own parser reads the mails.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::CANARY;
use crate::harness::PATIENCE;

/// How the server expects to be spoken to.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Without TLS, and without logins.
    Plain,
    /// With STARTTLS and a login.
    Starttls,
    /// With TLS from the beginning and a login.
    Tls,
    /// It accepts connections, and says nothing.
    Silent,
}

/// The server. It ends with this value.
pub struct SmtpServer {
    process: Child,
    pub port: u16,
    mails: Receiver<String>,
}

impl SmtpServer {
    /// Starts it with the certificate in this directory. `None`, with a line that says so, without aiosmtpd.
    pub fn start(way: Way, directory: &Path) -> Option<SmtpServer> {
        let has_it = Command::new("/usr/bin/python3")
            .args(["-c", "import aiosmtpd"])
            .stderr(Stdio::null())
            .status();
        if !has_it.is_ok_and(|status| status.success()) {
            println!("SKIPPED: mail, because python3-aiosmtpd is not installed");
            return None;
        }
        let way = match way {
            Way::Plain => "plain",
            Way::Starttls => "starttls",
            Way::Tls => "tls",
            Way::Silent => "silent",
        };
        let mut process = Command::new("/usr/bin/python3")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/tell/smtp_server.py"
            ))
            .arg(way)
            .arg(directory)
            .env("PASSWORD", CANARY)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, mails) = channel();
        let stdout = process.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let port = mails
            .recv_timeout(PATIENCE)
            .expect("the server says its port");
        Some(SmtpServer {
            process,
            port: port.parse().unwrap(),
            mails,
        })
    }

    /// The next mail that came.
    #[track_caller]
    pub fn mail(&self) -> Value {
        let line = self.mails.recv_timeout(PATIENCE).expect("a mail");
        serde_json::from_str(&line).unwrap()
    }

    /// Whether no mail has come that was not asked for.
    pub fn is_empty(&self) -> bool {
        self.mails.try_recv().is_err()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The value of a header of a mail; `None`: it has none.
pub fn header<'a>(mail: &'a Value, name: &str) -> Option<&'a str> {
    let headers = mail["headers"].as_array().unwrap();
    let found = headers.iter().find(|it| it[0] == name);
    found.map(|it| it[1].as_str().unwrap())
}

//! Another implementation of a server: `pyftpdlib`, which has MLSD.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use freezerd::storage::ftp::{Ftp, Options, Tls};
use freezerd::storage::http::Trust;

use super::PASSWORD;
use crate::certificate;

pub const USER: &str = "web1";

const PROGRAM: &str = "
import os, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer
top, tls = sys.argv[1], sys.argv[2] == 'tls'
users = DummyAuthorizer()
users.add_user('web1', os.environ['PASSWORD'], top + '/data', perm='elradfmwMT')
class Handler(TLS_FTPHandler if tls else FTPHandler):
    authorizer = users
    auth_failed_timeout = 0
    if tls:
        certfile, keyfile = top + '/cert.pem', top + '/key.pem'
        tls_control_required = tls_data_required = True
server = FTPServer(('127.0.0.1', 0), Handler)
print(server.socket.getsockname()[1], flush=True)
server.serve_forever()
";

/// A running server, which ends with this value.
pub struct Server {
    process: Child,
    directory: tempfile::TempDir,
    pub port: u16,
    tls: Tls,
}

impl Server {
    /// `None`, with a line that says so, if pyftpdlib is not installed. Its TLS needs OpenSSL's module for Python.
    pub fn start(tls: Tls) -> Option<Server> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("data")).unwrap();
        let is_encrypted = tls != Tls::None;
        if is_encrypted && !certificate::make(directory.path()) {
            return None;
        }
        let mut process = Command::new("/usr/bin/python3")
            .args(["-c", PROGRAM])
            .arg(directory.path())
            .arg(if is_encrypted { "tls" } else { "plain" })
            .env("PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let Ok(port) = line.trim().parse() else {
            println!("SKIPPED: what an FTP server with MLSD does, because pyftpdlib does not run");
            let _ = process.kill();
            let _ = process.wait();
            return None;
        };
        Some(Server {
            process,
            directory,
            port,
            tls,
        })
    }

    /// The directory of a repository.
    pub fn files(&self, path: &str) -> PathBuf {
        self.directory.path().join("data").join(path)
    }

    /// How to reach a repository.
    pub fn options(&self, path: &str) -> Options {
        Options {
            directory: path.to_owned(),
            tls: self.tls,
            trust: match self.tls {
                Tls::None => Trust::System,
                _ => Trust::Pem(std::fs::read(self.directory.path().join("cert.pem")).unwrap()),
            },
            ..super::options(self.port, USER)
        }
    }

    /// A repository.
    pub fn storage(&self, path: &str) -> Ftp {
        Ftp::new(self.options(path)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

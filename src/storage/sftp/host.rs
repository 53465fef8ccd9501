//! Whether a server is the one that it should be.

use std::path::PathBuf;

use russh::client::Handler;
use russh::keys::{PublicKey, PublicKeyOrCertificate};

use super::super::error::ErrorKind;
use super::failure::Failure;
use super::known_hosts::{self, Known, Verdict};

/// What a connection knows of its server.
pub(super) struct Client {
    pub known: Known,
    pub host: String,
    pub port: u16,
    /// The file that a new host is added to.
    pub file: PathBuf,
}

/// Why a connection is not made, or ended.
#[derive(Debug)]
pub(super) enum Ended {
    Ssh(russh::Error),
    /// It is not certain that the server is the right one.
    Host(Failure),
}

impl From<russh::Error> for Ended {
    fn from(error: russh::Error) -> Ended {
        Ended::Ssh(error)
    }
}

impl Handler for Client {
    type Error = Ended;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, Ended> {
        match offered {
            PublicKeyOrCertificate::PublicKey { key, .. } => match self.check(key) {
                Ok(()) => Ok(true),
                Err(failure) => Err(Ended::Host(failure)),
            },
            // Nobody asked for one.
            PublicKeyOrCertificate::Certificate(_) => Ok(false),
        }
    }
}

impl Client {
    fn check(&self, key: &PublicKey) -> Result<(), Failure> {
        let name = match self.port {
            22 => self.host.clone(),
            port => format!("[{}]:{port}", self.host),
        };
        let fingerprint = known_hosts::fingerprint(key);
        let kind = key.algorithm();
        match self.known.judge(key) {
            Verdict::Known => Ok(()),
            Verdict::Unknown => {
                let command = known_hosts::accepting_command(&self.host, self.port, &self.file);
                Err(Failure::new(
                    ErrorKind::Untrusted,
                    format!(
                        "the host {name} is not known. Its key ({kind}) has the fingerprint {fingerprint}. Compare it with \
                         what `ssh-keygen -lf` shows on the server, and if it is the same, accept it with: {command}"
                    ),
                ))
            }
            Verdict::Changed { file, line } => Err(Failure::new(
                ErrorKind::HostChanged,
                format!(
                    "ALARM: the key of the host {name} has changed. Somebody may be pretending to be this server. Nothing was \
                     sent. It shows a key ({kind}) with the fingerprint {fingerprint}, but it is known by another key, in \
                     line {line} of {}. If the server has a new key, ask its administrator for the fingerprint, and then \
                     replace this line",
                    file.display()
                ),
            )),
            Verdict::Revoked { file, line } => Err(Failure::new(
                ErrorKind::HostChanged,
                format!(
                    "ALARM: the host {name} shows a key ({kind}, {fingerprint}) that is revoked, in line {line} of {}. \
                     Somebody may be pretending to be this server. Nothing was sent",
                    file.display()
                ),
            )),
        }
    }
}

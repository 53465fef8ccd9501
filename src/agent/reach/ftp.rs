//! Servers that speak FTP: the password, TLS, the certificates.

use std::sync::Arc;
use std::time::Duration;

use super::http::trust;
use crate::agent::connection_fault::ConnectionFault;
use crate::agent::report::log;
use crate::agent::secret;
use crate::job::storage::{Connection, FtpTls};
use crate::location::FtpPlace;
use crate::storage::ftp::{Ftp, Options, Tls};
use crate::storage::limit::Pace;

/// A connection on which nothing moves for this long is given up. A server whose disks were asleep takes a while.
const STALL: Duration = Duration::from_secs(2 * 60);

/// As many connections as storages of other kinds have.
const CONNECTIONS: usize = 5;

/// The files of a container on the server. Nothing is sent yet.
pub(super) fn open(
    place: &FtpPlace,
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
) -> Result<Ftp, ConnectionFault> {
    let password = match &connection.password {
        Some(source) => Some(secret::read(source, &log)?),
        None => None,
    };
    let connections = connection
        .connections
        .and_then(|number| usize::try_from(number.get()).ok());
    Ftp::new(Options {
        host: place.host().to_owned(),
        port: place.port(),
        user: place.user().to_owned(),
        password,
        directory: place.directory().to_owned(),
        tls: match connection.ftp_tls {
            None => Tls::None,
            Some(FtpTls::Explicit) => Tls::Explicit,
            Some(FtpTls::Implicit) => Tls::Implicit,
        },
        trust: trust(connection)?,
        connections: connections.unwrap_or(CONNECTIONS),
        stall: connection.stall(STALL),
        pace: pace.cloned(),
    })
    .map_err(ConnectionFault::Options)
}

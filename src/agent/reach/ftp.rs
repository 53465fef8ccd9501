//! Servers that speak FTP: the password, TLS, the certificates.

use std::sync::Arc;
use std::time::Duration;

use super::http::trust;
use super::storage_secret::storage_secret;
use crate::agent::connection_fault::ConnectionFault;
use crate::job::storage::{Connection, FtpTls};
use crate::location::FtpPlace;
use crate::storage::concurrency::Concurrency;
use crate::storage::ftp::{Ftp, Options, Tls};
use crate::storage::limit::Pace;

/// A connection on which nothing moves for this long is given up. A server whose disks were asleep takes a while.
const STALL: Duration = Duration::from_secs(2 * 60);

/// The files of a container on the server. Nothing is sent yet.
pub(super) fn open(
    place: &FtpPlace,
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
    concurrency: &Arc<Concurrency>,
) -> Result<Ftp, ConnectionFault> {
    let password = storage_secret("password", connection.password.as_ref())?;
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
        connections: Arc::clone(concurrency),
        stall: connection.stall(STALL),
        pace: pace.cloned(),
    })
    .map_err(ConnectionFault::Options)
}

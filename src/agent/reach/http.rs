//! Servers that speak HTTP: the user, the certificates, the proxy.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::storage_secret::storage_secret;
use crate::agent::connection_fault::ConnectionFault;
use crate::job::storage::Connection;
use crate::location::RestPlace;
use crate::storage::http::{Options, Trust};
use crate::storage::limit::Pace;
use crate::storage::rest::Rest;

/// The largest file of certificates that is read, in bytes. That of a whole system has a quarter of a megabyte.
const CERTIFICATES: u64 = 4 * 1024 * 1024;

/// The files of a container on a REST server. Nothing is sent yet.
pub(super) fn rest(
    place: &RestPlace,
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
) -> Result<Rest, ConnectionFault> {
    let options = Options {
        socket: place.socket().map(Path::to_owned),
        ..options(connection, pace)?
    };
    Rest::new(place.address().as_str(), options).map_err(ConnectionFault::Options)
}

/// As long as a connection to a server of another kind may take to be made. A `timeout` in the storage takes its place.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// What all of these servers have in common.
pub(super) fn options(
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
) -> Result<Options, ConnectionFault> {
    let defaults = Options::default();
    let password = storage_secret("password", connection.password.as_ref())?;
    let user = connection.username.clone().map(|name| {
        let password = password.unwrap_or_default();
        (name, password)
    });
    Ok(Options {
        user,
        trust: trust(connection)?,
        proxy: connection.proxy.as_ref().map(ToString::to_string),
        connections: super::connections(connection),
        stall: connection.stall(defaults.stall),
        first: connection.timeout.is_none().then_some(FIRST_ANSWER),
        pace: pace.cloned(),
        ..defaults
    })
}

/// The certificates that are trusted.
pub(super) fn trust(connection: &Connection) -> Result<Trust, ConnectionFault> {
    Ok(match (connection.insecure, &connection.ca_file) {
        (true, _) => Trust::Anything,
        (false, Some(file)) => Trust::Pem(certificates(file)?),
        (false, None) => Trust::System,
    })
}

fn certificates(file: &Path) -> Result<Vec<u8>, ConnectionFault> {
    let failed = |source| ConnectionFault::Certificates {
        path: file.to_owned(),
        source,
    };
    let mut content = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(CERTIFICATES).read_to_end(&mut content))
        .map_err(failed)?;
    Ok(content)
}

//! Reads a storage on a server that speaks FTP.

use serde::{Deserialize, Serialize};

use super::fields::{Fault, Fields, fault, general, missing};
use super::secret_keys::PASSWORD;
use super::{Connection, Exposure, StorageKind, StoragePlace};
use crate::location::{AddressError, FtpPlace};

/// The port of servers on which TLS begins with the connection.
const IMPLICIT_PORT: u16 = 990;

/// When TLS begins on a server that speaks FTP. Without a value, there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FtpTls {
    /// Before the login, when the server is asked for it.
    Explicit,
    /// With the connection.
    Implicit,
}

pub(super) fn read(fields: &Fields) -> Result<(StoragePlace, Connection), Fault> {
    let Some(host) = fields.text("host")? else {
        return missing("host", "backup.example");
    };
    let Some(user) = fields.text("username")? else {
        return general("the key `username` is missing: it is the user at the server");
    };
    let tls = match (fields.kind, fields.switch("implicit_tls")?) {
        (StorageKind::Ftps, false) => Some(FtpTls::Explicit),
        (StorageKind::Ftps, true) => Some(FtpTls::Implicit),
        _ => None,
    };
    let port = fields
        .number("port", u32::from(u16::MAX))?
        .and_then(|port| u16::try_from(port.get()).ok())
        .or((tls == Some(FtpTls::Implicit)).then_some(IMPLICIT_PORT));
    let directory = fields.text("directory")?.unwrap_or_default();
    let place = match FtpPlace::new(&user, &host, port, &directory) {
        Ok(place) => place,
        Err(AddressError::Host) => {
            return fault(
                "host",
                "`host` takes the name or the address of a server, and nothing else",
            );
        }
        Err(AddressError::Tilde) => {
            return fault("directory", format!("`directory`: {}", AddressError::Tilde));
        }
        Err(AddressError::User) => return fault("username", "`username` takes the name of a user"),
        Err(_) => {
            return fault(
                "directory",
                "`directory` takes a path without empty parts, `.` and `..`",
            );
        }
    };
    let connection = Connection {
        password: fields.secret(PASSWORD)?,
        ca_file: fields.path("ca_file")?,
        insecure: fields.switch("insecure")?,
        connections: fields.number("connections", 64)?,
        timeout: fields.timeout()?,
        ftp_tls: tls,
        ..Connection::default()
    };
    let place = match tls {
        None => StoragePlace::Ftp(place),
        Some(_) => StoragePlace::Ftps(place),
    };
    Ok((place, connection))
}

/// What somebody on the way to the server can do.
pub(super) fn exposure(place: &FtpPlace, connection: &Connection) -> Option<Exposure> {
    match connection.ftp_tls {
        _ if place.is_loopback() => None,
        None => Some(Exposure::Password),
        Some(_) => connection.insecure.then_some(Exposure::Server),
    }
}

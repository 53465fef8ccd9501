//! Reads a storage on a server that speaks restic's REST protocol.

use super::fields::{Fault, Fields, fault, missing};
use super::secret_keys::PASSWORD;
use super::{Connection, StoragePlace};
use crate::location::RestPlace;

pub(super) fn read(fields: &Fields) -> Result<(StoragePlace, Connection), Fault> {
    let place = StoragePlace::Rest(endpoint(fields)?);
    let username = fields.text("username")?;
    let password = fields.secret(PASSWORD)?;
    if password.is_some() && username.is_none() {
        return fault("username", "a password needs a `username`");
    }
    if username.as_ref().is_some_and(|name| name.contains(':')) {
        return fault("username", "a user name for HTTP cannot contain a colon");
    }
    let connection = Connection {
        username,
        password,
        ca_file: fields.path("ca_file")?,
        insecure: fields.switch("insecure")?,
        proxy: fields.address("proxy")?,
        connections: fields.number("connections", 64)?,
        timeout: fields.timeout()?,
        ..Connection::default()
    };
    Ok((place, connection))
}

fn endpoint(fields: &Fields) -> Result<RestPlace, Fault> {
    match fields.text("endpoint")?.as_deref().map(RestPlace::parse) {
        Some(Ok(place)) => Ok(place),
        Some(Err(error)) => fault("endpoint", format!("`endpoint`: {error}")),
        None => missing("endpoint", "https://backup.example:8000/"),
    }
}

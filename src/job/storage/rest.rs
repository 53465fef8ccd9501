//! Reads a storage on a server that speaks restic's REST protocol.

use super::fields::{Fault, Fields, fault};
use super::secret_keys::PASSWORD;
use super::{Connection, StoragePlace};

pub(super) fn read(fields: &Fields) -> Result<(StoragePlace, Connection), Fault> {
    let place = StoragePlace::Rest(fields.required_address("endpoint")?);
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
        ..Connection::default()
    };
    Ok((place, connection))
}

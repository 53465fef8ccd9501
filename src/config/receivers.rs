//! The sections `[notify.NAME]` of `freezerd.toml`: who is told of failures.

use super::chosen::Origin;
use super::error::ConfigError;
use super::section::Sections;
use crate::tell::keys::receiver_keys;
use crate::tell::receiver::Receiver;

/// Whether a receiver has a key of this name.
pub(super) fn has_key(name: &str) -> bool {
    receiver_keys().any(|key| key.name == name)
}

/// Reads all sections below `notify`: the receivers in the order of their names, and where each is defined.
pub(super) fn read(
    value: &toml::Value,
    sections: &Sections<'_>,
) -> Result<Vec<(Receiver, Origin)>, ConfigError> {
    let mut receivers = Vec::new();
    for (name, values) in sections.read(value)? {
        let receiver = Receiver::read(&name, values)
            .map_err(|fault| sections.wrong(&name, fault.key.as_deref(), fault.in_toml()))?;
        receivers.push((receiver, sections.origin(&name)));
    }
    receivers.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    Ok(receivers)
}

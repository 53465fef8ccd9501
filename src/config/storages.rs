//! The sections `[storage.NAME]` of `freezerd.toml`: storages that jobs can name.

use super::chosen::Origin;
use super::error::ConfigError;
use super::section::Sections;
use crate::job::storage::{NamedStorage, Storages, is_reserved, storage_keys};

/// A storage and where it is defined.
#[derive(Clone, Debug)]
pub(super) struct Defined {
    pub name: String,
    pub storage: NamedStorage,
    pub origin: Origin,
}

/// Whether a storage has a key of this name.
pub(super) fn has_key(name: &str) -> bool {
    storage_keys().any(|key| key.name == name)
}

/// Reads all sections below `storage`.
pub(super) fn read(
    value: &toml::Value,
    sections: &Sections<'_>,
) -> Result<Vec<Defined>, ConfigError> {
    let mut storages = Vec::new();
    for (name, values) in sections.read(value)? {
        if is_reserved(&name) {
            let message = "a storage needs a name that is not the word of a kind";
            return Err(sections.wrong(&name, None, message.to_owned()));
        }
        let storage = NamedStorage::read(values)
            .map_err(|fault| sections.wrong(&name, fault.key.as_deref(), fault.in_toml()))?;
        storages.push(Defined {
            origin: sections.origin(&name),
            name,
            storage,
        });
    }
    Ok(storages)
}

/// The storages by their names.
pub(super) fn by_name(defined: &[Defined]) -> Storages {
    let pairs = defined.iter().map(|Defined { name, storage, .. }| {
        let mut storage = storage.clone();
        storage.connection.storage = Some(name.clone());
        (name.clone(), storage)
    });
    pairs.collect()
}

/// Where they are defined, in the order of their names.
pub(super) fn origins(defined: &[Defined]) -> Vec<Origin> {
    let mut sorted: Vec<&Defined> = defined.iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let origins = sorted.into_iter().map(|defined| defined.origin.clone());
    origins.collect()
}

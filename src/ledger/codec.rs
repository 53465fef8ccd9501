//! The encoding of a record: one format byte, then JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Undecodable;
use super::{FORMAT, LedgerError};

pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, LedgerError> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, record).map_err(|source| LedgerError::Encode { source })?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(
    table: &'static str,
    bytes: &[u8],
) -> Result<T, LedgerError> {
    let decoded = match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(Undecodable::Json),
        Some((&found, _)) => Err(Undecodable::Format { found }),
        None => Err(Undecodable::Empty),
    };
    decoded.map_err(|source| LedgerError::Decode { table, source })
}

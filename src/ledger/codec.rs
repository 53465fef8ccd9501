//! The encoding of a record: one format byte, then JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LedgerError;

/// The format byte of every value that this version writes.
pub(super) const FORMAT: u8 = 1;

pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, LedgerError> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, record).map_err(|error| LedgerError::Encode {
        message: error.to_string(),
    })?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(
    table: &'static str,
    bytes: &[u8],
) -> Result<T, LedgerError> {
    match bytes.split_first() {
        Some((&FORMAT, json)) => {
            serde_json::from_slice(json).map_err(|error| LedgerError::Decode {
                table,
                message: error.to_string(),
            })
        }
        Some((other, _)) => Err(LedgerError::Decode {
            table,
            message: format!("a value has format {other}, but this freezerd reads format {FORMAT}"),
        }),
        None => Err(LedgerError::Decode {
            table,
            message: "a value is empty".to_owned(),
        }),
    }
}

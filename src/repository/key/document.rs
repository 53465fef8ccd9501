//! The repository's keys as the JSON document that a key file encrypts.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::repository::crypto::SecretKeys;

/// Bytes that are base64 in JSON.
#[derive(Clone)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Base64, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(&text).map_err(serde::de::Error::custom);
        text.zeroize();
        bytes.map(Base64)
    }
}

impl Drop for Base64 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The document that a key file encrypts.
#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    mac: MacDocument,
    encrypt: Base64,
}

#[derive(Serialize, Deserialize)]
struct MacDocument {
    k: Base64,
    r: Base64,
}

impl Document {
    /// `None` when it is not the document, or when a key was never filled.
    pub(super) fn parse(text: &[u8]) -> Option<SecretKeys> {
        let document: Document = serde_json::from_slice(text).ok()?;
        let keys = SecretKeys {
            encrypt: document.encrypt.0.as_slice().try_into().ok()?,
            mac_k: document.mac.k.0.as_slice().try_into().ok()?,
            mac_r: document.mac.r.0.as_slice().try_into().ok()?,
        };
        keys.is_valid().then_some(keys)
    }

    pub(super) fn write(keys: &SecretKeys) -> Option<Zeroizing<Vec<u8>>> {
        let document = Document {
            mac: MacDocument {
                k: Base64(keys.mac_k.to_vec()),
                r: Base64(keys.mac_r.to_vec()),
            },
            encrypt: Base64(keys.encrypt.to_vec()),
        };
        // Large enough not to leave a copy behind when it grows.
        let mut text = Zeroizing::new(Vec::with_capacity(512));
        serde_json::to_writer(&mut *text, &document).ok()?;
        Some(text)
    }
}

//! The file `config`: the format's version, the repository's id, and the key of the chunker.

use serde::{Deserialize, Serialize};

use super::crypto::{Cipher, fill_random};
use super::error::{Damage, Doing, Error, ErrorKind, What};
use super::polynomial::Polynomial;
use crate::storage::id::Id;
use crate::storage::{FileName, Storage};

/// Much more than a config file ever had.
const LIMIT: u64 = 1 << 20;

/// The content of the file `config`: what holds for the whole repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    pub version: u64,
    /// Random, and the same in every copy of the repository.
    pub id: Id,
    pub chunker_polynomial: Polynomial,
    /// Fields of other programs, rustic's for example.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

impl Config {
    /// A new config of version 2.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new() -> Result<Config, Error> {
        let mut id = Id::default();
        fill_random(&mut id.0)?;
        Ok(Config {
            version: 2,
            id,
            chunker_polynomial: Polynomial::random()?,
            other: serde_json::Map::new(),
        })
    }

    /// Reads the config file and checks it.
    ///
    /// # Errors
    /// When it cannot be read, or when its version is not known.
    pub fn read(storage: &dyn Storage, cipher: &Cipher) -> Result<Config, Error> {
        let mut sealed = storage.read(FileName::CONFIG, LIMIT)?;
        let text = cipher.open(&mut sealed).map_err(damaged)?;
        Config::parse(text)
    }

    /// Reads the decrypted document.
    ///
    /// # Errors
    /// When it is damaged, or when its version is not known.
    pub fn parse(text: &[u8]) -> Result<Config, Error> {
        /// The rest of a later version may look different.
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let json = |cause: serde_json::Error| damaged(Damage::Json).with(cause);
        let Version { version } = serde_json::from_slice(text).map_err(json)?;
        if !(1..=2).contains(&version) {
            let what = What::File(FileName::CONFIG);
            return Err(Error::new(ErrorKind::Version(version), Doing::Open, what));
        }
        let config: Config = serde_json::from_slice(text).map_err(json)?;
        if !config.chunker_polynomial.is_irreducible() {
            return Err(damaged(Damage::Value));
        }
        Ok(config)
    }

    /// Writes the config file, which makes the repository.
    ///
    /// # Errors
    /// When there is one already, or when it cannot be written.
    pub fn write(&self, storage: &dyn Storage, cipher: &Cipher) -> Result<(), Error> {
        let text = serde_json::to_vec(self).map_err(|cause| damaged(Damage::Json).with(cause))?;
        storage.write(FileName::CONFIG, &cipher.seal_copy(&text)?)?;
        storage.sync()?;
        Ok(())
    }
}

fn damaged(damage: Damage) -> Error {
    Error::file(damage, FileName::CONFIG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_written_as_restic_writes_it() {
        let text = br#"{"version":2,"id":"5956a3f67a6230d4a92cefb29529f10196c7d92582ec305fd71ff6d331d6271b","chunker_polynomial":"25b468838dcb75"}"#;
        let config = Config::parse(text).unwrap();
        assert_eq!(config.version, 2);
        assert_eq!(serde_json::to_vec(&config).unwrap(), text);
    }

    #[test]
    fn unknown_versions_are_refused_whatever_else_they_hold() {
        for version in [0, 3, 99] {
            let text = format!("{{\"version\":{version},\"new\":[1]}}");
            let error = Config::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Version(version));
        }
    }

    #[test]
    fn a_polynomial_that_is_not_irreducible_is_damage() {
        let mut config = Config::new().unwrap();
        config.chunker_polynomial.0 ^= 1;
        let text = serde_json::to_vec(&config).unwrap();
        let error = Config::parse(&text).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Damaged(Damage::Value));
        assert!(Config::parse(b"").is_err());
        assert!(Config::parse(b"{}").is_err());
    }
}

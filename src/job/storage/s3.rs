//! Reads a storage on an S3 server.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fields::{Fault, Fields, fault, general};
use super::secret_keys::{SECRET_KEY, SESSION_TOKEN};
use super::{Connection, SecretSource, StoragePlace};
use crate::location::{HttpAddress, S3Place};

/// The server of Amazon's, for buckets of every region.
const AMAZON: &str = "https://s3.amazonaws.com/";

/// A hundred years, the longest time of Amazon's.
const MOST_DAYS: u32 = 36_500;

/// For how long the server keeps what it has brought back from an archive. Longer than an action waits for it.
const DEFAULT_DAYS: NonZeroU32 = NonZeroU32::new(7).unwrap();

/// No archive takes longer.
const DEFAULT_WAIT: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// How an S3 server is reached, besides what all servers have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct S3Connection {
    /// `None`: as the environment says, or `us-east-1`, or what the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The id of a key, which is not secret. `None`: the credentials come from `profile`, `credentials_file`, the
    /// environment, or the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<SecretSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<SecretSource>,
    /// A section of the file with credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A file with credentials, in the format of `~/.aws/credentials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<PathBuf>,
    /// Whether the bucket is in the path and not in the host name. `None`: it is, except for Amazon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// The storage class of packs with the content of files. `None`: that of the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// For how many days the bucket is to keep the files that are in use, with object lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retain_days: Option<NonZeroU32>,
    /// How a restore brings packs back from an archive. `None`: it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
}

impl S3Connection {
    /// Whether packs may lie in an archive, from which nothing can be read at once.
    pub fn may_be_archived(&self) -> bool {
        let class = self.storage_class.as_deref();
        self.archive.is_some() || matches!(class, Some("GLACIER" | "DEEP_ARCHIVE"))
    }
}

/// How packs are brought back from an archive of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Archive {
    pub tier: ArchiveTier,
    /// For how many days the server keeps what it has brought back.
    pub days: NonZeroU32,
    /// For how long an action waits.
    pub wait: Duration,
}

/// How fast a server brings packs back, and at what price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveTier {
    Standard,
    Bulk,
    Expedited,
}

pub(super) fn read(fields: &Fields) -> Result<(StoragePlace, Connection), Fault> {
    let own = S3Connection {
        region: word(fields, "region")?,
        access_key: word(fields, "access_key")?,
        secret_key: fields.secret(SECRET_KEY)?,
        session_token: fields.secret(SESSION_TOKEN)?,
        profile: fields.text("profile")?,
        credentials_file: fields.path("credentials_file")?,
        path_style: fields.choice("path_style")?,
        storage_class: word(fields, "storage_class")?,
        retain_days: fields.number("retain_days", MOST_DAYS)?,
        archive: archive(fields)?,
    };
    match (&own.access_key, &own.secret_key) {
        (Some(_), None) => {
            return general(
                "an `access_key` needs its secret key: name its place with `secret_key_file`, `secret_key_command` or \
                 `secret_key_env`",
            );
        }
        (None, Some(_)) => return general("a secret key needs its `access_key`"),
        (None, None) if own.session_token.is_some() => {
            return general("a session token needs its `access_key`");
        }
        (Some(_), Some(_)) if own.profile.is_some() || own.credentials_file.is_some() => {
            return general(
                "a storage has an `access_key`, or a `profile` or `credentials_file`, and not both",
            );
        }
        _ => {}
    }
    let connection = Connection {
        ca_file: fields.path("ca_file")?,
        insecure: fields.switch("insecure")?,
        proxy: fields.address("proxy")?,
        connections: fields.number("connections", 64)?,
        timeout: fields.timeout()?,
        s3: Some(Box::new(own)),
        ..Connection::default()
    };
    Ok((StoragePlace::S3(address(fields)?), connection))
}

/// How packs are brought back from an archive.
fn archive(fields: &Fields) -> Result<Option<Archive>, Fault> {
    const TIER: &str = "archive_tier";
    let days = fields.number("archive_days", MOST_DAYS)?;
    let wait = fields.duration("archive_wait")?;
    let tier = match fields.text(TIER)?.as_deref() {
        None if days.is_some() || wait.is_some() => {
            let key = match days {
                Some(_) => "archive_days",
                None => "archive_wait",
            };
            return fault(
                key,
                format!(
                    "`{key}` does nothing without `{TIER}`, with which a restore asks for packs"
                ),
            );
        }
        None => return Ok(None),
        Some("standard") => ArchiveTier::Standard,
        Some("bulk") => ArchiveTier::Bulk,
        Some("expedited") => ArchiveTier::Expedited,
        Some(_) => {
            return fault(
                TIER,
                format!("`{TIER}` is \"standard\", \"bulk\" or \"expedited\""),
            );
        }
    };
    let class = fields.text("storage_class")?;
    if tier == ArchiveTier::Expedited && class.as_deref() == Some("DEEP_ARCHIVE") {
        return fault(
            TIER,
            format!(
                "`{TIER}`: the class DEEP_ARCHIVE has no tier \"expedited\"; write \"standard\" or \"bulk\""
            ),
        );
    }
    Ok(Some(Archive {
        tier,
        days: days.unwrap_or(DEFAULT_DAYS),
        wait: wait.unwrap_or(DEFAULT_WAIT),
    }))
}

/// The server, with the bucket if the storage has one.
fn address(fields: &Fields) -> Result<HttpAddress, Fault> {
    let endpoint = match fields.address("endpoint")? {
        Some(endpoint) if endpoint.is_top() => endpoint,
        Some(_) => {
            return fault(
                "endpoint",
                "`endpoint`: the address of an S3 server has no path; write the bucket as `bucket`, or as the first \
                 part of the container",
            );
        }
        None => match HttpAddress::parse(AMAZON) {
            Ok(amazon) => amazon,
            Err(error) => return fault("endpoint", error.to_string()),
        },
    };
    let Some(bucket) = fields.text("bucket")? else {
        return Ok(endpoint);
    };
    let joined = endpoint
        .join(&bucket)
        .and_then(|it| S3Place::new(it.clone()).map(|_| it));
    joined.or_else(|error| fault("bucket", format!("`bucket`: {error}")))
}

/// A word that goes into the head of a request.
fn word(fields: &Fields, key: &'static str) -> Result<Option<String>, Fault> {
    match fields.text(key)? {
        Some(text)
            if text.len() > 128
                || !text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'/') =>
        {
            fault(
                key,
                format!("`{key}` takes a word of letters, digits and punctuation"),
            )
        }
        word => Ok(word),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{NamedStorage, Value};

    fn read(keys: &[(&str, &str)]) -> Result<NamedStorage, String> {
        let kind = [("kind", "s3")];
        let values: BTreeMap<String, Value> = kind
            .iter()
            .chain(keys)
            .map(|(key, value)| ((*key).to_owned(), Value::Text((*value).to_owned())))
            .collect();
        NamedStorage::read(values).map_err(|fault| fault.message)
    }

    #[test]
    fn a_container_is_a_bucket_with_a_prefix_or_a_prefix_in_the_bucket_of_the_storage() {
        let amazon = read(&[]).unwrap().place;
        let location = amazon.container("bucket/www").unwrap();
        assert_eq!(
            location.to_string(),
            "s3:https://s3.amazonaws.com/bucket/www/"
        );
        assert!(amazon.container("/").is_err());
        assert!(amazon.container("x").is_err());
        let own = read(&[("endpoint", "http://nas:9000"), ("bucket", "backups")]);
        let own = own.unwrap().place;
        let location = own.container("www").unwrap();
        assert_eq!(location.to_string(), "s3:http://nas:9000/backups/www/");
        let location = own.container("/").unwrap();
        assert_eq!(location.to_string(), "s3:http://nas:9000/backups/");
    }

    #[test]
    fn keys_that_do_not_go_together_are_refused() {
        for (keys, told) in [
            (&[("access_key", "AK")][..], "secret_key_file"),
            (&[("secret_key_file", "/k")], "access_key"),
            (&[("session_token_env", "T")], "access_key"),
            (
                &[
                    ("access_key", "A"),
                    ("secret_key_file", "/k"),
                    ("profile", "p"),
                ],
                "not both",
            ),
            (&[("endpoint", "https://h/path")], "has no path"),
            (&[("bucket", "a/b c/../d")], "`bucket`"),
            (&[("bucket", "x")], "`bucket`"),
            (&[("region", "a b")], "`region`"),
            (&[("secret_key", "canary")], "secret_key_file"),
            (&[("username", "u")], "has no `username`"),
        ] {
            let message = read(keys).unwrap_err();
            assert!(message.contains(told), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn it_is_told_who_can_pretend_to_be_the_server() {
        assert_eq!(
            read(&[("endpoint", "http://nas:9000")]).unwrap().exposure(),
            None
        );
        let mut storage = read(&[("endpoint", "https://nas:9000")]).unwrap();
        storage.connection.insecure = true;
        assert!(storage.exposure().is_some());
    }
}

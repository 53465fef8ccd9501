//! The location of a container: the place of a restic repository.
//!
//! Each location has one text form, which the queue, the ledger, logs and messages share. The text of a local directory
//! is its absolute path. A path that is not UTF-8 becomes a `file://` URL with percent escapes, so that every location
//! can be read back from its text. The text of a container elsewhere is what `restic -r` takes, without a user.
//!
//! A location never contains a secret, and does not say how a server is reached: two ways to one container lead to equal
//! locations.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod address;
mod elsewhere;
mod ftp;
mod rclone;
mod rest;
mod s3;
mod server_directory;
mod sftp;
mod swift;

pub use address::{AddressError, HttpAddress};
pub use elsewhere::{Elsewhere, elsewhere};
pub use ftp::FtpPlace;
pub use rclone::RclonePlace;
pub use rest::RestPlace;
pub use s3::S3Place;
pub use sftp::SftpPlace;
pub use swift::{KeystoneName, SwiftCloud, SwiftPlace};

/// The location of a container. Equal locations are the same container.
///
/// Inside the crate, match on it without a wildcard arm. A new kind of storage then does not compile until all code
/// that depends on the kind handles it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// A directory on this host or on a mounted file system. The path is absolute.
    Local(PathBuf),
    /// A directory on a server that speaks FTP, with TLS or without.
    Ftp(FtpPlace),
    /// A directory in a remote of rclone.
    Rclone(Box<RclonePlace>),
    /// A directory on a server that speaks restic's REST protocol.
    Rest(Box<RestPlace>),
    /// A bucket of an S3 server, or a prefix in it.
    S3(S3Place),
    /// A directory on a server that speaks SFTP.
    Sftp(SftpPlace),
    /// A container of OpenStack Swift, or a prefix in it.
    Swift(Box<SwiftPlace>),
}

/// The text of a path that is not UTF-8 begins with this.
const FILE_URL: &str = "file://";

/// The text of a container in a remote of rclone begins with this.
const RCLONE: &str = "rclone:";

/// The text of a container on a REST server begins with this.
const REST: &str = "rest:";

/// The text of a container on an S3 server begins with this.
const S3: &str = "s3:";

/// The text of a container in Swift begins with this.
const SWIFT: &str = "swift:";

impl Location {
    /// The directory of a container on this host. `None` for a container elsewhere.
    pub fn local(&self) -> Option<&Path> {
        match self {
            Location::Local(path) => Some(path),
            Location::Ftp(_)
            | Location::Rclone(_)
            | Location::Rest(_)
            | Location::S3(_)
            | Location::Sftp(_)
            | Location::Swift(_) => None,
        }
    }

    /// The place of its kind in the order of locations.
    fn rank(&self) -> u8 {
        match self {
            Location::Local(_) => 0,
            Location::Ftp(_) => 1,
            Location::Rclone(_) => 2,
            Location::Rest(_) => 3,
            Location::S3(_) => 4,
            Location::Sftp(_) => 5,
            Location::Swift(_) => 6,
        }
    }
}

/// Locations are ordered by their texts. Ledgers and exports list containers in this order.
impl Ord for Location {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Location::Local(one), Location::Local(other)) => {
                path_bytes(one).cmp(path_bytes(other))
            }
            _ => {
                let texts = || self.to_string().cmp(&other.to_string());
                self.rank().cmp(&other.rank()).then_with(texts)
            }
        }
    }
}

impl PartialOrd for Location {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The bytes of a path, without repeated slashes and other parts that do not matter for a comparison.
fn path_bytes(path: &Path) -> impl Iterator<Item = u8> {
    let mut below_root = true;
    path.components().flat_map(move |component| {
        let is_root = component == Component::RootDir;
        let slash = (!below_root).then_some(b'/');
        below_root = is_root;
        slash
            .into_iter()
            .chain(component.as_os_str().as_bytes().iter().copied())
    })
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Local(path) => match path.to_str() {
                Some(text) => formatter.write_str(text),
                None => {
                    let mut text = FILE_URL.to_owned();
                    escape(&mut text, path.as_os_str().as_bytes(), b"/");
                    formatter.write_str(&text)
                }
            },
            Location::Ftp(place) => place.fmt(formatter),
            Location::Rclone(place) => write!(formatter, "{RCLONE}{place}"),
            Location::Rest(place) => write!(formatter, "{REST}{place}"),
            Location::S3(place) => write!(formatter, "{S3}{place}"),
            Location::Sftp(place) => place.fmt(formatter),
            Location::Swift(place) => write!(formatter, "{SWIFT}{place}"),
        }
    }
}

/// Appends bytes with percent escapes for all but letters, digits, `-._~` and what is in `plain`.
pub(crate) fn escape(text: &mut String, bytes: &[u8], plain: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Why a text is not a location. The message does not repeat the text, because it may contain a secret by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The text is neither an absolute path nor a URL of a known kind.
    #[error("the location of a container must be an absolute path")]
    NotAbsolute,
    /// In a `file://` URL, a percent sign is not followed by two hexadecimal digits.
    #[error(
        "in the location of a container, a percent sign is not followed by two hexadecimal digits"
    )]
    BadEscape,
    #[error("in the location of a container, {0}")]
    Address(#[from] AddressError),
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(place) = text.strip_prefix(RCLONE) {
            return Ok(Location::Rclone(Box::new(RclonePlace::parse(place)?)));
        }
        if let Some(place) = text.strip_prefix(REST) {
            return Ok(Location::Rest(Box::new(RestPlace::parse(place)?)));
        }
        if let Some(place) = text.strip_prefix(S3) {
            return Ok(Location::S3(S3Place::parse(place)?));
        }
        if let Some(place) = text.strip_prefix(ftp::SCHEME) {
            return Ok(Location::Ftp(FtpPlace::parse(place)?));
        }
        if let Some(place) = text.strip_prefix(sftp::SCHEME) {
            return Ok(Location::Sftp(SftpPlace::parse(place)?));
        }
        if let Some(place) = text.strip_prefix(SWIFT) {
            return Ok(Location::Swift(Box::new(place.parse()?)));
        }
        let path = match text.strip_prefix(FILE_URL) {
            Some(escaped) => {
                let bytes = unescape(escaped).ok_or(LocationError::BadEscape)?;
                PathBuf::from(OsString::from_vec(bytes))
            }
            None => PathBuf::from(text),
        };
        if path.is_absolute() {
            Ok(Location::Local(path))
        } else {
            Err(LocationError::NotAbsolute)
        }
    }
}

fn unescape(escaped: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsStr;

    use super::*;

    fn local(path: impl AsRef<OsStr>) -> Location {
        Location::Local(PathBuf::from(path.as_ref()))
    }

    #[test]
    fn a_local_location_reads_as_its_path() {
        for path in [
            "/",
            "/srv/backups",
            "/srv/b a%20c/ü",
            "/srv//x/",
            "/a\nb",
            "/file:///x",
        ] {
            let location = local(path);
            assert_eq!(location.to_string(), path);
            assert_eq!(path.parse(), Ok(location.clone()));
            assert_eq!(location.local(), Some(Path::new(path)));
            let json = serde_json::to_string(&location).unwrap();
            assert_eq!(json, serde_json::to_string(path).unwrap());
            assert_eq!(serde_json::from_str::<Location>(&json).unwrap(), location);
        }
    }

    #[test]
    fn a_path_that_is_not_utf_8_comes_back_from_its_text_byte_for_byte() {
        let every_byte: Vec<u8> = (1..=255).collect();
        for bytes in [
            &b"/srv/\xff"[..],
            b"/\xc3/%25 x",
            &[b"/", &every_byte[..]].concat(),
        ] {
            let location = local(OsStr::from_bytes(bytes));
            let text = location.to_string();
            assert!(text.starts_with("file:///") && text.is_ascii(), "{text}");
            let back: Location = text.parse().unwrap();
            assert_eq!(back.local().unwrap().as_os_str().as_bytes(), bytes);
            let json = serde_json::to_value(&location).unwrap();
            assert_eq!(serde_json::from_value::<Location>(json).unwrap(), location);
        }
        assert_eq!(
            local(OsStr::from_bytes(b"/srv/\xff")).to_string(),
            "file:///srv/%FF"
        );
        assert_eq!("file:///srv/backups".parse(), Ok(local("/srv/backups")));
    }

    #[test]
    fn any_other_text_is_refused_and_not_repeated() {
        for (text, error) in [
            ("", LocationError::NotAbsolute),
            ("backups", LocationError::NotAbsolute),
            (
                "s3:https://key:secret@host/bucket",
                LocationError::Address(AddressError::UserInfo),
            ),
            ("gs:bucket:/secret", LocationError::NotAbsolute),
            ("file://host/srv", LocationError::NotAbsolute),
            ("file:///srv/%F", LocationError::BadEscape),
            ("file:///srv/%+1", LocationError::BadEscape),
            ("file:///srv/%zz", LocationError::BadEscape),
        ] {
            assert_eq!(text.parse::<Location>(), Err(error), "{text}");
            let json = serde_json::to_string(text).unwrap();
            let refused = serde_json::from_str::<Location>(&json).unwrap_err();
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
        assert!(serde_json::from_str::<Location>("7").is_err());
    }

    #[test]
    fn a_container_on_a_server_reads_as_restic_writes_it() {
        for text in [
            "ftp://web1@backup.example:990/hosts/web1",
            "rclone:drive:backups/web 1",
            "rest:https://backup.example:8000/hosts/web1/",
            "rest:http+unix:///run/rest.sock:/hosts/web1/",
            "s3:https://s3.amazonaws.com/bucket/hosts/web1/",
            "sftp://web1@backup.example:2222//srv/web%201",
            "swift:www:/hosts/web1",
            "swift:www:/hosts/web1@https://cloud.example:5000/v3/?project_name=web",
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location.to_string(), text);
            assert_eq!(location.local(), None);
            let json = serde_json::to_value(&location).unwrap();
            assert_eq!(serde_json::from_value::<Location>(json).unwrap(), location);
            assert!(local("/z") < location);
        }
        let refused = "rest:https://user:secret@h/".parse::<Location>();
        assert_eq!(refused, Err(LocationError::Address(AddressError::UserInfo)));
        let refused = "sftp://user:secret@h/".parse::<Location>();
        assert_eq!(refused, Err(LocationError::Address(AddressError::User)));
    }

    #[test]
    fn one_directory_is_one_location_however_its_path_is_written() {
        assert_eq!(local("/srv/a"), local("/srv//a/./"));
        assert_ne!(local("/srv/a"), local("/srv/a/b"));
        let both = BTreeSet::from([local("/srv/a"), local("/srv//a/")]);
        assert_eq!(both.len(), 1);
    }

    #[test]
    fn locations_are_in_the_order_of_their_texts() {
        let texts = ["/", "/a", "/a-b", "/a/b", "/a/b/c", "/a0", "/ab", "/ü"];
        for one in texts {
            for other in texts {
                assert_eq!(
                    local(one).cmp(&local(other)),
                    one.cmp(other),
                    "{one} {other}"
                );
            }
        }
    }
}

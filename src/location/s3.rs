//! Where a container on an S3 server is.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::{AddressError, HttpAddress};

/// A bucket, or a prefix in it: the address of the server, with the bucket as the first part of the path. The text is
/// the same whether or not the server is asked with the bucket in its host name. It never has a user or a password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct S3Place(HttpAddress);

impl S3Place {
    /// The place at `https://HOST/BUCKET/PREFIX/`.
    ///
    /// # Errors
    /// `Bucket` when the path does not begin with the name of a bucket; `Path` when a part of the prefix has a slash of
    /// its own, or is not UTF-8.
    pub fn new(address: HttpAddress) -> Result<S3Place, AddressError> {
        let bucket = address.parts().next();
        if !bucket.is_some_and(is_bucket) {
            return Err(AddressError::Bucket);
        }
        let is_usable = |part: &str| {
            let bytes = super::unescape(part).unwrap_or_default();
            !bytes.contains(&b'/') && String::from_utf8(bytes).is_ok()
        };
        if !address.parts().all(is_usable) {
            return Err(AddressError::Path);
        }
        Ok(S3Place(address))
    }

    /// Reads what follows `s3:` in the name that `restic` has for it. Without a scheme, it is `https://`.
    ///
    /// # Errors
    /// As [`S3Place::new`], and when it is not an address.
    pub fn parse(text: &str) -> Result<S3Place, AddressError> {
        match text.contains("://") {
            true => S3Place::new(HttpAddress::parse(text)?),
            false => S3Place::new(HttpAddress::parse(&format!("https://{text}"))?),
        }
    }

    /// `https`, or `http`.
    pub fn scheme(&self) -> &str {
        match self.0.is_encrypted() {
            true => "https",
            false => "http",
        }
    }

    /// The host, and the port if it is not that of the scheme.
    pub fn authority(&self) -> &str {
        self.0.authority()
    }

    /// The name of the bucket.
    pub fn bucket(&self) -> &str {
        self.0.parts().next().unwrap_or_default()
    }

    /// What the names of the objects begin with, with percent escapes. Empty, or ends with a slash.
    pub fn prefix(&self) -> &str {
        let bucket = self.bucket();
        let path = self.0.path();
        path.get(bucket.len() + 1..).unwrap_or_default()
    }

    /// Whether the server is this host.
    pub fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }
}

/// Whether a bucket can have this name. Older buckets may have names that new ones cannot have.
fn is_bucket(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

impl fmt::Display for S3Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for S3Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for S3Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        S3Place::new(HttpAddress::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_server_a_bucket_and_a_prefix() {
        for (text, authority, bucket, prefix) in [
            (
                "https://s3.amazonaws.com/b-1",
                "s3.amazonaws.com",
                "b-1",
                "",
            ),
            ("http://h:9000/Old_bucket/", "h:9000", "Old_bucket", ""),
            ("https://h/bucket/a/b c", "h", "bucket", "a/b%20c/"),
            (
                "s3.amazonaws.com/bucket/x",
                "s3.amazonaws.com",
                "bucket",
                "x/",
            ),
        ] {
            let place = S3Place::parse(text).unwrap();
            assert_eq!(place.authority(), authority);
            assert_eq!(place.bucket(), bucket);
            assert_eq!(place.prefix(), prefix);
            assert_eq!(S3Place::parse(&place.to_string()), Ok(place));
        }
        assert_eq!(S3Place::parse("http://h/bucket").unwrap().scheme(), "http");
    }

    #[test]
    fn what_has_no_bucket_or_no_one_name_is_refused() {
        for (text, error) in [
            ("https://h", AddressError::Bucket),
            ("https://h/ab", AddressError::Bucket),
            ("https://h/b%C3%BCcket", AddressError::Bucket),
            ("https://h/bucket/a%2Fb", AddressError::Path),
            ("https://h/bucket/%FF", AddressError::Path),
            ("https://key:secret@h/bucket", AddressError::UserInfo),
        ] {
            assert_eq!(S3Place::parse(text), Err(error), "{text}");
        }
    }
}

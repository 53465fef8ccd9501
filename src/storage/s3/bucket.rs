//! Where the objects of a container are: the host that is asked, and the paths. Pure.

use super::super::{FileKind, FileName};
use super::sign;
use crate::location::S3Place;

/// The server of Amazon's for all regions. Requests go to the one of the region of the bucket.
const AMAZON: &str = "s3.amazonaws.com";

/// A bucket, and the prefix of the container in it.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    scheme: String,
    authority: String,
    pub name: String,
    /// With percent escapes. Empty, or ends with a slash.
    prefix: String,
    /// The bucket is in the path, and not in the host name.
    in_path: bool,
}

/// Where one request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub host: String,
    pub path: String,
    scheme: String,
}

impl Target {
    /// The whole address. The query may be empty.
    pub fn url(&self, query: &str) -> String {
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}://{}{}{mark}{query}", self.scheme, self.host, self.path)
    }
}

impl Bucket {
    /// `path_style`: whether the bucket is in the path; `None`: it is, except for Amazon.
    pub fn new(place: &S3Place, path_style: Option<bool>) -> Bucket {
        let authority = place.authority().to_owned();
        let host = authority.split(':').next().unwrap_or_default();
        let is_amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
        Bucket {
            scheme: place.scheme().to_owned(),
            name: place.bucket().to_owned(),
            prefix: place.prefix().to_owned(),
            in_path: path_style.unwrap_or(!is_amazon || !is_label(place.bucket())),
            authority,
        }
    }

    /// The bucket, for a server in this region.
    pub fn top(&self, region: &str) -> Target {
        self.target("", region)
    }

    /// One file.
    pub fn file(&self, file: FileName, region: &str) -> Target {
        self.target(&format!("{}{file}", self.prefix), region)
    }

    /// What the keys of the files of a kind begin with, without escapes.
    pub fn directory(&self, kind: FileKind) -> String {
        let directory = kind.directory().unwrap_or_default();
        let prefix = sign::unescaped(&self.prefix);
        format!("{prefix}{directory}/")
    }

    fn target(&self, key: &str, region: &str) -> Target {
        let server = match self.authority == AMAZON {
            true => format!("s3.{region}.amazonaws.com"),
            false => self.authority.clone(),
        };
        let (host, path) = match self.in_path {
            // A slash at the end would be a part of the key.
            true if key.is_empty() => (server, format!("/{}", self.name)),
            true => (server, format!("/{}/{key}", self.name)),
            false => (format!("{}.{server}", self.name), format!("/{key}")),
        };
        Target {
            host,
            path,
            scheme: self.scheme.clone(),
        }
    }
}

/// Whether the name can be a part of the name of a host, below a certificate for all of them.
fn is_label(name: &str) -> bool {
    name.len() <= 63
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(place: &str, path_style: Option<bool>) -> (String, String) {
        let bucket = Bucket::new(&S3Place::parse(place).unwrap(), path_style);
        let query = sign::query(&[("x", "y")]);
        (
            bucket.file(FileName::CONFIG, "eu-west-1").url(""),
            bucket.top("eu-west-1").url(&query),
        )
    }

    #[test]
    fn amazon_has_the_bucket_in_the_host_and_others_in_the_path() {
        for (place, path_style, config, top) in [
            (
                "https://s3.amazonaws.com/bucket/a b",
                None,
                "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/config",
                "https://bucket.s3.eu-west-1.amazonaws.com/?x=y",
            ),
            (
                "https://s3.amazonaws.com/with.dots",
                None,
                "https://s3.eu-west-1.amazonaws.com/with.dots/config",
                "https://s3.eu-west-1.amazonaws.com/with.dots?x=y",
            ),
            (
                "https://s3.dualstack.us-east-2.amazonaws.com/bucket",
                Some(true),
                "https://s3.dualstack.us-east-2.amazonaws.com/bucket/config",
                "https://s3.dualstack.us-east-2.amazonaws.com/bucket?x=y",
            ),
            (
                "http://nas:9000/bucket/p",
                None,
                "http://nas:9000/bucket/p/config",
                "http://nas:9000/bucket?x=y",
            ),
            (
                "http://nas:9000/bucket/p",
                Some(false),
                "http://bucket.nas:9000/p/config",
                "http://bucket.nas:9000/?x=y",
            ),
        ] {
            let found = url(place, path_style);
            assert_eq!(found, (config.to_owned(), top.to_owned()));
        }
    }

    #[test]
    fn keys_are_those_of_restic() {
        let bucket = Bucket::new(&S3Place::parse("h/bucket/a%20b/").unwrap(), None);
        assert_eq!(bucket.directory(FileKind::Pack), "a b/data/");
        let pack = FileName::new(FileKind::Pack, crate::storage::id::Id([0xab; 32]));
        let id = "ab".repeat(32);
        let path = bucket.file(pack, "x").path;
        assert_eq!(path, format!("/bucket/a%20b/data/ab/{id}"));
    }
}

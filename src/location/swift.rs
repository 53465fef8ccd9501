//! Where a container in OpenStack Swift is.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::{AddressError, HttpAddress};

/// The longest name of a container, in bytes. It is Swift's own limit.
const LONGEST_CONTAINER: usize = 256;

/// The longest prefix, in bytes. Swift's limit for a whole name is 1024.
const LONGEST_PREFIX: usize = 900;

/// What says whose containers they are, in the order in which it is shown. The words are those of `freezerd.toml`.
const OWNER_KEYS: [&str; 11] = [
    "project_id",
    "project_name",
    "trust_id",
    "application_credential_id",
    "application_credential_name",
    "username",
    "project_domain_id",
    "project_domain_name",
    "user_domain_id",
    "user_domain_name",
    "osrc",
];

/// The key of the region, which is shown last.
const REGION: &str = "region";

/// How Keystone is told which domain, project or credential is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeystoneName {
    Id(String),
    /// Names are unique within a domain, or for one user.
    Name(String),
}

/// A Swift: its Keystone, the owner of the containers, and the region. What is not said comes from the environment of
/// the program (`OS_AUTH_URL` and others).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SwiftCloud {
    /// Of version 3.
    auth_url: Option<HttpAddress>,
    /// Keys and values, in the order of the keys.
    owner: Vec<(&'static str, String)>,
    region: Option<String>,
}

impl SwiftCloud {
    /// The owner is said with keys such as `project_name`. Those that do not belong to an owner are left out.
    ///
    /// # Errors
    /// `Keystone` when the address is that of an old version of Keystone.
    pub fn new(
        auth_url: Option<HttpAddress>,
        owner: &[(&str, String)],
        region: Option<String>,
    ) -> Result<SwiftCloud, AddressError> {
        let value = |key| owner.iter().find(|(said, _)| *said == key);
        let owner = OWNER_KEYS
            .iter()
            .filter_map(|key| Some((*key, value(*key)?.1.clone())));
        Ok(SwiftCloud {
            auth_url: auth_url.map(version_3).transpose()?,
            owner: owner.collect(),
            region,
        })
    }

    /// The address of Keystone, which ends with `/v3/`.
    pub fn auth_url(&self) -> Option<&HttpAddress> {
        self.auth_url.as_ref()
    }

    fn is_empty(&self) -> bool {
        *self == SwiftCloud::default()
    }

    fn parse(text: &str) -> Result<SwiftCloud, AddressError> {
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let auth_url = match address {
            "" => None,
            address => Some(HttpAddress::parse(address)?),
        };
        let mut owner: Vec<(&str, String)> = Vec::new();
        let mut region = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or(AddressError::Query)?;
            let value = super::unescape(value).ok_or(AddressError::BadEscape)?;
            let value = String::from_utf8(value).map_err(|_| AddressError::Query)?;
            let is_new = !owner.iter().any(|(said, _)| *said == key);
            match key {
                REGION if region.is_none() => region = Some(value),
                key if OWNER_KEYS.contains(&key) && is_new => owner.push((key, value)),
                _ => return Err(AddressError::Query),
            }
        }
        SwiftCloud::new(auth_url, &owner, region)
    }
}

/// The address of version 3 of a Keystone, whose address may be given without a version.
fn version_3(address: HttpAddress) -> Result<HttpAddress, AddressError> {
    match address.parts().last() {
        Some("v3") => Ok(address),
        Some("v2.0" | "v2" | "v1.0" | "v1") => Err(AddressError::Keystone),
        _ => address.join("v3"),
    }
}

impl fmt::Display for SwiftCloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(auth_url) = &self.auth_url {
            auth_url.fmt(formatter)?;
        }
        let region = self.region.as_ref().map(|region| (REGION, region));
        let owner = self.owner.iter().map(|(key, value)| (*key, value));
        for (number, (key, value)) in owner.chain(region).enumerate() {
            let mut text = String::new();
            super::escape(&mut text, value.as_bytes(), b"");
            let before = if number == 0 { '?' } else { '&' };
            write!(formatter, "{before}{key}={text}")?;
        }
        Ok(())
    }
}

/// A container of Swift, or a prefix in it.
///
/// The text is `CONTAINER:/PREFIX`, which is restic's. If not all comes from the environment, `@` follows, the address
/// of Keystone, and whose container it is: `www:/hosts/web1@https://cloud.example:5000/v3/?project_name=web`. restic
/// takes what is before the `@`, and the rest from its environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SwiftPlace {
    container: String,
    /// Without slashes at its ends. Empty: the container itself.
    prefix: String,
    cloud: SwiftCloud,
}

impl SwiftPlace {
    /// The place with this name, `CONTAINER` or `CONTAINER/PREFIX`.
    ///
    /// # Errors
    /// `Container` when it does not begin with the name of a container; `Path` when a part of the prefix is empty, `.`
    /// or `..`, or has a control character, or when the prefix is too long.
    pub fn new(cloud: SwiftCloud, name: &str) -> Result<SwiftPlace, AddressError> {
        let name = name.strip_suffix('/').unwrap_or(name);
        let (container, prefix) = match name.split_once('/') {
            Some((container, prefix)) => (container, Some(prefix)),
            None => (name, None),
        };
        if !is_part(container) || container.len() > LONGEST_CONTAINER || container.contains(':') {
            return Err(AddressError::Container);
        }
        let prefix = prefix.unwrap_or_default();
        let is_usable = prefix.is_empty() || prefix.split('/').all(is_part);
        if !is_usable || prefix.len() > LONGEST_PREFIX || name.ends_with('/') {
            return Err(AddressError::Path);
        }
        Ok(SwiftPlace {
            container: container.to_owned(),
            prefix: prefix.to_owned(),
            cloud,
        })
    }

    /// The name of the container.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// What the names of the files begin with. Empty, or ends with a slash.
    pub fn prefix(&self) -> String {
        match self.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        }
    }

    /// Where the container is.
    pub fn cloud(&self) -> &SwiftCloud {
        &self.cloud
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control)
}

impl FromStr for SwiftPlace {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<SwiftPlace, AddressError> {
        // What follows the last one has none.
        let (path, cloud) = text.rsplit_once('@').unwrap_or((text, ""));
        let (container, prefix) = path.split_once(":/").ok_or(AddressError::Container)?;
        if container.contains('/') {
            return Err(AddressError::Container);
        }
        let name = match prefix {
            "" => container.to_owned(),
            prefix => format!("{container}/{prefix}"),
        };
        SwiftPlace::new(SwiftCloud::parse(cloud)?, &name)
    }
}

impl fmt::Display for SwiftPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_sign = self.container.contains('@') || self.prefix.contains('@');
        write!(formatter, "{}:/{}", self.container, self.prefix)?;
        match self.cloud.is_empty() && !has_sign {
            true => Ok(()),
            false => write!(formatter, "@{}", self.cloud),
        }
    }
}

impl Serialize for SwiftPlace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SwiftPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(address: &str, owner: &[(&str, &str)]) -> SwiftCloud {
        let owner: Vec<(&str, String)> = owner
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect();
        let address = HttpAddress::parse(address).unwrap();
        SwiftCloud::new(Some(address), &owner, None).unwrap()
    }

    #[test]
    fn a_place_reads_as_restic_writes_it_where_all_comes_from_the_environment() {
        for (name, text) in [
            ("www", "www:/"),
            ("www/hosts/web 1/", "www:/hosts/web 1"),
            ("ü@h/a:b%20", "ü@h:/a:b%20@"),
        ] {
            let place = SwiftPlace::new(SwiftCloud::default(), name).unwrap();
            assert_eq!(place.to_string(), text);
            assert_eq!(text.parse(), Ok(place));
        }
    }

    #[test]
    fn a_place_says_which_keystone_and_whose_container_it_is() {
        let cloud = cloud(
            "https://h:5000",
            &[("region", "x"), ("project_name", "a @")],
        );
        let place = SwiftPlace::new(cloud.clone(), "www/a@b").unwrap();
        let text = "www:/a@b@https://h:5000/v3/?project_name=a%20%40";
        assert_eq!(place.to_string(), text);
        assert_eq!(text.parse(), Ok(place.clone()));
        assert_eq!(place.container(), "www");
        assert_eq!(place.prefix(), "a@b/");
        assert_eq!(place.cloud(), &cloud);
        let one: SwiftPlace = "w:/@?project_domain_name=d&region=R&project_name=p"
            .parse()
            .unwrap();
        let text = "w:/@?project_name=p&project_domain_name=d&region=R";
        assert_eq!(one.to_string(), text);
    }

    #[test]
    fn one_keystone_has_one_address() {
        for address in [
            "https://h/identity",
            "https://h/identity/v3",
            "https://H/identity/v3/",
        ] {
            let auth_url = cloud(address, &[]).auth_url().unwrap().to_string();
            assert_eq!(auth_url, "https://h/identity/v3/");
        }
        let old = HttpAddress::parse("https://h:5000/v2.0").unwrap();
        let refused = SwiftCloud::new(Some(old), &[], None);
        assert_eq!(refused, Err(AddressError::Keystone));
    }

    #[test]
    fn what_names_no_container_is_refused() {
        for name in ["", "/", "/a", "a:b", "..", "a\nb", &"x".repeat(257)] {
            let refused = SwiftPlace::new(SwiftCloud::default(), name);
            assert_eq!(refused, Err(AddressError::Container), "{name:?}");
        }
        for name in [
            "a//b",
            "a/../b",
            "a/\u{7f}",
            "a//",
            &format!("a/{}", "x".repeat(901)),
        ] {
            let refused = SwiftPlace::new(SwiftCloud::default(), name);
            assert_eq!(refused, Err(AddressError::Path), "{name:?}");
        }
        for (text, error) in [
            ("www", AddressError::Container),
            ("a/b:/c", AddressError::Container),
            ("www:/@ftp://h", AddressError::Scheme),
            ("www:/@https://u:secret@h/", AddressError::Scheme),
            ("www:/@https://h/?x=y", AddressError::Query),
            ("www:/@https://h/?region=a&region=b", AddressError::Query),
            ("www:/@https://h/?region=%F", AddressError::BadEscape),
        ] {
            assert_eq!(text.parse::<SwiftPlace>(), Err(error), "{text}");
        }
    }
}

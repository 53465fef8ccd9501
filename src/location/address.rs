//! The address of a directory on an HTTP server.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address such as `https://backup.example:8000/hosts/web1/`, in one form: equal addresses are the same directory as
/// far as the text can tell. It never has a user or a password, and it ends with a slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HttpAddress(String);

/// Why a text is not an address. The message does not repeat the text, because it may contain a secret by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address must begin with https:// or http://")]
    Scheme,
    #[error("the address must not contain a user or a password")]
    UserInfo,
    #[error("the address has no valid host name")]
    Host,
    #[error("the port of the address is not a number from 1 to 65535")]
    Port,
    #[error("the address must not contain ? or #")]
    Query,
    #[error("in the address, a percent sign is not followed by two hexadecimal digits")]
    BadEscape,
    #[error("the address needs the name of a user, and must not contain a password")]
    User,
    #[error(
        "a directory that begins with ~ does not work on a server; one without a slash in front begins where the login begins"
    )]
    Tilde,
    #[error("the path of the address contains an empty part, `.` or `..`, or a control character")]
    Path,
    #[error(
        "the path must begin with the name of a bucket: at least 3 letters, digits, `-`, `.` and `_`"
    )]
    Bucket,
    #[error("it must begin with the name of a container of Swift: at most 256 bytes, without `:`")]
    Container,
    #[error(
        "it must begin with the name of a remote of rclone and a colon, such as `drive:`, without parameters"
    )]
    Remote,
    #[error(
        "the path of the socket must be absolute, and have only letters, digits and the signs / - . _ ~ @ + , ="
    )]
    Socket,
    #[error("this is version 2 of Keystone; the address of version 3 ends with /v3")]
    Keystone,
}

impl HttpAddress {
    /// Reads an address. A slash at its end may be missing.
    ///
    /// # Errors
    /// When it is not an address of a directory.
    pub fn parse(text: &str) -> Result<HttpAddress, AddressError> {
        let (scheme, default_port, rest) = ["https://", "http://"]
            .into_iter()
            .zip(["443", "80"])
            .find_map(|(scheme, port)| {
                let head = text.get(..scheme.len())?;
                let matches = head.eq_ignore_ascii_case(scheme);
                matches.then(|| (scheme, port, &text[scheme.len()..]))
            })
            .ok_or(AddressError::Scheme)?;
        if rest.contains(['?', '#']) {
            return Err(AddressError::Query);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(AddressError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        if !is_host(host) {
            return Err(AddressError::Host);
        }
        let mut address = format!("{scheme}{}", host.to_ascii_lowercase());
        if let Some(port) = port {
            let number: u16 = port.parse().map_err(|_| AddressError::Port)?;
            if number == 0 || !port.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(AddressError::Port);
            }
            if number.to_string() != default_port {
                address.push_str(&format!(":{number}"));
            }
        }
        address.push('/');
        HttpAddress(address).with(path, true)
    }

    /// The directory at this path below. The path is as a person writes it, without escapes; `/` is the address itself.
    ///
    /// # Errors
    /// When a part of the path is empty, `.` or `..`, or has a control character.
    pub fn join(&self, path: &str) -> Result<HttpAddress, AddressError> {
        self.clone().with(path, false)
    }

    /// The text, which ends with a slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, and the port if it is not that of the scheme.
    pub(super) fn authority(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// The path without its first slash, with percent escapes. Empty, or ends with a slash.
    pub(super) fn path(&self) -> &str {
        self.0.splitn(4, '/').nth(3).unwrap_or_default()
    }

    /// The parts of the path, with percent escapes.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        self.path().split_terminator('/')
    }

    /// Whether the address is that of the server alone.
    pub fn is_top(&self) -> bool {
        self.path().is_empty()
    }

    /// Whether what is sent cannot be read on its way.
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether the server is this host.
    pub fn is_loopback(&self) -> bool {
        let authority = self.authority();
        let host = split_port(authority).map_or(authority, |(host, _)| host);
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }

    fn with(mut self, path: &str, escaped: bool) -> Result<HttpAddress, AddressError> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            return Ok(self);
        }
        for part in path.split('/') {
            let bytes = match escaped {
                true => super::unescape(part).ok_or(AddressError::BadEscape)?,
                false => part.as_bytes().to_vec(),
            };
            let is_usable = !bytes.is_empty()
                && bytes != b"."
                && bytes != b".."
                && !bytes.iter().any(u8::is_ascii_control);
            if !is_usable {
                return Err(AddressError::Path);
            }
            super::escape(&mut self.0, &bytes, b"");
            self.0.push('/');
        }
        Ok(self)
    }
}

impl Serialize for HttpAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HttpAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HttpAddress::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The host, with its brackets, and the port.
pub(super) fn split_port(authority: &str) -> Result<(&str, Option<&str>), AddressError> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(AddressError::Host)? + 1;
        let (host, rest) = authority.split_at(end);
        return match rest {
            "" => Ok((host, None)),
            _ => match rest.strip_prefix(':') {
                Some(port) => Ok((host, Some(port))),
                None => Err(AddressError::Host),
            },
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

/// Whether this can be a host. An address of IPv6 is in brackets.
pub(super) fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        HttpAddress::parse(text).unwrap().to_string()
    }

    #[test]
    fn one_directory_has_one_address() {
        for text in [
            "https://backup.example/a%20b",
            "HTTPS://Backup.Example:443/a%20b/",
            "https://backup.example/%61%20b/",
            "https://backup.example/a b",
        ] {
            assert_eq!(parsed(text), "https://backup.example/a%20b/", "{text}");
        }
        assert_eq!(parsed("http://h:80"), "http://h/");
        assert_eq!(parsed("http://h:8000"), "http://h:8000/");
        assert_eq!(parsed("http://[::1]:8000/x"), "http://[::1]:8000/x/");
        let again = parsed(&parsed("https://h/a%2Fb/ü"));
        assert_eq!(again, "https://h/a%2Fb/%C3%BC/");
    }

    #[test]
    fn what_is_not_an_address_is_refused_and_not_repeated() {
        for (text, error) in [
            ("", AddressError::Scheme),
            ("ftp://h/", AddressError::Scheme),
            ("htt\u{e9}ps://h/", AddressError::Scheme),
            ("https://user:secret@h/", AddressError::UserInfo),
            ("https://h@/", AddressError::UserInfo),
            ("https://", AddressError::Host),
            ("https:///x", AddressError::Host),
            ("https://a b/", AddressError::Host),
            ("https://[::1/", AddressError::Host),
            ("https://[::1]x/", AddressError::Host),
            ("https://[nonsense]/", AddressError::Host),
            ("https://h:0/", AddressError::Port),
            ("https://h:/", AddressError::Port),
            ("https://h:+1/", AddressError::Port),
            ("https://h:65536/", AddressError::Port),
            ("https://h/?x", AddressError::Query),
            ("https://h/#x", AddressError::Query),
            ("https://h/%2", AddressError::BadEscape),
            ("https://h/%+1", AddressError::BadEscape),
            ("https://h//x", AddressError::Path),
            ("https://h/../x", AddressError::Path),
            ("https://h/%2e%2e/x", AddressError::Path),
            ("https://h/%0a", AddressError::Path),
        ] {
            assert_eq!(HttpAddress::parse(text), Err(error), "{text}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_container_is_below_the_address_and_never_beside_it() {
        let top = HttpAddress::parse("https://h/top").unwrap();
        assert_eq!(top.join("www").unwrap().as_str(), "https://h/top/www/");
        assert_eq!(
            top.join("a/b c/").unwrap().as_str(),
            "https://h/top/a/b%20c/"
        );
        assert_eq!(top.join("50%").unwrap().as_str(), "https://h/top/50%25/");
        assert_eq!(top.join("/").unwrap(), top);
        for bad in ["..", "a/../b", "a//b", "/www", "a\nb", "."] {
            assert_eq!(top.join(bad), Err(AddressError::Path), "{bad}");
        }
    }

    #[test]
    fn it_knows_whether_others_can_listen() {
        let address = |text| HttpAddress::parse(text).unwrap();
        assert!(address("https://h").is_encrypted());
        assert!(!address("http://h").is_encrypted());
        for local in [
            "http://localhost:8000",
            "http://127.0.0.1",
            "http://[::1]:1/x",
        ] {
            assert!(address(local).is_loopback(), "{local}");
        }
        assert!(!address("http://localhost.example").is_loopback());
    }
}

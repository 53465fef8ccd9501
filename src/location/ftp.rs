//! A directory on a server that speaks FTP.

use std::fmt;

use super::address::AddressError;
use super::server_directory::{Scheme, ServerDirectory};

/// A directory on a server, as a user of this server sees it: two users may have different directories under one name.
/// Equal places are the same directory as far as the text can tell. With TLS or without, it is the same
/// directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FtpPlace(Box<ServerDirectory>);

/// The text begins with this.
pub(super) const SCHEME: &str = "ftp://";

const OWN: Scheme = Scheme {
    text: SCHEME,
    port: 21,
};

impl FtpPlace {
    /// A directory on a server. A relative one begins in the directory in which the login begins; the empty one is that
    /// directory. The host may be an address of IPv6, with or without brackets.
    ///
    /// # Errors
    /// When one of them cannot be what it should.
    pub fn new(
        user: &str,
        host: &str,
        port: Option<u16>,
        directory: &str,
    ) -> Result<FtpPlace, AddressError> {
        ServerDirectory::new(OWN, user, host, port, directory)
            .map(Box::new)
            .map(FtpPlace)
    }

    /// Reads `ftp://USER@HOST:PORT/DIRECTORY`. An absolute directory has two slashes in front of it.
    ///
    /// # Errors
    /// When it is not the text of a place.
    pub(super) fn parse(rest: &str) -> Result<FtpPlace, AddressError> {
        ServerDirectory::parse(OWN, rest)
            .map(Box::new)
            .map(FtpPlace)
    }

    /// The directory at this path below. `/` is the place itself.
    ///
    /// # Errors
    /// When a part of the path is empty, `.` or `..`, or has a control character.
    pub fn join(&self, path: &str) -> Result<FtpPlace, AddressError> {
        self.0.join(OWN, path).map(Box::new).map(FtpPlace)
    }

    /// The user at the server.
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// A name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// 21 unless another one was given.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Without a slash at its end. Empty: the directory in which the login begins.
    pub fn directory(&self) -> &str {
        &self.0.directory
    }

    /// Whether the server is this host.
    pub fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }
}

impl fmt::Display for FtpPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_text() {
        for (port, directory, text) in [
            (None, "a/b", "ftp://bob@host/a/b"),
            (Some(21), "a/b/", "ftp://bob@host/a/b"),
            (Some(990), "/srv/b c", "ftp://bob@host:990//srv/b%20c"),
        ] {
            let place = FtpPlace::new("bob", "Host", port, directory).unwrap();
            assert_eq!(place.to_string(), text);
            let back = FtpPlace::parse(text.strip_prefix(SCHEME).unwrap()).unwrap();
            assert_eq!(back, place);
        }
        assert_eq!(
            FtpPlace::parse("bob:secret@host/x"),
            Err(AddressError::User)
        );
    }

    #[test]
    fn a_server_on_this_host_is_known() {
        let is_here = |host| FtpPlace::new("u", host, None, "").unwrap().is_loopback();
        assert!(is_here("localhost") && is_here("127.0.0.1") && is_here("[::1]"));
        assert!(!is_here("backup.example") && !is_here("192.0.2.1"));
    }
}

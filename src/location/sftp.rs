//! A directory on a server that speaks SFTP.

use std::fmt;

use super::address::AddressError;
use super::server_directory::{Scheme, ServerDirectory};

/// A directory on a server, as a user of this server sees it: two users may have different directories under one name.
/// Equal places are the same directory as far as the text can tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SftpPlace(Box<ServerDirectory>);

/// The text begins with this.
pub(super) const SCHEME: &str = "sftp://";

const OWN: Scheme = Scheme {
    text: SCHEME,
    port: 22,
};

impl SftpPlace {
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
    ) -> Result<SftpPlace, AddressError> {
        ServerDirectory::new(OWN, user, host, port, directory)
            .map(Box::new)
            .map(SftpPlace)
    }

    /// Reads `sftp://USER@HOST:PORT/DIRECTORY`. An absolute directory has two slashes in front of it.
    ///
    /// # Errors
    /// When it is not the text of a place.
    pub(super) fn parse(rest: &str) -> Result<SftpPlace, AddressError> {
        ServerDirectory::parse(OWN, rest)
            .map(Box::new)
            .map(SftpPlace)
    }

    /// The directory at this path below. `/` is the place itself.
    ///
    /// # Errors
    /// When a part of the path is empty, `.` or `..`, or has a control character.
    pub fn join(&self, path: &str) -> Result<SftpPlace, AddressError> {
        self.0.join(OWN, path).map(Box::new).map(SftpPlace)
    }

    /// The user at the server.
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// A name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// 22 unless another one was given.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Without a slash at its end. Empty: the directory in which the login begins.
    pub fn directory(&self) -> &str {
        &self.0.directory
    }
}

impl fmt::Display for SftpPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(user: &str, host: &str, port: Option<u16>, directory: &str) -> String {
        SftpPlace::new(user, host, port, directory)
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_place_reads_as_restic_writes_it_and_comes_back_from_its_text() {
        for (parts, text) in [
            (("bob", "Host", None, "a/b"), "sftp://bob@host/a/b"),
            (("bob", "host", Some(22), "a/b/"), "sftp://bob@host/a/b"),
            (
                ("bob", "host", Some(2222), "/srv/b c"),
                "sftp://bob@host:2222//srv/b%20c",
            ),
            (("bob", "::1", None, ""), "sftp://bob@[::1]/"),
            (("bob", "[::1]", Some(23), "/"), "sftp://bob@[::1]:23//"),
            (
                ("b@d:x", "host", None, "ü%"),
                "sftp://b%40d%3Ax@host/%C3%BC%25",
            ),
        ] {
            let (user, host, port, directory) = parts;
            assert_eq!(place(user, host, port, directory), text);
            let back = SftpPlace::parse(text.strip_prefix(SCHEME).unwrap()).unwrap();
            assert_eq!(back.to_string(), text);
            assert_eq!(back.user(), user);
            assert_eq!(back, SftpPlace::new(user, host, port, directory).unwrap());
        }
    }

    #[test]
    fn what_is_not_a_place_is_refused_and_not_repeated() {
        for (text, error) in [
            ("host/x", AddressError::User),
            ("@host/x", AddressError::User),
            ("bob:secret@host/x", AddressError::User),
            ("bob@host", AddressError::Path),
            ("bob@/x", AddressError::Host),
            ("bob@-oProxyCommand=x/x", AddressError::Host),
            ("bob@a b/x", AddressError::Host),
            ("bob@host:0/x", AddressError::Port),
            ("bob@host:+1/x", AddressError::Port),
            ("bob@host:65536/x", AddressError::Port),
            ("bob@host/../x", AddressError::Path),
            ("bob@host/a//x", AddressError::Path),
            ("bob@host///x", AddressError::Path),
            ("bob@host/%0a", AddressError::Path),
            ("bob@host/%ff", AddressError::Path),
            ("bob@host/%2", AddressError::BadEscape),
            ("bob@host/~/x", AddressError::Tilde),
        ] {
            assert_eq!(SftpPlace::parse(text), Err(error), "{text}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_container_is_below_the_place_and_never_beside_it() {
        let top = SftpPlace::new("bob", "host", None, "/srv").unwrap();
        assert_eq!(top.join("/").unwrap(), top);
        let below = top.join("hosts/web 1/").unwrap();
        assert_eq!(below.directory(), "/srv/hosts/web 1");
        let login = SftpPlace::new("bob", "host", None, "").unwrap();
        assert_eq!(login.join("www").unwrap().directory(), "www");
        let root = SftpPlace::new("bob", "host", None, "/").unwrap();
        assert_eq!(root.join("www").unwrap().directory(), "/www");
        for bad in ["..", "a/../b", "a//b", "/www", "a\nb", "."] {
            assert_eq!(top.join(bad), Err(AddressError::Path), "{bad}");
            assert_eq!(login.join(bad), Err(AddressError::Path), "{bad}");
        }
    }
}

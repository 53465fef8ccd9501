//! A directory on a server that speaks SFTP.

use std::fmt;

use super::address::{AddressError, is_host};

/// A directory on a server, as a user of this server sees it: two users may have different directories under one name.
/// Equal places are the same directory as far as the text can tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SftpPlace(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Parts {
    /// `sftp://USER@HOST:PORT/DIRECTORY`. It is the first field, so places are in the order of their texts.
    text: String,
    user: String,
    host: String,
    port: u16,
    directory: String,
}

/// The port of SSH.
const PORT: u16 = 22;

/// The text begins with this.
pub(super) const SCHEME: &str = "sftp://";

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
        if user.is_empty() || user.contains(char::is_control) {
            return Err(AddressError::User);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let in_brackets = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        // A name that begins with a hyphen would be an option of the command that accepts its key.
        if !is_host(&in_brackets) || host.starts_with('-') {
            return Err(AddressError::Host);
        }
        let port = match port {
            Some(0) => return Err(AddressError::Port),
            port => port.unwrap_or(PORT),
        };
        let directory = plain(directory)?;
        let host = host.to_ascii_lowercase();
        let mut text = SCHEME.to_owned();
        super::escape(&mut text, user.as_bytes(), b"");
        text.push('@');
        text.push_str(&in_brackets.to_ascii_lowercase());
        if port != PORT {
            text.push_str(&format!(":{port}"));
        }
        text.push('/');
        super::escape(&mut text, directory.as_bytes(), b"/");
        Ok(SftpPlace(Box::new(Parts {
            text,
            user: user.to_owned(),
            host,
            port,
            directory,
        })))
    }

    /// Reads `sftp://USER@HOST:PORT/DIRECTORY`. An absolute directory has two slashes in front of it.
    ///
    /// # Errors
    /// When it is not the text of a place.
    pub(super) fn parse(rest: &str) -> Result<SftpPlace, AddressError> {
        let (authority, directory) = rest.split_once('/').ok_or(AddressError::Path)?;
        let (user, server) = authority.rsplit_once('@').ok_or(AddressError::User)?;
        if user.contains(':') {
            return Err(AddressError::User);
        }
        let (host, port) = super::address::split_port(server)?;
        let port = match port {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().map_err(|_| AddressError::Port)?)
            }
            Some(_) => return Err(AddressError::Port),
            None => None,
        };
        let text = |escaped| -> Result<String, AddressError> {
            let bytes = super::unescape(escaped).ok_or(AddressError::BadEscape)?;
            String::from_utf8(bytes).map_err(|_| AddressError::Path)
        };
        SftpPlace::new(&text(user)?, host, port, &text(directory)?)
    }

    /// The directory at this path below. `/` is the place itself.
    ///
    /// # Errors
    /// When a part of the path is empty, `.` or `..`, or has a control character.
    pub fn join(&self, path: &str) -> Result<SftpPlace, AddressError> {
        if path.starts_with('/') && path != "/" {
            return Err(AddressError::Path);
        }
        let path = path.trim_end_matches('/');
        let directory = match (self.0.directory.as_str(), path) {
            (_, "") => return Ok(self.clone()),
            ("", path) => path.to_owned(),
            ("/", path) => format!("/{path}"),
            (directory, path) => format!("{directory}/{path}"),
        };
        SftpPlace::new(&self.0.user, &self.0.host, Some(self.0.port), &directory)
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

/// A directory in one form.
fn plain(directory: &str) -> Result<String, AddressError> {
    let (root, path) = match directory.strip_prefix('/') {
        Some(path) => ("/", path),
        None => ("", directory),
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(root.to_owned());
    }
    let is_usable = |part: &str| {
        !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control)
    };
    if !path.split('/').all(is_usable) {
        return Err(AddressError::Path);
    }
    // Only a shell knows what it means.
    if root.is_empty() && path.starts_with('~') {
        return Err(AddressError::Tilde);
    }
    Ok(format!("{root}{path}"))
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

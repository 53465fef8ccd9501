//! A directory on a server, as a user of this server sees it: what SFTP and FTP have in common.

use super::address::{AddressError, is_host, split_port};

/// The parts of a place, and its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServerDirectory {
    /// `SCHEME://USER@HOST:PORT/DIRECTORY`. It is the first field, so places are in the order of their texts.
    pub text: String,
    pub user: String,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    /// Without a slash at its end.
    pub directory: String,
}

/// What a kind of server begins its texts with, and its usual port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scheme {
    /// With its two slashes.
    pub text: &'static str,
    pub port: u16,
}

impl ServerDirectory {
    /// A directory. The host may be an address of IPv6, with or without brackets.
    ///
    /// # Errors
    /// When one of the parts cannot be what it should.
    pub fn new(
        scheme: Scheme,
        user: &str,
        host: &str,
        port: Option<u16>,
        directory: &str,
    ) -> Result<ServerDirectory, AddressError> {
        if user.is_empty() || user.contains(char::is_control) {
            return Err(AddressError::User);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let in_brackets = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        // A name that begins with a hyphen would be an option of a command.
        if !is_host(&in_brackets) || host.starts_with('-') {
            return Err(AddressError::Host);
        }
        let port = match port {
            Some(0) => return Err(AddressError::Port),
            port => port.unwrap_or(scheme.port),
        };
        let directory = plain(directory)?;
        let mut text = scheme.text.to_owned();
        super::escape(&mut text, user.as_bytes(), b"");
        text.push('@');
        text.push_str(&in_brackets.to_ascii_lowercase());
        if port != scheme.port {
            text.push_str(&format!(":{port}"));
        }
        text.push('/');
        super::escape(&mut text, directory.as_bytes(), b"/");
        Ok(ServerDirectory {
            text,
            user: user.to_owned(),
            host: host.to_ascii_lowercase(),
            port,
            directory,
        })
    }

    /// Reads a text without its scheme. An absolute directory has two slashes in front of it.
    ///
    /// # Errors
    /// When it is not the text of a place.
    pub fn parse(scheme: Scheme, rest: &str) -> Result<ServerDirectory, AddressError> {
        let (authority, directory) = rest.split_once('/').ok_or(AddressError::Path)?;
        let (user, server) = authority.rsplit_once('@').ok_or(AddressError::User)?;
        if user.contains(':') {
            return Err(AddressError::User);
        }
        let (host, port) = split_port(server)?;
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
        ServerDirectory::new(scheme, &text(user)?, host, port, &text(directory)?)
    }

    /// The directory at this path below. `/` is the place itself.
    ///
    /// # Errors
    /// When a part of the path is empty, `.` or `..`, or has a control character.
    pub fn join(&self, scheme: Scheme, path: &str) -> Result<ServerDirectory, AddressError> {
        if path.starts_with('/') && path != "/" {
            return Err(AddressError::Path);
        }
        let path = path.trim_end_matches('/');
        let directory = match (self.directory.as_str(), path) {
            (_, "") => return Ok(self.clone()),
            ("", path) => path.to_owned(),
            ("/", path) => format!("/{path}"),
            (directory, path) => format!("{directory}/{path}"),
        };
        ServerDirectory::new(scheme, &self.user, &self.host, Some(self.port), &directory)
    }

    /// Whether the server is this host.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
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

//! A directory on a server that speaks restic's REST protocol.

use std::fmt;
use std::path::Path;

use super::address::{AddressError, HttpAddress};

/// A directory on a REST server, which is at an address of HTTP, or at a socket of this host. Equal places are the same
/// directory as far as the text can tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RestPlace {
    /// `None`: the server is where the address says.
    socket: Option<String>,
    /// With a socket, only its path says something.
    address: HttpAddress,
}

/// The text of a server at a socket begins with this, as `restic` has it.
const SCHEME: &str = "http+unix://";

/// What stands for the name of a server at a socket. It is never looked up.
const NO_HOST: &str = "http://127.0.0.1/";

impl RestPlace {
    /// Reads `https://HOST/DIRECTORY`, or `http+unix:///SOCKET:/DIRECTORY`.
    ///
    /// # Errors
    /// When it is not an address of a directory, or the path of the socket is not absolute or has unusual characters.
    pub fn parse(text: &str) -> Result<RestPlace, AddressError> {
        let is_socket = text
            .get(..SCHEME.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(SCHEME));
        if !is_socket {
            return Ok(RestPlace {
                socket: None,
                address: HttpAddress::parse(text)?,
            });
        }
        let rest = &text[SCHEME.len()..];
        let (socket, directory) = rest.split_once(':').unwrap_or((rest, "/"));
        let directory = directory.strip_prefix('/').ok_or(AddressError::Path)?;
        if !is_socket_path(socket) {
            return Err(AddressError::Socket);
        }
        Ok(RestPlace {
            socket: Some(socket.to_owned()),
            address: HttpAddress::parse(&format!("{NO_HOST}{directory}"))?,
        })
    }

    /// The directory at this path below. The path is as a person writes it, without escapes; `/` is the place itself.
    ///
    /// # Errors
    /// When a part of the path is empty, `.` or `..`, or has a control character.
    pub fn join(&self, path: &str) -> Result<RestPlace, AddressError> {
        Ok(RestPlace {
            socket: self.socket.clone(),
            address: self.address.join(path)?,
        })
    }

    /// The address in requests.
    pub fn address(&self) -> &HttpAddress {
        &self.address
    }

    /// The socket that the server is at; `None`: it is where the address says.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref().map(Path::new)
    }
}

/// Whether a text is the path of a socket, in which no character needs an escape.
fn is_socket_path(text: &str) -> bool {
    text.len() > 1
        && text.len() <= 107
        && text.starts_with('/')
        && !text.ends_with('/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~@+,=".contains(&byte))
}

impl fmt::Display for RestPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            None => self.address.fmt(formatter),
            Some(socket) => write!(formatter, "{SCHEME}{socket}:/{}", self.address.path()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_at_a_socket_reads_as_restic_writes_it() {
        let place = RestPlace::parse("http+unix:///run/rest.sock:/www/a%20b").unwrap();
        let text = "http+unix:///run/rest.sock:/www/a%20b/";
        assert_eq!(place.to_string(), text);
        assert_eq!(RestPlace::parse(text).unwrap(), place);
        assert_eq!(place.socket(), Some(Path::new("/run/rest.sock")));
        assert_eq!(place.address().as_str(), "http://127.0.0.1/www/a%20b/");
        let below = place.join("c d").unwrap();
        assert_eq!(below.to_string(), format!("{text}c%20d/"));
        let top = RestPlace::parse("HTTP+unix:///run/rest.sock").unwrap();
        assert_eq!(top.to_string(), "http+unix:///run/rest.sock:/");
    }

    #[test]
    fn what_is_not_a_socket_is_refused() {
        for (text, error) in [
            ("http+unix://run/rest.sock:/x", AddressError::Socket),
            ("http+unix://user:secret@host/x", AddressError::Path),
            ("http+unix:///run/:/x", AddressError::Socket),
            ("http+unix:///a b:/x", AddressError::Socket),
            ("http+unix:///a%20b:/x", AddressError::Socket),
            ("http+unix:///run/s:x", AddressError::Path),
            ("http+unix:///run/s:/a/../b", AddressError::Path),
            ("unix:///run/s:/a", AddressError::Scheme),
        ] {
            assert_eq!(RestPlace::parse(text), Err(error), "{text}");
        }
    }
}

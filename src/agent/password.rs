//! A container's password, from its pass file.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::job::action::Container;
use crate::job::secret;
use crate::os;

/// A repository's password. Never shown, not even by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// An empty password encrypts with a key that anybody can derive.
    pub fn new(password: String) -> Self {
        Password(Zeroizing::new(password))
    }

    /// What the key is derived from.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// The longest pass file that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// The password: the pass file's content without its last line end. `%d/NAME` is a credential of the service. Without
/// a pass file it is empty.
///
/// # Errors
/// When the file cannot be read or cannot hold a password.
pub fn read(container: &Container, tell: &dyn Fn(&str)) -> Result<Password, PassFileError> {
    match &container.pass_file {
        Some(path) => in_file(path, tell),
        None => Ok(Password::new(String::new())),
    }
}

/// The password in a pass file, or in a credential of the service.
///
/// # Errors
/// When the file cannot be read or cannot hold a password.
pub fn in_file(path: &Path, tell: &dyn Fn(&str)) -> Result<Password, PassFileError> {
    let directory = std::env::var_os(secret::DIRECTORY);
    let file = secret::resolve(path, directory.as_deref()).map_err(PassFileError::NoCredential)?;
    read_file(&file, tell).map(Password::new)
}

/// Why there is no password. Each of these would happen again.
#[derive(Debug, thiserror::Error)]
pub enum PassFileError {
    /// The pass file is a credential of the service, and is not available. The sentence is that of [`secret::resolve`].
    #[error("{0}")]
    NoCredential(String),
    #[error("the pass file {path} {fault}")]
    Unusable { path: PathBuf, fault: PassFileFault },
}

/// What is wrong with a pass file.
#[derive(Debug, thiserror::Error)]
pub enum PassFileFault {
    #[error("cannot be read: {}", os::reason(_0))]
    Unreadable(#[source] io::Error),
    #[error("is not a regular file")]
    NotAFile,
    #[error("is too long to hold a password")]
    TooLong,
    #[error("is not UTF-8 text")]
    NotUtf8,
    #[error("is empty; leave encrypt_pass_file out where no password is wanted")]
    Empty,
}

fn read_file(path: &Path, tell: &dyn Fn(&str)) -> Result<String, PassFileError> {
    let unusable = |fault| PassFileError::Unusable {
        path: path.to_owned(),
        fault,
    };
    let failed = |error| unusable(PassFileFault::Unreadable(error));
    // Opening a FIFO must not block the backup.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(unusable(PassFileFault::NotAFile));
    }
    if metadata.mode() & 0o007 != 0 {
        tell(&format!(
            "warning: everybody can read the pass file {}; mend it with: chmod o= {0}",
            path.display()
        ));
    }
    let mut content = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > LIMIT {
        return Err(unusable(PassFileFault::TooLong));
    }
    let mut text = String::from_utf8(content).map_err(|_| unusable(PassFileFault::NotUtf8))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(unusable(PassFileFault::Empty));
    }
    if text.trim() != text {
        tell(&format!(
            "note: the password in {} begins or ends with white space; restic's --password-file would leave that out",
            path.display()
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &[u8]) -> Result<String, PassFileError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_file(file.path(), &|_| ())
    }

    #[test]
    fn the_password_is_the_content_without_its_last_line_end() {
        for (text, password) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret\n\n", "secret\n"),
            (" two words \n", " two words "),
            ("ü\n", "ü"),
        ] {
            assert_eq!(content(text.as_bytes()).unwrap(), password, "{text:?}");
        }
    }

    #[test]
    fn files_that_can_hold_no_password_are_refused() {
        for (text, sign) in [
            (&b""[..], "empty"),
            (b"\n", "empty"),
            (b"\xff\xfe", "UTF-8"),
            (&[b'a'; 70_000], "too long"),
        ] {
            let error = content(text).unwrap_err();
            assert!(error.to_string().contains(sign), "{error}");
        }
        let error = read_file(Path::new("/no/such/file"), &|_| ()).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
        assert!(
            read_file(Path::new("/dev/null"), &|_| ())
                .unwrap_err()
                .to_string()
                .contains("not a regular file")
        );
    }
}

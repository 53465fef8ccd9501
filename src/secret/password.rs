//! A container's password, from its pass file.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, setrlimit};
use zeroize::Zeroizing;

use super::memory_file::as_given;
use crate::job::action::Container;
use crate::job::secret;
use crate::os;

/// A repository's password. Never shown, not even by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// As `restic --password-file` reads the same file.
    bytes: Zeroizing<Vec<u8>>,
    /// The file's content without its last line end, if that is something else. Repositories that were made before the
    /// rule was restic's have this one.
    literal: Option<Zeroizing<Vec<u8>>>,
}

impl Password {
    /// An empty password encrypts with a key that anybody can derive.
    pub fn new(password: impl Into<Vec<u8>>) -> Self {
        Password {
            bytes: Zeroizing::new(password.into()),
            literal: None,
        }
    }

    /// What the key is derived from.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What else the file may have meant, for a repository that the password does not open.
    pub fn literal(&self) -> Option<&[u8]> {
        self.literal.as_ref().map(|literal| &literal[..])
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// The longest pass file that is read, in bytes.
pub const LIMIT: u64 = 64 * 1024;

/// The password in the pass file, as restic reads it: without a byte order mark, and without white space at its ends.
/// `%d/NAME` is a credential of the service. Without a pass file the password is empty.
///
/// # Errors
/// When the file cannot be read or cannot hold a password.
pub fn read(container: &Container, tell: &dyn Fn(&str)) -> Result<Password, PassFileError> {
    match &container.pass_file {
        Some(path) => in_file(path, tell),
        None => Ok(Password::new("")),
    }
}

/// The password in a pass file, or in a credential of the service.
///
/// # Errors
/// When the file cannot be read or cannot hold a password.
pub fn in_file(path: &Path, tell: &dyn Fn(&str)) -> Result<Password, PassFileError> {
    in_file_for(Role::Container, path, tell)
}

/// As [`in_file`], for a secret of this role.
pub(super) fn in_file_for(
    role: Role,
    path: &Path,
    tell: &dyn Fn(&str),
) -> Result<Password, PassFileError> {
    let directory = std::env::var_os(secret::DIRECTORY);
    let file = secret::resolve(path, directory.as_deref()).map_err(PassFileError::NoCredential)?;
    read_file(role, &file, tell)
}

/// What a secret in a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The file is the pass file of a container.
    Container,
    /// It is a secret of a storage or of a receiver of notices. Whoever tells of the file names the key.
    Other,
}

impl Role {
    /// What such a file is called.
    fn file(self) -> &'static str {
        match self {
            Role::Container => "the pass file",
            Role::Other => "the file",
        }
    }
}

/// Why there is no password. Each of these would happen again.
#[derive(Debug, thiserror::Error)]
pub enum PassFileError {
    /// The pass file is a credential of the service, and is not available. The sentence is that of [`secret::resolve`].
    #[error("{0}")]
    NoCredential(String),
    #[error("{} {} {fault}", role.file(), as_given(path).display())]
    Unusable {
        role: Role,
        path: PathBuf,
        fault: PassFileFault,
    },
}

/// What is wrong with a pass file.
#[derive(Debug, thiserror::Error)]
pub enum PassFileFault {
    #[error("cannot be read: {}", os::reason(_0))]
    Unreadable(#[source] io::Error),
    #[error("is not a regular file")]
    NotAFile,
    /// Each attempt reads it, and so does each command.
    #[error("is a pipe, which can be read only once: name a regular file")]
    Pipe,
    #[error("is too long to hold a password")]
    TooLong,
    #[error("begins with the byte order mark of UTF-16, and is not UTF-16 text")]
    NotUtf16,
    #[error("is empty; name no file where no password is wanted")]
    Empty,
}

fn read_file(role: Role, path: &Path, tell: &dyn Fn(&str)) -> Result<Password, PassFileError> {
    let unusable = |fault| PassFileError::Unusable {
        role,
        path: path.to_owned(),
        fault,
    };
    let failed = |error| unusable(PassFileFault::Unreadable(error));
    forbid_core_files();
    // Opening a FIFO must not block the backup.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.file_type().is_fifo() {
        return Err(unusable(PassFileFault::Pipe));
    }
    if !metadata.is_file() {
        return Err(unusable(PassFileFault::NotAFile));
    }
    if metadata.mode() & 0o007 != 0 {
        tell(&format!(
            "warning: everybody can read {} {path}; correct it with: chmod o= {path}",
            role.file(),
            path = as_given(path).display()
        ));
    }
    let mut content = Zeroizing::new(Vec::new());
    file.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > LIMIT {
        return Err(unusable(PassFileFault::TooLong));
    }
    let password = parse(&content).map_err(unusable)?;
    if password.literal.is_some() {
        tell(&format!(
            "note: {} holds a byte order mark, or white space before or behind the password; these are left out, as \
             restic leaves them out",
            as_given(path).display()
        ));
    }
    Ok(password)
}

/// A core file would hold the password, and the keys that it opens. With a limit of one byte the kernel writes no file,
/// and also starts no program that collects cores, which it does for a limit of 0 (`fs/coredump.c`). The alternative,
/// `PR_SET_DUMPABLE`, would hide the environment by which the daemon of an ordinary user finds orphans.
pub fn forbid_core_files() {
    let limit = Rlimit {
        current: Some(1),
        maximum: Some(1),
    };
    // This fails where the limit is 0 already.
    let _ = setrlimit(Resource::Core, limit);
}

/// The password that a file with this content holds.
///
/// # Errors
/// When it is empty, or is not the UTF-16 text that its first bytes announce.
pub fn parse(content: &[u8]) -> Result<Password, PassFileFault> {
    let bytes = trimmed(&decoded(content)?);
    if bytes.is_empty() {
        return Err(PassFileFault::Empty);
    }
    let mut literal = content.strip_suffix(b"\n").unwrap_or(content);
    if literal.len() < content.len() {
        literal = literal.strip_suffix(b"\r").unwrap_or(literal);
    }
    // Only text was a password by the old rule.
    let differs = literal != &bytes[..] && std::str::from_utf8(literal).is_ok();
    Ok(Password {
        bytes,
        literal: differs.then(|| Zeroizing::new(literal.to_vec())),
    })
}

/// The content without a byte order mark, in UTF-8 if the mark is one of UTF-16. Without a mark it is taken as it is.
fn decoded(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, PassFileFault> {
    let (units, little_endian) = match content {
        [0xef, 0xbb, 0xbf, text @ ..] => return Ok(Zeroizing::new(text.to_vec())),
        [0xff, 0xfe, units @ ..] => (units, true),
        [0xfe, 0xff, units @ ..] => (units, false),
        text => return Ok(Zeroizing::new(text.to_vec())),
    };
    let (units, rest) = units.as_chunks::<2>();
    let units = units.iter().map(|unit| match little_endian {
        true => u16::from_le_bytes(*unit),
        false => u16::from_be_bytes(*unit),
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match (text, rest) {
        (Ok(text), []) => Ok(Zeroizing::new(text.into_bytes())),
        _ => Err(PassFileFault::NotUtf16),
    }
}

fn trimmed(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let trimmed = match std::str::from_utf8(content) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => content.trim_ascii(),
    };
    Zeroizing::new(trimmed.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_what_restic_reads_in_the_same_file() {
        for (content, password) in [
            (&b"secret"[..], &b"secret"[..]),
            (b"secret\n", b"secret"),
            (b"secret\r\n", b"secret"),
            (b"secret\n\n\n", b"secret"),
            (b"\n two words \r\n", b"two words"),
            ("ü\u{a0}\n".as_bytes(), "ü".as_bytes()),
            (b"\xef\xbb\xbfsecret\r\n", b"secret"),
            (b"\xff\xfes\0\xfc\0\r\0\n\0", "sü".as_bytes()),
            (b"\xfe\xff\0s\0\xfc\0\n", "sü".as_bytes()),
            // Latin 1: not text, and a password all the same.
            (b"\xfc\n", b"\xfc"),
        ] {
            assert_eq!(parse(content).unwrap().as_bytes(), password, "{content:?}");
        }
    }

    #[test]
    fn what_was_the_password_by_the_old_rule_is_kept_if_it_is_another() {
        for (content, literal) in [
            (&b"secret"[..], None),
            (b"secret\r\n", None),
            (b"\xfc\n", None),
            (b"secret\n\n", Some(&b"secret\n"[..])),
            (b" secret \r\n", Some(b" secret ")),
            (b"\xef\xbb\xbfsecret\n", Some(b"\xef\xbb\xbfsecret")),
        ] {
            assert_eq!(parse(content).unwrap().literal(), literal, "{content:?}");
        }
    }

    #[test]
    fn files_that_can_hold_no_password_are_refused() {
        for (content, sign) in [
            (&b""[..], "empty"),
            (b"\n", "empty"),
            (b" \r\n\n", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"\xff\xfe\n", "UTF-16"),
            (b"\xff\xfe\0\xd8", "UTF-16"),
            (&[b'a'; 70_000], "too long"),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let error = read_file(Role::Container, file.path(), &|_| ()).unwrap_err();
            assert!(error.to_string().contains(sign), "{error}");
        }
        for (path, sign) in [
            ("/no/such/file", "/no/such/file"),
            ("/dev/null", "not a regular file"),
        ] {
            let error = read_file(Role::Container, Path::new(path), &|_| ()).unwrap_err();
            assert!(error.to_string().contains(sign), "{error}");
        }
    }
}

//! A container's password, from its pass file.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::job::action::Container;
use crate::job::secret;
use crate::rustic::{Error, ErrorKind, Monitor, Password};

/// No password is longer.
const LIMIT: u64 = 64 * 1024;

/// The password: the pass file's content without its last line end. `%d/NAME` is a credential of the service. Without a pass file it is empty.
///
/// # Errors
/// When the file cannot be read or can hold no password; each is permanent.
pub fn read(container: &Container, monitor: &dyn Monitor) -> Result<Password, Error> {
    match &container.pass_file {
        Some(path) => {
            let directory = std::env::var_os(secret::DIRECTORY);
            let file = secret::resolve(path, directory.as_deref())
                .map_err(|fault| Error::new(ErrorKind::BadOption, fault))?;
            read_file(&file, monitor).map(Password::new)
        }
        None => Ok(Password::new(String::new())),
    }
}

fn read_file(path: &Path, monitor: &dyn Monitor) -> Result<String, Error> {
    let unusable = |what: &str| {
        Error::new(
            ErrorKind::BadOption,
            format!("the pass file {} {what}", path.display()),
        )
    };
    let failed =
        |error: std::io::Error| unusable(&format!("cannot be read: {}", crate::os::reason(&error)));
    // A FIFO in its place must not hold up the backup.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(unusable("is no regular file"));
    }
    if metadata.mode() & 0o007 != 0 {
        monitor.log(&format!(
            "warning: everybody can read the pass file {}; mend it with: chmod o= {0}",
            path.display()
        ));
    }
    let mut content = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > LIMIT {
        return Err(unusable("is too long to hold a password"));
    }
    let mut text = String::from_utf8(content).map_err(|_| unusable("is not UTF-8 text"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(unusable(
            "is empty; leave encrypt_pass_file out where no password is wanted",
        ));
    }
    if text.trim() != text {
        monitor.log(&format!(
            "note: the password in {} begins or ends with white space; restic's --password-file would leave that out",
            path.display()
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rustic::Silent;

    fn content(text: &[u8]) -> Result<String, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_file(file.path(), &Silent)
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
            assert!(error.kind().is_permanent());
            assert!(error.to_string().contains(sign), "{error}");
        }
        let error = read_file(Path::new("/no/such/file"), &Silent).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
        assert!(
            read_file(Path::new("/dev/null"), &Silent)
                .unwrap_err()
                .to_string()
                .contains("no regular file")
        );
    }
}

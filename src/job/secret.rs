//! Where a secret lies: a path, or one of the credentials that systemd gives its service.
//!
//! `%d/NAME` is written as in a unit, and stands for the file NAME in `$CREDENTIALS_DIRECTORY`. It stays as it is
//! written until the secret is read, since the directory is the service's and may be another at each start.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The variable in which systemd names the directory.
pub const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The name of the credential, where the text asks for one at all.
///
/// # Errors
/// When what follows `%d` cannot be the name of a credential.
pub fn credential(written: &str) -> Option<Result<&str, &'static str>> {
    let rest = written.strip_prefix("%d")?;
    let name = match rest.strip_prefix('/') {
        Some(name) => name,
        None if rest.is_empty() => "",
        // A file whose name happens to begin so.
        None => return None,
    };
    Some(if name.is_empty() || name == "." || name == ".." {
        Err("a credential's name is missing")
    } else if name.contains('/') {
        Err("a credential's name has no slashes")
    } else if !name.bytes().all(|it| it.is_ascii_graphic() && it != b':') {
        Err("a credential's name has only ASCII letters, digits and signs, and no `:`")
    } else if name.len() > 255 {
        Err("a credential's name is at most 255 bytes long")
    } else {
        Ok(name)
    })
}

/// The file that a secret's path means, given `$CREDENTIALS_DIRECTORY`.
///
/// # Errors
/// Why there is no such credential here, and what to do.
pub fn resolve(path: &Path, directory: Option<&OsStr>) -> Result<PathBuf, String> {
    let name = match path.to_str().and_then(credential) {
        None => return Ok(path.to_owned()),
        Some(Err(fault)) => return Err(format!("{}: {fault}", path.display())),
        Some(Ok(name)) => name,
    };
    match directory.filter(|directory| !directory.is_empty()) {
        Some(directory) => Ok(Path::new(directory).join(name)),
        None => Err(format!(
            "{} is a credential of the service, and ${DIRECTORY} is not set: give it to the service with \
             `LoadCredential={name}:FILE` (`systemctl edit freezerd`, then restart it); outside of the service set \
             {DIRECTORY}=/run/credentials/freezerd.service, or name the file itself",
            path.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_name_in_the_directory_that_systemd_gives() {
        let directory = Some(OsStr::new("/run/credentials/freezerd.service"));
        assert_eq!(
            resolve(Path::new("%d/disk"), directory),
            Ok("/run/credentials/freezerd.service/disk".into())
        );
        for plain in ["/etc/freezerd/password", "/%d/x", "/srv/%d"] {
            assert_eq!(resolve(Path::new(plain), directory), Ok(plain.into()));
            assert_eq!(resolve(Path::new(plain), None), Ok(plain.into()));
        }
    }

    #[test]
    fn without_the_directory_it_says_what_to_do() {
        for directory in [None, Some(OsStr::new(""))] {
            let fault = resolve(Path::new("%d/disk"), directory).unwrap_err();
            for word in ["%d/disk", "$CREDENTIALS_DIRECTORY", "LoadCredential=disk:"] {
                assert!(fault.contains(word), "{fault}");
            }
        }
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_directory() {
        for written in [
            "%d",
            "%d/",
            "%d/..",
            "%d/.",
            "%d/a/b",
            "%d//etc/shadow",
            "%d/a:b",
            "%d/ä",
        ] {
            assert!(matches!(credential(written), Some(Err(_))), "{written}");
            assert!(
                resolve(Path::new(written), Some(OsStr::new("/c"))).is_err(),
                "{written}"
            );
        }
        assert_eq!(credential("%data"), None);
    }
}

//! Where a secret is: a path, or a credential that systemd gives to the service.
//!
//! `%d/NAME` is written as in a unit, and means the file NAME in `$CREDENTIALS_DIRECTORY`. It is resolved only when the
//! secret is read: the directory belongs to the service and can be different after each start.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The variable in which systemd names the directory of the credentials.
pub const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The name of the credential; `None`: the text is a plain path.
///
/// # Errors
/// When the text after `%d/` cannot be the name of a credential.
pub fn credential(written: &str) -> Option<Result<&str, &'static str>> {
    let rest = written.strip_prefix("%d")?;
    let name = match rest.strip_prefix('/') {
        Some(name) => name,
        None if rest.is_empty() => "",
        // The name of a file can begin with `%d` too.
        None => return None,
    };
    Some(if name.is_empty() || name == "." || name == ".." {
        Err("the name of the credential is missing")
    } else if name.contains('/') {
        Err("the name of a credential cannot contain slashes")
    } else if !name.bytes().all(|it| it.is_ascii_graphic() && it != b':') {
        Err("the name of a credential can contain ASCII letters, digits and signs, but no `:`")
    } else if name.len() > 255 {
        Err("the name of a credential has at most 255 bytes")
    } else {
        Ok(name)
    })
}

/// Whether a path is written as a credential.
pub fn is_credential(path: &Path) -> bool {
    path.to_str().is_some_and(|it| credential(it).is_some())
}

/// The file of a secret. `directory` is the value of `$CREDENTIALS_DIRECTORY`.
///
/// # Errors
/// When there is no such credential here. The text says what to do.
pub fn resolve(path: &Path, directory: Option<&OsStr>) -> Result<PathBuf, String> {
    let name = match path.to_str().and_then(credential) {
        None => return Ok(path.to_owned()),
        Some(Err(fault)) => return Err(format!("{}: {fault}", path.display())),
        Some(Ok(name)) => name,
    };
    match directory.filter(|directory| !directory.is_empty()) {
        Some(directory) => Ok(Path::new(directory).join(name)),
        None => Err(format!(
            "{} is a credential of the service, and ${DIRECTORY} is not set: give the credential to the service with \
             `LoadCredential={name}:FILE` (`systemctl edit freezerd`, then restart it); outside of the service, set \
             {DIRECTORY}=/run/credentials/freezerd.service, or give the path of the file",
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

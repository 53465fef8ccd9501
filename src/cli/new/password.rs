//! The file with the password of the containers.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::agent::check_password;
use crate::agent::inspect::{Lock, Session};
use crate::agent::reach::Reach;
use crate::cli::exit::{Exit, Failure, io_failure};
use crate::job::action::Work;
use crate::job::{Job, secret};

/// Bytes of chance in a password.
const LENGTH: usize = 32;

/// Where the password of the new job comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// It was made now.
    New,
    /// The file was there already.
    Old,
    /// A credential of the service.
    OfService,
}

/// Checks that the file which is there can hold a password, and that it opens the container on this host, if there is
/// one. A new password would not.
pub fn fits(job: &Job) -> Result<(), Failure> {
    let backups = job.actions.iter().filter_map(|it| match &it.action.work {
        Work::Backup(work) => Some(&work.container),
        _ => None,
    });
    for container in backups {
        let Some(path) = &container.pass_file else {
            continue;
        };
        if secret::is_credential(path) {
            continue;
        }
        let place = &container.location;
        let local = place.local().filter(|it| it.join("config").exists());
        let refused = |message: String| Err(Failure::new(Exit::NotFound, message));
        match (path.symlink_metadata().is_ok(), local) {
            (false, None) => {}
            (false, Some(_)) => {
                return refused(format!(
                    "{place} has a repository already, and {} does not exist: name the file with its password, with \
                     --encrypt-pass-file, or another container; nothing was created",
                    path.display()
                ));
            }
            (true, None) => {
                if let Err(error) = check_password(container) {
                    return refused(format!("{error}; nothing was created"));
                }
            }
            (true, Some(_)) => {
                if let Err(error) = Session::open(container, &Reach::default(), Lock::None, &|_| ())
                {
                    return refused(format!("{error}; nothing was created"));
                }
            }
        }
    }
    Ok(())
}

/// Makes a file with a new password that only its user can read. A file that is there already stays as it is.
pub fn create(path: &Path) -> Result<Password, Failure> {
    if secret::is_credential(path) {
        return Ok(Password::OfService);
    }
    if let Some(parent) = path.parent() {
        super::create_directory(parent)?;
    }
    // A link that leads nowhere counts as a file: it is not followed.
    let opened = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Password::Old),
        Err(error) => return Err(io_failure("create", path, &error)),
    };
    let written = new_password().and_then(|text| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if let Err(error) = written {
        // Half a password must not be taken for one.
        let _ = std::fs::remove_file(path);
        return Err(Failure::new(
            Exit::CannotCreate,
            format!("cannot write {}: {error}", path.display()),
        ));
    }
    Ok(Password::New)
}

fn new_password() -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    getrandom::fill(bytes.as_mut_slice()).map_err(io::Error::other)?;
    let mut text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    text.push('\n');
    Ok(text)
}

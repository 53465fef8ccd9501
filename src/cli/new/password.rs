//! The file with the password of the containers.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::cli::exit::{Exit, Failure, io_failure};

/// Bytes of chance in a password.
const LENGTH: usize = 32;

/// Makes a file with a new password that only its user can read. Returns false if there is a file already, which stays as
/// it is.
pub fn create(path: &Path) -> Result<bool, Failure> {
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
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
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
    Ok(true)
}

fn new_password() -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    getrandom::fill(bytes.as_mut_slice()).map_err(io::Error::other)?;
    let mut text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    text.push('\n');
    Ok(text)
}

//! A pass file that can be read only once, or by this process alone: a pipe, or standard input.
//!
//! A command may need the password several times, and its agent is another process. So what comes out of the pipe is kept
//! in memory, in a file without a name that this process and its agents read like any other.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::secret::memory_file;
use crate::secret::password::{LIMIT, PassFileError, PassFileFault, Role, forbid_core_files};

/// What other processes cannot open, or open as something else.
const OWN: [&str; 3] = ["/dev/stdin", "/dev/fd", "/proc/self"];

/// The path under which the password in this file can be read again and again, as long as this process lives. That is the
/// path itself, unless it names a pipe, or a descriptor of this process.
///
/// # Errors
/// When the pipe cannot be read, or holds too much.
pub fn readable_again(path: &Path) -> Result<PathBuf, PassFileError> {
    static KEPT: Mutex<Vec<(PathBuf, PathBuf)>> = Mutex::new(Vec::new());
    if !is_for_now(path) {
        return Ok(path.to_owned());
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, copy)) = kept.iter().find(|(original, _)| original == path) {
        return Ok(copy.clone());
    }
    let copy = keep(path).map_err(|fault| PassFileError::Unusable {
        role: Role::Container,
        path: path.to_owned(),
        fault,
    })?;
    kept.push((path.to_owned(), copy.clone()));
    Ok(copy)
}

/// Whether this names a pipe, or a descriptor of this process: no later process can read the same there.
pub fn is_for_now(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) if metadata.file_type().is_fifo() => true,
        Ok(metadata) if metadata.is_file() => OWN.iter().any(|own| path.starts_with(own)),
        // Whoever reads it says what is wrong with it.
        _ => false,
    }
}

fn keep(path: &Path) -> Result<PathBuf, PassFileFault> {
    forbid_core_files();
    let mut content = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    let pipe = File::open(path).map_err(PassFileFault::Unreadable)?;
    pipe.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(PassFileFault::Unreadable)?;
    if content.len() as u64 > LIMIT {
        return Err(PassFileFault::TooLong);
    }
    memory_file::write(path, &content).map_err(PassFileFault::Unreadable)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::secret::memory_file::{as_given, is_one};

    #[test]
    fn what_comes_out_of_a_pipe_can_be_read_twice_and_has_the_name_of_the_pipe() {
        let top = tempfile::tempdir().unwrap();
        let pipe = top.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "secret\n").unwrap()
        });
        let kept = readable_again(&pipe).unwrap();
        writer.join().unwrap();
        assert_eq!(readable_again(&pipe).unwrap(), kept);
        for _ in 0..2 {
            assert_eq!(fs::read(&kept).unwrap(), b"secret\n");
        }
        assert_eq!(as_given(&kept), pipe);
        assert!(is_one(&kept) && !is_one(&pipe));
        assert_eq!(
            fs::metadata(&kept).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_stays_where_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(readable_again(file.path()).unwrap(), file.path());
        for path in ["/no/such/file", "/dev/null", "%d/credential"] {
            assert_eq!(readable_again(Path::new(path)).unwrap(), Path::new(path));
        }
    }
}

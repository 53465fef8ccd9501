//! The directories of a repository, and the names that interrupted writes leave in them.

use super::super::FileKind;
use super::super::id::Id;
use super::Sftp;
use super::failure::Failure;
use super::packet::{FileType, Reply, Request};
use super::session::{Session, attributes, done};
use crate::storage::error::ErrorKind;

/// What follows the name of a file while it is written: as in a local directory, and as `restic` has it on SFTP.
const TEMPORARY: [&[u8]; 2] = [b"-tmp-", b"-restic-temp-"];

/// Makes all directories. `restic` expects those of packs, too.
pub(super) async fn create(sftp: &Sftp, session: &mut Session) -> Result<(), Failure> {
    make_with_parents(session, &sftp.path("")).await?;
    let kinds = FileKind::ALL.into_iter().filter_map(FileKind::directory);
    let top: Vec<String> = kinds.map(|name| sftp.path(name)).collect();
    make(session, &top).await?;
    let packs: Vec<String> = (0..=255)
        .map(|first| sftp.path(&format!("data/{first:02x}")))
        .collect();
    make(session, &packs).await
}

/// Makes directories whose parent exists.
pub(super) async fn make(session: &mut Session, paths: &[String]) -> Result<(), Failure> {
    let mut refused = Vec::new();
    let requests = paths.iter().map(|path| Request::MakeDirectory { path });
    session
        .exchange(requests, |position, reply| {
            if let Err(failure) = done(reply) {
                refused.push((position, failure));
            }
            Ok(())
        })
        .await?;
    // A server that is asked to make what exists does not say more than that it failed.
    for (position, failure) in refused {
        confirm(session, &paths[position], failure).await?;
    }
    Ok(())
}

/// A directory that could not be made may exist.
async fn confirm(session: &mut Session, path: &str, failure: Failure) -> Result<(), Failure> {
    match session.about(Request::Stat { path }).await {
        Ok(about) => match about.file_type() {
            FileType::Directory | FileType::Unknown => Ok(()),
            _ => Err(failure.known_as(ErrorKind::NotAFile, "something else has its name")),
        },
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(explained(session, path, failure).await?)
        }
        Err(error) => Err(error),
    }
}

/// Makes a directory, and those above it.
pub(super) async fn make_with_parents(session: &mut Session, path: &str) -> Result<(), Failure> {
    let mut missing = Vec::new();
    let mut next = Some(path);
    while let Some(path) = next {
        match session.about(Request::Stat { path }).await {
            Ok(_) => break,
            Err(error) if error.kind == ErrorKind::NotFound => missing.push(path.to_owned()),
            Err(error) => return Err(error),
        }
        next = path
            .rsplit_once('/')
            .map(|(parent, _)| parent)
            .filter(|parent| !parent.is_empty());
    }
    for path in missing.iter().rev() {
        make(session, std::slice::from_ref(path)).await?;
    }
    Ok(())
}

/// A failure of something that makes names or writes bytes, and what the file system says about its reason: SFTP has no
/// codes for a full and for a read-only one. `path` need not exist; what is above it decides.
pub(super) async fn explained(
    session: &mut Session,
    path: &str,
    failure: Failure,
) -> Result<Failure, Failure> {
    if failure.kind != ErrorKind::Io {
        return Ok(failure);
    }
    let mut above = Some(path);
    while let Some(path) = above {
        if let Some(found) = session.file_system(path).await? {
            if found.is_read_only {
                let text = "the file system of the server is read-only";
                return Ok(failure.known_as(ErrorKind::ReadOnly, text));
            }
            // A few blocks that are too small for the content look free.
            if found.free < 1024 * 1024 || found.files == Some(0) {
                return Ok(failure.known_as(ErrorKind::NoSpace, "the server has no space left"));
            }
            break;
        }
        above = path
            .rsplit_once('/')
            .map(|(parent, _)| if parent.is_empty() { "/" } else { parent })
            .filter(|parent| *parent != path);
    }
    Ok(failure)
}

/// Whether these answers are about a path that exists.
pub(super) fn is_there(reply: Reply) -> Result<bool, Failure> {
    match attributes(reply) {
        Ok(_) => Ok(true),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The value of the name of a directory of packs: two hexadecimal digits.
pub(super) fn first_byte(name: &[u8]) -> Option<u8> {
    let mut digits = [b'0'; 64];
    digits[..2].copy_from_slice(name.get(..2).filter(|_| name.len() == 2)?);
    Id::parse_bytes(&digits).ok().map(|id| id.0[0])
}

/// The name of a file while it is written. No other process chooses it.
pub(super) fn temporary(path: &str) -> Result<String, Failure> {
    let number = getrandom::u64()
        .map_err(|_| Failure::new(ErrorKind::Io, "the system has no random numbers"))?;
    Ok(format!("{path}-tmp-{number:016x}"))
}

/// Whether a write that was interrupted left a file of this name: one of ours, or of restic's.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    TEMPORARY.iter().any(|mark| {
        let Some(at) = name.windows(mark.len()).position(|part| part == *mark) else {
            return false;
        };
        let (target, rest) = (&name[..at], &name[at + mark.len()..]);
        let target_is_a_file = target == b"config" || Id::parse_bytes(target).is_ok();
        let unique = rest
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        target_is_a_file && unique && !rest.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interrupted_writes_are_known() {
        let id = Id::of(b"x");
        let ours = temporary(&id.to_string()).unwrap();
        assert!(is_temporary(ours.as_bytes()), "{ours}");
        assert!(is_temporary(
            format!("{id}-restic-temp-5577006791947779410").as_bytes()
        ));
        assert!(is_temporary(b"config-tmp-77-0"));
        for name in ["config", "notes-tmp-1", "config-tmp-", "config-tmp-../x"] {
            assert!(!is_temporary(name.as_bytes()), "{name}");
        }
        assert!(!is_temporary(id.to_string().as_bytes()));
    }

    #[test]
    fn a_directory_of_packs_has_two_lower_case_digits() {
        assert_eq!(first_byte(b"0f"), Some(15));
        for name in ["0", "0F", "00f", "", "zz"] {
            assert_eq!(first_byte(name.as_bytes()), None);
        }
    }
}

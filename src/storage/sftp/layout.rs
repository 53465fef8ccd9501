//! The directories of a repository.

use super::super::FileKind;
use super::Sftp;
use super::failure::{Failure, shown};
use super::packet::{FileType, Reply, Request};
use super::session::{Session, attributes, done};
use crate::storage::error::ErrorKind;

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
            _ => Err(not_a_directory(path)),
        },
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(explained(session, path, failure).await?)
        }
        Err(error) => Err(error),
    }
}

/// Something else has the name of a directory.
fn not_a_directory(path: &str) -> Failure {
    Failure::new(
        ErrorKind::NotAFile,
        format!(
            "{} on the server is not a directory",
            shown(path.as_bytes())
        ),
    )
}

/// Makes a directory, and those above it.
pub(super) async fn make_with_parents(session: &mut Session, path: &str) -> Result<(), Failure> {
    let mut missing = Vec::new();
    let mut next = Some(path);
    while let Some(path) = next {
        match session.about(Request::Stat { path }).await {
            Ok(about) => match about.file_type() {
                FileType::Directory | FileType::Unknown => break,
                _ => return Err(not_a_directory(path)),
            },
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

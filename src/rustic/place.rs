//! The place where a container's repository is, or is to be.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::error::{Error, ErrorKind};
use crate::job::action::Container;

/// What is at a container's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing, or an empty directory.
    Free,
    /// What the creation of a repository left behind when it was cut short: no data, no configuration.
    Unfinished,
    /// A repository.
    Repository,
    /// Something else: it is left alone.
    Other,
}

/// Looks at what is at the container's path.
///
/// # Errors
/// When the directory cannot be read.
pub fn look(container: &Container) -> Result<Place, Error> {
    look_at(&container.path)
        .map_err(|error| Error::io("read the container", &container.path, &error))
}

fn look_at(path: &Path) -> io::Result<Place> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Place::Other),
        Err(error) => return Err(error),
    };
    if entries.iter().any(|entry| entry.file_name() == "config") {
        return Ok(Place::Repository);
    }
    let mut place = Place::Free;
    for entry in entries {
        let path = entry.path();
        // The configuration is written last; before it there are directories without data, and a key.
        let is_ours = match entry.file_name().to_str() {
            Some("data" | "index" | "snapshots" | "locks") => holds_no_file(&path)?,
            Some("keys") => holds_only_keys(&path)?,
            Some("config-tmp-") => true,
            // What the agent locks where a directory cannot be locked.
            Some(".freezerd-lock") => continue,
            _ => false,
        };
        if !is_ours {
            return Ok(Place::Other);
        }
        place = Place::Unfinished;
    }
    Ok(place)
}

/// Goes on only where there is a repository.
///
/// # Errors
/// When there is none: says what there is instead.
pub fn require(container: &Container) -> Result<(), Error> {
    match look(container)? {
        Place::Repository => Ok(()),
        Place::Free | Place::Unfinished => Err(Error::new(
            ErrorKind::NoRepository,
            format!(
                "there is no repository in {} yet: the first backup creates it",
                container.path.display()
            ),
        )),
        Place::Other => Err(not_a_repository(container)),
    }
}

/// Makes the container's directory where it is missing, readable by its owner alone. A container that was given by a
/// path must have its parent directory: a disk that is not mounted is not to be filled up in its place. Where it was
/// given by a name, the directories above it are made too.
///
/// # Errors
/// When the directory cannot be made.
pub fn make(container: &Container) -> Result<(), Error> {
    let by_path = Path::new(&container.name).is_absolute();
    let made = fs::DirBuilder::new()
        .recursive(!by_path)
        .mode(0o700)
        .create(&container.path);
    match made {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if by_path && error.kind() == io::ErrorKind::NotFound => Err(Error::new(
            ErrorKind::NoRepository,
            format!(
                "cannot create the container {}: the directory above it does not exist; mount it or create it",
                container.path.display()
            ),
        )),
        Err(error) => Err(Error::io("create the container", &container.path, &error)),
    }
}

/// Removes the keys in an unfinished place: a key from the attempt that was cut short would open, and then not fit
/// the new configuration.
pub(super) fn clear_keys(container: &Container) -> Result<(), Error> {
    let keys = container.path.join("keys");
    for key in fs::read_dir(&keys).into_iter().flatten().flatten() {
        fs::remove_file(key.path()).map_err(|error| Error::io("remove", &key.path(), &error))?;
    }
    Ok(())
}

pub(super) fn not_a_repository(container: &Container) -> Error {
    Error::new(
        ErrorKind::NotARepository,
        format!(
            "{} holds something else than a repository, and is left alone; choose an empty directory as the container",
            container.path.display()
        ),
    )
}

/// Whether this is a directory without a file in it, or in a directory directly in it.
fn holds_no_file(directory: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(directory)?.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || fs::read_dir(entry.path())?.next().is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether this is a directory in which everything is named as a repository's keys are, finished or not. Somebody's
/// `keys` of another kind are nothing to touch.
fn holds_only_keys(directory: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(directory)?.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_key = name.to_str().is_some_and(|name| {
            let id = name.strip_suffix("-tmp-").unwrap_or(name);
            id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !is_key || !entry.file_type()?.is_file() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_creation_leaves_behind_counts_as_unfinished() {
        let key = format!("keys/{}", "ab".repeat(32));
        for (entries, place) in [
            (&[][..], Place::Free),
            (&[".freezerd-lock"], Place::Free),
            (&["snapshots/"], Place::Unfinished),
            (
                &["data/00/", "index/", "snapshots/", key.as_str()],
                Place::Unfinished,
            ),
            (&["data/", "config-tmp-"], Place::Unfinished),
            (&["config", "anything"], Place::Repository),
            (&["data/00/file"], Place::Other),
            (&["snapshots/file"], Place::Other),
            (&["keys/id_ed25519"], Place::Other),
            (&["keys"], Place::Other),
            (&["data/", "letter.txt"], Place::Other),
        ] {
            let top = tempfile::tempdir().unwrap();
            for entry in entries {
                let path = top.path().join(entry);
                if entry.ends_with('/') {
                    fs::create_dir_all(path).unwrap();
                } else {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, "").unwrap();
                }
            }
            assert_eq!(look_at(top.path()).unwrap(), place, "{entries:?}");
        }
        assert_eq!(look_at(Path::new("/no/such/place")).unwrap(), Place::Free);
        assert_eq!(look_at(Path::new("/etc/passwd")).unwrap(), Place::Other);
    }
}

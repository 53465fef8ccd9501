//! What a directory holds, as far as it matters for a container.

use std::fs;
use std::io;
use std::path::Path;

/// What a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It does not exist or is empty.
    Nothing,
    /// What a creation of a repository left behind when it was cut short: no data, no configuration.
    Unfinished,
    Repository,
    /// The keys and other files of a repository without its configuration.
    WithoutConfig,
    Other,
}

/// Looks into a directory.
///
/// # Errors
/// When it, or a directory in it, cannot be read.
pub fn content(path: &Path) -> io::Result<Content> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Content::Other),
        Err(error) => return Err(error),
    };
    if entries.iter().any(|entry| entry.file_name() == "config") {
        return Ok(Content::Repository);
    }
    let mut content = Content::Nothing;
    let mut has_key = false;
    let mut is_empty = true;
    for entry in entries {
        let path = entry.path();
        // A creation writes the configuration last. Before it there are directories without data, and a key.
        match entry.file_name().to_str() {
            Some("data" | "index" | "snapshots" | "locks") if path.is_dir() => {
                is_empty &= holds_no_file(&path)?;
            }
            Some("keys") if holds_only_keys(&path)? => {
                has_key = fs::read_dir(&path)?.next().is_some();
            }
            Some(name) if name.starts_with("config-tmp-") => {}
            // An earlier version locked this file where a directory cannot be locked.
            Some(".freezerd-lock") => continue,
            _ => return Ok(Content::Other),
        }
        content = Content::Unfinished;
    }
    Ok(match (is_empty, has_key) {
        (true, _) => content,
        (false, true) => Content::WithoutConfig,
        (false, false) => Content::Other,
    })
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

/// Whether this is a directory in which every name is that of a repository's key, finished or not. A directory `keys`
/// with anything else in it belongs to somebody else and is not touched.
fn holds_only_keys(directory: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(directory)?.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_key = name.to_str().is_some_and(|name| {
            let (id, _) = name.split_once("-tmp-").unwrap_or((name, ""));
            id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !is_key || !entry.file_type()?.is_file() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Makes files and, where a name ends with a slash, directories.
    pub fn fill(top: &Path, entries: &[&str]) {
        for entry in entries {
            let path = top.join(entry);
            if entry.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
        }
    }

    #[test]
    fn only_what_a_creation_leaves_behind_counts_as_unfinished() {
        let key = format!("keys/{}", "ab".repeat(32));
        for (entries, expected) in [
            (&[][..], Content::Nothing),
            (&[".freezerd-lock"], Content::Nothing),
            (&["snapshots/"], Content::Unfinished),
            (
                &["data/00/", "index/", "snapshots/", key.as_str()],
                Content::Unfinished,
            ),
            (&["data/", "config-tmp-"], Content::Unfinished),
            (&["config", "anything"], Content::Repository),
            (&["data/00/file"], Content::Other),
            (&["data/00/file", key.as_str()], Content::WithoutConfig),
            (&["snapshots/file", key.as_str()], Content::WithoutConfig),
            (
                &["data/00/file", key.as_str(), "letter.txt"],
                Content::Other,
            ),
            (&["snapshots/file"], Content::Other),
            (&["keys/id_ed25519"], Content::Other),
            (&["keys"], Content::Other),
            (&["data/", "letter.txt"], Content::Other),
        ] {
            let top = tempfile::tempdir().unwrap();
            fill(top.path(), entries);
            assert_eq!(content(top.path()).unwrap(), expected, "{entries:?}");
        }
        let nowhere = Path::new("/no/such/place");
        assert_eq!(content(nowhere).unwrap(), Content::Nothing);
        assert_eq!(content(Path::new("/etc/passwd")).unwrap(), Content::Other);
    }
}

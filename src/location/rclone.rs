//! A directory in a remote of rclone.

use std::fmt;

use super::address::AddressError;

/// A directory in a remote that rclone knows, `REMOTE:PATH`, as rclone takes it. A remote has different places for
/// different users, because each has a configuration of rclone. A remote without a name, `:BACKEND:PATH`, is one that the
/// environment describes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RclonePlace {
    remote: String,
    /// Without a slash at its end, unless it is only that.
    path: String,
}

impl RclonePlace {
    /// Reads `REMOTE:PATH`.
    ///
    /// # Errors
    /// `Remote` when it does not begin with the name of a remote and a colon. Parameters, as in `REMOTE,KEY=VALUE:PATH`,
    /// are refused: they may be secrets. `Path` when a part of the path is empty, `.` or `..`, or has a control character.
    pub fn parse(text: &str) -> Result<RclonePlace, AddressError> {
        let after_mark = text.strip_prefix(':').unwrap_or(text);
        let (name, path) = after_mark.split_once(':').ok_or(AddressError::Remote)?;
        if !is_remote(name) {
            return Err(AddressError::Remote);
        }
        let remote = text[..text.len() - path.len() - 1].to_owned();
        let top = RclonePlace {
            remote,
            path: if path.starts_with('/') { "/" } else { "" }.to_owned(),
        };
        match path.strip_prefix('/').unwrap_or(path) {
            "" => Ok(top),
            path => top.join(path),
        }
    }

    /// The directory at this path below. `/` is the place itself.
    ///
    /// # Errors
    /// When a part of the path is empty, `.` or `..`, or has a control character.
    pub fn join(&self, path: &str) -> Result<RclonePlace, AddressError> {
        if path == "/" {
            return Ok(self.clone());
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        let is_usable = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control)
        };
        if !path.split('/').all(is_usable) {
            return Err(AddressError::Path);
        }
        let between = match self.path.as_str() {
            "" | "/" => "",
            _ => "/",
        };
        Ok(RclonePlace {
            remote: self.remote.clone(),
            path: format!("{}{between}{path}", self.path),
        })
    }

    /// The name of the remote in rclone's configuration; `None` for a remote without a name.
    pub fn configured(&self) -> Option<&str> {
        (!self.remote.starts_with(':')).then_some(self.remote.as_str())
    }
}

/// Whether a remote, or a kind of remotes, can have this name. It never looks like an option.
fn is_remote(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || "_.+@ -".contains(letter);
    !name.is_empty()
        && name.len() <= 255
        && name.chars().all(is_letter)
        && !name.starts_with(['-', ' '])
        && !name.ends_with(' ')
}

impl fmt::Display for RclonePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.remote, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> RclonePlace {
        RclonePlace::parse(text).unwrap()
    }

    #[test]
    fn a_place_reads_as_rclone_writes_it() {
        for (text, same) in [
            ("drive:", "drive:"),
            ("drive:backups/", "drive:backups"),
            ("drive:a b/ü%20", "drive:a b/ü%20"),
            ("my disk:/", "my disk:/"),
            ("my.disk:/srv/x:y", "my.disk:/srv/x:y"),
            (":b2:bucket", ":b2:bucket"),
        ] {
            assert_eq!(place(text).to_string(), same);
            assert_eq!(place(same), place(text));
        }
        assert_eq!(place("drive:x").configured(), Some("drive"));
        assert_eq!(place(":b2:bucket").configured(), None);
    }

    #[test]
    fn a_container_is_below_its_remote() {
        for (top, path, below) in [
            ("drive:", "www", "drive:www"),
            ("drive:", "/", "drive:"),
            ("drive:/", "www/", "drive:/www"),
            ("drive:a", "b/c", "drive:a/b/c"),
        ] {
            assert_eq!(place(top).join(path).unwrap().to_string(), below);
        }
        for bad in ["", ".", "..", "a/../b", "a//b", "/www", "a\nb"] {
            assert_eq!(place("drive:").join(bad), Err(AddressError::Path), "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_remote_is_refused() {
        for text in [
            "",
            "drive",
            "/srv/backups",
            ":",
            "::x",
            "-v:x",
            " drive:x",
            "drive :x",
            "a/b:x",
            "drive,pass=secret:x",
            ":s3,secret_access_key=secret:bucket",
        ] {
            assert_eq!(
                RclonePlace::parse(text),
                Err(AddressError::Remote),
                "{text}"
            );
        }
        assert_eq!(RclonePlace::parse("drive:a//b"), Err(AddressError::Path));
        assert_eq!(RclonePlace::parse("drive://a"), Err(AddressError::Path));
    }
}

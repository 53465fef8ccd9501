//! Texts that name a place, and no directory of this host.

/// What such a text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// An address of a server, as `restic`, `scp` or `rsync` take it.
    Server,
    /// A directory on another host, as `scp` and `rsync` take it.
    Host,
    /// The URL of a file. It has the path after its scheme.
    FileUrl,
}

/// Where a text seems to lead, if that is no directory of this host: `sftp:host:/path`, `https://host/`,
/// `user@host:/path`, `host:/path`, `file:///path`.
pub fn elsewhere(text: &str) -> Option<Elsewhere> {
    const SCHEMES: [&str; 13] = [
        "ftp", "ftps", "sftp", "ssh", "rest", "http", "https", "s3", "b2", "azure", "gs", "swift",
        "rclone",
    ];
    let (before, after) = text.split_once(':')?;
    if before.is_empty() || before.contains('/') {
        return None;
    }
    if before.eq_ignore_ascii_case("file") && after.starts_with("//") {
        return Some(Elsewhere::FileUrl);
    }
    let is_server = SCHEMES.iter().any(|it| before.eq_ignore_ascii_case(it))
        || after.starts_with("//")
        || before.contains('@');
    match is_server {
        true => Some(Elsewhere::Server),
        false => after.starts_with('/').then_some(Elsewhere::Host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names_and_paths() {
        use Elsewhere::{FileUrl, Host, Server};
        for (text, expected) in [
            ("sftp:u@host:/srv/offsite", Some(Server)),
            ("SFTP://host/srv", Some(Server)),
            ("s3:s3.amazonaws.com/bucket/x", Some(Server)),
            ("rest:http://h:8000/", Some(Server)),
            ("rclone:remote:x", Some(Server)),
            ("b2:bucket:x", Some(Server)),
            ("nas:/backups", Some(Host)),
            ("root@nas:backups", Some(Server)),
            ("dav://host/x", Some(Server)),
            ("file:///srv/x", Some(FileUrl)),
            ("main", None),
            ("/srv/a:/b", None),
            ("./nas:/backups", None),
            ("www:2026", None),
            (":/x", None),
            ("", None),
        ] {
            assert_eq!(elsewhere(text), expected, "{text}");
        }
    }
}

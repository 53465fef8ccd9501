//! Whether the server behind rclone refuses the login, or has no space left. rclone tells its clients no more than that
//! something failed, so its words are read here, and nowhere else.

use std::process::Stdio;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Options;
use super::command::{command, output};
use crate::storage::mask::masked;

/// How long after the failed write the line that says why may arrive: it comes on another pipe.
const PATIENCE: Duration = Duration::from_secs(1);

/// What rclone, or the server through it, says of a login that is refused. The kinds of remotes have different words.
const WORDS: [&str; 14] = [
    // Servers that speak HTTP, among them WebDAV; B2 writes it without a capital.
    "401 Unauthorized",
    "401 unauthorized",
    "RESPONSE 401",
    // SFTP
    "unable to authenticate",
    // FTP
    ": 530 ",
    // S3
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidClientTokenId",
    // Swift
    "Authorization Failed",
    // Azure
    "AuthenticationFailed",
    // SMB
    "attempted logon is invalid",
    // OAuth, as for Google Drive and OneDrive
    "invalid_grant",
    "unauthorized_client",
    "Invalid Credentials",
];

/// What rclone, or the server behind it, says when a disk is full or a quota is used up. The kinds of remotes have
/// different words.
const FULL_WORDS: [&str; 13] = [
    // A directory, and most servers that keep files in one
    "no space left on device",
    "disk quota exceeded",
    "file too big for remaining disk space",
    // WebDAV
    "507 Insufficient Storage",
    // FTP
    ": 452 ",
    ": 552 ",
    // S3
    "XMinioStorageFull",
    "QuotaExceeded",
    // B2
    "storage_cap_exceeded",
    // Google Drive
    "storageQuotaExceeded",
    // OneDrive
    "quotaLimitReached",
    "insufficientStorage",
    // Dropbox
    "insufficient_space",
];

/// Whether this line says that a disk is full, or a quota used up.
fn is_full(line: &str) -> bool {
    FULL_WORDS.iter().any(|words| line.contains(words))
}

/// The last line of rclone's log that says that a disk is full.
#[derive(Default)]
pub(super) struct FullLine {
    last: Mutex<Option<(Instant, String)>>,
    came: Condvar,
}

impl FullLine {
    /// Looks at a line of the log, without secrets.
    pub(super) fn look(&self, line: &str) {
        if is_full(line) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((Instant::now(), line.to_owned()));
            self.came.notify_all();
        }
    }

    /// The line, if one came after this time or comes very soon.
    pub(super) fn since(&self, start: Instant) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.came.wait_timeout_while(last, PATIENCE, |last| {
            last.as_ref().is_none_or(|(came, _)| *came < start)
        });
        let (last, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        match waited.timed_out() {
            true => None,
            false => last.as_ref().map(|(_, line)| line.clone()),
        }
    }
}

/// Whether this line is about a login that is refused.
pub(super) fn is_refusal(line: &str) -> bool {
    WORDS.iter().any(|words| line.contains(words))
}

/// Lets rclone list the place, as a person would do to find out what is wrong. The line by which the login is refused;
/// `None`: it is not, or that cannot be told.
pub(super) fn ask(options: &Options) -> Option<String> {
    let mut command = command(options);
    command
        .args(["lsf", "--max-depth", "1", "--log-level", "NOTICE"])
        .args(["--retries", "1", "--low-level-retries", "1"])
        .args(&options.arguments)
        .arg("--")
        .arg(&options.remote)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let (succeeded, said) = output(command)?;
    let refusal = said.lines().rfind(|line| is_refusal(line))?;
    (!succeeded).then(|| masked(refusal, &options.secrets()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_login_is_told_from_other_failures() {
        for line in [
            "2026/11/27 21:31:12 Failed to create file system for \"webdav:x\": read metadata failed: Unauthorized: 401 Unauthorized",
            "CRITICAL: Failed to create file system for \"sftp:x\": NewFs: couldn't connect SSH: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none password], no supported methods remain",
            "Failed to create file system for \"ftp:x\": NewFs: failed to make FTP connection to \"127.0.0.1:21\": 530 Login incorrect.",
            "ERROR : : error listing: SignatureDoesNotMatch: The request signature we calculated does not match.",
        ] {
            assert!(is_refusal(line), "{line}");
        }
        for line in [
            "Failed to create file system for \"sftp:x\": NewFs: couldn't connect SSH: dial tcp 127.0.0.1:1: connect: connection refused",
            "Failed to create file system for \"ftp:530\": didn't find section in config file",
            "ERROR : error listing: directory not found",
            "Failed to create file system for \"s3:x\": AccessDenied: Access Denied. status code: 403",
            "unknown flag: --cache-objects",
        ] {
            assert!(!is_refusal(line), "{line}");
        }
    }

    #[test]
    fn a_lack_of_space_is_told_from_other_failures() {
        for line in [
            "2026/11/28 21:31:12 ERROR : data/07/07c4: Post request put error: write /srv/r/data/07/07c4: no space left on device",
            "2026/11/28 22:25:18 ERROR : data/07/07c4: Post request rcat error: preallocate: file too big for remaining disk space",
            "ERROR : data/07/07c4: Post request put error: Insufficient Storage: 507 Insufficient Storage",
            "ERROR : data/07/07c4: Post request put error: update stor: 552 Exceeded storage allocation",
        ] {
            assert!(is_full(line), "{line}");
        }
        for line in [
            "ERROR : data/07/07c4: Post request put error: connection reset by peer",
            "ERROR : data/07/07c4: Post request put error: open /srv/r/data/07/07c4: read-only file system",
        ] {
            assert!(!is_full(line), "{line}");
        }
    }
}

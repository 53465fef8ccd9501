//! Whether the server behind rclone refuses the login. rclone tells its clients no more than that something failed, so its
//! words are read here, and nowhere else.

use std::process::Stdio;

use super::command::{command, output};
use super::{Options, mask};

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
    (!succeeded).then(|| mask::masked(refusal, &options.secrets()))
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
}

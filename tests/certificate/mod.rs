//! A certificate for a server on this host.

use std::path::Path;
use std::process::Command;

/// Makes `cert.pem` and `key.pem` for `localhost` and 127.0.0.1 in the directory. False, with a line that says so, if
/// openssl cannot.
pub fn make(directory: &Path) -> bool {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-out",
            "cert.pem",
            "-keyout",
            "key.pem",
        ])
        .current_dir(directory)
        .output();
    match made {
        Ok(made) if made.status.success() => true,
        other => {
            println!("SKIPPED: what TLS does, because openssl makes no certificate: {other:?}");
            false
        }
    }
}

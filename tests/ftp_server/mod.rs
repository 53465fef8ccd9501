//! Real servers for FTP on this host, and a proxy that breaks what goes to them.

#![allow(dead_code, reason = "each test program uses its own part")]

pub mod faulty;
pub mod pyftpdlib;
pub mod rclone;
pub mod vsftpd;

use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::ftp::{Options, Tls};
use freezerd::storage::http::Trust;

/// A password that is looked for in everything that freezerd writes.
pub const PASSWORD: &str = "canary-5pQ8-ftp";

/// Longer than a server takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to reach a server without TLS.
pub fn options(port: u16, user: &str) -> Options {
    Options {
        host: "127.0.0.1".to_owned(),
        port,
        user: user.to_owned(),
        password: Some(PASSWORD.to_owned().into()),
        directory: String::new(),
        tls: Tls::None,
        trust: Trust::System,
        connections: Concurrency::untold(5),
        stall: Duration::from_secs(60),
        pace: None,
    }
}

//! The program rclone, with its configuration.

use std::sync::Arc;

use super::http;
use super::storage_secret::storage_secret;
use crate::agent::connection_fault::ConnectionFault;
use crate::agent::report::log;
use crate::job::storage::Connection;
use crate::location::RclonePlace;
use crate::storage::limit::Pace;
use crate::storage::rclone::{Options, PATIENCE, Rclone};

/// The program, if the storage names no other.
const PROGRAM: &str = "rclone";

/// The files of a container in a remote. rclone is started, so that a fault that stays shows at once; one that may pass is
/// left to the first request.
pub(super) fn open(
    place: &RclonePlace,
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
) -> Result<Rclone, ConnectionFault> {
    let own = connection.rclone.as_deref().cloned().unwrap_or_default();
    let config_password = storage_secret("config_password", own.config_password.as_ref())?;
    let defaults = http::options(&Connection::default(), pace)?;
    let rclone = Rclone::new(
        Options {
            program: own.program.unwrap_or_else(|| PROGRAM.to_owned()),
            config_file: own.config_file,
            config_password,
            arguments: own.arguments,
            remote: place.to_string(),
            configured: place.configured().map(str::to_owned),
            directory: std::env::temp_dir(),
            connections: super::connections(connection),
            patience: PATIENCE,
            stall: connection.stall(defaults.stall),
            pace: defaults.pace,
        },
        Box::new(|line| log(&format!("rclone: {line}"))),
    );
    match rclone.start() {
        Err(error) if error.is_permanent() => Err(ConnectionFault::Rclone(error)),
        _ => Ok(rclone),
    }
}

//! A panic of the engine: the agent reports it in words for a person, and ends.
//!
//! A panic in one of the engine's threads may leave others waiting for it forever, so the process ends at once. A
//! repository stays valid at every moment.

use std::panic::PanicHookInfo;
use std::process::exit;
use std::sync::Arc;

use super::report::{Reporter, log};
use crate::protocol::Report;
use crate::repository::lock;

/// The exit code of an agent whose engine panicked.
pub const PANICKED: i32 = 101;

/// From now on, a panic is reported and ends the process.
pub fn install(reporter: Arc<Reporter>) {
    std::panic::set_hook(Box::new(move |info| {
        let message = describe_panic(info);
        log(&message);
        reporter.send(&Report::Panicked { message });
        lock::release_all();
        exit(PANICKED);
    }));
}

fn describe_panic(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(
        || "an unknown place".to_owned(),
        |location| format!("{}:{}", file_name(location.file()), location.line()),
    );
    sentence(&place)
}

/// Without the panic's own text, which may hold anything.
fn sentence(place: &str) -> String {
    format!(
        "the engine broke at {place}; that is a fault in the program, or in the repository: `freezerd verify` checks it"
    )
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

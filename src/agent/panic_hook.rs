//! A panic of the engine: the agent reports it in words for a person, and ends.
//!
//! A panic in one of the engine's threads may leave others waiting for it forever, so the process ends at once. A
//! repository stays valid at every moment.

use std::panic::PanicHookInfo;
use std::process::exit;
use std::sync::Arc;

use super::report::{Reporter, log};
use crate::os;
use crate::protocol::Report;
use crate::repository::lock;
use crate::rustic::engine_text;

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
    let text = info
        .payload()
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| info.payload().downcast_ref::<&str>().copied())
        .unwrap_or_default();
    let place = info.location().map_or_else(
        || "an unknown place".to_owned(),
        |location| format!("{}:{}", file_name(location.file()), location.line()),
    );
    sentence(text, &place)
}

fn sentence(text: &str, place: &str) -> String {
    match engine_text::os_error_in_panic(text) {
        Some(error) => format!("the engine could not go on: {}", os::reason(&error)),
        None => format!(
            "the engine broke at {place}; that is a fault in the program, or in the repository: run a check of it"
        ),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_without_its_text() {
        assert_eq!(
            sentence("cannot write (os error 28)", "a.rs:1"),
            "the engine could not go on: No space left on device"
        );
        let other = sentence("index out of bounds: the len is 3", "packer.rs:7");
        assert!(
            other.contains("packer.rs:7") && !other.contains("bounds"),
            "{other}"
        );
    }
}

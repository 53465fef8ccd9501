//! What is left to do when the engine panics: say so in words for a person, and end.
//!
//! A panic in one of the engine's threads may leave others waiting for it for ever, so the process ends on the spot.
//! A repository stays valid at every moment.

use std::io;
use std::panic::PanicHookInfo;
use std::process::exit;
use std::sync::Arc;

use super::report::{Reporter, log};
use crate::protocol::Report;

/// The exit code of an agent whose engine broke.
pub const BROKEN: i32 = 101;

/// From now on, a panic is reported and ends the process.
pub fn watch_for_panics(reporter: Arc<Reporter>) {
    std::panic::set_hook(Box::new(move |info| {
        let message = describe(info);
        log(&message);
        reporter.send(&Report::Panicked { message });
        exit(BROKEN);
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
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
    in_words(text, &place)
}

/// Most panics of the engine are I/O errors that it did not expect; their number is in the text.
fn in_words(text: &str, place: &str) -> String {
    match os_error(text) {
        Some(error) => format!("the engine could not go on: {}", crate::os::reason(&error)),
        None => format!(
            "the engine broke at {place}; that is a fault in the program, or in the repository: run a check of it"
        ),
    }
}

/// The operating system's error in the debug form (`Os { code: 28, …`) or the plain one (`… (os error 28)`).
fn os_error(text: &str) -> Option<io::Error> {
    let number = ["Os { code: ", "(os error "].iter().find_map(|before| {
        let digits = text.split(before).nth(1)?;
        let end = digits.find(|character: char| !character.is_ascii_digit())?;
        digits[..end].parse().ok()
    })?;
    Some(io::Error::from_raw_os_error(number))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_without_its_text() {
        for text in [
            "called `Result::unwrap()` on an `Err` value: Os { code: 28, kind: StorageFull, message: \"No space left\" }",
            "cannot write: No space left on device (os error 28)",
        ] {
            assert_eq!(
                in_words(text, "a.rs:1"),
                "the engine could not go on: No space left on device"
            );
        }
        let other = in_words("index out of bounds: the len is 3", "packer.rs:7");
        assert!(
            other.contains("packer.rs:7") && !other.contains("bounds"),
            "{other}"
        );
    }
}

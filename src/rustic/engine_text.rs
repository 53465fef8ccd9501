//! What the engine says only in words.
//!
//! `rustic_core` 0.13 does not tell the kind of an error, and few of its errors have a code. It names its phases with
//! display texts, and panics with debug output. Each fact that has to be read out of such a text is read here, and
//! nowhere else in the program. This file goes when the engine goes.

use std::io;

use rustic_core::RusticError;

/// Whether an error says that data in the repository is missing or wrong. Asked only where neither a code nor a typed
/// cause says so: the engine has no code for a blob that no index names, or for data that is too short to decrypt.
pub(super) fn says_damaged(error: &RusticError) -> bool {
    let message = message(error);
    // The kind `Cryptography`, which has no accessor: this is how `Display` writes it, here or in a cause.
    error.to_string().contains("`cryptographic operations`")
        || ["not found in index", "missing in index", "zstd"]
            .iter()
            .any(|sign| message.contains(sign))
}

/// The engine's own words about an error on one line, without its preamble and its causes.
pub(super) fn message(error: &RusticError) -> String {
    let text = error.display_log();
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    let text = text.split(" (kind: related to").next().unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The phase that the title of a progress bar names. `None`: housekeeping of the engine. Such bars have no title, or
/// are about the list of snapshots: a moment at the end of all other work, whose counts would hide the ones that
/// matter.
pub(super) fn phase(title: &str) -> Option<&str> {
    let phase = title.trim_end_matches('.');
    let housekeeping = ["getting", "saving snapshots", "removing snapshots"];
    let hidden = phase.is_empty() || housekeeping.iter().any(|it| phase.starts_with(it));
    (!hidden).then_some(phase)
}

/// The operating system's error in the text of a panic: in the debug form (`Os { code: 28, …`) or in the plain one
/// (`… (os error 28)`). Most panics of the engine are I/O errors that it did not expect.
pub fn os_error_in_panic(text: &str) -> Option<io::Error> {
    let number = ["Os { code: ", "(os error "].iter().find_map(|before| {
        let digits = text.split(before).nth(1)?;
        let end = digits.find(|character: char| !character.is_ascii_digit())?;
        digits[..end].parse().ok()
    })?;
    Some(io::Error::from_raw_os_error(number))
}

#[cfg(test)]
mod tests {
    use rustic_core::ErrorKind;

    use super::*;

    #[test]
    fn a_panic_may_name_an_error_of_the_operating_system() {
        for text in [
            "called `Result::unwrap()` on an `Err` value: Os { code: 28, kind: StorageFull, message: \"No space left\" }",
            "cannot write: No space left on device (os error 28)",
        ] {
            let found = os_error_in_panic(text).map(|error| error.kind());
            assert_eq!(found, Some(io::ErrorKind::StorageFull), "{text}");
        }
        assert!(os_error_in_panic("index out of bounds: the len is 3").is_none());
    }

    #[test]
    fn damage_without_a_code_is_known_by_its_words() {
        let lost = RusticError::new(ErrorKind::Internal, "Tree ID `{id}` not found in index");
        let short = RusticError::new(ErrorKind::Cryptography, "Data is too short");
        let other = RusticError::new(ErrorKind::Internal, "something else");
        assert!(says_damaged(&lost) && says_damaged(&short) && !says_damaged(&other));
        let outer = RusticError::with_source(ErrorKind::Internal, "outer", short);
        assert!(says_damaged(&outer));
        assert_eq!(message(&outer), "outer");
    }

    #[test]
    fn housekeeping_has_no_phase() {
        for (title, expected) in [
            ("backing up...", Some("backing up")),
            ("", None),
            ("getting snapshots...", None),
            ("removing snapshots...", None),
        ] {
            assert_eq!(phase(title), expected, "{title}");
        }
    }
}

//! What is wrong with the receivers of notices and with the storages, among the warnings about job files.

use serde_json::{Value, json};

use crate::cli::notify::look::Found;

/// As a warning in the form of those about job files.
pub(super) fn print(found: &Found) {
    println!(
        "warning: the {} {}: {}",
        found.of.word(),
        found.name,
        found.message
    );
    println!("  --> {}", found.origin);
    println!("   = help: {}", found.help);
}

/// In the format that `docs/commands.md` describes.
pub(super) fn to_json(found: &Found) -> Value {
    json!({
        found.of.word(): found.name,
        "origin": found.origin,
        "message": found.message,
        "help": found.help,
    })
}

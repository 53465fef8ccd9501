//! What is wrong with the receivers of notices, among the warnings about job files.

use serde_json::{Value, json};

use crate::cli::notify::look::Found;

/// As a warning in the form of those about job files.
pub(super) fn print(found: &Found) {
    println!(
        "warning: the receiver {}: {}",
        found.receiver, found.message
    );
    println!("  --> {}", found.origin);
    println!("   = help: {}", found.help);
}

/// In the format that `docs/commands.md` describes.
pub(super) fn to_json(found: &Found) -> Value {
    json!({
        "receiver": found.receiver,
        "origin": found.origin,
        "message": found.message,
        "help": found.help,
    })
}

//! Questions at the terminal, each with an answer that a plain Enter gives.

use std::io::{self, IsTerminal};

use crate::cli::exit::{Exit, Failure};

/// Whether somebody can answer: standard input and standard error are terminals.
pub fn possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until `read` accepts the answer. `usual` is the answer of a plain Enter; an empty one must be accepted, too.
///
/// # Errors
/// When the input ends: nothing is done then.
pub fn ask<T>(
    question: &str,
    usual: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    loop {
        match usual {
            "" => eprint!("{question}: "),
            _ => eprint!("{question} [{usual}]: "),
        }
        let mut line = String::new();
        let count = io::stdin().read_line(&mut line).map_err(|error| {
            Failure::new(Exit::Internal, format!("cannot read the answer: {error}"))
        })?;
        if count == 0 {
            return Err(Failure::new(Exit::Usage, "no answer, so nothing was done"));
        }
        let answer = match line.trim() {
            "" => usual,
            answer => answer,
        };
        match read(answer) {
            Ok(value) => return Ok(value),
            Err(why) => eprintln!("{why}"),
        }
    }
}

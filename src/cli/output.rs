//! What the commands print. A terminal may go away and a disk may be full: that never ends a command in the middle of its
//! work, and never with a panic. The command ends with an error instead.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::OnceLock;

use super::exit::{Exit, Failure};

/// The first error at standard output.
static FAULT: OnceLock<io::Error> = OnceLock::new();

/// Writes to standard output. After the first error, nothing more is written.
pub(super) fn print(text: Arguments<'_>) {
    if FAULT.get().is_none()
        && let Err(error) = io::stdout().lock().write_fmt(text)
    {
        let _ = FAULT.set(error);
    }
}

/// Writes to standard error. An error there can be told to nobody.
pub(super) fn print_error(text: Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(text);
}

/// Writes what is left of the output. The failure of a command whose output nobody has got whole: `None` if it was
/// written, or if its reader has gone away by itself, as `head` does.
pub(super) fn end() -> Option<Failure> {
    if let Err(error) = io::stdout().lock().flush() {
        let _ = FAULT.set(error);
    }
    failure(FAULT.get()?)
}

/// The failure of a command that met this error at standard output. `None` if the reader has gone away by itself.
pub(super) fn failure(error: &io::Error) -> Option<Failure> {
    (error.kind() != io::ErrorKind::BrokenPipe).then(|| {
        Failure::new(
            Exit::CannotCreate,
            format!(
                "cannot write to standard output: {}",
                crate::os::reason(error)
            ),
        )
    })
}

/// [`std::println`] without its panic.
macro_rules! println {
    () => { $crate::cli::output::print(format_args!("\n")) };
    ($($part:tt)*) => { $crate::cli::output::print(format_args!("{}\n", format_args!($($part)*))) };
}

/// [`std::print`] without its panic.
macro_rules! print {
    ($($part:tt)*) => { $crate::cli::output::print(format_args!($($part)*)) };
}

/// [`std::eprintln`] without its panic.
macro_rules! eprintln {
    () => { $crate::cli::output::print_error(format_args!("\n")) };
    ($($part:tt)*) => {
        $crate::cli::output::print_error(format_args!("{}\n", format_args!($($part)*)))
    };
}

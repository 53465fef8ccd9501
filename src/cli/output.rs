//! What the commands print: all of it passes through this file, and through `container/output.rs` what is printed of a
//! repository, entry by entry.
//!
//! A terminal may go away and a disk may be full: that never ends a command in the middle of its work, and never with a
//! panic. The command ends with an error instead. What is printed may name files, hosts and commands, so it is made
//! harmless here, where no command can forget it.

use std::borrow::Cow;
use std::fmt::Arguments;
use std::io::{self, StdoutLock, Write};
use std::sync::OnceLock;

use serde_json::Value;

use crate::escape::{harmless, harmless_json, harmless_lines, harmless_log_line};

/// The first error at standard output.
static FAULT: OnceLock<io::Error> = OnceLock::new();

/// Standard output, which nobody else writes to until this is dropped. Every write fails if it was closed when the program
/// began.
pub(super) struct Stdout(StdoutLock<'static>);

/// Standard output. What is written to it must be harmless, or the content of a file.
pub(super) fn stdout() -> Stdout {
    Stdout(io::stdout().lock())
}

fn is_open() -> io::Result<()> {
    match crate::os::outputs::stdout_was_closed() {
        true => Err(io::Error::other("it is closed")),
        false => Ok(()),
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        is_open()?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Prints one line. A line end in what it names is shown as an escape, as all that a terminal would obey.
pub(super) fn line(text: Arguments<'_>) {
    write(format_args!("{}\n", harmless(&text.to_string())));
}

/// Prints text of several lines, whose line ends stay: the caller knows where they come from.
pub(super) fn lines(text: Arguments<'_>) {
    write(format_args!("{}", harmless_lines(&text.to_string())));
}

/// Prints a line in a colour of the terminal, which these sequences begin and end.
pub(super) fn coloured_line(begin: &str, text: &str, end: &str) {
    write(format_args!("{begin}{}{end}\n", harmless(text)));
}

/// Prints a line of a log. Its tabs stay: logs have the output of commands.
pub(super) fn log_line(line: &str) {
    write(format_args!("{}\n", harmless_log_line(line)));
}

/// Prints a JSON document on several lines.
pub(super) fn json(document: &Value) {
    self::document(&format!("{document:#}\n"));
}

/// Prints a JSON document that is already written, with its last line end.
pub(super) fn document(written: &str) {
    write(format_args!("{}", harmless_json(written)));
}

/// Writes a line that is harmless to standard output at once.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_now(line: &str) -> io::Result<()> {
    let mut out = stdout();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Prints one line to standard error.
pub(super) fn error_line(text: Arguments<'_>) {
    write_error(&format!("{}\n", harmless(&text.to_string())));
}

/// Prints text of several lines, or a part of one, to standard error.
pub(super) fn error_lines(text: Arguments<'_>) {
    write_error(&harmless_lines(&text.to_string()));
}

/// Prints the errors and warnings about a job file to standard error. They may have colours; `job/render.rs` has made the
/// text in them harmless.
pub(super) fn rendered(diagnostics: &str) {
    write_error(diagnostics);
}

/// Prints what the reader of the command line has to say: help, or an error, which repeats what was written there.
///
/// # Errors
/// When it cannot be written.
pub(super) fn command_line_error(error: &clap::Error) -> io::Result<()> {
    let plain = error.render().to_string();
    if !error.use_stderr() {
        is_open()?;
    }
    match harmless_lines(&plain) {
        // With the colours of a terminal.
        Cow::Borrowed(_) => error.print(),
        Cow::Owned(text) if error.use_stderr() => io::stderr().lock().write_all(text.as_bytes()),
        Cow::Owned(text) => io::stdout().lock().write_all(text.as_bytes()),
    }
}

/// Writes to standard output. After the first error, nothing more is written.
fn write(text: Arguments<'_>) {
    if FAULT.get().is_none()
        && let Err(error) = stdout().write_fmt(text)
    {
        let _ = FAULT.set(error);
    }
}

/// Writes to standard error. An error there can be told to nobody.
fn write_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes what is still in memory.
pub(super) fn flush() {
    if let Err(error) = io::stdout().lock().flush() {
        let _ = FAULT.set(error);
    }
}

/// Writes what is left of the output. The first error at standard output, if there was one.
pub(super) fn end() -> Option<&'static io::Error> {
    flush();
    FAULT.get()
}

/// Prints one line, as [`std::println`] does, without its panic; whatever it names, it stays one harmless line.
macro_rules! println {
    () => { $crate::cli::output::line(format_args!("")) };
    ($($part:tt)*) => { $crate::cli::output::line(format_args!($($part)*)) };
}

/// Prints text of several lines, as [`std::print`] does, without its panic.
macro_rules! print {
    ($($part:tt)*) => { $crate::cli::output::lines(format_args!($($part)*)) };
}

/// As `println`, to standard error.
macro_rules! eprintln {
    ($($part:tt)*) => { $crate::cli::output::error_line(format_args!($($part)*)) };
}

/// As `print`, to standard error.
macro_rules! eprint {
    ($($part:tt)*) => { $crate::cli::output::error_lines(format_args!($($part)*)) };
}

//! Asks for a new password on the terminal, twice, without showing it.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::cli::exit::{Exit, Failure};

/// The terminal of this process, which is there also when standard input is not.
const TERMINAL: &str = "/dev/tty";

/// The longest password that is read, in bytes.
const LONGEST: usize = 4096;

/// Asks for a password until two answers are equal.
pub fn new_password() -> Result<Zeroizing<String>, Failure> {
    let mut terminal = File::options()
        .read(true)
        .write(true)
        .open(TERMINAL)
        .map_err(|_| {
            Failure::new(
                Exit::Usage,
                "there is no terminal to ask for the new password: use --new-password-file",
            )
        })?;
    loop {
        let first = ask(&mut terminal, "New password: ")?;
        if first.is_empty() {
            say(&mut terminal, "The password must not be empty.\n")?;
            continue;
        }
        let second = ask(&mut terminal, "The same again: ")?;
        if first == second {
            return Ok(first);
        }
        say(&mut terminal, "These are two different passwords.\n")?;
    }
}

/// Gives the terminal its modes back.
struct Restored<'a> {
    terminal: &'a File,
    modes: Termios,
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.modes);
    }
}

/// One answer. The signal keys are read like other keys meanwhile: a signal would end this process with a terminal that
/// shows nothing.
fn ask(terminal: &mut File, question: &str) -> Result<Zeroizing<String>, Failure> {
    let handle = terminal.try_clone().map_err(|error| failed(&error))?;
    let modes = tcgetattr(&handle).map_err(|error| failed(&error.into()))?;
    let mut silent = modes.clone();
    silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    let restored = Restored {
        terminal: &handle,
        modes,
    };
    tcsetattr(&handle, OptionalActions::Flush, &silent).map_err(|error| failed(&error.into()))?;
    // Only now: what is typed before would be shown.
    let answer = say(terminal, question).map(|()| read_line(terminal));
    drop(restored);
    say(terminal, "\n")?;
    let answer = answer?.map_err(|error| failed(&error))?;
    let Some(answer) = answer else {
        return Err(Failure::new(Exit::Usage, "no password was given"));
    };
    match std::str::from_utf8(&answer) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Failure::new(Exit::Usage, "the password is not UTF-8 text")),
    }
}

/// The bytes up to the end of the line; `None` when the user gives up.
fn read_line(terminal: &mut File) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // With its full size from the start: a buffer that grows would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = [0; 1];
    loop {
        if terminal.read(&mut byte)? == 0 {
            return Ok(None);
        }
        match byte[0] {
            b'\n' | b'\r' => return Ok(Some(line)),
            // Control-C, control-D, control-\.
            0x03 | 0x04 | 0x1c => return Ok(None),
            // Backspace takes a whole character away.
            0x08 | 0x7f => while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {},
            // Control-U.
            0x15 => line.clear(),
            byte if line.len() < LONGEST => line.push(byte),
            _ => return Ok(None),
        }
    }
}

fn say(terminal: &mut File, text: &str) -> Result<(), Failure> {
    terminal
        .write_all(text.as_bytes())
        .map_err(|error| failed(&error))
}

fn failed(error: &io::Error) -> Failure {
    Failure::new(
        Exit::Internal,
        format!("cannot use the terminal: {}", crate::os::reason(error)),
    )
}

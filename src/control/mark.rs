//! The line with which an attempt begins in the log of its run. The lines up to the next mark belong to that attempt.

use std::fmt;

/// The position of an attempt in its run. Its text stands at the start of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The action, from 1.
    pub action: u32,
    /// The number of actions of the run.
    pub actions: u32,
    /// The attempt at the action, from 1.
    pub attempt: u32,
    /// The highest number of attempts at the action.
    pub attempts: u32,
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mark {
            action,
            actions,
            attempt,
            attempts,
        } = self;
        write!(
            formatter,
            "action {action} of {actions}, attempt {attempt} of {attempts}"
        )
    }
}

/// The name in the lines of the daemon itself. The lines of an agent have the name of its action instead.
pub const WRITER: &str = "freezerd";

impl Mark {
    /// Reads the mark from a line of a log: `2026-11-24T03:25:00.125Z freezerd: action 1 of 2, attempt 1 of 3: …`.
    /// `None` for every other line.
    pub fn read(line: &str) -> Option<Mark> {
        let (_stamp, rest) = line.split_once(' ')?;
        let rest = rest.strip_prefix(WRITER)?.strip_prefix(": action ")?;
        let (place, _what) = rest.split_once(": ")?;
        let (action, attempt) = place.split_once(", attempt ")?;
        let pair = |text: &str| {
            let (one, of) = text.split_once(" of ")?;
            Some((one.parse().ok()?, of.parse().ok()?))
        };
        let (action, actions) = pair(action)?;
        let (attempt, attempts) = pair(attempt)?;
        Some(Mark {
            action,
            actions,
            attempt,
            attempts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_only_from_the_daemons_own_lines() {
        let mark = Mark {
            action: 1,
            actions: 2,
            attempt: 3,
            attempts: 4,
        };
        let line = |who: &str| format!("2026-11-24T03:25:00.125Z {who}: {mark}: exec a: b");
        assert_eq!(Mark::read(&line("freezerd")), Some(mark));
        assert_eq!(Mark::read(&line("exec")), None);
        assert_eq!(Mark::read(&line("exec: freezerd")), None);
        assert_eq!(Mark::read("2026-11-24T03:25:00.125Z freezerd: exec"), None);
    }
}

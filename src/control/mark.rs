//! The line of a run's log at which an attempt begins: what stands between two of them is that attempt's.

use std::fmt;

/// Where in a run an attempt stands. Its text begins the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The action, from 1.
    pub action: u32,
    /// How many actions there are.
    pub actions: u32,
    /// The attempt at it, from 1.
    pub attempt: u32,
    /// How many there may be.
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

/// Who writes the marks. Nobody else writes under this name: an agent's lines carry its action's.
pub const WRITER: &str = "freezerd";

impl Mark {
    /// The mark in a line of a run's log: `2026-11-24T03:25:00.125Z freezerd: action 1 of 2, attempt 1 of 3: …`.
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

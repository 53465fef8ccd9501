//! What a command wrote at its end, for a run that failed: its exit code says little.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::control::mark::Mark;
use crate::job::JobResult;
use crate::job::kind::WorkKind;
use crate::record::{ActionRecord, ExitStatus, RunRecord, RunState};

/// How many lines are told.
const LINES: usize = 3;

/// How much of the end of a log is read, in bytes.
const TAIL: u64 = 64 * 1024;

/// The last lines that the command of the action wrote with which the run failed. Empty if it did not fail with a command,
/// or if its log cannot be read.
pub fn of(log: &Path, run: &RunRecord) -> Vec<String> {
    let has_failed = run.state == RunState::Ended && run.result == Some(JobResult::Fail);
    let is_failed = |action: &ActionRecord| action.exit_status == Some(ExitStatus::Fail);
    match run.actions.iter().position(is_failed) {
        Some(place) if has_failed && run.actions[place].kind == WorkKind::Exec.word() => {
            let tail = tail(log).unwrap_or_default();
            in_log(&tail, place as u32 + 1, run.reason.as_deref())
        }
        _ => Vec::new(),
    }
}

fn tail(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last lines of the output of this action, counted from 1, of its last attempt. The agent writes the reason of the
/// failure, which is told already.
fn in_log(log: &str, action: u32, reason: Option<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    // The beginning may be in the part of the log that was not read.
    let mut is_it = true;
    // The first line of an attempt is the agent's own: what it runs.
    let mut is_announced = true;
    for line in log.lines() {
        if let Some(mark) = Mark::read(line) {
            is_it = mark.action == action;
            if is_it {
                lines.clear();
                is_announced = false;
            }
        } else if is_it
            && let Some((_stamp, rest)) = line.split_once(' ')
            && let Some(text) = rest.strip_prefix("exec: ")
            && !text.trim().is_empty()
            && reason != Some(rest)
        {
            match is_announced {
                true => lines.push(text.to_owned()),
                false => is_announced = true,
            }
        }
    }
    lines.split_off(lines.len().saturating_sub(LINES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_the_last_attempt_at_the_action_count() {
        let log = "\
0 freezerd: action 1 of 2, attempt 1 of 2: exec dump
0 exec: running dump
0 exec: of the first attempt
0 freezerd: action 1 of 2, attempt 2 of 2: exec dump
0 exec: running dump
0 exec: a
0 exec: b
0 exec:  
0 exec: c
0 exec: cannot connect
0 exec: the command ended with exit code 1
0 freezerd: exec: the command ended with exit code 1
0 freezerd: action 2 of 2, attempt 1 of 1: exec notify
0 exec: running notify
0 exec: sent
";
        let reason = Some("exec: the command ended with exit code 1");
        assert_eq!(in_log(log, 1, reason), ["b", "c", "cannot connect"]);
        assert_eq!(in_log(log, 2, reason), ["sent"]);
        assert_eq!(in_log("", 1, reason), [""; 0]);
    }
}

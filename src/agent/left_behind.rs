//! The processes that a command has left running. They are children of this process, which adopts them.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, waitpid,
};

use super::report::log;
use super::termination::LONGEST_GRACE;
use crate::units;

/// How often a process that goes on is told again: a shell loses a signal that arrives while it starts a program.
const REMINDER: Duration = Duration::from_millis(500);

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The children that this process has before a command runs: the program that serves a storage, for example.
pub struct Before(HashSet<Pid>);

impl Before {
    /// Those of now.
    pub fn look() -> Before {
        Before(children().into_iter().collect())
    }
}

/// Tells the other children of this process to end, and what they have started, and kills what is left after the grace period.
pub fn end(before: &Before, grace: Duration) {
    let mut signal = Signal::TERM;
    let mut deadline = Instant::now() + grace.min(LONGEST_GRACE);
    let mut is_told = false;
    loop {
        let children = left(before);
        if children.is_empty() {
            return;
        }
        let processes = units::count(children.len() as u64, "process", "processes");
        if !is_told {
            is_told = true;
            log(&format!(
                "the command has left {processes} running, and the files go: telling what is left to end"
            ));
        }
        for child in &children {
            let _ = kill_process(*child, signal);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match (left.is_zero(), signal) {
            (false, _) => wait_for_one(&children, left.min(REMINDER)),
            (true, Signal::TERM) => {
                log(&format!("killing {processes} that did not end in time"));
                signal = Signal::KILL;
                deadline = Instant::now() + PATIENCE;
            }
            (true, _) => {
                log(&format!("warning: {processes} could not be killed"));
                return;
            }
        }
    }
}

/// The children that have come and have not ended. Takes note of those that have ended.
fn left(before: &Before) -> Vec<Pid> {
    let mut new = children();
    new.retain(|child| !before.0.contains(child) && !has_ended(*child));
    new
}

fn has_ended(child: Pid) -> bool {
    loop {
        match waitpid(Some(child), WaitOptions::NOHANG) {
            Ok(None) => return false,
            Err(Errno::INTR) => {}
            Ok(Some(_)) | Err(_) => return true,
        }
    }
}

/// The children of this process. No number is given to another process before somebody has waited for the child.
fn children() -> Vec<Pid> {
    let own = getpid();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pids = numbers.filter_map(Pid::from_raw);
    pids.filter(|pid| parent(*pid) == Some(own)).collect()
}

fn parent(process: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    // The name of the program may have blanks and parentheses. Behind it are the state and the parent.
    let (_, behind) = stat.rsplit_once(')')?;
    let parent = behind.split_whitespace().nth(1)?;
    Pid::from_raw(parent.parse().ok()?)
}

/// Waits until one of these processes has ended, and no longer than that.
fn wait_for_one(children: &[Pid], at_most: Duration) {
    let open = |child: &Pid| pidfd_open(*child, PidfdFlags::empty()).ok();
    let opened: Vec<_> = children.iter().filter_map(open).collect();
    let mut polled: Vec<_> = opened
        .iter()
        .map(|process| PollFd::new(process, PollFlags::IN))
        .collect();
    let at_most = Timespec::try_from(at_most).ok();
    let _ = poll(&mut polled, at_most.as_ref());
}

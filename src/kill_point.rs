//! Named places at which a test build can be killed: after every commit, and around every effect on the world.
//!
//! In a build without debug assertions, as every release is, [`reached`] is nothing. In one with them, the environment
//! says what happens:
//!
//! - `FREEZERD_KILL_TRACE=FILE`: every point that is passed is a line there, of the daemon's processes and of all its
//!   agents, in order: role, point, process.
//! - `FREEZERD_KILL_AT=POINT:N:WHOM`, with it: whoever passes the point as the `N`th of all kills the `daemon`, the
//!   `agent` (for a daemon: all that it has) or `both` with SIGKILL, and no `N`th one comes again.
//!
//! `tests/kill_points/` goes through all of them.

/// Where a process may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// A transaction is about to begin.
    CommitBegins,
    /// All is written into the transaction, and nothing is on disk.
    CommitWritten,
    /// It is on disk, and nobody was told.
    CommitDone,
    /// The daemon is about to start an agent whose row says `running`.
    SpawnBegins,
    /// The agent exists and was told nothing.
    Spawned,
    /// The agent has its request.
    RequestSent,
    /// The daemon has read the agent's outcome, and kept it nowhere.
    OutcomeHeard,
    /// The agent is gone; the loop has not been told.
    AgentGone,
    /// An agent was told to end.
    EndAsked,
    /// An event's answer is on disk, its file still there.
    AnswerBegins,
    /// An event's file is gone.
    Answered,
    /// A progress file is written under its hidden name.
    ProgressWritten,
    /// It has its name.
    ProgressShown,
    /// The progress of a run that ended is gone.
    ProgressCleared,
    /// Old rows are forgotten, and their logs are there.
    Forgotten,
    /// Their logs are gone, too.
    LogsRemoved,
    /// A file for monitoring is written under its hidden name.
    StatusWritten,
    /// It has its name.
    StatusShown,
    /// A notice is about to be told.
    TellBegins,
    /// It is in the run's log.
    LogWritten,
    /// It is in the daemon's log, too.
    Told,
    /// A line of an agent's is in the run's log.
    OutputLogged,
    /// What is no event has another name.
    EventRefused,
    /// A new ledger is whole, under a hidden name.
    LedgerWritten,
    /// It has its name.
    LedgerMade,
    /// A damaged ledger has another name, and there is no new one.
    LedgerSetAside,
    /// Values that cannot be read are kept in a file of their own, and still in the ledger.
    ValuesKept,
    /// The ledger's file is about to be made smaller.
    CompactionBegins,
    /// It is smaller.
    Compacted,
    /// The logs of a ledger that is to be replaced have another name.
    OldLogsKept,
    /// The ledger that is to be replaced has a second name.
    OldLedgerKept,
    /// An imported ledger has taken its place.
    Imported,
    /// The ledger is open and what it remembers is read.
    Recalled,
    /// Nothing of an earlier daemon's runs any more.
    OrphansKilled,
    /// The command line has written an event under its hidden name.
    EventWritten,
    /// The event has its name.
    EventSent,
    /// An agent has understood its request.
    RequestRead,
    /// An agent has its container.
    LockTaken,
    /// A new repository is complete.
    RepositoryMade,
    /// A snapshot is written, and not confirmed.
    SnapshotSaved,
    /// It is confirmed.
    SnapshotConfirmed,
    /// Snapshots are removed, and their data is not.
    SnapshotsForgotten,
    /// The data of removed snapshots is dealt with.
    Pruned,
    /// A restored tree stands.
    Restored,
    /// A command runs.
    CommandStarted,
    /// It has ended.
    CommandEnded,
    /// An agent's outcome is about to be sent.
    OutcomeBegins,
    /// It was sent.
    OutcomeSent,
}

impl Point {
    /// All of them.
    pub const ALL: [Point; 48] = [
        Point::CommitBegins,
        Point::CommitWritten,
        Point::CommitDone,
        Point::SpawnBegins,
        Point::Spawned,
        Point::RequestSent,
        Point::OutcomeHeard,
        Point::AgentGone,
        Point::EndAsked,
        Point::AnswerBegins,
        Point::Answered,
        Point::ProgressWritten,
        Point::ProgressShown,
        Point::ProgressCleared,
        Point::Forgotten,
        Point::LogsRemoved,
        Point::StatusWritten,
        Point::StatusShown,
        Point::TellBegins,
        Point::LogWritten,
        Point::Told,
        Point::OutputLogged,
        Point::EventRefused,
        Point::LedgerWritten,
        Point::LedgerMade,
        Point::LedgerSetAside,
        Point::ValuesKept,
        Point::CompactionBegins,
        Point::Compacted,
        Point::OldLogsKept,
        Point::OldLedgerKept,
        Point::Imported,
        Point::Recalled,
        Point::OrphansKilled,
        Point::EventWritten,
        Point::EventSent,
        Point::RequestRead,
        Point::LockTaken,
        Point::RepositoryMade,
        Point::SnapshotSaved,
        Point::SnapshotConfirmed,
        Point::SnapshotsForgotten,
        Point::Pruned,
        Point::Restored,
        Point::CommandStarted,
        Point::CommandEnded,
        Point::OutcomeBegins,
        Point::OutcomeSent,
    ];

    /// As in the environment and the trace: the variant's own name.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// The process is at this point. Nothing in a release build.
#[inline]
pub fn reached(point: Point) {
    #[cfg(debug_assertions)]
    armed::reached(point);
    #[cfg(not(debug_assertions))]
    let _ = point;
}

#[cfg(debug_assertions)]
mod armed {
    use std::fs::{self, File, OpenOptions};
    use std::io::{Read, Seek, Write};
    use std::sync::{Mutex, OnceLock, PoisonError};

    use rustix::fs::{FlockOperation, flock};
    use rustix::process::{Pid, Signal, getpid, getppid, kill_process};

    use super::Point;

    struct Plan {
        trace: Mutex<File>,
        role: &'static str,
        at: Option<At>,
    }

    struct At {
        point: String,
        count: usize,
        whom: String,
    }

    pub(super) fn reached(point: Point) {
        static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
        let Some(plan) = PLAN.get_or_init(Plan::from_environment) else {
            return;
        };
        let point = point.name();
        let passed = plan.note(&point).unwrap_or(0);
        if let Some(at) = &plan.at
            && at.point == point
            && at.count == passed
        {
            plan.kill(&at.whom);
        }
    }

    impl Plan {
        fn from_environment() -> Option<Plan> {
            let trace = std::env::var_os("FREEZERD_KILL_TRACE")?;
            let trace = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(trace)
                .ok()?;
            let role = match std::env::args().nth(1).as_deref() {
                Some("agent") => "agent",
                Some("run") => "daemon",
                _ => "command",
            };
            Some(Plan {
                trace: Mutex::new(trace),
                role,
                at: std::env::var("FREEZERD_KILL_AT")
                    .ok()
                    .and_then(|text| At::parse(&text)),
            })
        }

        /// Writes the point down; how often it was passed by now, by all processes together.
        fn note(&self, point: &str) -> std::io::Result<usize> {
            let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
            flock(&*trace, FlockOperation::LockExclusive)?;
            // In one piece: this process may be killed from elsewhere.
            let line = format!("{} {point} {}\n", self.role, std::process::id());
            trace.write_all(line.as_bytes())?;
            let mut text = String::new();
            trace.rewind()?;
            trace.read_to_string(&mut text)?;
            flock(&*trace, FlockOperation::Unlock)?;
            let passed = text
                .lines()
                .filter(|line| line.split(' ').nth(1) == Some(point));
            Ok(passed.count())
        }

        fn kill(&self, whom: &str) {
            let (mine, other) = match self.role {
                "agent" => ("agent", getppid().into_iter().collect()),
                _ => ("daemon", children()),
            };
            if whom != mine {
                for process in other {
                    // One that is gone is dead enough.
                    let _ = kill_process(process, Signal::KILL);
                }
            }
            if whom == mine || whom == "both" {
                let _ = kill_process(getpid(), Signal::KILL);
                loop {
                    std::thread::park();
                }
            }
        }
    }

    impl At {
        fn parse(text: &str) -> Option<At> {
            let mut parts = text.split(':');
            Some(At {
                point: parts.next()?.to_owned(),
                count: parts.next()?.parse().ok()?,
                whom: parts.next()?.to_owned(),
            })
        }
    }

    fn children() -> Vec<Pid> {
        let own = std::process::id().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // pid (name) state ppid …; a name may hold anything.
            let parent = stat
                .rsplit_once(") ")
                .and_then(|(_, rest)| rest.split(' ').nth(1));
            if parent == Some(own.as_str())
                && let Some(pid) = entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse().ok())
                && let Some(pid) = Pid::from_raw(pid)
            {
                found.push(pid);
            }
        }
        found
    }
}

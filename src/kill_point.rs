//! Kill points: named places at which a test build can be killed, after every commit and around every effect on the
//! world.
//!
//! Without debug assertions, as in every release, [`reached`] does nothing. With them, the environment says what happens:
//!
//! - `FREEZERD_KILL_TRACE=FILE`: each time that the daemon or one of its agents reaches a point, it appends a line with
//!   its role, the point, and its process id.
//! - `FREEZERD_KILL_AT=POINT:N:WHOM` (needs the trace): the process that reaches the point as the `N`th of all kills the
//!   `daemon`, the `agent` (a daemon kills all its agents) or `both` with SIGKILL. That happens once. With `stop` for
//!   WHOM, the process that reaches the point stops with SIGSTOP, and continues with SIGCONT.
//!
//! `tests/kill_points/` and `tests/engine_kills/` go through all points.

/// Where a process may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// A transaction is about to begin.
    CommitBegins,
    /// Everything is written into the transaction, and nothing is on disk.
    CommitWritten,
    /// The transaction is on disk, and no order has left.
    CommitDone,
    /// The daemon is about to start an agent whose row says `running`.
    SpawnBegins,
    /// The agent exists, and has no request.
    Spawned,
    /// The agent has its request.
    RequestSent,
    /// The daemon has read the agent's outcome, and has not kept it.
    OutcomeHeard,
    /// The agent is gone, and the loop does not know.
    AgentGone,
    /// An agent was told to end.
    EndAsked,
    /// The answer to an event is on disk, and the event's file still exists.
    AnswerBegins,
    /// The event's file is deleted.
    Answered,
    /// A progress file is written under its hidden name.
    ProgressWritten,
    /// The progress file has its name.
    ProgressShown,
    /// The progress file of a run that ended is deleted.
    ProgressCleared,
    /// Old rows are removed, and their logs still exist.
    Forgotten,
    /// The logs of the old rows are deleted, too.
    LogsRemoved,
    /// A file for monitoring is written under its hidden name.
    StatusWritten,
    /// The file for monitoring has its name.
    StatusShown,
    /// A notice is about to be reported.
    TellBegins,
    /// The notice is in the run's log.
    LogWritten,
    /// The notice is in the daemon's log, too.
    Told,
    /// A message is about to be sent to a receiver.
    SendBegins,
    /// The receiver has accepted the message, and the ledger does not say so.
    MessageSent,
    /// A line from an agent is in the run's log.
    OutputLogged,
    /// A file that is not an event is renamed.
    EventRefused,
    /// A new ledger is complete, under a hidden name.
    LedgerWritten,
    /// The new ledger has its name.
    LedgerMade,
    /// A damaged ledger is renamed, and there is no new one.
    LedgerSetAside,
    /// Values that cannot be read are kept in a file of their own, and are still in the ledger.
    ValuesKept,
    /// The ledger's file is about to be made smaller.
    CompactionBegins,
    /// The ledger's file is smaller.
    Compacted,
    /// The logs of a ledger that an import replaces are renamed.
    OldLogsKept,
    /// The ledger that an import replaces has a second name.
    OldLedgerKept,
    /// The imported ledger has replaced the old one.
    Imported,
    /// The ledger is open, and its content is read.
    Recalled,
    /// No process of an earlier daemon runs any more.
    OrphansKilled,
    /// The command line has written an event under its hidden name.
    EventWritten,
    /// The event has its name.
    EventSent,
    /// An agent has read its request.
    RequestRead,
    /// An agent has the lock of its container.
    LockTaken,
    /// A new repository is complete.
    RepositoryMade,
    /// A snapshot is written, and nobody is told.
    SnapshotSaved,
    /// Snapshots are removed, and their data is not.
    SnapshotsForgotten,
    /// The data of removed snapshots is removed as far as the rules say.
    Pruned,
    /// A tree is restored.
    Restored,
    /// A command runs.
    CommandStarted,
    /// The command has ended.
    CommandEnded,
    /// An agent's outcome is about to be sent.
    OutcomeBegins,
    /// The outcome was sent.
    OutcomeSent,
    /// A file of a repository is written under a temporary name, and synced.
    FileWritten,
    /// A key file is written.
    KeyWritten,
    /// A key file is removed.
    KeyRemoved,
    /// The config of a new repository is written: from now on, there is a repository.
    ConfigWritten,
    /// A lock file is written, and the locks of others were not looked at again.
    LockWritten,
    /// A lock file is removed.
    LockRemoved,
    /// A backup has written a pack, and no index names it.
    PackWritten,
    /// An index file is written: by a backup, or by a prune whose old index still exists.
    IndexWritten,
    /// Everything that a snapshot needs is durable, and the snapshot is not written.
    SnapshotBegins,
    /// A snapshot file is removed.
    SnapshotRemoved,
    /// A prune has written a pack with what is needed of others, and no index names it.
    PackCopied,
    /// An index file is removed, and others that the new index replaces may still exist.
    IndexRemoved,
    /// A pack that nothing refers to is removed.
    PackRemoved,
    /// A directory of a restore is made, and its metadata is not set.
    EntryMade,
    /// A restored file is complete under a temporary name.
    EntryWritten,
    /// The restored file has its name, or had it from the beginning.
    EntryNamed,
}

impl Point {
    /// The points of the engine: around every file that it writes or removes. `tests/engine_kills` kills there.
    pub const ENGINE: [Point; 16] = [
        Point::FileWritten,
        Point::KeyWritten,
        Point::KeyRemoved,
        Point::ConfigWritten,
        Point::LockWritten,
        Point::LockRemoved,
        Point::PackWritten,
        Point::IndexWritten,
        Point::SnapshotBegins,
        Point::SnapshotRemoved,
        Point::PackCopied,
        Point::IndexRemoved,
        Point::PackRemoved,
        Point::EntryMade,
        Point::EntryWritten,
        Point::EntryNamed,
    ];

    /// All other points. `tests/kill_points` kills there.
    pub const OTHERS: [Point; 49] = [
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
        Point::SendBegins,
        Point::MessageSent,
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
        Point::SnapshotsForgotten,
        Point::Pruned,
        Point::Restored,
        Point::CommandStarted,
        Point::CommandEnded,
        Point::OutcomeBegins,
        Point::OutcomeSent,
    ];

    /// The name in the environment and the trace: the variant's own.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// The process is at this point. Does nothing in a release build.
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
        let times = plan.note(&point).unwrap_or(0);
        if let Some(at) = &plan.at
            && at.point == point
            && at.count == times
        {
            match at.whom.as_str() {
                "stop" => drop(kill_process(getpid(), Signal::STOP)),
                whom => plan.kill(whom),
            }
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

        /// Writes the point into the trace. Returns how often all processes together have reached it.
        fn note(&self, point: &str) -> std::io::Result<usize> {
            let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
            flock(&*trace, FlockOperation::LockExclusive)?;
            // One write, since another process may kill this one at any time.
            let line = format!("{} {point} {}\n", self.role, std::process::id());
            trace.write_all(line.as_bytes())?;
            let mut text = String::new();
            trace.rewind()?;
            trace.read_to_string(&mut text)?;
            flock(&*trace, FlockOperation::Unlock)?;
            let lines = text
                .lines()
                .filter(|line| line.split(' ').nth(1) == Some(point));
            Ok(lines.count())
        }

        fn kill(&self, whom: &str) {
            let (mine, other) = match self.role {
                "agent" => ("agent", getppid().into_iter().collect()),
                _ => ("daemon", children()),
            };
            if whom != mine {
                for process in other {
                    // A process that is gone needs no signal.
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
            // pid (name) state ppid …; the name may contain anything.
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

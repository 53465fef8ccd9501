//! `freezerd unlock`: removes locks that nobody holds any more.

use serde_json::{Value, json};

use super::container::ContainerArgs;
use super::container::output::say;
use super::container::session::{self, Ended, print, print_json};
use super::exit::{Exit, Failure};
use crate::agent::inspect::locks::{self, ListedLock};
use crate::agent::inspect::{Lock, Session};
use crate::config::Settings;
use crate::escape::harmless;
use crate::repository::lock::FoundState;

/// Remove locks that nobody holds any more
///
/// Name a job, or a container with --container. The command removes stale locks: their process is gone, or nobody refreshed
/// them for half an hour. It lists the others and keeps them. Backups remove stale locks themselves, so this command is
/// rarely needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd unlock nightly\n\
                        Example: freezerd unlock --container /srv/backup --dry-run")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Remove every lock, also those of running processes; a prune beside a backup can then destroy the backup
    #[arg(long)]
    all: bool,
    /// List the locks, and remove none
    #[arg(long)]
    dry_run: bool,
    /// Print the locks as JSON
    #[arg(long)]
    pub json: bool,
}

/// A lock, and what was done with it.
struct Row {
    lock: ListedLock,
    removed: bool,
}

/// Runs `freezerd unlock`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let container = args.place.find_container(settings)?;
    session::run(settings, &container, Lock::None, |session| {
        unlock(args, session)
    })
}

fn unlock(args: &Args, session: &Session) -> Result<Exit, Ended> {
    let mut rows = Vec::new();
    for lock in locks::list(session)? {
        let removed = !args.dry_run && (args.all || lock.is_stale);
        if removed {
            if !lock.is_stale {
                say(&format!(
                    "warning: removing a lock that may be held: {}",
                    describe(&lock)
                ));
            }
            locks::remove(session, &lock)?;
        }
        rows.push(Row { lock, removed });
    }
    if args.json {
        let locks: Vec<Value> = rows.iter().map(to_json).collect();
        print_json(&json!({ "locks": locks }))?;
    } else if rows.is_empty() {
        print("No locks.")?;
    } else {
        for row in &rows {
            let done = match (row.removed, row.lock.is_stale) {
                (true, _) => "removed",
                (false, true) => "stale",
                (false, false) => "kept",
            };
            print(&format!("{done}: {}", describe(&row.lock)))?;
        }
    }
    Ok(Exit::Success)
}

/// Whose lock it is.
fn describe(lock: &ListedLock) -> String {
    let found = &lock.found;
    let id = format!("{:.8}", found.id);
    match &found.state {
        FoundState::Readable { lock, alive } => {
            let kind = if lock.exclusive {
                "exclusive"
            } else {
                "shared"
            };
            let state = match alive {
                Some(true) => ", which runs",
                Some(false) => ", which is gone",
                None => "",
            };
            harmless(&format!(
                "the {kind} lock {id} of process {} of {} on {}{state}, refreshed {}",
                lock.pid, lock.username, lock.hostname, lock.time
            ))
        }
        FoundState::Empty => format!("the lock {id}, which is empty"),
        FoundState::Unreadable(_) => format!("the lock {id}, which cannot be read"),
    }
}

fn to_json(row: &Row) -> Value {
    let found = &row.lock.found;
    let mut object = json!({
        "id": found.id,
        "stale": row.lock.is_stale,
        "removed": row.removed,
    });
    if let FoundState::Readable { lock, alive } = &found.state {
        object["exclusive"] = lock.exclusive.into();
        object["host"] = lock.hostname.as_str().into();
        object["user"] = lock.username.as_str().into();
        object["pid"] = lock.pid.into();
        object["time"] = lock.time.to_string().into();
        object["process_runs"] = json!(alive);
    }
    object
}

//! The agent: performs one action in a process of its own, which can be ended, slowed down and lost without harm to the
//! daemon.
//!
//! It is started as `freezerd agent`, reads one [`Task`] from standard input and writes [`Report`]s to standard output.
//! The last of them is an [`Outcome`], or the end of a list. Its log goes to standard error. It exits with
//!
//! - 0 when it sent the last report, whatever that says,
//! - [`ENDED`] (143) when it was told to end (SIGTERM) or its daemon is gone,
//! - [`PANICKED`] (101) when the engine panicked, after a [`Report::Panicked`],
//! - 2 when the request could not be understood.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;

use crate::job::action::{Access, Container, Work};
use crate::kill_point::{self, Point};
use crate::os;
use crate::protocol::{Outcome, Report, Request, Task};
use crate::secret::password::{self, PassFileError};

mod admin;
pub mod advice;
mod archived;
mod backup;
mod check;
mod choice;
mod connection_fault;
mod copy;
mod drill;
pub mod earlier_hosts;
mod error;
mod error_kind;
mod error_sentence;
mod exec;
pub mod exec_environment;
mod expected;
pub mod guard;
mod held;
mod info;
pub mod inspect;
mod left_behind;
mod left_out_rules;
mod level;
mod lineage;
mod list;
mod lock;
mod outcome;
mod panic_hook;
pub mod pass_pipe;
mod place;
mod prune_warnings;
pub mod reach;
mod reclaim;
mod report;
mod repository;
mod restore;
mod restore_progress;
pub mod retention;
mod slot;
pub mod snapshot;
mod termination;
mod traffic;
mod wanted;

pub use admin::prune_options;
pub use backup::{LeftOutList, LeftOutPath, LeftOutReason, left_out};
pub use check::{repair_command, share_of};
pub use error::ActionError;
pub use panic_hook::PANICKED;
pub use prune_warnings::prune_warnings;
pub use termination::ENDED;

use lock::Lock;
use reach::Reach;
use report::{Reporter, log};
use repository::Opened;
use slot::Slot;
use snapshot::{Filter, Snapshot};
use termination::Termination;

/// What every kind of action needs.
struct Context {
    request: Request,
    reporter: Arc<Reporter>,
    termination: Arc<Termination>,
    slot: Arc<Slot>,
    /// How its container is reached.
    reach: Reach,
}

/// Performs the action that standard input asks for. The whole of `freezerd agent`.
pub fn main() -> ExitCode {
    // The daemon starts it through a link, so the list of processes would show "exe". A failure does no harm.
    let _ = rustix::thread::set_name(c"freezerd-agent");
    let task = match read_task() {
        Ok(task) => task,
        Err(reason) => {
            log(&reason);
            return ExitCode::from(2);
        }
    };
    kill_point::reached(Point::RequestRead);
    let reporter = Arc::new(Reporter::new());
    panic_hook::install(Arc::clone(&reporter));
    let slot = Arc::new(Slot::new(Arc::clone(&reporter)));
    let termination = match Termination::start(Arc::clone(&slot)) {
        Ok(termination) => termination,
        Err(error) => {
            log(&format!(
                "the agent cannot be set up: {}",
                os::reason(&error)
            ));
            return ExitCode::from(2);
        }
    };
    let request = match task {
        Task::Perform(request) => *request,
        Task::List(request) => {
            list::run(&request, &reporter);
            return ExitCode::SUCCESS;
        }
    };
    // What a person asks for directly has the priority of the command.
    if request.run > 0 {
        set_priority(request.action.max_priority);
    }
    let cache = match &request.action.work {
        // A check is about what the server has.
        Work::Check(_) => None,
        _ => request.cache.as_ref(),
    };
    let mut reach = Reach::of_request(&request, &reporter).with_cache(cache);
    if let Some(limit) = request.network_wait {
        reach = reach.waiting_for_network(limit, &reporter, &slot);
    }
    let context = Context {
        request,
        reporter,
        termination,
        slot,
        reach,
    };
    let outcome = perform(&context).unwrap_or_else(|error| outcome::failed(&error));
    let outcome = outcome::harmless(outcome);
    // A person who asks directly gets the outcome from the command.
    if let Some(reason) = outcome.reason.as_ref().filter(|_| context.request.run > 0) {
        log(reason);
    }
    context.reporter.send_last_progress();
    kill_point::reached(Point::OutcomeBegins);
    context.reporter.send(&Report::Outcome(outcome));
    kill_point::reached(Point::OutcomeSent);
    ExitCode::SUCCESS
}

fn read_task() -> Result<Task, String> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) => Err("there is no request: the daemon starts its agents itself".to_owned()),
        // The log does not show the request: it may hold a secret.
        Ok(_) => serde_json::from_str(&line).map_err(|error| {
            format!(
                "the request cannot be understood (near column {})",
                error.column()
            )
        }),
        Err(error) => Err(format!(
            "the request cannot be read: {}",
            os::reason(&error)
        )),
    }
}

fn perform(context: &Context) -> Result<Outcome, ActionError> {
    match &context.request.action.work {
        Work::Backup(work) => backup::run(context, work),
        Work::Restore(work) => restore::run(context, work),
        Work::Admin(work) => admin::run(context, work),
        Work::Info(work) => info::run(context, work),
        Work::Exec(work) => exec::run(context, work),
        Work::Check(work) => check::run(context, work),
        Work::Copy(work) => copy::run(context, work),
        Work::Drill(work) => drill::run(context, work),
    }
}

/// Lowers the priority, or raises it where the job asks for that. A refusal is logged, and is not an error.
fn set_priority(raise: bool) {
    let (nice, io_level, oom_score) = if raise { (-10, 0, 0) } else { (10, 7, 200) };
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        log(&format!(
            "the priority stays as it is: {}",
            os::reason(&error.into())
        ));
    }
    if let Err(error) = os::set_io_priority(io_level) {
        log(&format!(
            "the I/O priority stays as it is: {}",
            os::reason(&error)
        ));
    }
    if let Err(error) = raise_oom_score(oom_score) {
        log(&format!(
            "what the kernel kills first when memory runs out stays as it is: {}",
            os::reason(&error)
        ));
    }
}

/// When the host's memory runs out, the kernel should kill a backup before the services of the host and before the
/// daemon, whose protection an agent inherits. The score is in thousandths of the memory (proc(5), `oom_score_adj`). It
/// is only raised, which needs no privilege.
fn raise_oom_score(to: i32) -> std::io::Result<()> {
    const SCORE: &str = "/proc/self/oom_score_adj";
    let now = std::fs::read_to_string(SCORE)?;
    if now.trim().parse().is_ok_and(|now: i32| now < to) {
        std::fs::write(SCORE, to.to_string())?;
    }
    Ok(())
}

/// Opens a container that has a repository, and locks it.
fn open(
    context: &Context,
    container: &Container,
    access: Access,
) -> Result<(Opened, Lock), ActionError> {
    open_through(&context.reach, context, container, access)
}

/// As [`open`], on this way.
fn open_through(
    reach: &Reach,
    context: &Context,
    container: &Container,
    access: Access,
) -> Result<(Opened, Lock), ActionError> {
    let password = password::read(container, &log)?;
    let existing = place::look_to_open(container, reach, &password)?.repository()?;
    let opened = Opened::open(existing, &password)?;
    let lock = Lock::take(&opened, access, &context.reporter)?;
    Ok((opened, lock))
}

/// Checks that a container's password can be read. Without a pass file it is empty, which is not an error.
///
/// # Errors
/// When the pass file cannot be read, or cannot hold a password.
pub fn check_password(container: &Container) -> Result<(), PassFileError> {
    password::read(container, &|_| ()).map(drop)
}

/// The snapshots of a container that the filter lets through, oldest first. Takes no lock and changes nothing.
///
/// # Errors
/// When there is no repository, and when it cannot be opened or read.
pub fn list_snapshots(
    container: &Container,
    filter: &Filter,
) -> Result<Vec<Snapshot>, ActionError> {
    let password = password::read(container, &|_| ())?;
    let existing = place::look_to_open(container, &Reach::default(), &password)?.repository()?;
    let opened = Opened::open(existing, &password)?;
    let found = opened.snapshots(filter)?;
    Ok(found.into_iter().map(|(snapshot, ..)| snapshot).collect())
}

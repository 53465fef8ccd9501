//! `freezerd repair`: makes the best of a damaged container.

use super::container::ContainerArgs;
use super::container::output::say;
use super::container::rate::TransferLimits;
use super::container::session::{self, Ended, print, print_json};
use super::container::steps::Steps;
use super::exit::{Exit, Failure};
use crate::agent::inspect::repair::{Request, Result as Repair, repair};
use crate::agent::inspect::{Lock, Session};
use crate::config::Settings;

mod json;
mod text;

/// Repair a damaged container as far as possible
///
/// Name a job, or a container with --container. The command checks the container, makes the index agree with the packs of
/// data, and saves what can be read of damaged packs. It then says what is lost in which snapshot. It removes nothing but
/// old index files, unless --forget is given. Make a copy of the container first, if its disk can still be read. Afterwards,
/// run the backups: they store again what the files of their hosts still have, which repairs the earlier snapshots, too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd repair nightly --dry-run\n\
                        Example: freezerd repair --container /srv/backup --read-data --snapshots")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Read all data to find what is damaged, not only the structure and the sizes of packs
    #[arg(long)]
    read_data: bool,
    /// Write each snapshot that has lost something anew, without what is lost; the new one has the tags `partial` and
    /// `repaired`
    #[arg(long)]
    snapshots: bool,
    /// Like --snapshots, and remove the snapshots that were written anew, or of which nothing is left, and the snapshot
    /// files that cannot be read
    #[arg(long)]
    forget: bool,
    #[command(flatten)]
    limits: TransferLimits,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was found and done as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd repair`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let container = args.place.find_container(settings)?;
    let lock = match args.dry_run {
        true => Lock::Shared,
        false => Lock::Exclusive,
    };
    // What the server has is repaired, so nothing comes from the cache.
    session::run_within(&container, &args.limits.reach(settings), lock, |session| {
        work(args, session)
    })
}

fn work(args: &Args, session: &Session) -> std::result::Result<Exit, Ended> {
    let steps = Steps::new();
    let request = Request {
        read_data: args.read_data,
        snapshots: args.snapshots || args.forget,
        forget: args.forget,
        dry_run: args.dry_run,
    };
    let done = repair(session, request, &steps);
    drop(steps);
    let done: Repair = done?;
    if args.json {
        print_json(&json::of(&done, &request))?;
    } else {
        for line in text::lines(&done, &request) {
            print(&line)?;
        }
    }
    match done.is_whole() {
        true => Ok(Exit::Success),
        false => {
            say(&text::advice(&done, &request, &args.place.as_typed()));
            Ok(Exit::RunPartial)
        }
    }
}

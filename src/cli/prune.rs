//! `freezerd prune`: removes from a container what no snapshot needs.

use std::time::Duration;

use serde_json::{Value, json};

use super::container::ContainerArgs;
use super::container::output::say;
use super::container::rate::TransferLimits;
use super::container::session::{self, Ended, print, print_json};
use super::container::steps::Steps;
use super::exit::{Exit, Failure};
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::agent::{prune_options, prune_warnings};
use crate::config::Settings;
use crate::job::share::MaxUnused;
use crate::repository::prune::plan::{Options, Summary};
use crate::repository::prune::{self, Orders, Pruned};
use crate::units;

/// Remove from a container what no snapshot needs
///
/// Name a job, or a container with --container. An action `admin`, and a backup with remove_older_than, prune too, so this
/// command is rarely needed: after `restic forget`, or to free what they leave. The command shows its plan, then carries it
/// out. It can be interrupted at any time: the next prune finishes the work. If a snapshot, an index file or a directory
/// cannot be read, nothing is removed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd prune nightly --dry-run\n\
                        Example: freezerd prune --container /srv/backup --max-unused 0 --max-repack 20GB")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Leave at most this much that nothing needs: a share such as 5%, a size such as 2GB, or `unlimited`
    #[arg(long, value_name = "AMOUNT", default_value = "5%")]
    max_unused: String,
    /// Copy packs of at most this size in one run; without it there is no limit
    #[arg(long, value_name = "SIZE")]
    max_repack: Option<String>,
    #[command(flatten)]
    limits: TransferLimits,
    /// Show the plan, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the plan, and what was done, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd prune`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let usage = |option: &str, text: &str, expected: &str| {
        Failure::new(Exit::Usage, format!("{option} {text}: expected {expected}"))
    };
    let unused = MaxUnused::parse(&args.max_unused)
        .ok_or_else(|| usage("--max-unused", &args.max_unused, MaxUnused::EXPECTED))?;
    let repack = match &args.max_repack {
        None => None,
        Some(text) => Some(
            units::parse_bytes(text)
                .ok_or_else(|| usage("--max-repack", text, "a size such as 20GB"))?,
        ),
    };
    let options = prune_options(Some(unused), repack);
    let container = args.place.find_container(settings)?;
    let lock = match args.dry_run {
        true => Lock::Shared,
        false => Lock::Exclusive,
    };
    let reach = args
        .limits
        .reach(settings)
        .with_cache(settings.cache().as_ref());
    session::run_within(&container, &reach, lock, |session| {
        prune(args, session, &options)
    })
}

fn prune(args: &Args, session: &Session, options: &Options) -> Result<Exit, Ended> {
    let repository = &session.repository;
    let steps = Steps::new();
    let tell_plan = |planned: &Pruned| {
        if !args.json {
            for line in plan(&planned.summary) {
                say(&line);
            }
        }
    };
    let pruned = match args.dry_run {
        true => {
            let planned = prune::rehearse(repository, options, &Default::default(), &steps);
            planned.inspect(tell_plan)
        }
        false => {
            let orders = Orders {
                forget: &[],
                planned: &tell_plan,
                sweep_age: Duration::ZERO,
                confirm: &|| session.confirm(),
            };
            prune::forget_and_prune(repository, options, &orders, &steps)
        }
    };
    drop(steps);
    let pruned = pruned.map_err(SessionError::from)?;
    let warnings = prune_warnings(&pruned);
    if args.json {
        print_json(&to_json(args.dry_run, &pruned))?;
    } else {
        print(&result(args.dry_run, pruned.freed))?;
    }
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    match warnings.is_empty() {
        true => Ok(Exit::Success),
        false => Ok(Exit::RunPartial),
    }
}

/// The plan, line by line.
fn plan(summary: &Summary) -> Vec<String> {
    let packs = |count| units::count(count, "pack", "packs");
    let (all, used) = (
        units::bytes(summary.bytes),
        units::bytes(summary.used_bytes),
    );
    let unused = units::bytes(summary.unused_bytes);
    vec![
        format!(
            "{} ({all}): {used} in use, {unused} not in use",
            packs(summary.packs)
        ),
        format!(
            "to remove: {}, and {} that no index names",
            packs(summary.packs_removed),
            packs(summary.packs_unindexed)
        ),
        format!(
            "to copy: {} of {}, which are then removed",
            units::bytes(summary.bytes_repacked),
            packs(summary.packs_repacked)
        ),
        format!(
            "to keep: {}, with {} that nothing needs",
            packs(summary.packs_kept),
            units::bytes(summary.unused_bytes_left)
        ),
    ]
}

fn result(dry_run: bool, freed: u64) -> String {
    let freed = units::bytes(freed);
    match dry_run {
        true => format!("Would free {freed}."),
        false => format!("Freed {freed}."),
    }
}

fn to_json(dry_run: bool, pruned: &Pruned) -> Value {
    let summary = &pruned.summary;
    json!({
        "dry_run": dry_run,
        "plan": {
            "packs": summary.packs,
            "bytes": summary.bytes,
            "used_bytes": summary.used_bytes,
            "unused_bytes": summary.unused_bytes,
            "packs_kept": summary.packs_kept,
            "packs_copied": summary.packs_repacked,
            "bytes_copied": summary.bytes_repacked,
            "packs_removed": summary.packs_removed,
            "packs_not_indexed": summary.packs_unindexed,
            "bytes_freed": summary.bytes_freed,
            "unused_bytes_left": summary.unused_bytes_left,
        },
        "bytes_freed": pruned.freed,
        "damaged_packs": pruned.damaged,
        "not_files": pruned.not_files.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "missing_blobs": pruned.missing.len(),
        "unreadable_blobs": pruned.unreadable.len(),
        "no_space": pruned.no_space,
        "interrupted_writes_removed": pruned.swept,
    })
}

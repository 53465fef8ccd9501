//! `freezerd drill`: restores a snapshot for trial, by hand.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::container::rate::DownloadLimit;
use super::container::target::first_of_each;
use super::container::{ContainerArgs, only, snapshot};
use super::exit::{Exit, Failure};
use super::{by_hand, output};
use crate::config::Settings;
use crate::job::action::{Command, Drill, Lineage, Work};
use crate::protocol::{Outcome, Verdict};
use crate::units;

/// Restore a snapshot into scratch space, compare it, and remove it again
///
/// Name a job, or a container with --container. The command takes the newest snapshot with the job's host, backup name and
/// paths. It makes a directory of its own below --scratch, restores all files or a sample into it, and compares content and
/// metadata with the snapshot, and content also with the files of this host that have not changed since the backup. With
/// --command, it then runs a command there. It reports how long the restore took. It needs no daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd drill nightly --sample-files 200\n\
                  Example: freezerd drill nightly --scratch /srv/scratch --command 'test -s srv/www/index.html'\n\
                  Example: freezerd drill --container /srv/backup --backup-name www --sample-bytes 2GiB")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Restore the snapshot whose id is ID or begins with ID; `latest`, the default, is the newest one
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// Make the directory for the drill below this one; default: $TMPDIR, or /var/tmp
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Restore only N files, chosen at random
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    sample_files: Option<u64>,
    /// Restore only so many bytes of files, chosen at random, such as 500M or 2GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    sample_bytes: Option<u64>,
    /// Do not compare with the files of this host
    #[arg(long)]
    no_source: bool,
    /// Run this command with /bin/sh in the directory with the restored files
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    #[command(flatten)]
    limit: DownloadLimit,
    /// Say what would be restored, and restore nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<u64, String> {
    units::parse_bytes(text)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "it is not a size such as 500M or 2GiB".to_owned())
}

/// Runs `freezerd drill`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let snapshot = args
        .snapshot
        .clone()
        .filter(|beginning| *beginning != snapshot::LATEST);
    let scratch = args.scratch.as_deref().map(std::path::absolute).transpose();
    let scratch =
        scratch.map_err(|error| Failure::new(Exit::Usage, format!("--scratch: {error}")))?;
    let found = args.place.find_all(settings)?;
    let mut chosen = only(first_of_each(found, snapshot.as_deref()), "")?;
    if snapshot.is_some() {
        // The id says which one it is.
        chosen.paths.clear();
    }
    let backup_name = match (&chosen.backup_name, &snapshot) {
        (Some(name), _) => name.clone(),
        (None, Some(_)) => String::new(),
        (None, None) => {
            let place = args.place.as_typed();
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "nobody knows of which backup the newest snapshot is meant: name the backup with --backup-name, or a \
                     snapshot by its id with --snapshot ID; `freezerd snapshots {place}` lists them"
                ),
            ));
        }
    };
    let host = chosen.host.clone();
    let drill = Drill {
        container: chosen.container.clone(),
        lineage: Lineage {
            host: host.unwrap_or_else(|| settings.job_host().host_name),
            backup_name,
        },
        paths: chosen.paths.clone(),
        snapshot,
        scratch,
        sample_files: args.sample_files,
        sample_bytes: args.sample_bytes,
        compare_source: !args.no_source,
        command: args.command.clone().map(Command::Shell),
    };
    let work = Work::Drill(drill);
    let request = by_hand::request(settings, work, args.dry_run, args.limit.bandwidth());
    let outcome = by_hand::perform(request, "drill")?;
    let exit = by_hand::exit_of(&outcome);
    if args.json {
        let mut document = json!(outcome);
        if let Value::Object(fields) = &mut document {
            fields.insert("dry_run".to_owned(), json!(args.dry_run));
            fields.insert("container".to_owned(), json!(chosen.container.location));
        }
        output::json(&document);
        if exit != Exit::Success {
            eprintln!("freezerd: {}", reason(&outcome));
        }
        return Ok(exit);
    }
    print(&outcome, args.dry_run);
    match exit {
        Exit::Success => Ok(exit),
        _ => Err(Failure::new(exit, reason(&outcome))),
    }
}

fn reason(outcome: &Outcome) -> String {
    let reason = outcome.reason.clone();
    reason.unwrap_or_else(|| "the drill failed".to_owned())
}

fn print(outcome: &Outcome, dry_run: bool) {
    match (outcome.verdict, dry_run) {
        (Verdict::Success, true) => {
            println!("Would restore: {}. Nothing was restored.", outcome.summary);
        }
        (Verdict::Success, false) => println!("The drill succeeded: {}", outcome.summary),
        _ if outcome.summary.drill.is_some() => println!("The drill failed: {}", outcome.summary),
        _ => {}
    }
    for problem in &outcome.problems {
        println!("  {}: {}", problem.path, problem.reason);
    }
    let rest = outcome
        .problems_total
        .saturating_sub(outcome.problems.len() as u64);
    if rest > 0 {
        println!("  … and {rest} more");
    }
}

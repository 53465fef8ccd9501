//! `freezerd restore`: restores a snapshot to a directory by hand.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::container::rate::DownloadLimit;
use super::container::target::first_of_each;
use super::container::{ChosenContainer, ContainerArgs, only, snapshot, snapshot_path};
use super::exit::{Exit, Failure};
use super::{by_hand, output};
use crate::config::Settings;
use crate::job::action::{Lineage, Restore, Work};
use crate::protocol::{Outcome, Verdict};
use crate::source::patterns::Patterns;

/// Restore a snapshot, or a part of one, to a directory
///
/// Name a job, or a container with --container. The command restores the newest snapshot with the job's host, backup
/// name and paths, unless --at or --snapshot chooses another one. It needs no daemon. It waits while a prune of the same
/// container runs. Of several targets, it takes the first that answers and has a snapshot. With a job and --container it
/// takes that container: a target, the container of a copy, or a place to which the container was moved.
///
/// What was in the directory that was backed up goes directly into DIR. A single file gets its own name in DIR. If
/// several paths were backed up together, their full paths are below DIR: DIR/etc, DIR/srv/www. To restore in place, name
/// the directory that was backed up, or / for several paths.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd restore nightly --to /tmp/nightly\n\
                  Example: freezerd restore nightly --to /etc --path /etc/fstab --overwrite\n\
                  Example: freezerd restore nightly --to /tmp/conf --include '*.conf' --exclude /archive\n\
                  Example: freezerd restore nightly --storage offsite --container www --to /tmp/nightly\n\
                  Example: freezerd restore --container /srv/backup --backup-name www --to /tmp/www --at 2026-11-01")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Restore to this directory; the command creates it if it does not exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Restore the snapshot whose id is ID or begins with ID; `latest`, the default, is the newest one
    #[arg(long, value_name = "ID", conflicts_with = "sources")]
    snapshot: Option<String>,
    /// Restore the newest snapshot that is not later than TIME, such as 2026-11-01 or 2026-11-01T03:25:00+01:00
    #[arg(long, value_name = "TIME", conflicts_with = "snapshot")]
    at: Option<String>,
    /// Restore only this file or directory: the absolute path that was backed up. A file becomes DIR/NAME; what is in a
    /// directory goes directly into DIR
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Restore only what matches this pattern, as in .gitignore files; can be repeated. A pattern that begins with a
    /// slash begins at the directory whose content goes into DIR, or is the full path that was backed up
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Do not restore what matches this pattern; can be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Restore all backups of the job, each to a directory of its own: DIR/1-NAME, DIR/2-NAME, with the numbers of the
    /// actions and their backup names
    #[arg(long, conflicts_with_all = ["snapshot", "path", "action", "sources"])]
    all: bool,
    /// Replace files that differ from the snapshot; files that are not in the snapshot stay
    #[arg(long)]
    overwrite: bool,
    /// Delete what is not in the snapshot, except for what the backup left out; try it with --dry-run first
    #[arg(long)]
    delete_extra: bool,
    /// Restore owners by number; otherwise a user or group whose name exists here gets its number here
    #[arg(long)]
    numeric_owner: bool,
    /// Read every restored file again and compare it with the snapshot
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    limit: DownloadLimit,
    /// Print what the restore would do, without changing anything
    #[arg(long)]
    dry_run: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// The beginning of an id. `None`: the newest snapshot is meant.
    fn snapshot_id(&self) -> Option<&str> {
        self.snapshot
            .as_deref()
            .filter(|beginning| *beginning != snapshot::LATEST)
    }
}

/// One restore of the command.
struct Planned {
    chosen: ChosenContainer,
    target: PathBuf,
}

/// Runs `freezerd restore`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let target = std::path::absolute(&args.to)
        .map_err(|error| Failure::new(Exit::Usage, format!("--to: {error}")))?;
    let part = args
        .path
        .as_deref()
        .map(|path| snapshot_path("--path", path))
        .transpose()?;
    let not_later_than = args
        .at
        .as_deref()
        .map(|text| snapshot::time(settings, "--at", text))
        .transpose()?;
    if args.all && !args.place.has_job() {
        let message = "--all restores all backups of a job, and no job is named";
        return Err(Failure::new(Exit::Usage, message));
    }
    refuse_bad_patterns("--include", &args.include)?;
    refuse_bad_patterns("--exclude", &args.exclude)?;
    let found = args.place.find_all(settings)?;
    let found = first_of_each(found, args.snapshot_id());
    let planned: Vec<Planned> = if args.all {
        let each = found.into_iter().map(|chosen| Planned {
            target: target.join(own_directory(&chosen)),
            chosen,
        });
        each.collect()
    } else {
        let mut chosen = choose(found, args, part.as_deref())?;
        if args.snapshot_id().is_some() {
            // The id says which one it is.
            chosen.paths.clear();
        } else if chosen.backup_name.is_none() {
            snapshot::name_the_only_backup(settings, &mut chosen, not_later_than)?;
        }
        vec![Planned { chosen, target }]
    };
    let mut exits = Vec::new();
    let mut documents = Vec::new();
    for planned in planned {
        let restore = Restore {
            container: planned.chosen.container.clone(),
            lineage: lineage(&planned.chosen, settings),
            paths: planned.chosen.paths.clone(),
            target: planned.target.clone(),
            not_later_than,
            snapshot: args.snapshot_id().map(str::to_owned),
            part: part.clone(),
            include: args.include.clone(),
            exclude: args.exclude.clone(),
            overwrite: args.overwrite,
            delete_extra: args.delete_extra,
            numeric_owner: args.numeric_owner,
            verify: args.verify,
        };
        let started = std::time::Instant::now();
        let work = Work::Restore(restore);
        let request = by_hand::request(settings, work, args.dry_run, args.limit.bandwidth());
        let outcome = by_hand::perform(request, "restore")?;
        let took = crate::units::duration(started.elapsed());
        if args.json {
            documents.push(document(&outcome, &planned, args));
        } else {
            print(&outcome, &planned, args, &took);
        }
        exits.push((by_hand::exit_of(&outcome), outcome.reason));
    }
    if args.json {
        match (args.all, documents.pop()) {
            (false, Some(document)) => output::json(&document),
            (_, last) => {
                documents.extend(last);
                output::json(&json!({"restores": documents}));
            }
        }
    }
    end(exits, args)
}

fn refuse_bad_patterns(option: &str, patterns: &[String]) -> Result<(), Failure> {
    let (_, faults) = Patterns::new(Path::new("/"), patterns);
    match faults.first() {
        None => Ok(()),
        Some((place, fault)) => {
            let pattern = patterns.get(*place).map_or("", String::as_str);
            let message = format!("{option} {pattern}: the pattern cannot be used: {fault}");
            Err(Failure::new(Exit::Usage, message))
        }
    }
}

/// The exit code of the worst restore. Its reason is told last.
fn end(exits: Vec<(Exit, Option<String>)>, args: &Args) -> Result<Exit, Failure> {
    let has = |exit| exits.iter().any(|(it, _)| *it == exit);
    let worst = [
        Exit::RunFailed,
        Exit::NotPermitted,
        Exit::NotFound,
        Exit::RunPartial,
    ];
    let worst = worst.into_iter().find(|exit| has(*exit));
    let exit = match worst {
        None => return Ok(Exit::Success),
        Some(Exit::RunPartial) => return Ok(Exit::RunPartial),
        Some(exit) => exit,
    };
    let failed = exits
        .into_iter()
        .filter(|(exit, _)| !matches!(exit, Exit::Success | Exit::RunPartial));
    let reasons = failed.map(|(_, reason)| reason.unwrap_or("the restore failed".to_owned()));
    let reason = reasons.collect::<Vec<_>>().join("; ");
    if args.json {
        eprintln!("freezerd: {reason}");
        return Ok(exit);
    }
    Err(Failure::new(exit, reason))
}

/// The one backup that is meant. A path chooses among several backups, if only one of them is about it.
fn choose(
    mut found: Vec<ChosenContainer>,
    args: &Args,
    part: Option<&Path>,
) -> Result<ChosenContainer, Failure> {
    if let Some(part) = part {
        let covers =
            |chosen: &ChosenContainer| chosen.paths.iter().any(|path| part.starts_with(path));
        if found.iter().any(covers) {
            found.retain(covers);
        } else if found.len() > 1 {
            let texts: Vec<String> = found.iter().map(ChosenContainer::describe).collect();
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "none of the job's backups is of {} or of a directory above it: {}; if earlier snapshots have it, \
                     choose the action with --action N",
                    part.display(),
                    texts.join("; ")
                ),
            ));
        }
    }
    let same_container = found
        .windows(2)
        .all(|two| two[0].container == two[1].container);
    match found.first() {
        Some(first) if args.snapshot_id().is_some() && same_container => Ok(first.clone()),
        _ => only(found, ", or restore all of them with --all"),
    }
}

/// The directory of one of several restores.
fn own_directory(chosen: &ChosenContainer) -> String {
    let name = chosen.backup_name.as_deref().unwrap_or("backup");
    let name = name.replace('/', "-");
    match chosen.action {
        Some((number, _)) => format!("{number}-{name}"),
        None => name,
    }
}

fn lineage(chosen: &ChosenContainer, settings: &Settings) -> Lineage {
    let host = chosen.host.clone();
    Lineage {
        host: host.unwrap_or_else(|| settings.job_host().host_name),
        // Only where an id says which snapshot it is, no name is known.
        backup_name: chosen.backup_name.clone().unwrap_or_default(),
    }
}

/// The outcome as JSON, with what was restored, where, and whether it was a dry run.
fn document(outcome: &Outcome, planned: &Planned, args: &Args) -> Value {
    let mut document = json!(outcome);
    if let Value::Object(fields) = &mut document {
        fields.insert("target".to_owned(), json!(planned.target.to_string_lossy()));
        fields.insert("dry_run".to_owned(), json!(args.dry_run));
        let chosen = &planned.chosen;
        fields.insert("container".to_owned(), json!(chosen.container.location));
        fields.insert("backup_name".to_owned(), json!(chosen.backup_name));
        fields.insert("action".to_owned(), json!(chosen.action.map(|it| it.0)));
    }
    document
}

fn print(outcome: &Outcome, planned: &Planned, args: &Args, took: &str) {
    let done = outcome.summary.to_string();
    let target = planned.target.display().to_string();
    let reason = outcome.reason.as_deref().unwrap_or_default();
    match (outcome.verdict, args.dry_run) {
        (Verdict::Success, false) => println!("Restored into {target} in {took}: {done}"),
        (Verdict::Success, true) => {
            println!("Would restore into {target}: {done}. Nothing was changed.");
        }
        (Verdict::Partial, dry_run) => {
            match dry_run {
                false => println!("Restored incompletely into {target} in {took}: {done}"),
                true => println!(
                    "Would restore incompletely into {target}: {done}. Nothing was changed."
                ),
            }
            println!("{reason}");
            print_problems(outcome);
        }
        (Verdict::Failed | Verdict::FailedForGood, _) if args.all => {
            println!("Not restored into {target}: {reason}");
        }
        (Verdict::Failed | Verdict::FailedForGood, _) => {}
    }
}

fn print_problems(outcome: &Outcome) {
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

//! `freezerd restore`: restores a snapshot to a directory by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use serde_json::json;

use super::container::ContainerArgs;
use super::exit::{Exit, Failure};
use super::screen::Screen;
use crate::config::Settings;
use crate::control::progress::ProgressFile;
use crate::control::progress_sink::ProgressSink;
use crate::job::action::{Action, Lineage, Restore, Work};
use crate::protocol::{AgentLoss, Outcome, Request, RunTag, Verdict, agent_process};
use crate::schedule::moment::Moment;

/// Restore a snapshot to a directory
///
/// Name a job, or a container with --container. The command restores the newest snapshot with the job's host and backup
/// name, unless --at or --snapshot chooses another one. It needs no daemon. It waits while a prune of the same container
/// runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd restore nightly --to /tmp/nightly\n\
                        Example: freezerd restore --container /srv/backup --backup-name www --to /tmp/www --at 2026-11-01")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Restore to this directory; the command creates it if it does not exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Restore the snapshot whose id is ID or begins with ID
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// Restore the newest snapshot that is not later than TIME, such as 2026-11-01 or 2026-11-01T03:25:00+01:00
    #[arg(long, value_name = "TIME", conflicts_with = "snapshot")]
    at: Option<String>,
    /// Replace files that differ from the snapshot; files that are not in the snapshot stay
    #[arg(long)]
    overwrite: bool,
    /// Print what the restore would do, without changing anything
    #[arg(long)]
    dry_run: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd restore`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let place = args.place.find(settings)?;
    let backup_name = match (&place.backup_name, &args.snapshot) {
        (Some(name), _) => name.clone(),
        (None, Some(_)) => String::new(),
        (None, None) => {
            return Err(Failure::new(
                Exit::Usage,
                "name a job, --backup-name or --snapshot to restore; `freezerd snapshots` lists the snapshots",
            ));
        }
    };
    let target = std::path::absolute(&args.to)
        .map_err(|error| Failure::new(Exit::Usage, format!("--to: {error}")))?;
    let not_later_than = match &args.at {
        None => None,
        Some(text) => Some(
            Moment::parse(text)
                .map_err(|_| {
                    Failure::new(
                        Exit::Usage,
                        format!("--at {text}: expected a date such as 2026-11-01 or 2026-11-01T03:25:00+01:00"),
                    )
                })?
                .instant(&settings.zone())
                .timestamp(),
        ),
    };
    let request = Request {
        job_id: "by-hand".to_owned(),
        run: 0,
        run_tag: RunTag::by_hand(),
        earlier: Vec::new(),
        expects_repository: true,
        action_index: 0,
        check_part: None,
        attempt: 1,
        action: Action {
            work: Work::Restore(Restore {
                container: place.container,
                lineage: Lineage {
                    host: place.host.unwrap_or_else(|| settings.job_host().host_name),
                    backup_name,
                },
                target: target.clone(),
                not_later_than,
                snapshot: args.snapshot.clone(),
                overwrite: args.overwrite,
            }),
            log_file: None,
            max_priority: true,
            dry_run: args.dry_run,
            bandwidth: Default::default(),
        },
        result_so_far: "success".to_owned(),
        grace: Duration::from_secs(5),
    };
    let started = std::time::Instant::now();
    let outcome = perform(request)?;
    let took = crate::units::duration(started.elapsed());
    if args.json {
        println!("{:#}", json!(outcome));
    } else {
        print(&outcome, &target, &took);
    }
    match outcome.verdict {
        Verdict::Success => Ok(Exit::Success),
        Verdict::Partial => Ok(Exit::RunPartial),
        Verdict::Failed | Verdict::FailedForGood => {
            let reason = outcome
                .reason
                .unwrap_or_else(|| "the restore failed".to_owned());
            if args.json {
                eprintln!("freezerd: {reason}");
                Ok(Exit::RunFailed)
            } else {
                Err(Failure::new(Exit::RunFailed, reason))
            }
        }
    }
}

fn print(outcome: &Outcome, target: &Path, took: &str) {
    let done = outcome.summary.to_string();
    match outcome.verdict {
        Verdict::Success => println!("Restored into {} in {took}: {done}", target.display()),
        Verdict::Partial => {
            println!(
                "Restored incompletely into {} in {took}: {done}\n{}",
                target.display(),
                outcome.reason.as_deref().unwrap_or_default()
            );
            for problem in &outcome.problems {
                println!(
                    "  {}: {}",
                    super::table::printable(&problem.path),
                    problem.reason
                );
            }
            let rest = outcome
                .problems_total
                .saturating_sub(outcome.problems.len() as u64);
            if rest > 0 {
                println!("  … and {rest} more");
            }
        }
        Verdict::Failed | Verdict::FailedForGood => {}
    }
}

/// Starts an agent that performs the restore, and shows its progress.
fn perform(request: Request) -> Result<Outcome, Failure> {
    let screen = Screen::new();
    let mut progress = ProgressFile {
        job_id: "restore".to_owned(),
        kind: String::new(),
        ..ProgressFile::begin(&request, Utc::now())
    };
    let ended = agent_process::perform(request, |report| {
        if progress.hear(&report, Utc::now()) {
            screen.progress(&progress);
        }
    });
    screen.ended(progress.run);
    ended.map_err(|loss| {
        let exit = match loss {
            AgentLoss::NotStarted(_) => Exit::Internal,
            _ => Exit::RunFailed,
        };
        Failure::new(exit, loss.to_string())
    })
}

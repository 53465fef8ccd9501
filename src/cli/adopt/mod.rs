//! `freezerd adopt`: makes the snapshots of an earlier host name, or backup name, those of a job.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::container::listing::list_all;
use super::container::output::say;
use super::container::own::OwnArgs;
use super::container::session::{self, Ended, print, print_json};
use super::exit::{Exit, Failure};
use super::new::questions;
use super::{logging, snapshots};
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::agent::snapshot::set_label;
use crate::config::Settings;
use crate::escape::harmless;
use crate::protocol::Listing;
use crate::repository::replace::{Replaced, replace};
use crate::repository::snapshot::Snapshot;
use crate::storage::id::Id;
use crate::units;

mod plan;

use plan::{Adoption, From, Plan, plan};

/// Make the snapshots of an earlier host name those of a job
///
/// The job then goes on with them: its next backup has the newest one as its parent, and its restores and removals apply
/// to them. Use this after the host has got another name, or the backup another backup_name, and for snapshots of `restic`
/// that have no backup name. Only snapshots with one of the job's paths are taken. Each gets a new id; its data stays as
/// it is. Do not take the snapshots of a host that still makes backups.
///
/// The command shows what it will do and asks, unless --yes is given. It needs the container for itself. It can be
/// interrupted at any time, and the same command finishes the work.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd adopt nightly --from-host old-name --dry-run\n\
                        Example: freezerd adopt nightly --from-host old-name --from-name www --yes\n\
                        Example: freezerd adopt nightly --snapshot 84b9adec"
)]
#[command(group = clap::ArgGroup::new("from").required(true).multiple(true))]
pub struct Args {
    #[command(flatten)]
    job: OwnArgs,
    /// Take snapshots of this host; without it, of the host of the job
    #[arg(long, value_name = "HOST", group = "from")]
    from_host: Option<String>,
    /// Take snapshots of this backup name, '' for those without one; without it, of the name of the job
    #[arg(long, value_name = "NAME", group = "from")]
    from_name: Option<String>,
    /// Take the snapshot whose id is ID or begins with ID, of any host and name; can be repeated
    #[arg(long = "snapshot", value_name = "ID", group = "from", conflicts_with_all = ["from_host", "from_name"])]
    snapshots: Vec<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

impl Args {
    fn from(&self) -> From {
        match self.snapshots.is_empty() {
            false => From::Ids(self.snapshots.clone()),
            true => From::Named {
                host: self.from_host.clone(),
                backup_name: self.from_name.clone(),
            },
        }
    }
}

/// Runs `freezerd adopt`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let own = args.job.find(settings)?;
    let container = own[0].container.clone();
    // Without a lock, so that nobody waits for the answer to the question.
    let listing = list_all(settings, &container)
        .map_err(|error| Failure::new(snapshots::exit_code(&error), error.to_string()))?;
    let plan = plan(&own, &args.from(), &listing.snapshots);
    refuse(&plan, &listing)?;
    for damaged in &listing.unreadable {
        say(&format!("warning: {}; it stays as it is", damaged.message));
    }
    let exit = match listing.unreadable.is_empty() {
        true => Exit::Success,
        false => Exit::RunPartial,
    };
    if args.dry_run {
        let nothing = HashMap::new();
        return tell(settings, args, &plan, &nothing).map(|()| exit);
    }
    if !confirm(settings, args, &plan)? {
        say("nothing was changed");
        return Ok(Exit::Success);
    }
    session::run(settings, &container, Lock::Exclusive, |session| {
        let new = adopt(session, &plan.adoptions)?;
        tell(settings, args, &plan, &new).map_err(Ended::Failed)?;
        Ok(exit)
    })
}

/// Refuses ids that name no snapshot or several, and a plan in which there is nothing to do.
fn refuse(plan: &Plan, listing: &Listing) -> Result<(), Failure> {
    let failure = |message: String| Failure::new(Exit::NotFound, harmless(&message));
    if let Some((id, count)) = plan.bad_ids.first() {
        return Err(failure(match count {
            0 => format!("no snapshot's id begins with {id}"),
            _ => format!("the ids of {count} snapshots begin with {id}"),
        }));
    }
    if !plan.adoptions.is_empty() {
        return Ok(());
    }
    Err(failure(match plan.of_other_paths.first() {
        Some(first) => format!(
            "the job has none of the paths of {}, such as {}; set path_to_backup to take these",
            units::count(
                plan.of_other_paths.len() as u64,
                "such snapshot",
                "such snapshots"
            ),
            first.paths.join(", ")
        ),
        None => format!(
            "there is no such snapshot that the job does not have already; `freezerd snapshots --container` lists all {} in \
             the container",
            listing.snapshots.len()
        ),
    }))
}

/// Asks whether to go on, or refuses where nobody can be asked.
fn confirm(settings: &Settings, args: &Args, plan: &Plan) -> Result<bool, Failure> {
    if args.yes {
        return Ok(true);
    }
    if args.json || !questions::possible() {
        return Err(Failure::new(
            Exit::Usage,
            "nobody can be asked: add --yes to go on, or --dry-run to see what would be done"
                .to_owned(),
        ));
    }
    for line in lines(settings, plan, true, &HashMap::new()) {
        say(&line);
    }
    questions::ask("Go on? (yes or no)", "no", |answer| match answer {
        "yes" | "y" => Ok(true),
        "no" | "n" => Ok(false),
        _ => Err("expected yes or no".to_owned()),
    })
}

/// Writes the snapshots anew. Returns the new id for each old one.
fn adopt(session: &Session, adoptions: &[Adoption]) -> Result<HashMap<String, Id>, SessionError> {
    let wanted: HashMap<&str, &Adoption> = adoptions
        .iter()
        .map(|adoption| (adoption.snapshot.id.as_str(), adoption))
        .collect();
    let change = |id: Id, old: &Snapshot| {
        let adoption = wanted.get(id.to_string().as_str())?;
        let mut new = old.clone();
        new.hostname.clone_from(&adoption.new_host);
        set_label(&mut new, &adoption.new_backup_name);
        Some(new)
    };
    let replaced = replace(&session.repository, &change, &|| session.confirm())?;
    let new = replaced.into_iter().map(|(old, became)| match became {
        Replaced::New(id) | Replaced::Before(id) => (old.to_string(), id),
    });
    Ok(new.collect())
}

fn tell(
    settings: &Settings,
    args: &Args,
    plan: &Plan,
    new: &HashMap<String, Id>,
) -> Result<(), Failure> {
    let printed = match args.json {
        true => print_json(&to_json(args.dry_run, plan, new)),
        false => lines(settings, plan, args.dry_run, new)
            .iter()
            .try_for_each(|line| print(line)),
    };
    printed.map_err(|ended| match ended {
        Ended::Failed(failure) => failure,
        Ended::Output(error) => Failure::new(Exit::CannotCreate, crate::os::reason(&error)),
    })
}

/// What is done, line by line.
fn lines(
    settings: &Settings,
    plan: &Plan,
    planned: bool,
    new: &HashMap<String, Id>,
) -> Vec<String> {
    let zone = settings.zone();
    let line = |adoption: &Adoption| {
        let old = &adoption.snapshot;
        let name = match old.backup_name.as_str() {
            "" => "no backup name",
            name => name,
        };
        let becomes = match new.get(&old.id) {
            Some(id) => format!("is now {id:.8}"),
            None if planned => "would become one".to_owned(),
            None => "is gone, and was not".to_owned(),
        };
        harmless(&format!(
            "{:.8} of {}, {name} of {}, {becomes} of {} of {}",
            old.id,
            logging::moment(Some(old.time), &zone),
            old.host,
            adoption.new_backup_name,
            adoption.new_host
        ))
    };
    let mut lines: Vec<String> = plan.adoptions.iter().map(line).collect();
    let count = |count: usize| units::count(count as u64, "snapshot", "snapshots");
    if !plan.of_other_paths.is_empty() {
        lines.push(format!(
            "{} of other paths than those of the job: not taken",
            count(plan.of_other_paths.len())
        ));
    }
    lines.push(match planned {
        true => format!("Would take over {}.", count(plan.adoptions.len())),
        false => format!("Took over {}.", count(new.len())),
    });
    lines
}

fn to_json(dry_run: bool, plan: &Plan, new: &HashMap<String, Id>) -> Value {
    let snapshots: Vec<Value> = plan
        .adoptions
        .iter()
        .map(|adoption| {
            let old = &adoption.snapshot;
            json!({
                "id": old.id,
                "time": old.time,
                "paths": old.paths,
                "host": old.host,
                "backup_name": old.backup_name,
                "new_id": new.get(&old.id),
                "new_host": adoption.new_host,
                "new_backup_name": adoption.new_backup_name,
            })
        })
        .collect();
    json!({
        "dry_run": dry_run,
        "snapshots": snapshots,
        "of_other_paths": plan.of_other_paths.iter().map(|it| &it.id).collect::<Vec<_>>(),
    })
}

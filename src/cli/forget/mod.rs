//! `freezerd forget`: removes snapshots by rules, and shows why the others stay.

use chrono::Utc;
use serde_json::{Value, json};

use super::container::listing::list_all;
use super::container::output::say;
use super::container::{ChosenContainer, ContainerArgs};
use super::exit::{Exit, Failure};
use super::new::questions;
use super::{by_hand, ledger_view, output, snapshots};
use crate::agent::snapshot::Snapshot;
use crate::config::Settings;
use crate::job::action::{Bandwidth, Container, Work};
use crate::protocol::{ContainerFault, ListError, Listing, Outcome, Request, UnreadableSnapshot};
use crate::record::Proof;

mod plan;
mod rules;
mod words;

use plan::Planned;
pub use plan::Removal;
pub use rules::RuleOptions;

/// Remove old snapshots, and show why the others stay
///
/// Name a job, or a container with --container. Without further options, the rules are those of the job: what its actions
/// `admin` say, and its backups with `keep_…` or remove_older_than. With --keep-… or --older-than, these rules count instead.
/// The command shows each snapshot and what becomes of it, and asks, unless --yes is given. Then it removes the snapshots and
/// frees their space at once.
///
/// The rules mean what those of `restic forget` mean. They apply to each host, backup name and list of paths by itself. The
/// newest snapshot of each path, its newest whole one, those that drills have restored, and pinned ones always stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd forget nightly --dry-run\n\
                        Example: freezerd forget nightly --keep-daily 14 --keep-monthly 12 --dry-run\n\
                        Example: freezerd forget --container /srv/backup --backup-name www --older-than 90 --yes")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    #[command(flatten)]
    rules: RuleOptions,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Show what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was decided, and what was done, as JSON
    #[arg(long)]
    pub json: bool,
}

/// What a container without a repository means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    Fails,
    /// The first backup will create it.
    IsEmpty,
}

/// The snapshots of a container, whoever made them.
pub struct Listed {
    pub container: Container,
    pub snapshots: Vec<Snapshot>,
    damaged: Vec<UnreadableSnapshot>,
}

/// Runs `freezerd forget`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let (removals, listed) = gather(settings, &args.place, &args.rules, Absent::Fails)?;
    let now = Utc::now();
    let proofs = proofs(settings);
    let planned: Vec<Planned> = removals
        .into_iter()
        .map(|removal| {
            let place = listed
                .iter()
                .find(|it| it.container == removal.admin.container);
            let snapshots = place.map_or(&[][..], |it| &it.snapshots);
            let proved = proved(&proofs, &removal.admin.container);
            plan::plan(removal, snapshots, &proved, now)
        })
        .collect();
    if planned.iter().all(|it| it.fates.is_empty()) {
        let message = "these backups have no snapshots".to_owned();
        return Err(Failure::new(Exit::NotFound, message));
    }
    let damaged: Vec<&UnreadableSnapshot> = listed.iter().flat_map(|it| &it.damaged).collect();
    for damaged in &damaged {
        say(&format!("warning: {}; it stays as it is", damaged.message));
    }
    let exit = match damaged.is_empty() {
        true => Exit::Success,
        false => Exit::RunPartial,
    };
    if !args.json {
        words::show(settings, &planned);
    }
    let gone: u64 = planned.iter().map(Planned::gone).sum();
    if args.dry_run || gone == 0 {
        tell(args, &planned, &[]);
        return Ok(exit);
    }
    if !confirm(args, gone)? {
        say("nothing was removed");
        return Ok(Exit::Success);
    }
    carry_out(settings, args, &planned, &proofs, exit)
}

/// What the drills of all jobs have proved, as the ledger has it.
pub fn proofs(settings: &Settings) -> Vec<Proof> {
    let read = ledger_view::open(settings).and_then(|view| Ok(view.reader.jobs()?));
    match read {
        Ok(jobs) => jobs.into_iter().flat_map(|job| job.past.proofs).collect(),
        // No daemon has run here.
        Err(failure) if failure.exit == Exit::NotFound => Vec::new(),
        Err(failure) => {
            let message = failure.message;
            say(&format!(
                "warning: it is not known which snapshots drills have proved: {message}"
            ));
            Vec::new()
        }
    }
}

/// The snapshots in a container that were proved.
pub fn proved(proofs: &[Proof], container: &Container) -> Vec<String> {
    let here = proofs
        .iter()
        .filter(|it| it.container == container.location);
    here.map(|it| it.snapshot.clone()).collect()
}

/// The removals that the arguments mean, and the snapshots of their containers.
pub fn gather(
    settings: &Settings,
    place: &ContainerArgs,
    options: &RuleOptions,
    absent: Absent,
) -> Result<(Vec<Removal>, Vec<Listed>), Failure> {
    let (older_than, rules) = options.read();
    if older_than.is_none() && options.keep_nothing() {
        return Err(Failure::new(
            Exit::Usage,
            "a --keep-… option with 0 keeps nothing: give one of them a number from 1 on, or `all`",
        ));
    }
    let mut listed: Vec<Listed> = Vec::new();
    if older_than.is_none() && rules.is_empty() {
        let removals = removals_of_job(settings, place)?;
        for removal in &removals {
            list(settings, &removal.admin.container, absent, &mut listed)?;
        }
        return Ok((removals, listed));
    }
    let chosen = place.find_all(settings)?;
    for selection in &chosen {
        list(settings, &selection.container, absent, &mut listed)?;
    }
    let each = chosen.iter().flat_map(|it| whose(it, &listed));
    let removals = each.filter_map(|it| plan::of_selection(&it, older_than, &rules));
    Ok((removals.collect(), listed))
}

/// The removals of the job's own actions.
fn removals_of_job(settings: &Settings, place: &ContainerArgs) -> Result<Vec<Removal>, Failure> {
    let Some(job) = place.find_job(settings)? else {
        return Err(Failure::new(
            Exit::Usage,
            "a container has no rules of its own: add --keep-daily, another --keep-… option, or --older-than",
        ));
    };
    let mut removals = plan::of_job(&job, place.action());
    if place.names_container() {
        let container = place.find_container(settings)?;
        removals.retain(|it| it.admin.container.location == container.location);
    }
    match removals.is_empty() {
        false => Ok(removals),
        true => Err(Failure::new(
            Exit::NotFound,
            format!(
                "{} removes no snapshots there: no such action of it has `keep_…` or `remove_older_than`; add --keep-daily, \
                 another --keep-… option, or --older-than",
                place.as_typed()
            ),
        )),
    }
}

/// A selection for each host and backup name that it stands for.
fn whose(chosen: &ChosenContainer, listed: &[Listed]) -> Vec<ChosenContainer> {
    if chosen.host.is_some() && chosen.backup_name.is_some() {
        return vec![chosen.clone()];
    }
    let place = listed.iter().find(|it| it.container == chosen.container);
    let matches = |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|it| it == own);
    let mut found: Vec<ChosenContainer> = Vec::new();
    for snapshot in place.map_or(&[][..], |it| &it.snapshots) {
        let (host, name) = (&snapshot.host, &snapshot.label);
        if matches(&chosen.host, host)
            && matches(&chosen.backup_name, name)
            && !found
                .iter()
                .any(|it| it.host.as_ref() == Some(host) && it.backup_name.as_ref() == Some(name))
        {
            found.push(ChosenContainer {
                host: Some(host.clone()),
                backup_name: Some(name.clone()),
                ..chosen.clone()
            });
        }
    }
    found
}

/// Lists a container, unless it was listed before.
fn list(
    settings: &Settings,
    container: &Container,
    absent: Absent,
    listed: &mut Vec<Listed>,
) -> Result<(), Failure> {
    if listed.iter().any(|it| it.container == *container) {
        return Ok(());
    }
    // The agent decides again when it has the lock.
    let listing = list_all(settings, container);
    let listing = match listing {
        Err(ListError::Container {
            fault: ContainerFault::NoRepository { .. },
            ..
        }) if absent == Absent::IsEmpty => Listing::default(),
        listing => listing
            .map_err(|error| Failure::new(snapshots::exit_code(&error), error.to_string()))?,
    };
    listed.push(Listed {
        container: container.clone(),
        snapshots: listing.snapshots.into_iter().map(Snapshot::from).collect(),
        damaged: listing.unreadable,
    });
    Ok(())
}

/// Asks whether to go on, or refuses where nobody can be asked.
fn confirm(args: &Args, gone: u64) -> Result<bool, Failure> {
    if args.yes {
        return Ok(true);
    }
    if args.json || !questions::possible() {
        return Err(Failure::new(
            Exit::Usage,
            "nobody can be asked: add --yes to remove them, or --dry-run to see what would be removed",
        ));
    }
    let question = format!("Remove {}? (yes or no)", words::snapshots(gone));
    questions::ask(&question, "no", |answer| match answer {
        "yes" | "y" => Ok(true),
        "no" | "n" => Ok(false),
        _ => Err("expected yes or no".to_owned()),
    })
}

/// Has an agent remove the snapshots, a removal after the other.
fn carry_out(
    settings: &Settings,
    args: &Args,
    planned: &[Planned],
    proofs: &[Proof],
    mut exit: Exit,
) -> Result<Exit, Failure> {
    let mut outcomes = Vec::new();
    let mut failed = None;
    for planned in planned {
        if planned.gone() == 0 {
            outcomes.push(None);
            continue;
        }
        let work = Work::Admin(planned.removal.admin.clone());
        let request = Request {
            proved: proved(proofs, &planned.removal.admin.container),
            ..by_hand::request(settings, work, false, Bandwidth::default())
        };
        let outcome = by_hand::perform(request, "forget")?;
        match by_hand::exit_of(&outcome) {
            Exit::Success => {}
            worse => {
                exit = worse;
                failed.get_or_insert(outcome.reason.clone());
            }
        }
        outcomes.push(Some(outcome));
    }
    tell(args, planned, &outcomes);
    match failed {
        None => Ok(exit),
        Some(reason) => {
            let reason = reason.unwrap_or_else(|| "the snapshots could not be removed".to_owned());
            Err(Failure::new(exit, reason))
        }
    }
}

/// Says what was done, or would be.
fn tell(args: &Args, planned: &[Planned], outcomes: &[Option<Outcome>]) {
    if args.json {
        let removals: Vec<Value> = planned
            .iter()
            .enumerate()
            .map(|(place, it)| words::document(it, outcomes.get(place).and_then(Option::as_ref)))
            .collect();
        output::json(&json!({ "dry_run": args.dry_run, "removals": removals }));
        return;
    }
    let gone: u64 = planned.iter().map(Planned::gone).sum();
    if args.dry_run {
        println!(
            "Would remove {}. Nothing was changed.",
            words::snapshots(gone)
        );
    } else if gone == 0 {
        println!("There is nothing to remove.");
    } else {
        let removed = outcomes.iter().flatten();
        let removed: u64 = removed.filter_map(|it| it.summary.snapshots_removed).sum();
        println!("Removed {}.", words::snapshots(removed));
    }
}

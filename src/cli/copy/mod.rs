//! `freezerd copy`: copies snapshots from one container to another.

use std::path::PathBuf;

use super::container::output::say;
use super::container::place;
use super::container::rate::TransferLimits;
use super::container::session::{self, Ended, print, print_json};
use super::container::snapshot::{filter, tell_unreadable};
use super::container::steps::Steps;
use super::container::{ChosenContainer, ContainerArgs, pass_file};
use super::exit::{Exit, Failure};
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::agent::reach::Reach;
use crate::config::Settings;
use crate::inspect::choice::{self, Chosen, short};
use crate::job::action::Container;
use crate::repository::indexed::Indexed;
use crate::repository::snapshot::Snapshot;
use crate::repository::transfer::{Destination, Report, Transferred, transfer};
use crate::storage::id::Id;

mod words;

/// Copy snapshots to another container
///
/// Name a job, or a container with --container; --to names the other one. The command reads the snapshots and not their
/// sources, and sends only what the other container lacks. Each piece of data is verified before it is sent. What was copied
/// before is recognised, so the command can be interrupted and run again. A container that has no repository gets one. The
/// two containers may have different passwords.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd copy nightly --to /mnt/usb/backup --to-pass-file /etc/freezerd/usb\n\
                        Example: freezerd copy nightly --to www --to-storage offsite --to-pass-file /etc/freezerd/offsite --dry-run"
)]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    /// Copy to this container: a path, or a name below the container root
    #[arg(long, value_name = "PLACE")]
    to: String,
    /// The container that --to names is in this storage of freezerd.toml, not on this host
    #[arg(long, value_name = "NAME")]
    to_storage: Option<String>,
    /// Read the password of the container that --to names from this file or pipe
    #[arg(long, value_name = "FILE")]
    to_pass_file: Option<PathBuf>,
    /// The container that --to names has no password, although the one that is copied has one: everybody who gets the
    /// copies can read them
    #[arg(long, conflicts_with = "to_pass_file")]
    to_no_password: bool,
    /// Copy only the snapshot whose id is ID or begins with ID; can be repeated
    #[arg(long = "snapshot", value_name = "ID")]
    snapshots: Vec<String>,
    #[command(flatten)]
    limits: TransferLimits,
    /// Say what would be copied, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was copied as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd copy`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let chosen = args.place.find_all(settings)?;
    let Some(first) = chosen.first() else {
        return Err(Failure::new(
            Exit::NotFound,
            "there is nothing to copy".to_owned(),
        ));
    };
    let from = first.container.clone();
    if chosen.iter().any(|other| other.container != from) {
        return Err(Failure::new(
            Exit::Usage,
            "the job has several containers; choose one with --action N".to_owned(),
        ));
    }
    let options = place::Options {
        storage: "--to-storage",
        container: "--to",
    };
    let (location, connection) =
        place::find(settings, options, args.to_storage.as_deref(), &args.to)?;
    if location == from.location {
        return Err(Failure::new(
            Exit::Usage,
            format!("--to {}: that is the container that is copied", args.to),
        ));
    }
    if from.pass_file.is_some() && args.to_pass_file.is_none() && !args.to_no_password {
        return Err(Failure::new(
            Exit::Usage,
            "--to-pass-file is missing: it names the file with the password of the container that --to names. With \
             --to-no-password, that container has no password, and everybody who gets the copies can read them"
                .to_owned(),
        ));
    }
    let to = Container {
        name: args.to.clone(),
        location,
        pass_file: pass_file(args.to_pass_file.as_deref())?,
        connection,
    };
    let reach = args
        .limits
        .reach(settings)
        .with_cache(settings.cache().as_ref());
    session::run_within(&from, &reach, Lock::Shared, |session| {
        copy(args, session, &chosen, &to, &reach)
    })
}

fn copy(
    args: &Args,
    session: &Session,
    chosen: &[ChosenContainer],
    to: &Container,
    reach: &Reach,
) -> Result<Exit, Ended> {
    let snapshots = snapshots(args, session, chosen)?;
    let from = session.index(&say)?;
    let other = session.destination(to, reach, !args.dry_run, &say)?;
    let Some(other) = other else {
        say("note: there is no repository in the other container yet; all of it would be copied");
        let report = Report {
            snapshots: snapshots
                .iter()
                .map(|(id, _)| (*id, Transferred::New(*id)))
                .collect(),
            ..Report::default()
        };
        return finish(args, session, &report);
    };
    let indexed = Indexed::load(other).map_err(SessionError::from)?;
    if let Some(problem) = indexed.problems.first() {
        say(&format!(
            "warning: {problem}; what only this index of the other container names is copied again"
        ));
    }
    let destination = Destination {
        indexed: &indexed,
        confirm: &|| session.confirm(),
    };
    if session.asks_archive() && !args.dry_run {
        let planned = transfer(&from, &destination, &snapshots, true, &Steps::new());
        let packs = planned.map_err(SessionError::from)?.packs;
        session.await_packs(&from, &packs, &say)?;
    }
    let steps = Steps::new();
    let report = transfer(&from, &destination, &snapshots, args.dry_run, &steps);
    drop(steps);
    finish(args, session, &report.map_err(SessionError::from)?)
}

fn finish(args: &Args, session: &Session, report: &Report) -> Result<Exit, Ended> {
    if args.json {
        print_json(&words::json(report, args.dry_run))?;
    } else {
        for line in words::lines(report, args.dry_run) {
            print(&line)?;
        }
    }
    let is_whole = |(_, it): &(Id, Transferred)| !matches!(it, Transferred::NotWhole(_));
    match report.snapshots.iter().all(is_whole) && session.damaged().is_empty() {
        true => Ok(Exit::Success),
        false => Ok(Exit::RunPartial),
    }
}

/// The snapshots that are to be copied, oldest first.
fn snapshots(
    args: &Args,
    session: &Session,
    chosen: &[ChosenContainer],
) -> Result<Vec<(Id, Snapshot)>, Ended> {
    let repository = &session.repository;
    let mut found: Vec<Chosen> = Vec::new();
    let mut unreadable = Vec::new();
    if args.snapshots.is_empty() {
        for place in chosen {
            let all = choice::all(repository, &filter(place)).map_err(SessionError::from)?;
            found.extend(all.snapshots);
            unreadable = all.unreadable;
        }
    }
    for beginning in &args.snapshots {
        found.push(choice::by_id(repository, beginning).map_err(SessionError::from)?);
    }
    tell_unreadable(session, &unreadable);
    found.sort_by_key(Chosen::instant);
    found.dedup_by_key(|it| it.id);
    if found.is_empty() {
        let failure = Failure::new(Exit::NotFound, "there is no such snapshot".to_owned());
        return Err(failure.into());
    }
    Ok(found.into_iter().map(|it| (it.id, it.snapshot)).collect())
}

/// The beginning of an id that is shown.
fn shown(id: Id) -> String {
    short(id).to_string()
}

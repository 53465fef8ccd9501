//! `freezerd pin` and `unpin`: snapshots that no rule and no age removes.

use serde_json::{Value, json};

use super::container::ContainerOptions;
use super::container::listing::list_all;
use super::container::output::say;
use super::container::session::{self, Ended, print, print_json};
use super::exit::{Exit, Failure};
use super::retag::retagged;
use super::{ledger_view, logging, snapshots};
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::agent::snapshot::PINNED_TAG;
use crate::config::Settings;
use crate::escape::harmless;
use crate::job::action::Container;
use crate::protocol::{ContainerFault, ListError, ListedSnapshot};
use crate::storage::id::Id;

/// Keep snapshots, whatever rules and ages say
///
/// A pinned snapshot stays until `freezerd unpin`. No `keep_…` rule, no remove_older_than and no `freezerd forget` removes
/// it. It has the tag `pinned`, which `restic` shows, too: `restic forget --keep-tag pinned` keeps it there. The snapshot gets
/// a new id; its data stays as it is.
///
/// Without --job and --container, the command looks for the id in the containers of all jobs. It needs the container for
/// itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd pin 84b9adec\n\
                        Example: freezerd pin 84b9adec --container /srv/backup --encrypt-pass-file /etc/freezerd/pass")]
pub struct PinArgs {
    #[command(flatten)]
    pub chosen: Args,
}

/// Let rules and ages remove snapshots that were pinned
///
/// The snapshot gets a new id; its data stays as it is. Without --job and --container, the command looks for the id in the
/// containers of all jobs. It needs the container for itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd unpin 84b9adec")]
pub struct UnpinArgs {
    #[command(flatten)]
    pub chosen: Args,
}

/// The arguments of both commands.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ids of the snapshots, or how they begin
    #[arg(value_name = "SNAPSHOT", required = true)]
    ids: Vec<String>,
    /// Look in the containers of this job
    #[arg(long, value_name = "JOB", conflicts_with = "container")]
    job: Option<String>,
    #[command(flatten)]
    options: ContainerOptions,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

impl PinArgs {
    /// Whether the output is JSON.
    pub fn json(&self) -> bool {
        self.chosen.json
    }
}

impl UnpinArgs {
    /// Whether the output is JSON.
    pub fn json(&self) -> bool {
        self.chosen.json
    }
}

/// A snapshot that is meant, and the id that it has now.
struct Changed {
    old: ListedSnapshot,
    /// `None`: it was as asked for before.
    new: Option<Id>,
}

/// Runs `freezerd pin`, or `unpin`.
pub fn run(settings: &Settings, args: &Args, pin: bool) -> Result<Exit, Failure> {
    let places = places(settings, args)?;
    let (container, found) = find(settings, args, &places)?;
    let is_pinned = |it: &ListedSnapshot| it.tags.iter().any(|tag| tag == PINNED_TAG);
    if found.iter().all(|it| is_pinned(it) == pin) {
        let found = found.into_iter().map(|old| Changed { old, new: None });
        return match tell(settings, args, pin, &found.collect::<Vec<_>>()) {
            Ok(()) => Ok(Exit::Success),
            Err(Ended::Failed(failure)) => Err(failure),
            Err(Ended::Output(error)) => {
                Err(Failure::new(Exit::CannotCreate, crate::os::reason(&error)))
            }
        };
    }
    session::run(settings, &container, Lock::Exclusive, |session| {
        let changed = change(session, found, pin)?;
        tell(settings, args, pin, &changed)?;
        Ok(Exit::Success)
    })
}

/// The containers to look in.
fn places(settings: &Settings, args: &Args) -> Result<Vec<Container>, Failure> {
    let mut places: Vec<Container> = Vec::new();
    let mut add = |chosen: Vec<super::container::ChosenContainer>| {
        for it in chosen {
            if !places.contains(&it.container) {
                places.push(it.container);
            }
        }
    };
    if args.job.is_some() || args.options.names_container() {
        add(args.options.find_all(settings, args.job.as_deref())?);
        return Ok(places);
    }
    let ledger = ledger_view::open(settings)?;
    for job in ledger.reader.jobs()? {
        // A job without a container is not about snapshots.
        if let Ok(found) = args.options.find_all(settings, Some(&job.job_id)) {
            add(found);
        }
    }
    match places.is_empty() {
        false => Ok(places),
        true => Err(Failure::new(
            Exit::NotFound,
            "no job has a container; name one with --container",
        )),
    }
}

/// The snapshots with these ids, which must all be in one container.
fn find(
    settings: &Settings,
    args: &Args,
    places: &[Container],
) -> Result<(Container, Vec<ListedSnapshot>), Failure> {
    let mut matches: Vec<(usize, &String, ListedSnapshot)> = Vec::new();
    let mut failure = None;
    for (place, container) in places.iter().enumerate() {
        let listing = list_all(settings, container);
        let listing = match listing {
            Ok(listing) => listing,
            // A job that has made no backup yet has no snapshot.
            Err(ListError::Container {
                fault: ContainerFault::NoRepository { .. },
                ..
            }) if places.len() > 1 => continue,
            Err(error) => {
                let failed = Failure::new(snapshots::exit_code(&error), error.to_string());
                if places.len() > 1 {
                    say(&format!("warning: {}", failed.message));
                }
                failure = Some(failed);
                continue;
            }
        };
        for snapshot in listing.snapshots {
            let wanted = args.ids.iter().find(|id| snapshot.id.starts_with(*id));
            if let Some(wanted) = wanted {
                matches.push((place, wanted, snapshot));
            }
        }
    }
    for id in &args.ids {
        let count = matches
            .iter()
            .filter(|(_, wanted, _)| *wanted == id)
            .count();
        match count {
            1 => {}
            // It may be in the container that cannot be read.
            0 => {
                let not_there = || {
                    let message = harmless(&format!("no snapshot's id begins with {id}"));
                    Failure::new(Exit::NotFound, message)
                };
                return Err(failure.unwrap_or_else(not_there));
            }
            _ => {
                let message = format!(
                    "the ids of {count} snapshots begin with {id}; write more of it, or choose the container with --job or \
                     --container"
                );
                return Err(Failure::new(Exit::NotFound, harmless(&message)));
            }
        }
    }
    let first = matches.first().map_or(0, |(place, ..)| *place);
    if matches.iter().any(|(place, ..)| *place != first) {
        return Err(Failure::new(
            Exit::Usage,
            "the snapshots are in several containers; name those of one container at a time",
        ));
    }
    let found = matches.into_iter().map(|(_, _, snapshot)| snapshot);
    Ok((places[first].clone(), found.collect()))
}

/// Writes the snapshots anew, with the tag or without it.
fn change(
    session: &Session,
    found: Vec<ListedSnapshot>,
    pin: bool,
) -> Result<Vec<Changed>, SessionError> {
    let retag = |tags: &mut Vec<String>| {
        tags.retain(|tag| tag != PINNED_TAG);
        if pin {
            tags.push(PINNED_TAG.to_owned());
        }
    };
    let new = retagged(session, &found, &retag)?;
    let changed = found.into_iter().zip(new);
    Ok(changed.map(|(old, new)| Changed { old, new }).collect())
}

fn tell(settings: &Settings, args: &Args, pin: bool, changed: &[Changed]) -> Result<(), Ended> {
    if args.json {
        let each: Vec<Value> = changed
            .iter()
            .map(|it| json!({ "id": it.old.id, "new_id": it.new, "pinned": pin }))
            .collect();
        return print_json(&json!({ "snapshots": each }));
    }
    let zone = settings.zone();
    for Changed { old, new } in changed {
        let time = logging::moment(Some(old.time), &zone);
        let state = if pin { "pinned" } else { "not pinned" };
        let line = match new {
            Some(new) => format!("{:.8} of {time} is {state} now; its id is {new:.8}", old.id),
            None => format!("{:.8} of {time} is {state} already", old.id),
        };
        print(&harmless(&line))?;
    }
    Ok(())
}

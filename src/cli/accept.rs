//! `freezerd accept`: says that a snapshot is right although it looks as if its source were damaged.

use serde_json::json;

use super::container::listing::list_all;
use super::container::output::say;
use super::container::session::{self, Ended, print};
use super::container::{ChosenContainer, ContainerOptions};
use super::control::leave_word;
use super::exit::{Exit, Failure};
use super::retag::retagged;
use super::{ledger_view, logging, snapshots};
use crate::agent::guard::run_of;
use crate::agent::inspect::Lock;
use crate::agent::snapshot::Snapshot;
use crate::config::Settings;
use crate::control::event::EventFile;
use crate::escape::harmless;
use crate::job::action::Container;
use crate::protocol::{ListedSnapshot, OpenAlarm};
use crate::storage::id::Id;

/// Say that a snapshot is right although it looks as if its source were damaged
///
/// RUN is the run whose backup raised an alarm (`shrink_guard`, `churn_guard`). No snapshot of its lineage is removed until
/// you accept it. Look at the source first: `freezerd diff` shows what is different. The snapshot gets a new id; its data
/// stays as it is. The command needs the container for itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd accept 1204")]
pub struct Args {
    /// The number of the run
    run: u64,
    /// Accept only the snapshot of this action of the job, counted from 1
    #[arg(long, value_name = "N")]
    action: Option<usize>,
    /// Print what was accepted as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd accept`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let ledger = ledger_view::open(settings)?;
    let Some(run) = ledger.reader.run(args.run)? else {
        let message = format!("the ledger has no run {}", args.run);
        return Err(Failure::new(Exit::NotFound, message));
    };
    let job = ledger.reader.job(&run.job_id)?;
    drop(ledger);
    let options = ContainerOptions::of_action(args.action);
    let chosen = options.find_all(settings, Some(&run.job_id))?;
    let mut found: Vec<(Container, Vec<ListedSnapshot>)> = Vec::new();
    for place in &chosen {
        if found
            .iter()
            .all(|(container, _)| *container != place.container)
        {
            let alarmed = alarmed(settings, args, place, &chosen)?;
            found.push((place.container.clone(), alarmed));
        }
    }
    found.retain(|(_, alarmed)| !alarmed.is_empty());
    if found.is_empty() {
        say(&format!(
            "no snapshot of run {} waits for an answer: it raised no alarm, or was accepted before",
            args.run
        ));
        if args.json {
            super::output::json(&json!({ "snapshots": [] }));
        }
        // It was accepted by somebody who could not say so, or removed.
        let known = job.iter().flat_map(|job| job.past.alarms.iter());
        let known: Vec<OpenAlarm> = known
            .filter(|it| it.run == Some(args.run))
            .cloned()
            .collect();
        if !known.is_empty() {
            leave_word(settings, &EventFile::accept(&run.job_id, known))?;
        }
        return Ok(Exit::Success);
    }
    let mut documents = Vec::new();
    let mut ended = Ok(Exit::Success);
    for (container, alarmed) in found {
        ended = session::run(settings, &container, Lock::Exclusive, |session| {
            let accept = |tags: &mut Vec<String>| {
                tags.retain(|tag| Snapshot::alarm_of_tag(tag).is_none());
            };
            let new = retagged(session, &alarmed, &accept)?;
            if !args.json {
                tell(settings, &alarmed, &new)?;
            }
            let changed = alarmed.iter().zip(&new);
            documents.extend(changed.map(|(old, new)| json!({ "id": old.id, "new_id": new })));
            Ok(Exit::Success)
        });
        if ended.is_err() {
            break;
        }
        let accepted = alarmed.iter().filter_map(|it| open_alarm(&container, it));
        let word = EventFile::accept(&run.job_id, accepted.collect());
        if let Err(failure) = leave_word(settings, &word) {
            eprintln!(
                "freezerd: note: {}; `freezerd status` shows the alarm until the next backup",
                failure.message
            );
        }
    }
    if args.json && !documents.is_empty() {
        super::output::json(&json!({ "snapshots": documents }));
    }
    ended
}

/// The alarm of a snapshot, as the agent reported it.
fn open_alarm(container: &Container, listed: &ListedSnapshot) -> Option<OpenAlarm> {
    let mut tags = listed.tags.iter();
    Some(OpenAlarm {
        container: container.location.clone(),
        snapshot: listed.original.as_ref().unwrap_or(&listed.id).clone(),
        run: run_of(&listed.tags),
        alarm: tags.find_map(|tag| Snapshot::alarm_of_tag(tag))?,
    })
}

/// The snapshots of the run in a container that have an alarm.
fn alarmed(
    settings: &Settings,
    args: &Args,
    place: &ChosenContainer,
    chosen: &[ChosenContainer],
) -> Result<Vec<ListedSnapshot>, Failure> {
    let listing = list_all(settings, &place.container)
        .map_err(|error| Failure::new(snapshots::exit_code(&error), error.to_string()))?;
    let is_of_job = |it: &ListedSnapshot| {
        chosen.iter().any(|place| {
            place.host.as_ref() == Some(&it.host)
                && place.backup_name.as_ref() == Some(&it.backup_name)
        })
    };
    let has_alarm = |it: &ListedSnapshot| {
        let mut tags = it.tags.iter();
        run_of(&it.tags) == Some(args.run) && tags.any(|tag| Snapshot::alarm_of_tag(tag).is_some())
    };
    let listed = listing.snapshots.into_iter();
    Ok(listed.filter(|it| is_of_job(it) && has_alarm(it)).collect())
}

fn tell(settings: &Settings, old: &[ListedSnapshot], new: &[Option<Id>]) -> Result<(), Ended> {
    let zone = settings.zone();
    for (old, new) in old.iter().zip(new) {
        let new = new.map_or_else(String::new, |id| format!("; its id is {id:.8} now"));
        let line = format!(
            "accepted {:.8} of {}{new}",
            old.id,
            logging::moment(Some(old.time), &zone)
        );
        print(&harmless(&line))?;
    }
    Ok(())
}

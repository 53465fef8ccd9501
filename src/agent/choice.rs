//! Which snapshot a restore takes.

use std::fmt;
use std::path::PathBuf;

use chrono::DateTime;

use super::held::{Held, held, list};
use super::lineage::{self, covers, has_all_paths, shares_path};
use super::snapshot::{Filter, Snapshot};
use super::wanted::Wanted;
use crate::job::action::Restore;
use crate::job::several;
use crate::location::Location;
use crate::repository::error::Error;
use crate::storage::id::Id;
use crate::units;

/// Why no snapshot is the one that is asked for.
#[derive(Debug, thiserror::Error)]
pub enum NoChoice {
    #[error(
        "{wanted} in the container {place}; it holds {}{}",
        list(held),
        and_unreadable(*unreadable)
    )]
    NoneFound {
        wanted: Wanted,
        place: Location,
        held: Box<[Held]>,
        /// How many snapshot files cannot be read. One of them may be the one that is meant.
        unreadable: u64,
    },
    /// The one that is meant by its id.
    #[error(
        "the snapshot {id:.8} cannot be read; `freezerd verify` says what is damaged, and `freezerd repair` what can be \
         done"
    )]
    Unreadable { id: Id },
    #[error(
        "the name {backup_name} stands for several paths in the container {place}: {}; choose one: `path_to_backup` \
         in a job, `--source` on the command line",
        list(held)
    )]
    SeveralPaths {
        backup_name: String,
        place: Location,
        held: Vec<Held>,
    },
    #[error(
        "there is no snapshot of {backup_name} made on {host} with the path {}; the container {place} holds {}",
        several(paths),
        list(held)
    )]
    OtherPaths {
        backup_name: String,
        host: String,
        paths: Box<[PathBuf]>,
        place: Location,
        held: Vec<Held>,
    },
    #[error("{beginning} is the beginning of several snapshots' ids, {one} and {other} among them")]
    Ambiguous {
        beginning: String,
        one: String,
        other: String,
    },
}

impl NoChoice {
    /// The same beside snapshot files that cannot be read.
    pub fn beside(mut self, unreadable: &[(Id, Error)]) -> NoChoice {
        if let NoChoice::NoneFound {
            wanted,
            unreadable: count,
            ..
        } = &mut self
        {
            *count = unreadable.len() as u64;
            if let Wanted::Id { beginning } = wanted
                && let Some((id, _)) = unreadable.iter().find(|(id, _)| {
                    !beginning.is_empty() && id.hex().starts_with(beginning.as_bytes())
                })
            {
                return NoChoice::Unreadable { id: *id };
            }
        }
        self
    }
}

fn and_unreadable(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!(
            ", and {} that cannot be read",
            units::count(count, "snapshot", "snapshots")
        ),
    }
}

/// The snapshot that is asked for: by its id, or the newest of the lineage that is not too late. A snapshot's time
/// counts in whole seconds, as people see it. `all` are the snapshots of the container, oldest first.
///
/// A snapshot with all paths that are meant comes before one with some of them.
///
/// # Errors
/// When there is none, when several have an id that begins so, and when the name stands for several lineages and
/// nothing chooses among them.
pub fn choose<'a>(all: &'a [Snapshot], work: &Restore) -> Result<&'a Snapshot, NoChoice> {
    let none = |wanted| NoChoice::NoneFound {
        wanted,
        place: work.container.location.clone(),
        held: held(all.iter()).into(),
        unreadable: 0,
    };
    if let Some(beginning) = &work.snapshot {
        let beginning = beginning.to_ascii_lowercase();
        let mut found = all
            .iter()
            .filter(|snapshot| !beginning.is_empty() && snapshot.id.starts_with(&beginning));
        return match (found.next(), found.next()) {
            (Some(snapshot), None) => Ok(snapshot),
            (None, _) => Err(none(Wanted::Id { beginning })),
            (Some(one), Some(other)) => Err(NoChoice::Ambiguous {
                beginning,
                one: one.id.clone(),
                other: other.id.clone(),
            }),
        };
    }
    let filter = Filter {
        host: Some(work.lineage.host.clone()),
        label: Some(work.lineage.backup_name.clone()),
        tag: None,
    };
    let in_time = |snapshot: &Snapshot| {
        work.not_later_than
            .is_none_or(|limit| snapshot.time.timestamp() <= limit)
    };
    let of_name: Vec<&Snapshot> = all
        .iter()
        .filter(|snapshot| filter.matches(snapshot) && in_time(snapshot))
        .collect();
    if of_name.is_empty() {
        return Err(none(Wanted::Newest {
            backup_name: work.lineage.backup_name.clone(),
            host: work.lineage.host.clone(),
            limit: work
                .not_later_than
                .and_then(|limit| DateTime::from_timestamp(limit, 0)),
        }));
    }
    let newest = |is_wanted: &dyn Fn(&Snapshot) -> bool| {
        let mut newest_first = of_name.iter().rev();
        newest_first.find(|snapshot| is_wanted(snapshot)).copied()
    };
    if !work.paths.is_empty() {
        return newest(&|snapshot| has_all_paths(&work.paths, snapshot))
            .or_else(|| newest(&|snapshot| shares_path(&work.paths, snapshot)))
            .ok_or_else(|| NoChoice::OtherPaths {
                backup_name: work.lineage.backup_name.clone(),
                host: work.lineage.host.clone(),
                paths: work.paths.clone().into(),
                place: work.container.location.clone(),
                held: held(of_name.iter().copied()),
            });
    }
    let mut groups = lineage::groups(&of_name);
    let covers_part =
        |snapshot: &&Snapshot| work.part.as_ref().is_none_or(|part| covers(snapshot, part));
    if groups.len() > 1 {
        groups.retain(|group| group.iter().any(covers_part));
    }
    let only = match groups.as_slice() {
        [group] => newest_of(group, covers_part),
        _ => None,
    };
    only.ok_or_else(|| NoChoice::SeveralPaths {
        backup_name: work.lineage.backup_name.clone(),
        place: work.container.location.clone(),
        held: held(of_name.iter().copied()),
    })
}

/// The newest snapshot of a lineage that is preferred, or else the newest.
fn newest_of<'a>(
    group: &[&'a Snapshot],
    is_preferred: impl Fn(&&Snapshot) -> bool,
) -> Option<&'a Snapshot> {
    let preferred = group.iter().rfind(|snapshot| is_preferred(snapshot));
    preferred.or(group.last()).copied()
}

/// What is to be said of the chosen snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It does not have these paths, which are meant.
    Lacks {
        paths: Vec<String>,
        missing: Vec<String>,
    },
    /// Other snapshots of its lineage have these paths, too.
    OthersHave {
        paths: Vec<String>,
        missing: Vec<String>,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (paths, says, missing) = match self {
            Note::Lacks { paths, missing } => (paths, "and does not have", missing),
            Note::OthersHave { paths, missing } => {
                (paths, "; other snapshots of its name have", missing)
            }
        };
        let blank = if says.starts_with(';') { "" } else { " " };
        let (paths, missing) = (paths.join(", "), missing.join(", "));
        write!(
            f,
            "note: this snapshot is of {paths}{blank}{says} {missing}"
        )
    }
}

/// What the choice leaves to say: paths that are meant and that the snapshot does not have, and paths that earlier
/// snapshots of its lineage have.
pub fn notes(all: &[Snapshot], chosen: &Snapshot, work: &Restore) -> Vec<Note> {
    let mut notes = Vec::new();
    let paths = || chosen.paths.clone();
    let lacks = |path: &&PathBuf| !shares_path(std::slice::from_ref(*path), chosen);
    let missing = work.paths.iter().filter(lacks);
    let missing: Vec<String> = missing.map(|path| path.display().to_string()).collect();
    if !missing.is_empty() && !chosen.paths.is_empty() && work.snapshot.is_none() {
        let paths = paths();
        notes.push(Note::Lacks { paths, missing });
    }
    if work.paths.is_empty() && work.part.is_none() && work.snapshot.is_none() {
        let of_name: Vec<&Snapshot> = all
            .iter()
            .filter(|other| other.host == chosen.host && other.label == chosen.label)
            .collect();
        let groups = lineage::groups(&of_name);
        let group = groups
            .iter()
            .find(|group| group.iter().any(|other| other.id == chosen.id));
        let missing: Vec<String> = group
            .map(|group| lineage::paths_of_all(group))
            .unwrap_or_default()
            .into_iter()
            .filter(|path| !chosen.paths.contains(path))
            .collect();
        if !missing.is_empty() {
            let paths = paths();
            notes.push(Note::OthersHave { paths, missing });
        }
    }
    notes
}

#[cfg(test)]
mod tests;

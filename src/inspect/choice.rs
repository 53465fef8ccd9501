//! Which snapshots are meant: by the beginning of an id, by host and backup name, the newest.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::backups::{HeldBackup, backups};
use crate::repository::error::Error;
use crate::repository::open::Repository;
use crate::repository::snapshot::{Snapshot, read_all};
use crate::repository::time::Time;
use crate::storage::FileKind;
use crate::storage::id::Id;

/// A snapshot with the id of its file.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub id: Id,
    pub snapshot: Snapshot,
}

/// Selects snapshots. Each field that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub host: Option<String>,
    /// The label of the snapshots. `restic` writes none.
    pub backup_name: Option<String>,
    /// One of these paths is enough; empty: any.
    pub paths: Vec<PathBuf>,
}

/// Snapshots, oldest first, and the snapshot files that could not be read.
#[derive(Debug, Default)]
pub struct Choice {
    pub snapshots: Vec<Chosen>,
    pub unreadable: Vec<Error>,
}

/// Why no snapshot is the one that is meant.
#[derive(Debug)]
pub enum ChoiceError {
    /// No id begins like this.
    NoSuchId { beginning: String },
    /// Several ids begin like this.
    Ambiguous {
        beginning: String,
        candidates: Vec<Id>,
    },
    /// The filter lets no snapshot through that is early enough.
    NoneFound {
        filter: Filter,
        held: Vec<Held>,
        /// How many snapshot files cannot be read. One of them may be the one that is meant.
        unreadable: u64,
    },
    /// The filter lets snapshots through, and all of them are later than the limit, in seconds since 1970.
    TooLate {
        filter: Filter,
        limit: i64,
        oldest: Time,
    },
    /// No backup is named, and the container holds several: the newest snapshot is that of any of them.
    SeveralBackups { held: Vec<HeldBackup> },
    /// Two are to be compared, and the filter lets fewer through.
    FewerThanTwo { filter: Filter },
    /// The snapshots cannot be listed, or the one that is meant cannot be read.
    Repository(Error),
}

/// How many snapshots there are of one host and one backup name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub host: String,
    /// Empty in snapshots that restic made.
    pub backup_name: String,
    pub count: u64,
}

impl From<Error> for ChoiceError {
    fn from(error: Error) -> ChoiceError {
        ChoiceError::Repository(error)
    }
}

impl Chosen {
    /// The first eight digits of the id.
    pub fn short_id(&self) -> String {
        short(self.id)
    }

    /// The label; empty in snapshots that restic made.
    pub fn backup_name(&self) -> &str {
        let label = self.snapshot.other.get("label");
        label.and_then(|label| label.as_str()).unwrap_or_default()
    }

    /// Whether this is one of the paths that were backed up.
    fn has_path(&self, path: &Path) -> bool {
        self.snapshot.paths.iter().any(|own| Path::new(own) == path)
    }

    /// Since 1970: the order of the snapshots.
    pub fn instant(&self) -> (i64, u32) {
        (self.snapshot.time.seconds, self.snapshot.time.nanoseconds)
    }
}

/// The first eight digits of an id, as people type it.
pub fn short(id: Id) -> String {
    format!("{id:.8}")
}

impl Filter {
    /// Whether the snapshot has all that the filter asks for.
    pub fn matches(&self, chosen: &Chosen) -> bool {
        let host = self.host.as_ref();
        let backup_name = self.backup_name.as_ref();
        host.is_none_or(|host| *host == chosen.snapshot.hostname)
            && backup_name.is_none_or(|name| name == chosen.backup_name())
            && (self.paths.is_empty() || self.paths.iter().any(|path| chosen.has_path(path)))
    }
}

/// All snapshots that the filter lets through.
///
/// # Errors
/// When the snapshots cannot be listed. One that cannot be read is in `unreadable`, because it may be one of them.
pub fn all(repository: &Repository, filter: &Filter) -> Result<Choice, Error> {
    let mut choice = Choice::default();
    for (id, snapshot) in read_all(&*repository.storage, &repository.cipher)? {
        match snapshot {
            Ok(snapshot) => {
                let chosen = Chosen { id, snapshot };
                if filter.matches(&chosen) {
                    choice.snapshots.push(chosen);
                }
            }
            Err(error) => choice.unreadable.push(error),
        }
    }
    choice.snapshots.sort_by_key(Chosen::instant);
    Ok(choice)
}

/// The snapshots that the filter lets through, if they belong to one backup. A filter with a backup name says which one is
/// meant.
///
/// # Errors
/// When they are those of several backups, and when they cannot be listed.
pub fn of_one_backup(repository: &Repository, filter: &Filter) -> Result<Choice, ChoiceError> {
    let choice = all(repository, filter)?;
    if filter.backup_name.is_none() {
        let all = choice.snapshots.iter();
        let held = backups(all.map(|it| (&it.snapshot, it.backup_name())));
        if held.len() > 1 {
            return Err(ChoiceError::SeveralBackups { held });
        }
    }
    Ok(choice)
}

/// The newest snapshot that the filter lets through and that is not later than the limit, in seconds since 1970; and the
/// snapshot files that could not be read, because one of them may be newer.
///
/// # Errors
/// When there is none, and when the snapshots are those of several backups.
pub fn newest(
    repository: &Repository,
    filter: &Filter,
    not_later_than: Option<i64>,
) -> Result<(Chosen, Vec<Error>), ChoiceError> {
    let mut choice = of_one_backup(repository, filter)?;
    let is_early_enough =
        |chosen: &Chosen| not_later_than.is_none_or(|limit| chosen.snapshot.time.seconds <= limit);
    match choice.snapshots.iter().rposition(is_early_enough) {
        Some(place) => Ok((choice.snapshots.swap_remove(place), choice.unreadable)),
        None => {
            if let (Some(limit), Some(oldest)) = (not_later_than, choice.snapshots.first()) {
                return Err(ChoiceError::TooLate {
                    filter: filter.clone(),
                    limit,
                    oldest: Time::utc(oldest.snapshot.time.seconds, 0),
                });
            }
            let everything = all(repository, &Filter::default())?;
            Err(ChoiceError::NoneFound {
                filter: filter.clone(),
                held: held(&everything.snapshots),
                unreadable: everything.unreadable.len() as u64,
            })
        }
    }
}

/// The snapshot whose id begins like this.
///
/// # Errors
/// When there is none, when there are several, and when it cannot be read.
pub fn by_id(repository: &Repository, beginning: &str) -> Result<Chosen, ChoiceError> {
    let beginning = beginning.to_ascii_lowercase();
    let mut candidates: Vec<Id> = repository
        .storage
        .list(FileKind::Snapshot)
        .map_err(Error::from)?
        .files
        .iter()
        .map(|file| file.id)
        .filter(|id| !beginning.is_empty() && id.hex().starts_with(beginning.as_bytes()))
        .collect();
    candidates.sort();
    match candidates.as_slice() {
        [] => Err(ChoiceError::NoSuchId { beginning }),
        [id] => {
            let snapshot = Snapshot::read(&*repository.storage, &repository.cipher, *id)?;
            Ok(Chosen { id: *id, snapshot })
        }
        _ => Err(ChoiceError::Ambiguous {
            beginning,
            candidates,
        }),
    }
}

fn held(all: &[Chosen]) -> Vec<Held> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for chosen in all {
        let key = (chosen.backup_name(), chosen.snapshot.hostname.as_str());
        *counts.entry(key).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((backup_name, host), count)| Held {
            host: host.to_owned(),
            backup_name: backup_name.to_owned(),
            count,
        })
        .collect()
}

/// Nothing, or what the snapshots have: ` of www made on web1`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.backup_name {
            write!(f, " of {name}")?;
        }
        if let Some(host) = &self.host {
            write!(f, " made on {host}")?;
        }
        match self.paths.first() {
            Some(path) => write!(f, " with the path {}", path.display()),
            None => Ok(()),
        }
    }
}

/// How many names a message lists.
const MOST_SHOWN: usize = 10;

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChoiceError::NoSuchId { beginning } => {
                write!(f, "no snapshot's id begins with {beginning}")
            }
            ChoiceError::Ambiguous {
                beginning,
                candidates,
            } => {
                write!(f, "several snapshots' ids begin with {beginning}: ")?;
                let texts = candidates.iter().map(Id::to_string).collect();
                write_list(f, ", ", texts)
            }
            ChoiceError::NoneFound {
                filter,
                held,
                unreadable,
            } => {
                write!(
                    f,
                    "there is no such snapshot{filter} in the container; it holds "
                )?;
                let mut texts: Vec<String> = held.iter().map(Held::to_string).collect();
                if *unreadable > 0 {
                    let count = crate::units::count(*unreadable, "snapshot", "snapshots");
                    texts.insert(0, format!("{count} that cannot be read"));
                }
                if texts.is_empty() {
                    return f.write_str("no snapshot");
                }
                write_list(f, "; ", texts)
            }
            ChoiceError::TooLate {
                filter,
                limit,
                oldest,
            } => write!(
                f,
                "there is no snapshot{filter} from {} or before: the oldest one is from {oldest}",
                Time::utc(*limit, 0)
            ),
            ChoiceError::SeveralBackups { held } => {
                f.write_str("the container holds several backups: ")?;
                write_list(f, "; ", held.iter().map(HeldBackup::to_string).collect())?;
                f.write_str(
                    ". Choose one with --backup-name (for one without a name: --backup-name ''), --host or --source, or name \
                     a snapshot by its id",
                )
            }
            ChoiceError::FewerThanTwo { filter } => {
                write!(f, "there are fewer than two snapshots{filter} to compare")
            }
            ChoiceError::Repository(error) => fmt::Display::fmt(error, f),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, between: &str, mut texts: Vec<String>) -> fmt::Result {
    let rest = texts.len().saturating_sub(MOST_SHOWN);
    texts.truncate(MOST_SHOWN);
    f.write_str(&texts.join(between))?;
    match rest {
        0 => Ok(()),
        rest => write!(f, "{between}and {rest} more"),
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.backup_name.as_str() {
            "" => "an unnamed backup",
            name => name,
        };
        let count = crate::units::count(self.count, "snapshot", "snapshots");
        write!(f, "{name} of {} ({count})", self.host)
    }
}

impl std::error::Error for ChoiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ChoiceError::Repository(error) => Some(error),
            _ => None,
        }
    }
}

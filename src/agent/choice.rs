//! Which snapshot a restore takes.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};

use super::report::local;
use super::snapshot::{Filter, Snapshot};
use crate::job::action::Restore;
use crate::location::Location;
use crate::units;

/// Why no snapshot is the one that is asked for.
#[derive(Debug, thiserror::Error)]
pub enum NoChoice {
    #[error("{wanted} in the container {place}; it holds {}", list(held))]
    NoneFound {
        wanted: Wanted,
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

/// What is asked for. `Display` says that it is not there.
#[derive(Debug)]
pub enum Wanted {
    Id {
        /// The first digits of the id, or all.
        beginning: String,
    },
    Newest {
        backup_name: String,
        host: String,
        /// The snapshot must not be newer than this.
        limit: Option<DateTime<Utc>>,
    },
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Id { beginning } => {
                write!(formatter, "no snapshot's id begins with {beginning}")
            }
            Wanted::Newest {
                backup_name,
                host,
                limit,
            } => {
                write!(
                    formatter,
                    "there is no snapshot of {backup_name} made on {host}"
                )?;
                match limit {
                    Some(limit) => write!(formatter, " from {} or before", local(*limit)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The snapshots of one host and one backup name that a container holds.
#[derive(Debug)]
pub struct Held {
    /// Empty in snapshots that another program made.
    label: String,
    host: String,
    count: u64,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} of {} ({}, {}",
            shown_label(&self.label),
            self.host,
            units::count(self.count, "snapshot", "snapshots"),
            local(self.first)
        )?;
        if self.count > 1 {
            write!(formatter, " to {}", local(self.last))?;
        }
        formatter.write_str(")")
    }
}

fn list(held: &[Held]) -> String {
    if held.is_empty() {
        return "nothing".to_owned();
    }
    let texts: Vec<String> = held.iter().map(Held::to_string).collect();
    texts.join("; ")
}

/// Groups all snapshots of a container (oldest first) by name and host.
fn held(all: &[Snapshot]) -> Vec<Held> {
    let mut held: BTreeMap<(&str, &str), Held> = BTreeMap::new();
    for snapshot in all {
        // Sorted by what is shown.
        held.entry((shown_label(&snapshot.label), &snapshot.host))
            .and_modify(|held| {
                held.count += 1;
                held.last = snapshot.time;
            })
            .or_insert_with(|| Held {
                label: snapshot.label.clone(),
                host: snapshot.host.clone(),
                count: 1,
                first: snapshot.time,
                last: snapshot.time,
            });
    }
    held.into_values().collect()
}

/// A snapshot that another program made has no backup name.
pub fn shown_label(label: &str) -> &str {
    if label.is_empty() {
        "an unnamed backup"
    } else {
        label
    }
}

/// The snapshot that is asked for: by its id, or the newest of the lineage that is not too late. A snapshot's time
/// counts in whole seconds, as people see it. `all` are the snapshots of the container, oldest first.
///
/// # Errors
/// When there is none, and when several have an id that begins so.
pub fn choose<'a>(all: &'a [Snapshot], work: &Restore) -> Result<&'a Snapshot, NoChoice> {
    let none = |wanted| NoChoice::NoneFound {
        wanted,
        place: work.container.location.clone(),
        held: held(all),
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
    all.iter()
        .rfind(|snapshot| filter.matches(snapshot) && in_time(snapshot))
        .ok_or_else(|| {
            none(Wanted::Newest {
                backup_name: work.lineage.backup_name.clone(),
                host: work.lineage.host.clone(),
                limit: work
                    .not_later_than
                    .and_then(|limit| DateTime::from_timestamp(limit, 0)),
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::action::{Container, Lineage};
    use crate::samples;

    fn snapshot(id: &str, host: &str, seconds: i64, nanoseconds: u32) -> Snapshot {
        let time = chrono::DateTime::from_timestamp(seconds, nanoseconds).unwrap();
        Snapshot {
            host: host.to_owned(),
            label: "nightly".to_owned(),
            ..samples::snapshot(id, time)
        }
    }

    fn wanted(id: Option<&str>, not_later_than: Option<i64>) -> Restore {
        Restore {
            container: Container {
                name: "c".to_owned(),
                location: Location::Local("/c".into()),
                pass_file: None,
            },
            lineage: Lineage {
                host: "one".to_owned(),
                backup_name: "nightly".to_owned(),
            },
            target: "/t".into(),
            not_later_than,
            snapshot: id.map(str::to_owned),
            overwrite: false,
        }
    }

    #[test]
    fn the_snapshot_is_chosen_by_id_or_by_time() {
        let all = [
            snapshot("aa11", "one", 100, 0),
            snapshot("aa22", "two", 150, 0),
            snapshot("bb33", "one", 200, 999_999_999),
        ];
        for (id, limit, expected) in [
            (None, None, Ok("bb33")),
            (None, Some(200), Ok("bb33")),
            (None, Some(199), Ok("aa11")),
            (None, Some(100), Ok("aa11")),
            (None, Some(99), Err("it holds nightly of one (2 snapshots,")),
            (Some("b"), None, Ok("bb33")),
            (Some("AA2"), None, Ok("aa22")),
            (Some("aa"), None, Err("several snapshots")),
            (Some(""), None, Err("no snapshot's id begins with")),
            (Some("cc"), None, Err("nightly of two (1 snapshot,")),
        ] {
            match (choose(&all, &wanted(id, limit)), expected) {
                (Ok(chosen), Ok(expected)) => assert_eq!(chosen.id, expected),
                (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
                (result, _) => panic!("{id:?} {limit:?}: {result:?}"),
            }
        }
        let error = choose(&[], &wanted(None, None)).unwrap_err();
        assert!(error.to_string().ends_with("it holds nothing"), "{error}");
    }
}

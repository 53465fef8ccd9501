//! Which snapshots a job takes over, and whose they become. Pure.

use std::path::Path;

use crate::cli::container::ChosenContainer;
use crate::protocol::ListedSnapshot;

/// Whose snapshots are taken over.
#[derive(Clone, Debug)]
pub enum From {
    /// Those of this host and backup name; `None`: of the job's own.
    Named {
        host: Option<String>,
        backup_name: Option<String>,
    },
    /// Those whose ids begin like these.
    Ids(Vec<String>),
}

/// A snapshot that becomes one of the job's.
#[derive(Clone, Debug)]
pub struct Adoption {
    pub snapshot: ListedSnapshot,
    pub new_host: String,
    pub new_backup_name: String,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// Oldest first.
    pub adoptions: Vec<Adoption>,
    /// Those that have the host and the name, and none of the paths of the job.
    pub of_other_paths: Vec<ListedSnapshot>,
    /// Of the ids: those that no snapshot has, or several.
    pub bad_ids: Vec<(String, usize)>,
}

/// Plans an adoption. `own` are the backups of the job in the container, and `listed` are all snapshots in it.
pub fn plan(own: &[ChosenContainer], from: &From, listed: &[ListedSnapshot]) -> Plan {
    let mut plan = Plan::default();
    if let From::Ids(ids) = from {
        for id in ids {
            let begins = |it: &&ListedSnapshot| begins(&it.id, id);
            match listed.iter().filter(begins).count() {
                1 => {}
                count => plan.bad_ids.push((id.clone(), count)),
            }
        }
    }
    for snapshot in listed {
        let is_wanted = |backup: &&ChosenContainer| match from {
            From::Ids(ids) => ids.iter().any(|id| begins(&snapshot.id, id)),
            From::Named { host, backup_name } => {
                let host = host.as_ref().or(backup.host.as_ref());
                let backup_name = backup_name.as_ref().or(backup.backup_name.as_ref());
                host == Some(&snapshot.host) && backup_name == Some(&snapshot.backup_name)
            }
        };
        let wanted: Vec<&ChosenContainer> = own.iter().filter(is_wanted).collect();
        if wanted.is_empty() {
            continue;
        }
        // Several backups may share a path; the one that has all of them comes first.
        let exact = wanted.iter().find(|it| has_all(it, snapshot));
        let Some(backup) = exact.or_else(|| wanted.iter().find(|it| shares(it, snapshot))) else {
            plan.of_other_paths.push(snapshot.clone());
            continue;
        };
        let new = (
            backup.host.clone().unwrap_or_default(),
            backup.backup_name.clone().unwrap_or_default(),
        );
        if new != (snapshot.host.clone(), snapshot.backup_name.clone()) {
            plan.adoptions.push(Adoption {
                snapshot: snapshot.clone(),
                new_host: new.0,
                new_backup_name: new.1,
            });
        }
    }
    plan
}

fn begins(id: &str, beginning: &str) -> bool {
    !beginning.is_empty() && id.starts_with(&beginning.to_ascii_lowercase())
}

fn has_all(backup: &ChosenContainer, snapshot: &ListedSnapshot) -> bool {
    let has = |path: &String| backup.paths.iter().any(|own| own == Path::new(path));
    !backup.paths.is_empty() && snapshot.paths.iter().all(has)
}

/// An action `admin` without paths is about all of them.
fn shares(backup: &ChosenContainer, snapshot: &ListedSnapshot) -> bool {
    let has = |path: &String| backup.paths.iter().any(|own| own == Path::new(path));
    backup.paths.is_empty() || snapshot.paths.iter().any(has)
}

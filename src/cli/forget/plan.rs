//! Which removals a job stands for, and what they would do. Pure.

use chrono::{DateTime, Utc};

use crate::agent::retention::{Fate, Policy, fates, limit};
use crate::agent::snapshot::Snapshot;
use crate::cli::container::ChosenContainer;
use crate::escape::harmless;
use crate::job::Job;
use crate::job::action::{Admin, Age, Lineage, Work};
use crate::keep::Rules;

/// One removal: what an action of the job does, or the options say.
#[derive(Clone, Debug)]
pub struct Removal {
    /// The action of the job, counted from 1.
    pub action: Option<usize>,
    pub admin: Admin,
}

impl Removal {
    /// Which snapshots it is about, as a line above them.
    pub fn heading(&self) -> String {
        let action = match self.action {
            Some(number) => format!("action {number}: "),
            None => String::new(),
        };
        let Admin {
            lineage, container, ..
        } = &self.admin;
        harmless(&format!(
            "{action}snapshots {}, in {}",
            lineage.whose(),
            container.location
        ))
    }
}

/// What becomes of the snapshots of a removal, oldest first.
pub struct Planned {
    pub removal: Removal,
    pub fates: Vec<(Snapshot, Fate)>,
}

impl Planned {
    /// How many are removed.
    pub fn gone(&self) -> u64 {
        let is_gone = |(_, fate): &&(Snapshot, Fate)| fate.is_empty();
        self.fates.iter().filter(is_gone).count() as u64
    }
}

/// The removals of the actions of a job: of its actions `admin`, and of its backups with rules. With a number: of that
/// action.
pub fn of_job(job: &Job, number: Option<usize>) -> Vec<Removal> {
    let actions = job.actions.iter().enumerate();
    let removals = actions.filter_map(|(index, action)| {
        let admin = match &action.action.work {
            Work::Admin(admin) => admin.clone(),
            Work::Backup(backup) if backup.removes_snapshots() => Admin {
                container: backup.container.clone(),
                lineage: backup.lineage.clone(),
                paths: backup.paths.clone(),
                remove: backup.remove_older_than.map(Age::Days),
                keep: backup.keep.clone(),
                prune: backup.prune,
                max_unused: None,
                max_repack: None,
            },
            _ => return None,
        };
        let action = Some(index + 1);
        Some(Removal { action, admin })
    });
    removals
        .filter(|removal| number.is_none() || removal.action == number)
        .collect()
}

/// The removal of the snapshots that a selection stands for, by these rules. `None`: the selection has no host or no name.
pub fn of_selection(
    chosen: &ChosenContainer,
    older_than: Option<f64>,
    rules: &Rules,
) -> Option<Removal> {
    let lineage = Lineage {
        host: chosen.host.clone()?,
        backup_name: chosen.backup_name.clone()?,
    };
    Some(Removal {
        action: chosen.action.map(|(number, _)| number),
        admin: Admin {
            container: chosen.container.clone(),
            lineage,
            paths: chosen.paths.clone(),
            remove: older_than.map(Age::Days),
            keep: rules.clone(),
            prune: None,
            max_unused: None,
            max_repack: None,
        },
    })
}

/// Decides about the snapshots that are there. `proved` are the first ids of those that drills have restored.
pub fn plan(
    removal: Removal,
    listed: &[Snapshot],
    proved: &[String],
    now: DateTime<Utc>,
) -> Planned {
    let admin = &removal.admin;
    let mut own: Vec<Snapshot> = listed
        .iter()
        .filter(|it| it.host == admin.lineage.host && it.label == admin.lineage.backup_name)
        .cloned()
        .collect();
    own.sort_by(|one, other| (one.time, &one.id).cmp(&(other.time, &other.id)));
    let policy = Policy {
        paths: &admin.paths,
        // An age that is out of range makes nothing old, and the agent refuses it.
        limit: admin
            .remove
            .map(|age| limit(age, now).unwrap_or(DateTime::<Utc>::MIN_UTC)),
        rules: &admin.keep,
        proved,
        now,
    };
    let fates = fates(&own, &policy);
    Planned {
        fates: own.into_iter().zip(fates).collect(),
        removal,
    }
}

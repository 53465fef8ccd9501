//! Snapshots in the containers of the jobs that the jobs seem to have made under an earlier host name.

use std::path::PathBuf;

use super::finding::{Finding, Level};
use crate::agent::earlier_hosts::{
    EarlierHost, Made, adopt_command, adopt_unnamed_command, earlier_hosts, unnamed,
};
use crate::job::action::{Lineage, Work};
use crate::location::Location;
use crate::protocol::ListedSnapshot;
use crate::units;

/// A backup of a job.
#[derive(Clone, Debug)]
pub struct Own {
    pub job: String,
    pub lineage: Lineage,
    pub paths: Vec<PathBuf>,
}

impl Own {
    /// `None`: the action is not a backup.
    pub fn of(job: &str, work: &Work) -> Option<Own> {
        let Work::Backup(work) = work else {
            return None;
        };
        Some(Own {
            job: job.to_owned(),
            lineage: work.lineage.clone(),
            paths: work.paths.clone(),
        })
    }
}

/// Snapshots that a job seems to have made before it had its name, or its host had.
#[derive(Clone, Debug)]
pub struct Earlier {
    job: String,
    backup_name: String,
    /// `None`: this host, and the snapshots have no name.
    host: Option<String>,
    count: u64,
}

/// Looks for them among the snapshots of a container.
pub fn find(backups: &[Own], listed: &[ListedSnapshot]) -> Vec<Earlier> {
    let made = listed.iter().map(|snapshot| Made {
        host: &snapshot.host,
        backup_name: &snapshot.backup_name,
        paths: &snapshot.paths,
        time: snapshot.time,
    });
    let of_backup = |own: &Own| {
        let hosts = earlier_hosts(&own.lineage, &own.paths, made.clone());
        let earlier = |EarlierHost { host, times }| Earlier {
            job: own.job.clone(),
            backup_name: own.lineage.backup_name.clone(),
            host: Some(host),
            count: times.len() as u64,
        };
        let without_name = Earlier {
            job: own.job.clone(),
            backup_name: own.lineage.backup_name.clone(),
            host: None,
            count: unnamed(&own.lineage, &own.paths, made.clone()),
        };
        let mut found: Vec<Earlier> = hosts.into_iter().map(earlier).collect();
        found.extend((without_name.count > 0).then_some(without_name));
        found
    };
    backups.iter().flat_map(of_backup).collect()
}

/// Names them. They may be those of another host, so this is no warning.
pub fn findings(place: &Location, earlier: &[Earlier]) -> Vec<Finding> {
    let finding = |it: &Earlier| {
        let Some(host) = &it.host else {
            let message = format!(
                "it has {} without a name, as restic makes them, of the paths of {}",
                units::count(it.count, "snapshot", "snapshots"),
                it.job
            );
            return Finding::new("container", Level::Info, place, message).help(format!(
                "`{}` makes them those of the job; it does not remove old ones otherwise",
                adopt_unnamed_command(&it.job)
            ));
        };
        let message = format!(
            "it has {} of {} made on {}, and none that is newer: {} may have made {} under an earlier name of this host",
            units::count(it.count, "snapshot", "snapshots"),
            it.backup_name,
            host,
            it.job,
            if it.count == 1 { "it" } else { "them" },
        );
        Finding::new("container", Level::Info, place, message).help(format!(
            "if so, `{}` makes them those of the job; it does not remove old ones otherwise",
            adopt_command(&it.job, host)
        ))
    };
    earlier.iter().map(finding).collect()
}

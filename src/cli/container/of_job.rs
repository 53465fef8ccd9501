//! The containers of a job, and the snapshots in them that are the job's.

use super::{ChosenContainer, ContainerOptions, pass_file, snapshot};
use crate::cli::exit::{Exit, Failure};
use crate::cli::{job_files, ledger_view, unread};
use crate::config::Settings;
use crate::job::Job;
use crate::job::action::{Container, Work};
use crate::job::kind::WorkKind;

impl ContainerOptions {
    /// The selections of the job in another container than its own, such as the one that a disk is copied to. Its password
    /// is the one that the job has for it, else that of the job's own container.
    pub(super) fn of_job_elsewhere(
        &self,
        settings: &Settings,
        job: &str,
        container: &str,
    ) -> Result<Vec<ChosenContainer>, Failure> {
        let (location, connection) = self.place_of(settings, container)?;
        let name = job;
        let job = named(settings, name)?;
        let mut found = self.of_job(&job, name)?;
        let mut known = job
            .actions
            .iter()
            .flat_map(|it| it.action.work.containers());
        let known = known.find(|known| known.location == location);
        let pass_file = match (&self.encrypt_pass_file, known) {
            (Some(file), _) => pass_file(Some(file))?,
            (None, Some(known)) => known.pass_file.clone(),
            (None, None) => found.first().and_then(|it| it.container.pass_file.clone()),
        };
        let container = Container {
            name: container.to_owned(),
            location,
            pass_file,
            connection: known.map_or(connection, |known| known.connection.clone()),
        };
        for chosen in &mut found {
            chosen.container = container.clone();
            chosen.is_further_target = false;
        }
        Ok(distinct(found))
    }

    /// The selections of the job that the options leave.
    pub(super) fn of_job(&self, job: &Job, name: &str) -> Result<Vec<ChosenContainer>, Failure> {
        let mut found = candidates(job, self.action);
        if found.is_empty() {
            let message = match self.action {
                Some(number) => format!("{name} has no action {number} with a container"),
                None => format!(
                    "{name} has no action with a container; name a container with --container"
                ),
            };
            return Err(Failure::new(Exit::NotFound, message));
        }
        let sources = self.source_paths()?;
        if !sources.is_empty() {
            let has_source = |chosen: &ChosenContainer| {
                sources.iter().any(|source| chosen.paths.contains(source))
            };
            if found.iter().any(has_source) {
                found.retain(has_source);
            } else if let (Some(number), [source, ..]) = (self.action, &sources[..])
                && let Some((other, _)) = candidates(job, None)
                    .iter()
                    .filter(|it| has_source(it))
                    .find_map(|it| it.action)
            {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "--action {number} and --source {} contradict each other: that is a path of action {other}; leave one \
                         of them out",
                        source.display()
                    ),
                ));
            }
        }
        if let Some(backup_name) = &self.backup_name {
            let has_name =
                |chosen: &ChosenContainer| chosen.backup_name.as_ref() == Some(backup_name);
            if found.iter().any(has_name) {
                found.retain(has_name);
            } else {
                // The paths are those of another name.
                for chosen in &mut found {
                    chosen.backup_name = Some(backup_name.clone());
                    chosen.paths.clear();
                    chosen.action = None;
                }
            }
        }
        for chosen in &mut found {
            if !sources.is_empty() {
                chosen.paths.clone_from(&sources);
            }
            if self.host.is_some() {
                chosen.host.clone_from(&self.host);
            }
        }
        Ok(distinct(found))
    }
}

/// The job of this name, as it was loaded last.
pub(super) fn named(settings: &Settings, name: &str) -> Result<Job, Failure> {
    let ledger = ledger_view::open(settings).map_err(|error| unless_snapshot(name, error))?;
    let Some(record) = ledger.reader.job(name)? else {
        return Err(unless_snapshot(
            name,
            unread::no_such_job(settings, &ledger, name),
        ));
    };
    job_files::remembered(settings, &record)
}

/// The failure of a command for which the first word is a job, where it seems to be meant as a snapshot.
fn unless_snapshot(word: &str, mut failure: Failure) -> Failure {
    let is_id = (8..=64).contains(&word.len()) && word.bytes().all(|it| it.is_ascii_hexdigit());
    if word == snapshot::LATEST || is_id {
        failure.message.push_str(&format!(
            "; if a snapshot is meant, name the job or the container, and then --snapshot {word} (for `freezerd diff`, the \
             word alone)"
        ));
    }
    failure
}

/// The selections of a job: those of its backups, or else of the kind of its other actions that says most of snapshots.
/// With a number: that of this action.
fn candidates(job: &Job, number: Option<usize>) -> Vec<ChosenContainer> {
    let all = job
        .actions
        .iter()
        .enumerate()
        .filter_map(|(index, action)| {
            let (container, lineage, paths) = match &action.action.work {
                Work::Backup(work) => (&work.container, Some(&work.lineage), &work.paths[..]),
                Work::Restore(work) => (&work.container, Some(&work.lineage), &work.paths[..]),
                Work::Admin(work) => (&work.container, Some(&work.lineage), &work.paths[..]),
                Work::Info(work) => (&work.container, None, &[][..]),
                Work::Check(work) => (&work.container, None, &[][..]),
                Work::Copy(work) => (&work.container, None, &work.paths[..]),
                Work::Drill(work) => (&work.container, Some(&work.lineage), &work.paths[..]),
                Work::Exec(_) => return None,
            };
            let kind = action.action.work.kind();
            let chosen = ChosenContainer {
                container: container.clone(),
                backup_name: lineage.map(|lineage| lineage.backup_name.clone()),
                host: lineage.map(|lineage| lineage.host.clone()),
                paths: paths.to_vec(),
                action: Some((index + 1, kind == WorkKind::Backup)),
                is_further_target: action.action.work.targets_before() > 0,
            };
            Some((kind, chosen))
        });
    if let Some(number) = number {
        let is_it = |chosen: &ChosenContainer| chosen.action.is_some_and(|(it, _)| it == number);
        return all
            .map(|(_, chosen)| chosen)
            .filter(|chosen| is_it(chosen))
            .collect();
    }
    let all: Vec<(WorkKind, ChosenContainer)> = all.collect();
    let Some(best) = all.iter().map(|(kind, _)| *kind).min() else {
        return Vec::new();
    };
    let of_best = all.into_iter().filter(|(kind, _)| *kind == best);
    let of_best = of_best.map(|(_, chosen)| chosen);
    match best {
        WorkKind::Backup | WorkKind::Restore | WorkKind::Drill => of_best.collect(),
        // These do not say which snapshots a restore would take.
        _ => of_best.take(1).collect(),
    }
}

/// Without those that select the same snapshots as an earlier one.
fn distinct(found: Vec<ChosenContainer>) -> Vec<ChosenContainer> {
    let mut kept: Vec<ChosenContainer> = Vec::new();
    for chosen in found {
        let is_known = kept.iter().any(|other| {
            (
                &other.container,
                &other.backup_name,
                &other.host,
                &other.paths,
            ) == (
                &chosen.container,
                &chosen.backup_name,
                &chosen.host,
                &chosen.paths,
            )
        });
        if !is_known {
            kept.push(chosen);
        }
    }
    kept
}

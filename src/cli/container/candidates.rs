//! What the actions of a job select.

use super::ChosenContainer;
use crate::job::Job;
use crate::job::action::Work;
use crate::job::kind::WorkKind;

/// The selections of a job: those of its backups, or else of the kind of its other actions that says most of snapshots.
/// With a number: that of this action.
pub fn candidates(job: &Job, number: Option<usize>) -> Vec<ChosenContainer> {
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
        WorkKind::Backup | WorkKind::Restore => of_best.collect(),
        // These do not say which snapshots a restore would take.
        _ => of_best.take(1).collect(),
    }
}

/// Without those that select the same snapshots as an earlier one.
pub fn distinct(found: Vec<ChosenContainer>) -> Vec<ChosenContainer> {
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

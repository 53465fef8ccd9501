//! What is known of the prunes that the removals of a job bring: for `next` and `why`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::config::Settings;
use crate::job::Job;
use crate::job::action::Work;
use crate::job::prune_budget::{Circumstances, Decision, PruneBudget, PruneWhen, Wait, Waste};
use crate::location::Location;
use crate::record::{ContainerWaste, JobRecord};
use crate::schedule::zone::Zone;
use crate::units;

/// A container from which a job removes snapshots.
#[derive(Clone, Debug)]
pub struct JobPrune {
    pub container: Location,
    when: PruneWhen,
    waste: Waste,
    budget: PruneBudget,
    /// The zone of the window.
    zone: Zone,
}

/// The containers from which a job removes snapshots, each once. `records` are those of all jobs.
pub fn of_job(
    settings: &Settings,
    job: &Job,
    records: &[JobRecord],
    now: DateTime<Utc>,
) -> Vec<JobPrune> {
    let noted = records.iter().flat_map(|record| &record.past.waste);
    let mut prunes: Vec<JobPrune> = Vec::new();
    for action in job.actions.iter().filter(|it| !it.action.dry_run) {
        let (container, when) = match &action.action.work {
            Work::Admin(admin) => (&admin.container, admin.prune.unwrap_or(PruneWhen::Always)),
            Work::Backup(backup) if backup.removes() => {
                (&backup.container, backup.prune.unwrap_or(PruneWhen::Needed))
            }
            _ => continue,
        };
        let location = &container.location;
        match prunes.iter_mut().find(|it| it.container == *location) {
            Some(known) => known.when = known.when.min(when),
            None => prunes.push(JobPrune {
                container: location.clone(),
                when,
                waste: ContainerWaste::together(noted.clone(), location, now),
                budget: settings.prune_budget(),
                zone: job.schedule.zone_or(&settings.zone()).clone(),
            }),
        }
    }
    prunes
}

/// Of these instants at which a job runs, those at which it is time to prune a container.
pub fn due(
    prunes: &[JobPrune],
    runs: impl Iterator<Item = DateTime<Utc>> + Clone,
) -> BTreeMap<DateTime<Utc>, Vec<String>> {
    let mut due: BTreeMap<DateTime<Utc>, Vec<String>> = BTreeMap::new();
    for prune in prunes.iter().filter(|it| it.when == PruneWhen::Needed) {
        let mut waste = prune.waste;
        for run in runs.clone() {
            // Until then, something is removed.
            waste.snapshots = waste.snapshots.max(1);
            if let Decision::Prune(_) = prune.decide(waste, run) {
                let place = prune.container.to_string();
                due.entry(run).or_default().push(place);
                waste = Waste {
                    pruned: Some(run),
                    ..Waste::default()
                };
            }
        }
    }
    due
}

impl JobPrune {
    /// What a run decides that removes nothing more, as far as the time and what was removed say it.
    fn decide(&self, waste: Waste, now: DateTime<Utc>) -> Decision {
        Circumstances {
            budget: self.budget,
            waste,
            size: waste.size,
            is_damaged: false,
            little_space: None,
            now,
            zone: &self.zone,
            clock_in_doubt: false,
        }
        .decide()
    }

    /// When the container was pruned last, what was removed since, and what the next prune waits for. `at` shows an instant.
    pub fn sentence(&self, now: DateTime<Utc>, at: impl Fn(DateTime<Utc>) -> String) -> String {
        let Waste {
            pruned,
            snapshots,
            bytes,
            size,
        } = self.waste;
        let mut clauses = vec![match pruned {
            Some(pruned) => format!("{} was pruned last on {}", self.container, at(pruned)),
            None => format!("No prune of {} is known", self.container),
        }];
        let removed = units::count(snapshots, "snapshot was removed", "snapshots were removed");
        let removed = match (snapshots, pruned) {
            (0, Some(_)) => Some("nothing was removed since".to_owned()),
            (0, None) => None,
            (_, Some(_)) => Some(format!("since then {removed}")),
            (_, None) => Some(removed),
        };
        let waste = bytes.filter(|bytes| *bytes > 0);
        let waste =
            waste.map(|bytes| format!("up to {} may be waste", units::part_of(bytes, size)));
        let both = [removed, waste].into_iter().flatten();
        let both = both.collect::<Vec<_>>().join(", and ");
        clauses.extend(Some(both).filter(|it| !it.is_empty()));
        clauses.extend(self.next(now, at));
        clauses.join("; ") + "."
    }

    /// What the next prune waits for, as a clause. `None`: for a removal.
    fn next(&self, now: DateTime<Utc>, at: impl Fn(DateTime<Utc>) -> String) -> Option<String> {
        match self.when {
            PruneWhen::Always => Some("each run prunes it".to_owned()),
            PruneWhen::Never => Some("this job does not prune it".to_owned()),
            PruneWhen::Needed => match self.decide(self.waste, now) {
                Decision::Prune(reason) => {
                    Some(format!("the next run prunes it: {}", reason.words(at)))
                }
                Decision::Later(Wait::NothingRemoved) => None,
                Decision::Later(wait) => Some(wait.words(at)),
            },
        }
    }

    /// What [`JobPrune::sentence`] says, in fields. `docs/commands.md` documents them.
    pub fn as_json(&self, now: DateTime<Utc>, at: impl Fn(DateTime<Utc>) -> String) -> Value {
        let latest = match (self.when, self.decide(self.waste, now)) {
            (PruneWhen::Needed, Decision::Later(wait)) => wait.latest(),
            _ => None,
        };
        json!({
            "container": self.container.to_string(),
            "prune": self.when.word(),
            "pruned": self.waste.pruned,
            "snapshots_removed": self.waste.snapshots,
            "bytes_removed": self.waste.bytes,
            "bytes": self.waste.size,
            "next": self.next(now, at),
            "latest": latest,
        })
    }
}

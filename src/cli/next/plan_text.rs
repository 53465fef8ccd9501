//! The plan of a span of time, as text.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::days::{Days, cells, time_in_other_zone};
use super::plan::{Entry, Plan};
use super::upcoming::Upcoming;
use crate::schedule::zone::Zone;
use crate::units;

/// If a job fires more often than this in a day, the day has one line for it.
const MOST_A_DAY: usize = 24;

/// Adds the plan's rows to a table. A job that fires often has one row a day.
pub fn plan_rows(upcoming: &[Upcoming], plan: &Plan, zone: &Zone, table: &mut Days<'_>) {
    let day = |at: DateTime<Utc>| zone.to_local(at).date_naive();
    let mut by_day: BTreeMap<(NaiveDate, usize), Vec<&Entry>> = BTreeMap::new();
    for entry in &plan.entries {
        by_day
            .entry((day(entry.at), entry.job))
            .or_default()
            .push(entry);
    }
    for ((_, index), entries) in by_day {
        let job = &upcoming[index];
        if entries.len() > MOST_A_DAY
            && let (Some(first), Some(last)) = (entries.first(), entries.last())
        {
            let skipped = entries.iter().filter(|entry| entry.runs.is_none()).count();
            let waiting = entries.iter().filter(|entry| entry.wait.is_some()).count();
            let mut notes = vec![format!(
                "{} times until {}",
                entries.len(),
                zone.to_local(last.at).format("%T")
            )];
            let of_them = |count: usize, one, many| {
                (count > 0).then(|| units::count(count as u64, one, many))
            };
            notes.extend(of_them(waiting, "of them waits", "of them wait"));
            notes.extend(of_them(
                skipped,
                "of them is skipped",
                "of them are skipped",
            ));
            for (at, containers) in job.prunes.range(first.at..=last.at) {
                let at = zone.to_local(*at).format("%T");
                notes.push(format!("time to prune {} at {at}", containers.join(", ")));
            }
            table.row(first.at, plan_cells(first, job, plan, zone), notes);
            continue;
        }
        for entry in entries {
            let firing = job.firings.iter().find(|firing| firing.at == entry.at);
            let mut notes = entry_notes(entry, upcoming);
            if let Some(firing) = firing {
                notes.extend(time_in_other_zone(job, firing, zone));
                notes.extend(job.notes(firing));
            } else {
                notes.push("owed".to_owned());
            }
            table.row(entry.at, plan_cells(entry, job, plan, zone), notes);
        }
    }
}

fn plan_cells(entry: &Entry, job: &Upcoming, plan: &Plan, zone: &Zone) -> Vec<String> {
    let mut cells = cells(entry.at, zone, &job.job_id);
    cells.push(match entry.runs {
        _ if !plan.known[entry.job] => "takes ?".to_owned(),
        Some((start, end)) => format!("takes {}", units::duration(span(end - start))),
        None => "–".to_owned(),
    });
    cells
}

fn span(delta: TimeDelta) -> Duration {
    delta.to_std().unwrap_or_default()
}

/// The notes of the plan about a firing.
fn entry_notes(entry: &Entry, upcoming: &[Upcoming]) -> Vec<String> {
    let mut notes = Vec::new();
    if entry.runs.is_none() {
        notes.push("skipped: the previous run is still running".to_owned());
    }
    if let Some(wait) = &entry.wait {
        let lasts = units::duration(span(wait.lasts));
        notes.push(match &wait.container {
            Some((name, holder)) => {
                format!(
                    "waits {lasts} for container {name}, held by {}",
                    upcoming[*holder].job_id
                )
            }
            None => format!("waits {lasts} for a free slot"),
        });
    }
    match &entry.beside[..] {
        [] => {}
        others if others.len() <= 3 => {
            let names: Vec<&str> = others
                .iter()
                .map(|job| upcoming[*job].job_id.as_str())
                .collect();
            notes.push(format!("beside {}", names.join(", ")));
        }
        others => notes.push(format!("beside {} others", others.len())),
    }
    notes
}

/// The plan in two lines: the counts, and the jobs without past runs.
pub fn summary(upcoming: &[Upcoming], plan: &Plan) -> String {
    let total = plan.entries.len() as u64;
    let count =
        |test: &dyn Fn(&Entry) -> bool| plan.entries.iter().filter(|entry| test(entry)).count();
    let for_container = count(&|entry| {
        entry
            .wait
            .as_ref()
            .is_some_and(|wait| wait.container.is_some())
    });
    let for_slot = count(&|entry| {
        entry
            .wait
            .as_ref()
            .is_some_and(|wait| wait.container.is_none())
    });
    let overlapping = count(&|entry| !entry.beside.is_empty());
    let skipped = count(&|entry| entry.runs.is_none());
    let mut words = format!(
        "{}: {overlapping} beside others, {for_slot} waiting for a slot (there {}), {for_container} waiting for a container, \
         {skipped} skipped.",
        units::count(total, "run", "runs"),
        if plan.slots == 1 {
            "is 1".to_owned()
        } else {
            format!("are {}", plan.slots)
        },
    );
    let unknown: Vec<&str> = upcoming
        .iter()
        .zip(&plan.known)
        .filter(|(_, known)| !**known)
        .map(|(job, _)| job.job_id.as_str())
        .collect();
    if unknown.is_empty() {
        words
            .push_str(" Each run is assumed to last as long as the median of the job's past runs.");
    } else {
        words.push_str(&format!(
            "\nJobs without past runs, whose runs are assumed to take no time: {}{}.",
            unknown
                .iter()
                .take(8)
                .copied()
                .collect::<Vec<_>>()
                .join(", "),
            if unknown.len() > 8 { ", …" } else { "" }
        ));
    }
    words
}

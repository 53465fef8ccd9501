//! What is due next, as text or as JSON on standard output.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::days::{Days, cells, offset_and_zone, time_in_other_zone};
use super::plan::Plan;
use super::upcoming::{Owed, Upcoming};
use super::{plan_text, to_json};
use crate::cli::output;
use crate::schedule::zone::Zone;
use crate::units;

/// Prints one job.
pub fn one(upcoming: &Upcoming, now: DateTime<Utc>, as_json: bool) {
    if as_json {
        return output::json(&to_json::one(upcoming));
    }
    let mut heading = format!(
        "{}: {} ({})",
        upcoming.job_id,
        upcoming.schedule,
        upcoming.zone.name()
    );
    if !upcoming.jitter.is_zero() {
        heading.push_str(&format!(
            ", {} later by schedule_jitter",
            units::duration(upcoming.jitter)
        ));
    }
    println!("{}", heading);
    if let Some(off) = &upcoming.off {
        return println!("No run is to come: {}.", off);
    }
    if let Some(owed) = &upcoming.owed {
        println!("{}", owed_words(owed, &upcoming.zone));
    }
    let mut table = Days::new(&upcoming.zone);
    for firing in &upcoming.firings {
        table.row(
            firing.at,
            vec![offset_and_zone(firing.at, &upcoming.zone)],
            upcoming.notes(firing),
        );
    }
    table.print(now, upcoming.firings.last().map(|firing| firing.at));
    if upcoming.firings.is_empty() && upcoming.owed.is_none() {
        println!("No run is due in this time.");
    }
    if upcoming.continuous {
        println!("It runs again one second after each end, and later than that after failures.");
    }
}

/// Prints all jobs that are on their schedules, and the plan if there is one.
pub fn all(
    upcoming: &[Upcoming],
    plan: Option<&Plan>,
    now: DateTime<Utc>,
    zone: &Zone,
    as_json: bool,
) {
    if as_json {
        let jobs: Vec<Value> = upcoming
            .iter()
            .filter_map(|job| to_json::in_list(job, zone))
            .collect();
        let mut object = json!({"jobs": jobs});
        if let Some(plan) = plan {
            object["plan"] = to_json::plan(upcoming, plan, now, zone);
        }
        return output::json(&object);
    }
    for job in upcoming {
        if let Some(owed) = &job.owed {
            println!("{}: {}", job.job_id, owed_words(owed, zone));
        }
    }
    let mut table = Days::new(zone);
    match plan {
        None => {
            for job in upcoming {
                for firing in &job.firings {
                    let notes = time_in_other_zone(job, firing, zone).into_iter();
                    let notes = notes.chain(job.notes(firing)).collect();
                    table.row(firing.at, cells(firing.at, zone, &job.job_id), notes);
                }
            }
        }
        Some(plan) => plan_text::plan_rows(upcoming, plan, zone, &mut table),
    }
    let end = plan
        .map(|plan| plan.until)
        .or_else(|| table.rows.iter().map(|row| row.at).max());
    let empty = table.rows.is_empty();
    table.print(now, end);
    if empty {
        println!(
            "Nothing is scheduled{}.",
            if plan.is_some() { " in this time" } else { "" }
        );
    }
    if let Some(plan) = plan {
        println!();
        print!("{}\n", plan_text::summary(upcoming, plan));
    }
}

/// The runs that are owed, in words.
fn owed_words(owed: &Owed, zone: &Zone) -> String {
    let at = |instant: DateTime<Utc>| zone.to_local(instant).format("%a %F %T").to_string();
    let what = if owed.due.count == 1 {
        format!("the run due {} has not started", at(owed.due.last))
    } else {
        format!(
            "{} runs were due from {} to {}",
            owed.due.count,
            at(owed.due.first),
            at(owed.due.last)
        )
    };
    match &owed.refusal {
        None if owed.due.count == 1 => format!("{what}: freezerd runs it as soon as possible"),
        None => format!("{what}: one run makes up for them as soon as possible"),
        Some(why) => format!("{what}: no run makes up for it ({why})"),
    }
}

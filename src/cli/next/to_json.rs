//! What is due next, as JSON. `docs/commands.md` documents the fields.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::plan::Plan;
use super::upcoming::{Owed, Upcoming};
use crate::schedule::zone::Zone;

/// An instant in RFC 3339 with the zone's offset, with fractions of a second only if there are any.
fn rfc3339(instant: DateTime<Utc>, zone: &Zone) -> String {
    zone.to_local(instant)
        .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}

/// One job.
pub fn one(upcoming: &Upcoming) -> Value {
    let zone = &upcoming.zone;
    let occurrences: Vec<String> = upcoming
        .firings
        .iter()
        .map(|firing| rfc3339(firing.at, zone))
        .collect();
    let firings: Vec<Value> = upcoming
        .firings
        .iter()
        .map(|firing| {
            json!({
                "due": rfc3339(firing.due, zone),
                "at": rfc3339(firing.at, zone),
                "notes": upcoming.notes(firing),
                "prunes": upcoming.prunes(firing),
            })
        })
        .collect();
    json!({
        "job_id": upcoming.job_id,
        "schedule": upcoming.schedule,
        "zone": zone.name(),
        "jitter_seconds": upcoming.jitter.as_secs(),
        "occurrences": occurrences,
        "firings": firings,
        "owed": upcoming.owed.as_ref().map(|owed| owed_value(owed, zone)),
        "reason": upcoming.off,
    })
}

fn owed_value(owed: &Owed, zone: &Zone) -> Value {
    json!({
        "first": rfc3339(owed.due.first, zone),
        "last": rfc3339(owed.due.last, zone),
        "count": owed.due.count,
        "refusal": owed.refusal,
    })
}

/// One job in the list of all: with its next firing. `None`: nothing is due and nothing is owed.
pub fn in_list(upcoming: &Upcoming, zone: &Zone) -> Option<Value> {
    if upcoming.firings.is_empty() && upcoming.owed.is_none() {
        return None;
    }
    let mut value = one(upcoming);
    value["next"] = match upcoming.firings.first() {
        Some(firing) => json!(rfc3339(firing.at, zone)),
        None => Value::Null,
    };
    Some(value)
}

/// The plan of a span of time.
pub fn plan(upcoming: &[Upcoming], plan: &Plan, now: DateTime<Utc>, zone: &Zone) -> Value {
    let name = |job: &usize| upcoming[*job].job_id.clone();
    let runs: Vec<Value> = plan
        .entries
        .iter()
        .map(|entry| {
            json!({
                "job_id": name(&entry.job),
                "at": rfc3339(entry.at, zone),
                "starts": entry.runs.map(|(start, _)| rfc3339(start, zone)),
                "ends": entry.runs.map(|(_, end)| rfc3339(end, zone)),
                "skipped": entry.runs.is_none(),
                "waits": entry.wait.as_ref().map(|wait| json!({
                    "seconds": wait.lasts.num_seconds(),
                    "container": wait.container.as_ref().map(|(name, _)| name),
                    "held_by": wait.container.as_ref().map(|(_, holder)| name(holder)),
                })),
                "beside": entry.beside.iter().map(name).collect::<Vec<_>>(),
                "from_past_runs": plan.known[entry.job],
            })
        })
        .collect();
    json!({
        "from": rfc3339(now, zone),
        "until": rfc3339(plan.until, zone),
        "slots": plan.slots,
        "runs": runs,
    })
}

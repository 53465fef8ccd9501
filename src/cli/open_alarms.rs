//! The alarms of a job that nobody has accepted, in words.

use std::collections::BTreeMap;

use crate::agent::guard::what;
use crate::keep::guard::Alarm;
use crate::protocol::OpenAlarm;

/// A short text for each run with such an alarm: `alarm of run 12 (freezerd accept 12)`.
pub fn short(alarms: &[OpenAlarm]) -> Vec<String> {
    let each = |(run, _): (Option<u64>, Alarm)| match run {
        Some(run) => format!("alarm of run {run} (`freezerd accept {run}`)"),
        None => "alarm of an unknown run".to_owned(),
    };
    runs(alarms).map(each).collect()
}

/// A sentence for each run with such an alarm.
pub fn sentences(job: &str, alarms: &[OpenAlarm]) -> Vec<String> {
    let each = |(run, alarm): (Option<u64>, Alarm)| {
        let (of_run, accept) = match run {
            Some(run) => (
                format!("run {run} of {job}"),
                format!("`freezerd accept {run}`"),
            ),
            None => (
                format!("a run of {job}"),
                "`freezerd accept RUN`".to_owned(),
            ),
        };
        format!(
            "{of_run} raised an alarm: {}; look at the source, and if all is well, {accept} lets removal go on",
            what(alarm)
        )
    };
    runs(alarms).map(each).collect()
}

/// A run may have made a snapshot in several containers.
fn runs(alarms: &[OpenAlarm]) -> impl Iterator<Item = (Option<u64>, Alarm)> {
    let runs: BTreeMap<Option<u64>, Alarm> = alarms.iter().map(|it| (it.run, it.alarm)).collect();
    runs.into_iter()
}

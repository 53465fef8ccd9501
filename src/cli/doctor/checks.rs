//! How the containers of the backups are checked, as the ledger has it: by which job, what was read, and what that costs.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::finding::{Finding, Level};
use super::ledger::Rows;
use crate::job::action::Work;
use crate::job::check_policy::is_standing_check;
use crate::job::share::ReadData;
use crate::job::{self, Host};
use crate::location::Location;
use crate::record::{AttemptEnd, DataCheck, JobRecord, Standing};
use crate::units;

/// A container that backups go to.
#[derive(Clone, Debug)]
pub struct Watched {
    pub place: Location,
    /// `None`: no job checks it.
    pub check: Option<Check>,
}

/// The job that checks it.
#[derive(Clone, Debug)]
pub struct Check {
    pub job_id: String,
    /// The settings ask for it, and the job does nothing else.
    pub is_of_settings: bool,
    /// Somebody took it off its schedule.
    pub is_off: bool,
    /// The last good run of the job.
    pub last: Option<DateTime<Utc>>,
    pub reads: ReadData,
    /// What it has read so far.
    pub data: Option<DataCheck>,
    /// How many bytes its last run read of the data.
    pub bytes: Option<u64>,
}

/// The containers of the backups in the ledger. Of several jobs that check one, the first that is on its schedule counts.
pub fn inspect(rows: &Rows, host: &Host) -> Vec<Watched> {
    let mut watched: BTreeMap<Location, Option<Check>> = BTreeMap::new();
    let mut checks: Vec<(Location, Check)> = Vec::new();
    for record in &rows.facts.jobs {
        let file = record.file.as_deref().unwrap_or_default();
        let Some(job) = job::parse(record.document.as_bytes(), file, host).job else {
            continue;
        };
        for (index, action) in (0..).zip(&job.actions) {
            match &action.action.work {
                Work::Backup(backup) => {
                    watched
                        .entry(backup.container.location.clone())
                        .or_default();
                }
                Work::Check(check) => {
                    let place = &check.container.location;
                    let check = of_action(rows, record, index, place, check.read_data);
                    checks.push((place.clone(), check));
                }
                _ => {}
            }
        }
    }
    for (place, check) in checks {
        if let Some(known) = watched.get_mut(&place)
            && known
                .as_ref()
                .is_none_or(|known| known.is_off && !check.is_off)
        {
            *known = Some(check);
        }
    }
    let watched = watched.into_iter();
    watched
        .map(|(place, check)| Watched { place, check })
        .collect()
}

fn of_action(
    rows: &Rows,
    record: &JobRecord,
    index: u32,
    place: &Location,
    reads: ReadData,
) -> Check {
    let mut data = record.past.data_checks.iter();
    let attempts = rows.attempts.iter();
    let mut attempts = attempts.filter(|it| it.action == index).rev();
    let last = record.past.last_run.as_ref();
    let bytes = last.and_then(|run| {
        attempts.find_map(|attempt| match &attempt.end {
            Some(AttemptEnd::Reported { outcome }) if attempt.run == run.number => {
                outcome.summary.data_read.map(|read| read.bytes)
            }
            _ => None,
        })
    });
    Check {
        job_id: record.job_id.clone(),
        is_of_settings: record.file.as_deref().is_some_and(is_standing_check),
        is_off: matches!(record.standing, Standing::Stopped | Standing::Removed),
        last: record.past.last_success,
        reads,
        data: data.find(|known| known.container == *place).cloned(),
        bytes,
    }
}

/// How a container is checked.
pub fn check_finding(watched: &Watched, now: DateTime<Utc>) -> Finding {
    let finding = |level, message: String| Finding::new("check", level, &watched.place, message);
    let Some(check) = &watched.check else {
        return finding(Level::Info, "no job checks it".to_owned()).help(
            "set `check_every`, or write a job with an action `check`; only a check finds damage before a restore does",
        );
    };
    let job = &check.job_id;
    if check.is_off {
        return finding(
            Level::Info,
            format!("it is not checked: somebody stopped {job}"),
        )
        .help(format!("`freezerd start {job}` lets it be checked again"));
    }
    let ago = |at: DateTime<Utc>| units::duration((now - at).to_std().unwrap_or(Duration::ZERO));
    let structure = match check.last {
        Some(last) => format!("{job} checked it {} ago", ago(last)),
        None => format!("{job} will check it, and has not done so yet"),
    };
    let all = check.data.as_ref().and_then(DataCheck::all_read_since);
    let (read, parts) = check
        .data
        .as_ref()
        .map_or((0, 0), |data| (data.parts_read(), data.parts()));
    let data = match (check.reads, all) {
        (ReadData::All(false), _) => "its structure only, and no data".to_owned(),
        (_, Some(since)) => format!("all data was read back within {}", ago(since)),
        (ReadData::Rolling { rolling }, None) => {
            let parts = if parts == 0 { rolling } else { parts };
            format!("{read} of {parts} parts of the data were read back so far")
        }
        (_, None) => "it is not known that all data was read back".to_owned(),
    };
    let share = match check.reads {
        ReadData::All(false) => None,
        ReadData::All(true) => Some("all data".to_owned()),
        ReadData::Percent { percent } => Some(format!("{percent} % of the data")),
        ReadData::Part { part, parts } => Some(format!("part {part} of {parts} of the data")),
        ReadData::Bytes { bytes } => Some(units::bytes(bytes)),
        ReadData::Rolling { rolling } => Some(format!("one of {rolling} parts of the data")),
    };
    let cost = share.map(|share| match check.bytes {
        Some(bytes) => format!(
            "; each run reads {share}, {} the last time",
            units::bytes(bytes)
        ),
        None => format!("; each run reads {share}"),
    });
    let cost = cost.unwrap_or_default();
    // A job of a file may do more than that.
    let end = match check.is_of_settings {
        true => format!(" (`freezerd stop {job}` ends this)"),
        false => String::new(),
    };
    finding(Level::Ok, format!("{structure}: {data}{cost}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::minute as at;

    fn check() -> Check {
        Check {
            job_id: "check-a".to_owned(),
            is_of_settings: true,
            is_off: false,
            last: None,
            reads: ReadData::Rolling { rolling: 12 },
            data: None,
            bytes: None,
        }
    }

    #[track_caller]
    fn says(check: Option<Check>, level: Level, message: &str) {
        let place = Location::Local("/backup".into());
        let finding = check_finding(&Watched { place, check }, at(40 * 24 * 60));
        assert_eq!((finding.level, finding.message.as_str()), (level, message));
    }

    #[test]
    fn a_container_has_a_line_that_says_how_it_is_checked_and_what_that_costs() {
        says(
            Some(check()),
            Level::Ok,
            "check-a will check it, and has not done so yet: 0 of 12 parts of the data were read back so far; each run \
             reads one of 12 parts of the data (`freezerd stop check-a` ends this)",
        );
        let mut data = DataCheck::new(Location::Local("/backup".into()));
        data.note(1, 2, at(6 * 24 * 60));
        let read = |data: &DataCheck| Check {
            last: Some(at(37 * 24 * 60)),
            data: Some(data.clone()),
            bytes: Some(4_200_000_000),
            reads: ReadData::Rolling { rolling: 2 },
            ..check()
        };
        says(
            Some(read(&data)),
            Level::Ok,
            "check-a checked it 3 d ago: 1 of 2 parts of the data were read back so far; each run reads one of 2 parts of \
             the data, 4.2 GB the last time (`freezerd stop check-a` ends this)",
        );
        data.note(2, 2, at(37 * 24 * 60));
        says(
            Some(read(&data)),
            Level::Ok,
            "check-a checked it 3 d ago: all data was read back within 34 d; each run reads one of 2 parts of the data, \
             4.2 GB the last time (`freezerd stop check-a` ends this)",
        );
        says(
            Some(Check {
                is_of_settings: false,
                reads: ReadData::All(false),
                last: Some(at(37 * 24 * 60)),
                ..check()
            }),
            Level::Ok,
            "check-a checked it 3 d ago: its structure only, and no data",
        );
    }

    #[test]
    fn a_container_that_nobody_checks_is_named() {
        says(None, Level::Info, "no job checks it");
        let off = Check {
            is_off: true,
            ..check()
        };
        says(
            Some(off),
            Level::Info,
            "it is not checked: somebody stopped check-a",
        );
    }
}

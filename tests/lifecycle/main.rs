//! The transition tables of `docs/design.md`, cell by cell. A cell without a check, or a check without a cell, fails.

mod attempts;
mod inputs;
#[path = "../samples/mod.rs"]
mod samples;
mod starts;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::job::{InitialState, JobResult};
use freezerd::lifecycle::job::{
    Clockwork, Content, RunEnd, Step, claimed, first_seen, run_ended, run_started,
};
use freezerd::record::JobRecord;
use freezerd::schedule::Schedule;
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;

const CONTENT: Content<'static> = Content {
    file: "nightly.json",
    digest: "d1",
    document: "{}",
    max_age: None,
};

/// A job that fires every hour, at the hour.
struct Bench {
    schedule: Schedule,
    zone: Zone,
}

impl Bench {
    fn new(raw: &RawSchedule<'_>) -> Bench {
        Bench {
            schedule: Schedule::parse(raw).expect("a valid schedule"),
            zone: Zone::utc(),
        }
    }

    fn hourly() -> Bench {
        Bench::new(&RawSchedule {
            minute: Some("0"),
            ..RawSchedule::default()
        })
    }

    fn clockwork(&self) -> Clockwork<'_> {
        Clockwork {
            schedule: &self.schedule,
            zone: &self.zone,
            delay: TimeDelta::zero(),
        }
    }

    fn first(&self, initial: &InitialState) -> Step {
        first_seen("nightly", CONTENT, initial, self.clockwork(), at(0, 30))
    }

    fn fresh(&self) -> JobRecord {
        self.first(&InitialState::default()).record
    }

    fn queued(&self) -> JobRecord {
        claimed(self.fresh(), 7, self.clockwork(), at(0, 35))
    }

    fn started(&self) -> JobRecord {
        run_started(self.queued(), at(0, 40))
    }

    fn in_situation(&self, situation: &str) -> JobRecord {
        match situation {
            "no run" => self.fresh(),
            "queued run" => self.queued(),
            "started run" => self.started(),
            other => panic!("docs/design.md has a situation that no test knows: {other}"),
        }
    }

    fn ended(&self, record: JobRecord, result: JobResult) -> Step {
        let end = RunEnd {
            result,
            interrupted: None,
        };
        run_ended(record, &end, self.clockwork(), at(0, 50))
    }
}

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 / 86_400 * 86_400, 0).expect("a day")
        + TimeDelta::minutes(i64::from(hour * 60 + minute))
}

/// A table of `docs/design.md` that begins after a line with these words: its rows, the head first.
fn table(after: &str) -> Vec<Vec<String>> {
    let design = std::fs::read_to_string("docs/design.md").expect("the design");
    let text = design.split(after).nth(1).expect("the table's heading");
    text.lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("|---"))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        })
        .collect()
}

/// The cells of a table: what they say, by their row and column. What a cell leaves to another one is filled in.
fn cells(after: &str) -> BTreeMap<(String, String), String> {
    let rows = table(after);
    let mut cells: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut above: Vec<String> = Vec::new();
    for row in &rows[1..] {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
        let mut said: Vec<String> = Vec::new();
        for (column, cell) in row[1..].iter().enumerate() {
            said.push(if cell == "as above" {
                above[column].clone()
            } else if cell.starts_with("the same") {
                format!("{}; {cell}", said[column - 1])
            } else {
                cell.clone()
            });
        }
        for (situation, cell) in rows[0][1..].iter().zip(&said) {
            cells.insert((row[0].clone(), situation.clone()), cell.clone());
        }
        above = said;
    }
    cells
}

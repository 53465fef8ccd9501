//! The usual facts, for tests that change one of them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Facts, Story, story};
use crate::cli::next::upcoming::{Firing, Upcoming};
use crate::record::{EventRecord, FileRecord, FileVerdict, JobRecord, RunRecord, RunState};
use crate::samples::{action_record, event_record, job_record, run_record};
use crate::schedule::landing::Landing;
use crate::schedule::zone::Zone;

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(super) fn record() -> JobRecord {
    job_record("nightly", at("2026-06-01T10:00:00Z"))
}

pub(super) fn run(number: u64, state: RunState) -> RunRecord {
    RunRecord {
        state,
        ended: Some(at("2026-06-02T02:03:00Z")),
        actions: vec![action_record()],
        ..run_record(number, "nightly", at("2026-06-02T02:00:00Z"))
    }
}

pub(super) fn upcoming() -> Upcoming {
    Upcoming {
        job_id: "nightly".into(),
        schedule: "every day at 02:00".into(),
        zone: Zone::utc(),
        jitter: Duration::ZERO,
        owed: None,
        firings: vec![Firing {
            due: at("2026-06-03T02:00:00Z"),
            at: at("2026-06-03T02:00:00Z"),
            landing: Landing::AsAsked,
        }],
        prunes: Default::default(),
        continuous: false,
        off: None,
    }
}

pub(super) fn event(command: &str, accepted: bool) -> EventRecord {
    EventRecord {
        accepted,
        answer: "has no run to abort".into(),
        ..event_record(command, "nightly", at("2026-06-02T09:00:00Z"))
    }
}

/// The facts of one test.
pub(super) struct Case {
    pub(super) record: Option<JobRecord>,
    pub(super) upcoming: Option<Upcoming>,
    pub(super) file: Option<FileRecord>,
    pub(super) open: Option<RunRecord>,
    pub(super) agent_waits: Option<&'static str>,
    pub(super) runs: Vec<RunRecord>,
    pub(super) last_words: Vec<String>,
    pub(super) events: Vec<EventRecord>,
    pub(super) daemon: bool,
}

impl Case {
    pub(super) fn new() -> Case {
        Case {
            record: Some(record()),
            upcoming: Some(upcoming()),
            file: None,
            open: None,
            agent_waits: None,
            runs: Vec::new(),
            last_words: Vec::new(),
            events: Vec::new(),
            daemon: true,
        }
    }

    pub(super) fn of_run(run: RunRecord) -> Case {
        Case {
            runs: vec![run],
            ..Case::new()
        }
    }

    pub(super) fn story(&self) -> Story {
        story(&Facts {
            job_id: "nightly",
            client_id: "here",
            now: at("2026-06-02T12:00:00Z"),
            zone: &Zone::utc(),
            daemon: self.daemon,
            record: self.record.as_ref(),
            upcoming: self.upcoming.as_ref(),
            file: self.file.as_ref(),
            open: self.open.as_ref(),
            agent_waits: self.agent_waits,
            runs: &self.runs,
            last_words: &self.last_words,
            prunes: &[],
            events: &self.events,
        })
    }
}

pub(super) fn file(verdict: FileVerdict) -> Option<FileRecord> {
    Some(FileRecord {
        file: "nightly.json".into(),
        verdict,
        seen: at("2026-06-02T11:00:00Z"),
    })
}

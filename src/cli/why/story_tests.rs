use super::*;
use crate::cli::next::coming::{Firing, Owed};
use crate::record::OpenRun;
use crate::samples::{action_record, event_record, job_record, run_record};
use crate::schedule::Due;
use crate::schedule::landing::Landing;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn record() -> JobRecord {
    job_record("nightly", at("2026-06-01T10:00:00Z"))
}

fn run(number: u64, state: RunState) -> RunRecord {
    RunRecord {
        state,
        ended: Some(at("2026-06-02T02:03:00Z")),
        actions: vec![action_record()],
        ..run_record(number, "nightly", at("2026-06-02T02:00:00Z"))
    }
}

fn coming() -> Coming {
    Coming {
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
        continuous: false,
        off: None,
    }
}

fn event(command: &str, accepted: bool) -> EventRecord {
    EventRecord {
        accepted,
        answer: "has no run to abort".into(),
        ..event_record(command, "nightly", at("2026-06-02T09:00:00Z"))
    }
}

/// The usual facts, changed.
struct Case {
    record: Option<JobRecord>,
    coming: Option<Coming>,
    file: Option<FileRecord>,
    open: Option<RunRecord>,
    runs: Vec<RunRecord>,
    events: Vec<EventRecord>,
    daemon: bool,
}

impl Case {
    fn new() -> Case {
        Case {
            record: Some(record()),
            coming: Some(coming()),
            file: None,
            open: None,
            runs: Vec::new(),
            events: Vec::new(),
            daemon: true,
        }
    }

    fn of_run(run: RunRecord) -> Case {
        Case {
            runs: vec![run],
            ..Case::new()
        }
    }

    fn tell(&self) -> Story {
        tell(&Facts {
            job_id: "nightly",
            client_id: "here",
            now: at("2026-06-02T12:00:00Z"),
            zone: &Zone::utc(),
            daemon: self.daemon,
            record: self.record.as_ref(),
            coming: self.coming.as_ref(),
            file: self.file.as_ref(),
            open: self.open.as_ref(),
            runs: &self.runs,
            events: &self.events,
        })
    }
}

#[test]
fn a_job_that_does_its_work_is_a_short_story() {
    let story = Case::of_run(run(7, RunState::Ended)).tell();
    assert_eq!(
        story,
        Story {
            state: vec!["nightly is on its schedule (every day at 02:00, UTC).".into()],
            lately: vec![
                "Run 7, due Tue 2026-06-02 02:00:00, started on time and succeeded after 3 min."
                    .into()
            ],
            next: vec!["It is due next on Wed 2026-06-03 02:00:00, in 14 h.".into()],
        }
    );
}

#[test]
fn a_job_that_has_not_run_yet_says_since_when_it_is_there() {
    assert_eq!(
        Case::new().tell().lately,
        ["It has not run yet: it was first seen on Mon 2026-06-01 10:00:00."]
    );
}

#[test]
fn a_late_start_says_how_late() {
    let late = RunRecord {
        started: Some(at("2026-06-02T02:25:00Z")),
        ended: Some(at("2026-06-02T02:26:00Z")),
        ..run(7, RunState::Ended)
    };
    assert_eq!(
        Case::of_run(late).tell().lately,
        [
            "Run 7, due Tue 2026-06-02 02:00:00, started 25 min late, on Tue 2026-06-02 02:25:00, after waiting for \
             its turn and succeeded after 1 min."
        ]
    );
}

#[test]
fn missed_runs_that_were_caught_up_say_for_what_they_stand() {
    let caught_up = RunRecord {
        trigger: Trigger::CatchUp,
        covers: 3,
        first_due: at("2026-05-31T02:00:00Z"),
        started: Some(at("2026-06-02T08:00:00Z")),
        ended: Some(at("2026-06-02T08:00:30Z")),
        result: Some(JobResult::Fail),
        reason: Some("backup: the disk is full".into()),
        ..run(7, RunState::Ended)
    };
    assert_eq!(
        Case::of_run(caught_up).tell().lately,
        [
            "Run 7, for 3 due times from Sun 2026-05-31 02:00:00 to Tue 2026-06-02 02:00:00, had been missed, was \
             caught up on Tue 2026-06-02 08:00:00 (6 h late) and failed after 30 s: backup: the disk is full."
        ]
    );
}

#[test]
fn a_skipped_run_says_why() {
    let skipped = RunRecord {
        started: None,
        result: None,
        reason: Some("run 6 was still going on".into()),
        ..run(7, RunState::Skipped)
    };
    assert_eq!(
        Case::of_run(skipped).tell().lately,
        ["Run 7, due Tue 2026-06-02 02:00:00, was not run: run 6 was still going on."]
    );
}

#[test]
fn an_interrupted_run_names_the_one_that_makes_up_for_it() {
    let cut = RunRecord {
        result: Some(JobResult::Fail),
        reason: Some("freezerd or the host went down in the middle of it".into()),
        ended: Some(at("2026-06-02T06:00:00Z")),
        ..run(7, RunState::Interrupted)
    };
    let made_up = RunRecord {
        trigger: Trigger::CatchUp,
        makes_up_for: Some(7),
        started: Some(at("2026-06-02T06:00:01Z")),
        ended: Some(at("2026-06-02T06:01:01Z")),
        ..run(8, RunState::Ended)
    };
    let case = Case {
        runs: vec![made_up, cut],
        ..Case::new()
    };
    assert_eq!(
        case.tell().lately,
        [
            "Run 8, which makes up for run 7 (due Tue 2026-06-02 02:00:00), started Tue 2026-06-02 06:00:01 and \
             succeeded after 1 min.",
            "Run 7, due Tue 2026-06-02 02:00:00, started on time and was cut off (found out Tue 2026-06-02 06:00:00): \
             freezerd or the host went down in the middle of it. Run 8 makes up for it."
        ]
    );
}

#[test]
fn a_run_that_waits_says_for_what() {
    let queued = RunRecord {
        started: None,
        ended: None,
        result: None,
        waits_for: Some("waiting for container main, held by run 6".into()),
        ..run(
            7,
            RunState::Queued {
                action: 0,
                attempt: 1,
            },
        )
    };
    let case = Case {
        open: Some(queued.clone()),
        ..Case::of_run(queued)
    };
    let story = case.tell();
    assert_eq!(
        story.state,
        ["nightly is on its schedule (every day at 02:00, UTC), and a run is due."]
    );
    assert_eq!(
        story.lately,
        [
            "Run 7, due Tue 2026-06-02 02:00:00, has not started: it is waiting for container main, held by run 6."
        ]
    );
}

#[test]
fn a_run_between_two_attempts_says_when_the_next_one_comes() {
    let waiting = RunRecord {
        ended: None,
        result: None,
        ..run(
            7,
            RunState::Waiting {
                action: 0,
                attempt: 2,
                until: at("2026-06-02T12:05:00Z"),
            },
        )
    };
    assert_eq!(
        Case::of_run(waiting).tell().lately,
        [
            "Run 7, due Tue 2026-06-02 02:00:00, started on time; attempt 1 of its backup failed, and attempt 2 comes \
             at Tue 2026-06-02 12:05:00."
        ]
    );
}

#[test]
fn a_run_that_goes_on_says_at_what_it_is_and_what_waits_for_its_end() {
    let running = RunRecord {
        ended: None,
        result: None,
        ..run(
            7,
            RunState::Running {
                action: 0,
                attempt: 2,
            },
        )
    };
    let case = Case {
        record: Some(JobRecord {
            run: Some(OpenRun {
                number: 7,
                started: true,
                aborting: false,
            }),
            pending: Some(Event::Stop),
            ..record()
        }),
        open: Some(running.clone()),
        ..Case::of_run(running)
    };
    let story = case.tell();
    assert_eq!(
        story.state,
        [
            "nightly is running (every day at 02:00, UTC).",
            "It is stopped once run 7 has ended."
        ]
    );
    assert_eq!(
        story.lately,
        ["Run 7, due Tue 2026-06-02 02:00:00, started on time and is at its backup, attempt 2."]
    );
}

#[test]
fn a_stopped_job_says_who_stopped_it_and_how_to_start_it() {
    let case = Case {
        record: Some(JobRecord {
            standing: Standing::Stopped,
            reason: Some("stopped by hand".into()),
            ..record()
        }),
        coming: Some(Coming {
            firings: Vec::new(),
            off: Some("it is stopped: stopped by hand".into()),
            ..coming()
        }),
        events: vec![event("stop", true)],
        ..Case::new()
    };
    let story = case.tell();
    assert_eq!(
        story.state,
        [
            "nightly is stopped: stopped by hand.",
            "alice asked for that (stop) on Tue 2026-06-02 09:00:00; `freezerd start nightly` puts it back on its \
             schedule."
        ]
    );
    assert_eq!(
        story.next,
        ["Nothing is to come: it is stopped: stopped by hand."]
    );
}

#[test]
fn what_was_refused_is_told() {
    let case = Case {
        events: vec![event("abort", false)],
        ..Case::new()
    };
    assert_eq!(
        case.tell().state[1],
        "alice asked for abort on Tue 2026-06-02 09:00:00, which was refused: nightly has no run to abort."
    );
}

fn file(verdict: FileVerdict) -> Option<FileRecord> {
    Some(FileRecord {
        file: "nightly.json".into(),
        verdict,
        seen: at("2026-06-02T11:00:00Z"),
    })
}

#[test]
fn an_invalid_file_is_told_whether_the_job_goes_on_or_never_was() {
    let invalid = || {
        file(FileVerdict::Invalid {
            job_id: Some("nightly".into()),
            report: String::new(),
            summary: "there is no job_actions".into(),
        })
    };
    let goes_on = Case {
        file: invalid(),
        ..Case::new()
    };
    assert_eq!(
        goes_on.tell().state[1],
        "nightly.json is invalid since Tue 2026-06-02 11:00:00: there is no job_actions. The job goes on with the \
         last good content."
    );
    let never = Case {
        record: None,
        coming: None,
        file: invalid(),
        ..Case::new()
    };
    assert_eq!(
        never.tell(),
        Story {
            state: vec![
                "nightly never ran from nightly.json, which is invalid: there is no job_actions. `freezerd check` \
                 shows all faults."
                    .into()
            ],
            ..Story::default()
        }
    );
}

#[test]
fn a_foreign_job_says_whose_it_is() {
    let case = Case {
        record: None,
        coming: None,
        file: file(FileVerdict::Foreign {
            job_id: "nightly".into(),
            client_id: "there".into(),
        }),
        ..Case::new()
    };
    assert_eq!(
        case.tell().state,
        [
            "nightly is not run here: nightly.json says that it is a job of there, and this host is here."
        ]
    );
}

#[test]
fn what_is_owed_is_told_and_that_nobody_is_there_to_do_it() {
    let owed = |refusal: Option<&str>| {
        Some(Owed {
            due: Due {
                first: at("2026-05-31T02:00:00Z"),
                last: at("2026-06-02T02:00:00Z"),
                count: 3,
            },
            refusal: refusal.map(str::to_owned),
        })
    };
    let case = |refusal| Case {
        coming: Some(Coming {
            owed: owed(refusal),
            ..coming()
        }),
        daemon: false,
        ..Case::new()
    };
    let story = case(None).tell();
    assert_eq!(
        story.next,
        [
            "3 due times from Sun 2026-05-31 02:00:00 to Tue 2026-06-02 02:00:00 have passed and one run is owed for \
             it, as soon as freezerd gets to it.",
            "It is due next on Wed 2026-06-03 02:00:00, in 14 h.",
            "No freezerd is running now: nothing starts until one is."
        ]
    );
    let story = case(Some("it was missed, and schedule_catch_up is skip")).tell();
    assert!(story.next[0].ends_with(
        "have passed and will not be run: it was missed, and schedule_catch_up is skip."
    ));
}

#[test]
fn a_trigger_says_who_asked() {
    let manual = RunRecord {
        trigger: Trigger::Manual,
        ..run(7, RunState::Ended)
    };
    let case = Case {
        events: vec![EventRecord {
            run: Some(7),
            ..event("trigger", true)
        }],
        ..Case::of_run(manual)
    };
    assert_eq!(
        case.tell().lately,
        [
            "Run 7, asked for by alice on Tue 2026-06-02 02:00:00, started at once and succeeded after 3 min."
        ]
    );
}

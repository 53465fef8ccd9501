use super::super::cases::*;
use super::*;
use crate::job::Event;
use crate::record::{EventRecord, JobRecord, OpenRun};

#[test]
fn a_job_that_has_not_run_yet_says_when_it_was_first_seen() {
    assert_eq!(
        Case::new().story().lately,
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
        Case::of_run(late).story().lately,
        [
            "Run 7, due Tue 2026-06-02 02:00:00, started 25 min late, on Tue 2026-06-02 02:25:00, after waiting for \
             its turn and succeeded after 1 min."
        ]
    );
}

#[test]
fn a_catch_up_run_says_what_it_stands_for() {
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
        Case::of_run(caught_up).story().lately,
        [
            "Run 7, for 3 due times from Sun 2026-05-31 02:00:00 to Tue 2026-06-02 02:00:00, had been missed, was \
             caught up on Tue 2026-06-02 08:00:00 (6 h late) and failed after 30 s: backup: the disk is full. \
             `freezerd log 7` shows the log."
        ]
    );
}

#[test]
fn a_command_that_failed_is_quoted() {
    let failed = RunRecord {
        result: Some(JobResult::Fail),
        reason: Some("exec: the command ended with exit code 1".into()),
        started: Some(at("2026-06-02T02:00:00Z")),
        ..run(7, RunState::Ended)
    };
    let case = Case {
        last_words: vec!["connecting".into(), "no route to host".into()],
        ..Case::of_run(failed)
    };
    let lately = &case.story().lately[0];
    let end = "exit code 1. The command wrote at its end: connecting / no route to host. `freezerd log 7` shows the log.";
    assert!(lately.ends_with(end), "{lately}");
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
        Case::of_run(skipped).story().lately,
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
        case.story().lately,
        [
            "Run 8, which makes up for run 7 (due Tue 2026-06-02 02:00:00), started Tue 2026-06-02 06:00:01 and \
             succeeded after 1 min.",
            "Run 7, due Tue 2026-06-02 02:00:00, started on time and was interrupted (noticed Tue 2026-06-02 06:00:00): \
             freezerd or the host went down in the middle of it. Run 8 makes up for it."
        ]
    );
}

#[test]
fn a_waiting_run_says_what_it_waits_for() {
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
    let story = case.story();
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
fn a_run_between_two_attempts_says_when_the_next_one_starts() {
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
        Case::of_run(waiting).story().lately,
        [
            "Run 7, due Tue 2026-06-02 02:00:00, started on time; attempt 1 of its backup failed, and attempt 2 starts \
             at Tue 2026-06-02 12:05:00. `freezerd log 7` shows the log."
        ]
    );
}

#[test]
fn a_run_whose_agent_waits_says_for_what() {
    let state = RunState::Running {
        action: 0,
        attempt: 1,
    };
    let running = RunRecord {
        ended: None,
        result: None,
        ..run(7, state)
    };
    let case = Case {
        open: Some(running.clone()),
        agent_waits: Some("the network: the server cannot be reached"),
        ..Case::of_run(running)
    };
    assert_eq!(
        case.story().lately,
        [
            "Run 7, due Tue 2026-06-02 02:00:00, started on time and is running its backup. It is waiting: the network: \
             the server cannot be reached."
        ]
    );
}

#[test]
fn a_run_in_progress_names_its_action_and_the_pending_event() {
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
                since: None,
            }),
            pending: Some(Event::Stop),
            ..record()
        }),
        open: Some(running.clone()),
        ..Case::of_run(running)
    };
    let story = case.story();
    assert_eq!(
        story.state,
        [
            "nightly is running (every day at 02:00, UTC).",
            "It is stopped when run 7 has ended."
        ]
    );
    assert_eq!(
        story.lately,
        [
            "Run 7, due Tue 2026-06-02 02:00:00, started on time and is running its backup, attempt 2."
        ]
    );
}

#[test]
fn a_triggered_run_names_the_user() {
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
        case.story().lately,
        [
            "Run 7, requested by alice on Tue 2026-06-02 02:00:00, started at once and succeeded after 3 min."
        ]
    );
}

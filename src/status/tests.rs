use super::*;
use crate::job::JobResult;
use crate::record::{OpenRun, PastRun};
use crate::samples::{job_record, minute as at, run_record};

fn job(job_id: &str) -> JobRecord {
    JobRecord {
        document: "a document that nobody may see: secret".to_owned(),
        next: Some(at(1440)),
        ..job_record(job_id, at(0))
    }
}

fn with(jobs: Vec<JobRecord>) -> Facts {
    Facts {
        jobs,
        ..Facts::default()
    }
}

fn one(record: JobRecord, minute: i64) -> JobStatus {
    Status::of(&with(vec![record]), None, at(minute))
        .jobs
        .remove(0)
}

fn owing(since: i64) -> JobRecord {
    let mut record = job("job");
    record.past.owed_since = Some(at(since));
    record
}

#[test]
fn overdue_is_the_time_since_the_earliest_due_instant_without_a_success() {
    assert_eq!(one(job("job"), 60).overdue_seconds, 0.0);
    let owes = one(owing(50), 60);
    assert_eq!(
        (owes.owed_since, owes.overdue_seconds),
        (Some(at(50)), 600.0)
    );
    assert_eq!(
        one(owing(50), 40).overdue_seconds,
        0.0,
        "the clock is behind"
    );
}

#[test]
fn what_should_have_started_without_a_daemon_is_overdue_too() {
    let mut record = job("job");
    record.next = Some(at(50));
    assert_eq!(one(record, 60).owed_since, Some(at(50)));
    let mut record = owing(20);
    record.next = Some(at(50));
    assert_eq!(one(record, 60).owed_since, Some(at(20)));
}

#[test]
fn a_job_that_somebody_took_off_owes_nothing_once_its_run_is_over() {
    for standing in [Standing::Stopped, Standing::Removed] {
        let record = JobRecord {
            standing,
            ..owing(50)
        };
        assert_eq!(one(record, 60).owed_since, None);
    }
    let finished = JobRecord {
        standing: Standing::Finished,
        next: None,
        ..owing(50)
    };
    assert_eq!(
        one(finished, 60).owed_since,
        Some(at(50)),
        "it ran out of firings without a success"
    );
}

#[test]
fn a_job_is_too_old_when_its_last_success_is_older_than_max_age() {
    let mut record = JobRecord {
        max_age: Some(3600),
        first_seen: Some(at(10)),
        ..job("job")
    };
    let never = one(record.clone(), 69);
    assert_eq!((never.too_old_at, never.too_old), (Some(at(70)), false));
    assert!(
        one(record.clone(), 70).too_old,
        "counted from when it was first seen"
    );
    record.past.last_success = Some(at(65));
    assert!(!one(record.clone(), 124).too_old);
    let old = one(record.clone(), 135);
    assert!(old.too_old);
    assert_eq!(old.late_seconds(at(135)), Some(600.0));
    let summary = Status::of(&with(vec![record.clone(), job("b")]), None, at(135)).summary;
    assert_eq!(summary.too_old, 1);
    record.standing = Standing::Stopped;
    assert_eq!(one(record.clone(), 135).too_old_at, None, "stopped by hand");
    record.standing = Standing::Finished;
    assert!(one(record, 135).too_old, "something else may trigger it");
}

#[test]
fn jobs_files_and_runs_are_counted() {
    let file = |file: &str, verdict| FileRecord {
        file: file.to_owned(),
        verdict,
        seen: at(0),
    };
    let run = |number, state| RunRecord {
        state,
        ..run_record(number, "a", at(0))
    };
    let (action, attempt) = (0, 1);
    let mut running = job("b");
    running.run = Some(OpenRun {
        number: 1,
        started: true,
        aborting: false,
        since: None,
    });
    running.next = Some(at(10));
    let facts = Facts {
        jobs: vec![job("a"), running],
        files: vec![
            file("a.json", FileVerdict::Loaded { job_id: "a".into() }),
            file(
                "b.json",
                FileVerdict::Invalid {
                    job_id: Some("b".into()),
                    report: "the whole report".into(),
                    summary: "it is bad".into(),
                },
            ),
            file(
                "c.json",
                FileVerdict::Foreign {
                    job_id: "c".into(),
                    client_id: "other".into(),
                },
            ),
        ],
        open_runs: vec![
            run(1, RunState::Running { action, attempt }),
            run(2, RunState::Queued { action, attempt }),
            run(3, RunState::Queued { action, attempt }),
            run(
                4,
                RunState::Waiting {
                    action,
                    attempt,
                    until: at(9),
                },
            ),
        ],
        ..Facts::default()
    };
    let status = Status::of(&facts, None, at(5));
    let summary = &status.summary;
    assert_eq!((summary.jobs.scheduled, summary.jobs.running), (1, 1));
    assert_eq!((summary.invalid_files, summary.foreign_files), (1, 1));
    assert_eq!(
        (
            summary.runs_running,
            summary.runs_queued,
            summary.runs_waiting
        ),
        (1, 2, 1)
    );
    assert_eq!(summary.next, Some(at(10)));
    assert_eq!(
        status
            .jobs
            .iter()
            .map(|job| job.invalid)
            .collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn a_jobs_document_is_nowhere_in_it() {
    let status = Status::of(&with(vec![job("job")]), None, at(5));
    assert!(!status.to_json().contains("secret"));
    assert!(!prometheus(&status).contains("secret"));
}

#[test]
fn a_job_has_a_line_for_each_of_its_numbers() {
    let mut record = owing(50);
    record.past.last_success = Some(at(20));
    record.max_age = Some(600);
    record.failures = 2;
    record.result = Some(JobResult::Fail);
    record.past.rows.success = 3;
    record.past.rows.partial = 2;
    record.past.last_run = Some(PastRun {
        number: 9,
        ending: Ending::Partial,
        started: at(51),
        ended: at(52),
        bytes_added: 1234,
        problems: 5,
    });
    let text = prometheus(&Status::of(&with(vec![record]), None, at(60)));
    for line in [
        "freezerd_up 0",
        "freezerd_job_running{job_id=\"job\"} 0",
        "freezerd_job_last_success_timestamp_seconds{job_id=\"job\"} 1767226800",
        "freezerd_job_overdue_seconds{job_id=\"job\"} 600",
        "freezerd_jobs_too_old 1",
        "freezerd_job_too_old_timestamp_seconds{job_id=\"job\"} 1767227400",
        "freezerd_job_consecutive_failures{job_id=\"job\"} 2",
        "freezerd_job_last_run_success{job_id=\"job\"} 0",
        "freezerd_job_last_run_result{job_id=\"job\",result=\"partial\"} 1",
        "freezerd_job_last_run_duration_seconds{job_id=\"job\"} 60",
        "freezerd_job_last_run_added_bytes{job_id=\"job\"} 1234",
        "freezerd_job_last_run_failed_files{job_id=\"job\"} 5",
        "freezerd_job_runs_total{job_id=\"job\",result=\"success\"} 3",
        "freezerd_job_runs_total{job_id=\"job\",result=\"partial\"} 2",
        "freezerd_job_runs_total{job_id=\"job\",result=\"fail\"} 0",
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
}

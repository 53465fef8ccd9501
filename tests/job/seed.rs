//! The documents that it all comes from: Freezer's description of a job, and the shapes of its own files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use freezerd::job::action::Work;
use freezerd::job::{Event, Job, JobResult, Status, parse};
use freezerd::schedule::Kind;

use crate::support::{errors, host, places};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jobs")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(data().join(name)).expect(name)
}

#[track_caller]
fn job(name: &str) -> Job {
    let parsed = parse(&bytes(name), name, &host());
    match parsed.job {
        Some(job) => job,
        None => panic!("{name} does not load: {:#?}", parsed.diagnostics),
    }
}

fn next(job: &Job, after: &str) -> String {
    let after: DateTime<Utc> = after.parse().expect("an instant");
    let next = job.schedule.next_after(after, after, &host().zone);
    next.map_or("never".to_owned(), |next| next.to_rfc3339())
}

#[test]
fn every_document_of_the_seed_loads() {
    let mut count = 0;
    for entry in std::fs::read_dir(data()).expect("the directory") {
        let name = entry
            .expect("a file")
            .file_name()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".json") || name.ends_with(".conf") {
            job(&name);
            count += 1;
        }
    }
    assert_eq!(count, 13);
}

#[test]
fn the_structure_means_what_it_says() {
    let structure = job("seed-structure.json");
    assert_eq!(
        (
            structure.id.as_str(),
            structure.client_id.as_deref(),
            structure.description.as_str()
        ),
        ("string", Some("string"), "string")
    );
    assert_eq!(structure.actions.len(), 1);
    let actions = job("seed-actions.json");
    assert_eq!(actions.actions.len(), 2);
    assert_eq!(
        (
            actions.actions[0].max_retries,
            actions.actions[0].retry_wait
        ),
        (3, Duration::from_secs(60))
    );
    assert_eq!(actions.initial.event, Some(Event::Start));
    assert_eq!(actions.initial.time_ended, None);
}

#[test]
fn the_actions_mean_what_they_say() {
    let mut backup = job("seed-backup-action.json");
    let action = backup.actions.remove(0).action;
    assert_eq!(
        action.log_file.as_deref(),
        Some(Path::new("/var/log/freezer.log"))
    );
    assert!(!action.max_priority);
    let Work::Backup(backup) = action.work else {
        panic!()
    };
    assert_eq!(
        backup.paths[0],
        Path::new("/home/tylerdurden/project_mayhem")
    );
    assert_eq!(backup.lineage.host, "db1");
    assert_eq!(backup.lineage.backup_name, "project_mayhem_backup");
    assert_eq!(
        backup.container.location.local(),
        Some(Path::new("/srv/containers/my_backup_container"))
    );
    assert_eq!(backup.levels.max_level, Some(1));
    let Work::Restore(restore) = job("seed-restore-action.json")
        .actions
        .remove(0)
        .action
        .work
    else {
        panic!()
    };
    assert_eq!(
        restore.target,
        Path::new("/home/tylerdurden/project_mayhem")
    );
    assert_eq!(restore.lineage.host, "another_host");
}

#[test]
fn the_schedules_mean_what_they_say() {
    let one_shot = job("seed-one-shot.json");
    assert_eq!(one_shot.schedule.kind(), Kind::Date);
    assert_eq!(
        next(&one_shot, "2015-01-01T00:00:00Z"),
        "2015-06-02T14:20:00+00:00"
    );
    assert_eq!(one_shot.actions.len(), 3);
    let daily = job("seed-daily.json");
    assert_eq!(
        next(&daily, "2015-06-02T14:20:00Z"),
        "2015-06-03T14:20:00+00:00"
    );
    assert_eq!(
        daily.client_id.as_deref(),
        Some("26b4ea367ac64702868653912e9428cc_freezer.mydomain.myid")
    );
    assert_eq!(
        (daily.initial.status, daily.initial.event),
        (Some(Status::Stop), Some(Event::Start))
    );
    // Mondays, Wednesdays and Fridays at 03:25, not in July and August.
    let calendar = job("seed-calendar.json");
    assert_eq!(
        next(&calendar, "2026-06-29T12:00:00Z"),
        "2026-09-02T01:25:00+00:00"
    );
    let finished = job("seed-finished.json");
    assert_eq!(
        (
            finished.initial.status,
            finished.initial.event,
            finished.initial.result
        ),
        (Some(Status::Stop), None, Some(JobResult::Success))
    );
    assert_eq!(
        (finished.initial.time_started, finished.initial.time_ended),
        (Some(1234), Some(4321))
    );
    assert_eq!(finished.schedule.kind(), Kind::Date);
}

#[test]
fn defaults_make_the_job_that_they_are_said_to_be_equivalent_to() {
    let (defaults, equivalent) = (job("seed-defaults.json"), job("seed-equivalent.json"));
    assert_eq!(defaults.actions, equivalent.actions);
    assert_eq!(defaults.actions.len(), 3);
}

#[test]
fn freezers_own_files_load_as_they_are() {
    assert_eq!(job("freezer-guide.conf").id, "freezer-guide");
    assert_eq!(
        parse(&bytes("freezer-guide.conf"), "job_mail.conf", &host())
            .job_id
            .as_deref(),
        Some("mail")
    );
    let answer = job("freezer-api-answer.conf");
    assert_eq!(answer.initial.time_created, Some(1_493_051_865));
    assert_eq!(answer.document["_version"], 83);
    let restore = job("freezer-restore.conf");
    assert_eq!(
        (restore.initial.status, restore.initial.time_ended),
        (Some(Status::Stop), None)
    );
}

#[test]
fn the_seeds_snippets_as_they_stand_are_told_what_is_wrong_with_them() {
    let told = |name: &str| {
        let bytes = bytes(name);
        let parsed = parse(&bytes, name, &host());
        assert!(parsed.job.is_none());
        places(&String::from_utf8(bytes).expect("a text"), &parsed)
    };
    let has = |name: &str, expected: &[&str]| {
        let told = told(name);
        for one in expected {
            assert!(
                told.iter().any(|it| it == one),
                "{name}: no {one} in {told:#?}"
            );
        }
        told.len()
    };
    let count = has(
        "seed-one-shot.raw",
        &[
            "missing-outer-braces 1:1",
            "trailing-comma 11:60",
            "missing-comma 12:22",
            "missing-comma 13:46",
            "bare-word 14:32",
            "bare-word 15:41",
            "bare-word 16:30",
            "bare-word 19:17",
            "ellipsis 20:17",
            "bare-word 23:17",
            "ellipsis 24:17",
            "bad-word 32:24",
            "trailing-comma 33:51",
            "missing-comma 34:10",
            "trailing-comma 38:40",
        ],
    );
    assert_eq!(count, 15, "and nothing else");
    assert_eq!(
        has(
            "seed-daily.raw",
            &[
                "missing-outer-braces 1:1",
                "ellipsis 3:11",
                "missing-comma 11:29",
                "missing-comma 12:43",
                "trailing-comma 18:34"
            ]
        ),
        5
    );
    assert_eq!(
        has(
            "seed-calendar.raw",
            &[
                "missing-outer-braces 1:1",
                "ellipsis 3:11",
                "missing-comma 9:35",
                "missing-comma 10:43",
                "missing-comma 11:45",
                "missing-comma 12:34",
                "missing-comma 14:10",
                "trailing-comma 18:34"
            ]
        ),
        8
    );
    assert_eq!(
        has(
            "seed-finished.raw",
            &[
                "missing-outer-braces 1:1",
                "ellipsis 2:22",
                "trailing-comma 16:34"
            ]
        ),
        3
    );
    assert_eq!(told("seed-defaults.raw"), ["missing-outer-braces 1:1"]);
    assert_eq!(told("seed-equivalent.raw"), ["missing-outer-braces 1:1"]);
    has(
        "seed-backup-action.raw",
        &[
            "missing-outer-braces 1:1",
            "missing-comma 2:22",
            "bare-word 7:24",
            "bare-word 11:25",
            "missing-comma 13:21",
        ],
    );
    has(
        "seed-restore-action.raw",
        &["missing-comma 3:57", "missing-comma 6:38"],
    );
    has(
        "seed-actions.raw",
        &[
            "ellipsis 11:21",
            "bare-word 13:26",
            "missing-comma 27:6",
            "bare-word 30:22",
        ],
    );
    has(
        "seed-structure.raw",
        &["bare-word 2:21", "missing-comma 3:45", "bare-word 7:19"],
    );
    for name in ["seed-one-shot.raw", "seed-daily.raw", "seed-structure.raw"] {
        let parsed = parse(&bytes(name), name, &host());
        assert!(!errors(&parsed).contains(&"unexpected-text"), "{name}");
    }
}

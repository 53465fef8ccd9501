//! `admin` removes old snapshots, keeps the newest, frees space, and waits for other users of the container.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::Duration;

use freezerd::agent::list_snapshots;
use freezerd::agent::snapshot::Snapshot;
use freezerd::job::action::{Admin, Age, Backup, Info, Lineage, Restore, Work};
use freezerd::protocol::{Report, Verdict};
use freezerd::repository::lock::{Held, Timing, acquire};
use freezerd::repository::open::Repository;
use freezerd::storage::local::Local;

use crate::support::*;

fn snapshots(place: &Place) -> Vec<Snapshot> {
    list_snapshots(&place.container(), &Default::default()).unwrap()
}

/// Locks the container as another agent, or restic, would.
fn lock(place: &Place, exclusive: bool) -> Held {
    let storage = Arc::new(Local::new(place.path("container")));
    let opened = Repository::open(storage, b"correct horse").unwrap();
    let timing = Timing {
        settle: Default::default(),
        ..Timing::default()
    };
    acquire(
        &opened.storage,
        &opened.cipher,
        exclusive,
        Duration::ZERO,
        timing,
        |_| false,
    )
    .unwrap()
}

#[test]
fn admin_removes_exactly_the_old_snapshots_of_its_lineage_and_never_the_newest() {
    let place = Place::new();
    let other = Lineage {
        host: "web-2".to_owned(),
        ..lineage()
    };
    for number in 0..3 {
        place.write("source/file", format!("{number}").repeat(100_000));
        place.back_up();
    }
    succeed(Work::Backup(Backup {
        lineage: other.clone(),
        ..place.backup()
    }));
    let before = snapshots(&place);

    // No snapshot is older than a day.
    let outcome = succeed(place.admin(Age::Days(1.0)));
    assert_eq!(
        (outcome.summary.snapshots_removed, outcome.summary.snapshots),
        (Some(0), Some(3))
    );
    assert_eq!(snapshots(&place), before);

    // A dry run says what would be removed.
    let ended = run_dry(place.admin(Age::Days(0.0)));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert!(
        ended.said(&format!("would remove {}", before[0].short_id())),
        "{ended:#?}"
    );
    assert!(
        !ended.said(&format!("would remove {}", before[2].short_id())),
        "{ended:#?}"
    );
    assert_eq!(snapshots(&place), before);

    // Exactly the snapshots before the limit are removed. A limit is in whole seconds, and quick backups may share one.
    let limit = before[0].time.timestamp() + 1;
    let outcome = succeed(place.admin(Age::Before(limit)));
    let is_old = |snapshot: &&Snapshot| snapshot.time.timestamp() < limit;
    let gone = before[..2].iter().filter(is_old).count();
    assert_eq!(outcome.summary.snapshots_removed, Some(gone as u64));
    assert_eq!(snapshots(&place), before[gone..]);

    // All are older than now. The newest stays, and so do the snapshots of another lineage.
    let outcome = succeed(place.admin(Age::Days(0.0)));
    assert_eq!(outcome.summary.snapshots, Some(1));
    assert_eq!(snapshots(&place), before[2..]);
    succeed(place.check(true));
    succeed(Work::Restore(place.restore()));
    assert_same_tree(&place.path("source"), &place.path("target"));
    if place.restic(&["check", "--read-data"]).is_some() {
        place.restic(&["prune"]);
        place.restic(&["check", "--read-data"]);
    }
    succeed(Work::Restore(Restore {
        lineage: other,
        target: place.path("again"),
        ..place.restore()
    }));
}

#[test]
fn a_backup_removes_old_snapshots_when_it_has_succeeded() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let backup = Backup {
        remove_older_than: Some(0.0),
        ..place.backup()
    };
    let outcome = succeed(Work::Backup(backup));
    assert_eq!(
        (outcome.summary.snapshots_removed, outcome.summary.snapshots),
        (Some(1), Some(1))
    );
    assert_eq!(
        Some(&snapshots(&place)[0].id),
        outcome.summary.snapshot.as_ref()
    );
    succeed(Work::Restore(place.restore()));
    assert_same_tree(&place.path("source"), &place.path("target"));
}

#[test]
fn a_clock_in_doubt_removes_nothing_by_age_but_what_a_date_says() {
    let place = Place::new();
    for _ in 0..2 {
        place.back_up();
    }
    let remove = |work| {
        let mut request = request(work);
        request.clock_in_doubt = true;
        run_request(&request)
    };
    let ended = remove(place.admin(Age::Days(0.0)));
    let summary = &ended.outcome().summary;
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert_eq!(
        (summary.snapshots_removed, summary.snapshots),
        (Some(0), Some(2))
    );
    assert!(ended.said("warning: no snapshot is removed"), "{ended:#?}");
    let ended = remove(Work::Backup(Backup {
        remove_older_than: Some(0.0),
        ..place.backup()
    }));
    assert_eq!(ended.outcome().summary.snapshots_removed, Some(0));
    let ended = remove(place.admin(Age::Before(i64::from(i32::MAX))));
    assert_eq!(ended.outcome().summary.snapshots_removed, Some(2));
}

#[test]
fn a_removal_waits_for_other_users_of_the_container_and_says_so() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    place.back_up();
    let running_backup = lock(&place, false);
    let agent = Agent::start(&request(place.admin(Age::Days(0.0))));
    agent.wait_for_line("waiting: the container");
    assert_eq!(
        snapshots(&place).len(),
        2,
        "nothing goes while somebody is at it"
    );
    drop(running_backup);
    let ended = agent.end();
    assert_eq!(ended.outcome().summary.snapshots_removed, Some(1));
    let waited = ended
        .reports
        .iter()
        .any(|report| matches!(report, Report::Waiting { reason } if reason.contains("is in use")));
    assert!(waited, "{ended:#?}");
}

#[test]
fn a_backup_and_a_restore_wait_for_a_removal_but_not_for_each_other() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let other_reader = lock(&place, false);
    place.back_up();
    succeed(Work::Restore(place.restore()));
    drop(other_reader);
    let removal = lock(&place, true);
    let agents = [
        Work::Backup(place.backup()),
        Work::Restore(place.restore()),
        place.check(false),
    ]
    .map(|work| Agent::start(&request(work)));
    for agent in &agents {
        agent.wait_for_line("waiting: the container");
    }
    drop(removal);
    for agent in agents {
        assert_eq!(agent.end().outcome().verdict, Verdict::Success);
    }
}

#[test]
fn a_lock_file_that_cannot_be_read_stops_a_removal_until_it_is_stale() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    place.back_up();
    let name = format!("container/locks/{}", "ab".repeat(32));
    let lock = place.write(&name, "not what restic writes there");
    // A backup goes on beside it.
    place.back_up();
    let agent = Agent::start(&request(place.admin(Age::Days(0.0))));
    agent.wait_for_line("waiting: the container");
    assert_eq!(snapshots(&place).len(), 3);
    let old = std::time::SystemTime::now() - Duration::from_secs(3_600);
    let file = File::options().write(true).open(lock).unwrap();
    file.set_modified(old).unwrap();
    let ended = agent.end();
    assert_eq!(ended.outcome().summary.snapshots_removed, Some(2));
}

#[test]
fn an_agent_that_waits_for_a_container_can_be_ended() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let _running_backup = lock(&place, false);
    let agent = Agent::start(&request(place.admin(Age::Days(0.0))));
    agent.wait_for_line("waiting: the container");
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&agent.child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    let ended = agent.end();
    assert_eq!(ended.status.code(), Some(freezerd::agent::ENDED));
    assert!(
        !ended
            .reports
            .iter()
            .any(|report| matches!(report, Report::Outcome(_))),
        "{ended:#?}"
    );
}

#[test]
fn an_agent_that_has_read_a_password_leaves_no_core_file() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let _running_backup = lock(&place, false);
    let agent = Agent::start(&request(place.admin(Age::Days(0.0))));
    agent.wait_for_line("waiting: the container");
    let limits = fs::read_to_string(format!("/proc/{}/limits", agent.child.id())).unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    // With 1 the kernel starts no collector of cores either; 0 is what was there before.
    assert!(matches!(words[..], ["1", "1", _] | ["0", "0", _]), "{core}");
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&agent.child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    agent.end();
}

#[test]
fn actions_that_only_read_create_no_container() {
    let place = Place::new();
    for work in [
        place.admin(Age::Days(1.0)),
        place.info(),
        place.check(false),
        Work::Restore(place.restore()),
    ] {
        fail(
            work,
            Verdict::FailedForGood,
            &["there is no repository in", "the first backup creates it"],
        );
        assert!(!place.path("container").exists());
    }
    // An empty directory is not a repository either, and stays empty.
    fs::create_dir(place.path("container")).unwrap();
    for work in [place.admin(Age::Days(1.0)), place.info()] {
        fail(work, Verdict::FailedForGood, &["there is no repository in"]);
    }
    assert_eq!(fs::read_dir(place.path("container")).unwrap().count(), 0);
}

#[test]
fn info_lists_the_snapshots_of_a_container() {
    let place = Place::new();
    place.write("source/file", "0123456789");
    let backup = place.back_up();
    let ended = run(place.info());
    let outcome = ended.outcome();
    assert_eq!(
        (outcome.summary.snapshots, &outcome.summary.snapshot),
        (Some(1), &backup.summary.snapshot)
    );
    let row = ended
        .log
        .iter()
        .find(|line| line.starts_with(&backup.summary.snapshot.as_ref().unwrap()[..8]))
        .unwrap();
    for cell in [
        "web-1",
        "nightly",
        "10 B",
        place.path("source").to_str().unwrap(),
    ] {
        assert!(row.contains(cell), "{cell}: {row}");
    }
    let none = Info {
        container: place.container(),
        backup_name: Some("weekly".to_owned()),
        host: None,
    };
    assert_eq!(succeed(Work::Info(none)).summary.snapshots, Some(0));
}

#[test]
fn a_limit_that_is_out_of_range_is_refused() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let admin = Admin {
        container: place.container(),
        lineage: lineage(),
        paths: Vec::new(),
        remove: Some(Age::Days(-1.0)),
        keep: Default::default(),
        prune: None,
        max_unused: None,
        max_repack: None,
    };
    fail(
        Work::Admin(admin),
        Verdict::FailedForGood,
        &["out of range"],
    );
    assert_eq!(snapshots(&place).len(), 1);
}

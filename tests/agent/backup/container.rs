//! What a backup reports about its container: missing, wrong password, full, not mounted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use freezerd::agent::list_snapshots;
use freezerd::job::action::{Age, Backup, Container, Lineage, Restore, Work};
use freezerd::location::Location;
use freezerd::protocol::Verdict;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::open::Repository;
use freezerd::storage::local::Local;

use crate::support::*;

#[test]
fn a_repository_without_the_directory_of_its_snapshots_is_never_pruned() {
    let place = Place::new();
    place.write("source/file", "content");
    place.back_up();
    let directory = place.path("container/snapshots");
    fs::rename(&directory, place.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../not-mounted", place.path("container/linked")).unwrap();
    fs::rename(place.path("container/linked"), &directory).unwrap();
    let texts = ["has lost its directory"];
    fail(place.admin(Age::Days(0.0)), Verdict::FailedForGood, &texts);
    fs::remove_file(&directory).unwrap();
    for work in [
        place.admin(Age::Days(0.0)),
        place.check(false),
        place.info(),
        Work::Backup(place.backup()),
        Work::Restore(place.restore()),
    ] {
        fail(work, Verdict::FailedForGood, &texts);
    }
    assert!(!directory.exists(), "another program would prune then");
    fs::rename(place.path("elsewhere"), &directory).unwrap();
    succeed(place.check(true));
    succeed(Work::Restore(place.restore()));
}

#[test]
fn a_repository_that_is_gone_is_not_created_again_unless_that_is_allowed() {
    let place = Place::new();
    place.write("source/file", "x");
    for dry_run in [true, false] {
        let mut asked = request(Work::Backup(place.backup()));
        asked.expects_repository = true;
        asked.action.dry_run = dry_run;
        let ended = run_request(&asked);
        expect_failure(
            &ended,
            Verdict::FailedForGood,
            &["is gone", "not mounted", "allow_new_container"],
        );
        assert!(!place.path("container").exists());
    }
    let mut allowed = request(Work::Backup(Backup {
        allow_new_container: true,
        ..place.backup()
    }));
    allowed.expects_repository = true;
    assert_eq!(run_request(&allowed).outcome().verdict, Verdict::Success);
}

#[test]
fn a_repository_that_lost_all_its_snapshots_gets_no_other_unless_that_is_allowed() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    for snapshot in fs::read_dir(place.path("container/snapshots")).unwrap() {
        fs::remove_file(snapshot.unwrap().path()).unwrap();
    }
    for dry_run in [true, false] {
        let mut asked = request(Work::Backup(place.backup()));
        asked.expects_repository = true;
        asked.action.dry_run = dry_run;
        expect_failure(
            &run_request(&asked),
            Verdict::FailedForGood,
            &["no snapshot any more", "from a copy", "allow_new_container"],
        );
    }
    let mut allowed = request(Work::Backup(Backup {
        allow_new_container: true,
        ..place.backup()
    }));
    allowed.expects_repository = true;
    assert_eq!(run_request(&allowed).outcome().verdict, Verdict::Success);
    // The other jobs of the container go on.
    let mut other = request(Work::Backup(Backup {
        lineage: Lineage {
            backup_name: "other".to_owned(),
            ..place.backup().lineage
        },
        ..place.backup()
    }));
    other.expects_repository = true;
    assert_eq!(run_request(&other).outcome().verdict, Verdict::Success);
}

#[test]
fn a_wrong_password_is_a_clear_error_that_names_the_pass_file() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    fs::write(place.path("pass"), "battery staple\n").unwrap();
    let pass_file = place.path("pass");
    let texts = [
        "the password in",
        pass_file.to_str().unwrap(),
        "does not open",
    ];
    let ended = fail(Work::Backup(place.backup()), Verdict::FailedForGood, &texts);
    assert!(!format!("{ended:?}").contains("battery"), "{ended:#?}");
    // If there is no pass file, the password is empty.
    let container = Container {
        pass_file: None,
        ..place.container()
    };
    let backup = Backup {
        container,
        ..place.backup()
    };
    fail(
        Work::Backup(backup),
        Verdict::FailedForGood,
        &["has a password", "encrypt_pass_file"],
    );
    fs::write(place.path("pass"), "").unwrap();
    fail(
        Work::Backup(place.backup()),
        Verdict::FailedForGood,
        &["is empty"],
    );
    fs::remove_file(place.path("pass")).unwrap();
    fail(
        Work::Backup(place.backup()),
        Verdict::FailedForGood,
        &["cannot be read: No such file"],
    );
}

#[test]
fn restic_opens_the_repository_with_the_same_pass_file_however_it_was_written() {
    for content in [
        &b"\xef\xbb\xbfcorrect horse\r\n"[..],
        b"\xff\xfes\0\xfc\0\r\0\n\0",
        b" correct horse\n\n",
        b"\xfcmlaut\n",
    ] {
        let place = Place::new();
        place.write("source/file", "x");
        fs::write(place.path("pass"), content).unwrap();
        place.back_up();
        if place.restic(&["snapshots"]).is_none() {
            return;
        }
    }
}

#[test]
fn a_repository_whose_password_has_white_space_at_its_ends_still_opens() {
    let place = Place::new();
    place.write("source/file", "x");
    fs::write(place.path("pass"), " correct horse \n").unwrap();
    let storage = Arc::new(Local::new(place.path("container")));
    let cost = Cost { n: 16, r: 1, p: 1 };
    fs::create_dir(place.path("container")).unwrap();
    Repository::init(storage, b" correct horse ", cost).unwrap();
    let ended = run(Work::Backup(place.backup()));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert!(ended.said("freezerd key passwd"), "{ended:#?}");
}

#[test]
fn without_a_pass_file_the_password_is_empty() {
    let place = Place::new();
    place.write("source/file", "x");
    let container = Container {
        pass_file: None,
        ..place.container()
    };
    succeed(Work::Backup(Backup {
        container: container.clone(),
        ..place.backup()
    }));
    succeed(Work::Restore(Restore {
        container,
        ..place.restore()
    }));
    assert_same_tree(&place.path("source"), &place.path("target"));
}

#[test]
fn a_pass_file_that_everybody_can_read_causes_a_warning() {
    let place = Place::new();
    place.write("source/file", "x");
    fs::set_permissions(place.path("pass"), fs::Permissions::from_mode(0o644)).unwrap();
    let ended = run(Work::Backup(place.backup()));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert!(ended.said("everybody can read the pass file"), "{ended:#?}");
    assert!(
        !format!("{ended:?}").contains("correct horse"),
        "{ended:#?}"
    );
}

#[test]
fn no_repository_is_created_in_a_directory_that_contains_something_else() {
    let place = Place::new();
    place.write("source/file", "x");
    place.write("container/letters/to-mother.txt", "Dear");
    let ended = fail(
        Work::Backup(place.backup()),
        Verdict::FailedForGood,
        &[
            "something that is not a repository",
            "nothing was changed there",
        ],
    );
    assert_eq!(tree(&place.path("container")).len(), 3, "{ended:#?}");
}

#[test]
fn a_container_is_not_created_where_a_disk_is_not_mounted() {
    let place = Place::new();
    place.write("source/file", "x");
    let path = place.path("disk/container");
    let container = Container {
        name: path.to_str().unwrap().to_owned(),
        location: Location::Local(path),
        ..place.container()
    };
    let backup = Backup {
        container: container.clone(),
        ..place.backup()
    };
    fail(
        Work::Backup(backup),
        Verdict::FailedForGood,
        &["the directory above it does not exist", "mount it"],
    );
    assert!(!place.path("disk").exists());
    // A container that is given by its name is below the container root, which may not exist yet.
    let container = Container {
        name: "nightly".to_owned(),
        ..container
    };
    succeed(Work::Backup(Backup {
        container,
        ..place.backup()
    }));
}

#[test]
fn a_deleted_index_file_is_told_once_with_its_mend() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    place.write("source/other", "y");
    place.back_up();
    for file in fs::read_dir(place.path("container/index")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let ended = run(Work::Backup(place.backup()));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    let told = " and of 1 other: an index file is missing, or a pack was lost";
    assert!(ended.said(told), "{ended:#?}");
    assert!(ended.said("no index named the content"), "{ended:#?}");
    assert!(ended.said("run `freezerd repair`"), "{ended:#?}");
    let again = run(Work::Backup(place.backup()));
    assert!(!again.said("index"), "{again:#?}");
    succeed(place.check(true));
}

#[test]
fn packs_of_an_interrupted_backup_are_not_taken_for_a_deleted_index_file() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    place.write("source/other", noise(100_000));
    let mut command = Command::new(env!("CARGO_BIN_EXE_freezerd"));
    command
        .arg("agent")
        .env("FREEZERD_KILL_TRACE", place.path("trace"))
        .env("FREEZERD_KILL_AT", "PackWritten:1:agent");
    let ended = Agent::start_with(&mut command, &request(Work::Backup(place.backup()))).end();
    assert_eq!(ended.status.code(), None, "{ended:#?}");
    let next = run(Work::Backup(place.backup()));
    let told = "note: an interrupted backup, or one that runs now, has left";
    assert!(next.said(told), "{next:#?}");
    assert!(!next.said("warning"), "{next:#?}");
}

#[test]
fn a_full_container_is_reported_and_leaves_no_snapshot() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(&place.path("disk"), "8m") else {
        return;
    };
    let noise = noise(24_000_000);
    place.write("source/large", &noise);
    for number in 0..50 {
        place.write(&format!("source/small-{number}"), format!("{number}"));
    }
    let path = disk.0.join("container");
    let container = Container {
        name: path.to_str().unwrap().to_owned(),
        location: Location::Local(path),
        ..place.container()
    };
    let backup = Backup {
        container: container.clone(),
        ..place.backup()
    };
    let ended = fail(
        Work::Backup(backup),
        Verdict::Failed,
        &["No space left on device"],
    );
    assert!(!format!("{ended:?}").contains("panicked"), "{ended:#?}");
    assert!(
        list_snapshots(&container, &Default::default())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_backup_is_made_with_as_few_threads_as_the_system_gives() {
    let place = Place::new();
    place.write("source/file", "x");
    // A user who may have only as many threads as the agent itself needs. The engine gets none.
    let user = 61_234;
    let allowed = is_root()
        && Command::new("prlimit")
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
    if !allowed {
        eprintln!(
            "SKIPPED: an engine without threads, since limiting them takes root's rights and prlimit"
        );
        return;
    }
    let program = place.path("freezerd");
    copy_program(&program);
    fs::create_dir(place.path("parent")).unwrap();
    for name in ["source", "pass", "parent"] {
        std::os::unix::fs::chown(place.path(name), Some(user), Some(user)).unwrap();
    }
    let path = place.path("parent/container");
    let container = Container {
        name: path.to_str().unwrap().to_owned(),
        location: Location::Local(path),
        ..place.container()
    };
    let work = Work::Backup(Backup {
        container,
        ..place.backup()
    });
    let mut command = Command::new("prlimit");
    command
        .arg("--nproc=2")
        .arg(program)
        .arg("agent")
        .uid(user)
        .gid(user);
    let ended = Agent::start_with(&mut command, &request(work)).end();
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
}

#[test]
fn a_backup_removes_what_an_interrupted_write_left_long_ago_and_not_what_is_being_written() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let name = |end: &str| format!("container/index/{}-tmp-{end}", "0".repeat(64));
    let (old, new) = (place.write(&name("1-0"), ""), place.write(&name("2-0"), ""));
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 60 * 60);
    let file = fs::File::open(&old).unwrap();
    file.set_modified(then).unwrap();
    place.back_up();
    assert!(!old.exists());
    assert!(new.exists());
}

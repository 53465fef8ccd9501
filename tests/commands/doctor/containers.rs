//! Containers and their passwords.

use std::fs;

use serde_json::Value;

use super::{Visit, backed_up, mode};
use crate::harness::{Host, backup, someday};

#[test]
fn a_wrong_password_a_missing_pass_file_and_a_readable_one_are_different_findings() {
    let host = backed_up();
    let pass = host.path("pass");
    fs::write(&pass, "another\n").expect("a password");
    let visit = Visit::to(&host, &[]);
    visit.says("container", "/container", "error: the password in ");
    visit.says("password", "/pass", "ok: ");

    mode(&pass, 0o644);
    Visit::to(&host, &[]).says("password", "/pass", "warning: everybody can read it");
    mode(&pass, 0o666);
    Visit::to(&host, &[]).says("password", "/pass", "error: others can write to it");
    mode(&pass, 0o600);
    fs::write(&pass, "\n").expect("no password");
    let visit = Visit::to(&host, &[]);
    visit.says("password", "/pass", "error: the pass file ");
    visit.says(
        "container",
        "/container",
        "info: it has a repository, which doctor did not open",
    );
    fs::remove_file(&pass).expect("the pass file");
    Visit::to(&host, &[]).says("password", "/pass", "error: the pass file ");
}

#[test]
fn containers_are_not_opened_if_the_user_asks_for_that() {
    let host = backed_up();
    fs::write(host.path("pass"), "another\n").expect("a password");
    let visit = Visit::to(&host, &["--no-containers"]);
    visit.says(
        "container",
        "/container",
        "info: it has a repository, which doctor did not open",
    );
    assert_eq!(visit.errors(), Vec::<&Value>::new());
}

#[test]
fn a_container_that_does_not_exist_is_an_error_only_on_a_disk_that_is_not_mounted() {
    let host = Host::new();
    host.put(
        "a",
        someday(vec![
            backup(&host.path("work"), &host.path("new")),
            backup(&host.path("work"), &host.path("not-mounted/container")),
            backup(&host.path("work"), &host.path("jobs.d")),
        ]),
    );
    let visit = Visit::to(&host, &[]);
    visit.says(
        "container",
        "/new",
        "info: the first backup will create it (for a)",
    );
    visit.says("container", "/not-mounted/container", "error: ");
    visit.says("container", "/jobs.d", "error: ");
}

#[test]
fn a_backup_disk_that_is_not_mounted_is_an_error_and_no_backup_goes_to_the_empty_mount_point() {
    let host = backed_up();
    let (mounted, away) = (host.path("container"), host.path("away"));
    fs::rename(&mounted, &away).unwrap();
    // The empty mount point of the disk.
    fs::create_dir(&mounted).unwrap();
    let lost = "error: the repository with the backups of www is gone";
    Visit::to(&host, &[]).says("container", "/container", lost);
    let daemon = host.start();
    host.trigger("www");
    let ended = daemon.run_of("www").message;
    assert!(ended.contains("is its disk not mounted?"), "{ended}");
    let left = fs::read_dir(&mounted).unwrap().count();
    assert_eq!(left, 0, "nothing was begun");
    fs::remove_dir(&mounted).unwrap();
    fs::rename(&away, &mounted).unwrap();
    host.trigger("www");
    let ended = daemon.run_of("www").message;
    assert!(ended.contains("succeeded"), "{ended}");
    let sound = "ok: the password opens it, 2 snapshots";
    Visit::to(&host, &[]).says("container", "/container", sound);
}

#[test]
fn a_repository_that_lost_all_its_snapshots_is_an_error_and_no_backup_goes_on_in_it() {
    let host = backed_up();
    let snapshots = host.path("container/snapshots");
    fs::rename(&snapshots, host.path("away")).unwrap();
    fs::create_dir(&snapshots).unwrap();
    let lost = "error: the repository has no snapshot any more";
    Visit::to(&host, &[]).says("container", "/container", lost);
    let daemon = host.start();
    host.trigger("www");
    let ended = daemon.run_of("www").message;
    assert!(ended.contains("has no snapshot any more"), "{ended}");
    fs::remove_dir(&snapshots).unwrap();
    fs::rename(host.path("away"), &snapshots).unwrap();
    host.trigger("www");
    let ended = daemon.run_of("www").message;
    assert!(ended.contains("succeeded"), "{ended}");
    let sound = "ok: the password opens it, 2 snapshots";
    Visit::to(&host, &[]).says("container", "/container", sound);
}

#[test]
fn a_damaged_repository_is_an_error() {
    let host = backed_up();
    fs::write(host.path("container/config"), "noise").expect("the damage");
    let found = Visit::to(&host, &[]).about("container", "/container");
    assert!(found[0].starts_with("error: "), "{found:?}");
}

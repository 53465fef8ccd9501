//! The directory as a whole: rescans, a replaced directory, a thousand files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use super::described;
use crate::harness::{Host, eventually, every, exec};

/// Replaces the jobs directory without an event from the kernel: it is a link, and this replaces the link's target.
fn swap_behind_the_kernels_back(host: &Host, job: Value) {
    let other = host.path("other.d");
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(other.join("b.json"), job.to_string()).unwrap();
    let link = host.path("link.d");
    let next = host.path("next.d");
    symlink(&other, &next).unwrap();
    fs::rename(&next, &link).unwrap();
}

fn linked_host() -> Host {
    let host = Host::new().job("a", described("a"));
    symlink(host.path("jobs.d"), host.path("link.d")).unwrap();
    let link = host.path("link.d").display().to_string();
    host.env("FREEZERD_JOBS_DIR", &link)
}

#[test]
fn sighup_makes_the_daemon_find_changes_that_the_kernel_did_not_report() {
    let host = linked_host();
    let daemon = host.start();
    swap_behind_the_kernels_back(&host, described("b"));
    daemon.signal(Signal::HUP);
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["b"]);
}

#[test]
fn a_periodic_rescan_finds_changes_that_the_kernel_did_not_report() {
    let host = linked_host().env("FREEZERD_RESCAN_INTERVAL", "1 second");
    let daemon = host.start();
    swap_behind_the_kernels_back(&host, described("b"));
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["b"]);
    fs::write(host.path("other.d/c.json"), described("c").to_string()).unwrap();
    daemon.says("c", "loaded");
}

#[test]
fn a_directory_that_replaces_the_old_one_is_read_and_watched() {
    let host = Host::new().job("a", described("a"));
    let daemon = host.start();
    let fresh = host.path("fresh.d");
    fs::create_dir(&fresh).unwrap();
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(fresh.join("b.json"), described("b").to_string()).unwrap();
    fs::rename(host.path("jobs.d"), host.path("old.d")).unwrap();
    fs::rename(&fresh, host.path("jobs.d")).unwrap();
    daemon.says("b", "loaded");
    host.put("c", described("c"));
    daemon.says("c", "loaded");
}

#[test]
fn while_the_jobs_directory_cannot_be_read_all_jobs_continue_unchanged() {
    let host = Host::new().job("a", every("1 second", vec![exec("true")]));
    let daemon = host.start();
    fs::rename(host.path("jobs.d"), host.path("away.d")).unwrap();
    daemon.until(|line| line.message.contains("the jobs go on as they are"));
    daemon.run_of("a");
    daemon.run_of("a");
    assert_eq!(host.jobs(), ["a"]);
    fs::rename(host.path("away.d"), host.path("jobs.d")).unwrap();
    daemon.until(|line| line.message.contains("can be read again"));
    host.put("b", described("b"));
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["a", "b"]);
}

#[test]
fn while_others_can_write_to_the_jobs_directory_nothing_new_is_read_from_it() {
    let host = Host::new().job("a", described("a"));
    let daemon = host.start();
    let open =
        |mode| fs::set_permissions(host.path("jobs.d"), fs::Permissions::from_mode(mode)).unwrap();
    open(0o777);
    daemon.until(|line| {
        line.message.contains("the jobs go on as they are") && line.message.contains("chmod")
    });
    host.put("b", described("b"));
    assert_eq!(host.jobs(), ["a"]);
    open(0o755);
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["a", "b"]);
}

#[test]
fn a_thousand_files_are_a_thousand_jobs() {
    let host = Host::new();
    for count in 0..1000 {
        fs::write(
            host.path(&format!("jobs.d/j{count:04}.json")),
            described("many").to_string(),
        )
        .unwrap();
    }
    let daemon = host.start();
    assert_eq!(host.jobs().len(), 1000);
    for count in 0..500 {
        host.delete(&format!("j{count:04}"));
    }
    eventually("half of them", || host.jobs().len() == 500);
    assert!(Path::new(&format!("/proc/{}", daemon.id())).exists());
}

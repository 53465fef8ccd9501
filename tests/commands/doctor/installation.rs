//! The configuration, the directories and the ledger.

use std::fs;

use serde_json::Value;

use super::{Visit, backed_up};
use crate::harness::{Host, exec, someday, tree};

#[test]
fn a_sound_installation_has_no_errors_and_its_container_opens() {
    let host = backed_up();
    let daemon = host.start();
    let visit = Visit::to(&host, &[]);
    assert_eq!(visit.errors(), Vec::<&Value>::new());
    visit.says("ledger", "ledger.redb", "ok: readable");
    visit.says("daemon", "/state", "ok: freezerd ");
    visit.says(
        "container",
        "/container",
        "ok: the password opens it, 1 snapshot (for www)",
    );
    visit.says("password", "/pass", "ok: ");
    visit.says("job file", "/jobs.d", "ok: 1 valid job file");
    visit.says("job", "", "ok: 1 job without a finding");
    visit.says("zone", "UTC", "ok: ");
    assert_eq!(visit.about("clock", "the host's clock").len(), 1);
    assert!(daemon.stop().success());
    let visit = Visit::to(&host, &[]);
    visit.says("daemon", "/state", "warning: no daemon is running");
    assert!(visit.code >= 4);
}

#[test]
fn the_doctor_changes_nothing() {
    let host = backed_up();
    for fresh in ["state", "container", "jobs.d"] {
        assert!(host.path(fresh).is_dir());
    }
    // Reading the repository and locking the database must not change any file.
    let before = (tree(&host.path("container")), tree(&host.path("jobs.d")));
    let ledger = fs::read(host.path("state/ledger.redb")).expect("the ledger");
    Visit::to(&host, &[]);
    assert!((tree(&host.path("container")), tree(&host.path("jobs.d"))) == before);
    assert!(fs::read(host.path("state/ledger.redb")).expect("the ledger") == ledger);
    let fresh = Host::new();
    Visit::to(&fresh, &[]);
    assert!(!fresh.path("state").exists());
}

#[test]
fn a_host_on_which_nothing_has_run_yet_has_no_errors() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let visit = Visit::to(&host, &[]);
    assert_eq!(visit.errors(), Vec::<&Value>::new());
    visit.says("directory", "/state", "info: ");
    visit.says("ledger", "ledger.redb", "info: it does not exist yet");
}

#[test]
fn a_wrong_configuration_is_a_finding_and_the_rest_is_still_checked() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    for (content, sign) in [
        ("no_such_setting = 1", "no_such_setting"),
        ("concurrent_jobs = \"many\"", "concurrent_jobs"),
        ("= not toml", "freezerd.toml:1"),
    ] {
        host.file("freezerd.toml", content);
        let visit = Visit::to(&host, &[]);
        let found = visit.about("config", "freezerd.toml");
        assert!(
            found[0].starts_with("error: ") && found[0].contains(sign),
            "{found:?}"
        );
        visit.says("job file", "/jobs.d", "ok: 1 valid");
        assert_eq!(visit.code, 5);
    }
    let missing = Visit::to(&host, &["--config", "/no/such/freezerd.toml"]);
    missing.says("config", "/no/such/freezerd.toml", "error: ");
    // With an invalid flag the doctor has no settings, and checks nothing.
    let flag = Visit::to(&host, &["--concurrent-jobs", "none"]);
    assert_eq!((flag.findings.len(), flag.code), (1, 5));
}

#[test]
fn a_missing_jobs_directory_is_an_error() {
    let host = Host::new().flag("--jobs-dir=/no/such/place");
    let visit = Visit::to(&host, &[]);
    visit.says(
        "directory",
        "/no/such/place",
        "error: there is no jobs directory",
    );
}

#[test]
fn a_ledger_with_wrong_truncated_or_no_content_is_a_finding_and_causes_no_crash() {
    let host = backed_up();
    let path = host.path("state/ledger.redb");
    let good = fs::read(&path).expect("the ledger");
    let mut torn = good.clone();
    torn.truncate(good.len() / 2);
    let mut hollow = good.clone();
    for byte in &mut hollow[4096..] {
        *byte = 0xA5;
    }
    for (name, bytes) in [
        ("noise", vec![0x5A; 100_000]),
        ("torn", torn),
        ("hollow", hollow),
        ("empty", Vec::new()),
    ] {
        fs::write(&path, &bytes).expect("the damage");
        let visit = Visit::to(&host, &["--no-containers"]);
        let found = visit.about("ledger", "ledger.redb");
        assert_eq!(found.len(), 1, "{name}");
        assert!(
            found[0].starts_with("error: ") || found[0].starts_with("warning: "),
            "{name}: {found:?}"
        );
        assert!(
            fs::read(&path).expect("the ledger") == bytes,
            "{name}: left alone"
        );
    }
}

#[test]
fn a_damaged_ledger_that_was_set_aside_is_a_warning_until_it_is_deleted() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    host.start().stop();
    fs::write(host.path("state/ledger.redb"), "noise").expect("the damage");
    host.start().stop();
    let found = Visit::to(&host, &[]).about("ledger", "ledger.redb");
    assert!(
        found.iter().any(|line| line.starts_with("warning: ")
            && line.contains("found damaged")
            && line.contains("ledger.redb.damaged-")),
        "{found:?}"
    );
    for entry in fs::read_dir(host.path("state")).expect("the state") {
        let path = entry.expect("an entry").path();
        if path.display().to_string().contains(".damaged-") {
            fs::remove_file(path).expect("what was put aside");
        }
    }
    let found = Visit::to(&host, &[]).about("ledger", "ledger.redb");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_ledger_that_was_not_closed_is_reported_and_left_to_the_daemon() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    host.start().kill();
    let visit = Visit::to(&host, &[]);
    let found = visit.about("ledger", "ledger.redb");
    assert!(
        found[0].starts_with("warning: ") && found[0].contains("not closed properly"),
        "{found:?}"
    );
    let again = Visit::to(&host, &[]);
    assert_eq!(
        again.about("ledger", "ledger.redb"),
        found,
        "it corrects nothing"
    );
}

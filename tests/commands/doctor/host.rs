//! The unit, the time zone, the clock, and the user who runs the doctor.

use std::os::unix::fs::chown;
use std::path::Path;

use chrono::TimeDelta;
use serde_json::Value;

use super::{Visit, backed_up, mode};
use crate::harness::{Host, NOBODY, exec, is_root, someday};

#[test]
fn without_systemd_there_is_a_note_and_no_warning() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .env("PATH", "/no/such/place");
    let visit = Visit::to(&host, &[]);
    visit.says(
        "unit",
        "freezerd.service",
        "info: this host has no systemctl",
    );
}

#[test]
fn the_unit_of_another_installation_is_a_note() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let systemctl = host.file("bin/systemctl", "#!/bin/sh\necho failed\nexit 3\n");
    mode(&systemctl, 0o755);
    let bin = host.path("bin");
    let host = host.env("PATH", &format!("{}:/usr/bin:/bin", bin.display()));
    let visit = Visit::to(&host, &[]);
    visit.says(
        "unit",
        "freezerd.service",
        "info: failed, failed; the unit is for another",
    );
}

#[test]
fn an_unknown_time_zone_is_a_warning() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .env("TZ", "No/Such_Zone");
    let visit = Visit::to(&host, &[]);
    visit.says("zone", "UTC", "warning: the host's time zone is unknown");
}

#[test]
fn a_row_from_the_future_means_that_the_clock_is_wrong() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    assert!(daemon.stop().success());
    let mut run = host.ledger().run(1).expect("a ledger").expect("the run");
    run.ended = Some(chrono::Utc::now() + TimeDelta::days(400));
    let mut store =
        freezerd::ledger::RedbLedger::open(&host.path("state/ledger.redb")).expect("the ledger");
    freezerd::ledger::Ledger::commit(&mut store, &[freezerd::ledger::Write::Run(run)])
        .expect("a commit");
    drop(store);
    let visit = Visit::to(&host, &[]);
    visit.says("clock", "the host's clock", "error: the clock shows ");
}

#[test]
fn another_user_learns_who_owns_the_installation_and_may_have_their_own() {
    let host = backed_up();
    mode(&host.path("state"), 0o755);
    if let Some(ran) = host.command_of_a_stranger(&["doctor", "--json"]) {
        let told = ran.json();
        let findings = told["findings"].as_array().expect("findings");
        assert_eq!(findings[0]["check"], "user", "{told:#}");
        assert!(
            findings.iter().any(|finding| finding["check"] == "ledger"
                && finding["level"] == "warning"
                && finding["message"]
                    .as_str()
                    .is_some_and(|it| it.contains("belongs to another user"))),
            "{told:#}"
        );
        assert!(
            findings.iter().any(|finding| finding["check"] == "daemon"
                && finding["message"]
                    .as_str()
                    .is_some_and(|it| it.contains("cannot find out"))),
            "{told:#}"
        );
    }
    let Some(host) = Host::unprivileged() else {
        return;
    };
    host.put("a", someday(vec![exec("true")]));
    chown_if_root(&host.path("jobs.d/a.json"));
    let visit = Visit::to(&host, &[]);
    assert_eq!(visit.about("user", ""), Vec::<String>::new());
    assert_eq!(visit.errors(), Vec::<&Value>::new());
}

fn chown_if_root(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("its owner");
    }
}

#[test]
fn the_text_output_has_a_line_for_each_finding_its_correction_and_a_summary() {
    let host = Host::new();
    host.put_text("bad.json", "{");
    let ran = host.freezerd(&["doctor"]).exits(5);
    let text = ran.stdout();
    assert!(text.contains("error    job file "), "{text}");
    assert!(
        text.contains("\n                    → `freezerd check` shows"),
        "{text}"
    );
    let last = text.lines().last().expect("a summary");
    assert!(
        last.contains("findings: ") && last.contains(" error"),
        "{last}"
    );
}

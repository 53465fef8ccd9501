//! `freezerd doctor`: whatever is wrong with an installation is a finding with a mend, and never a crash.

mod harness;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use chrono::TimeDelta;
use harness::{Host, NOBODY, backup, exec, is_root, once, someday, tree};
use serde_json::{Value, json};

/// What the doctor found, once the shape of it is known to be as documented.
struct Visit {
    code: i32,
    findings: Vec<Value>,
}

impl Visit {
    #[track_caller]
    fn to(host: &Host, arguments: &[&str]) -> Visit {
        let mut all = vec!["doctor", "--json"];
        all.extend(arguments);
        let ran = host.freezerd(&all);
        let told = ran.json();
        let findings = told["findings"].as_array().expect("findings").clone();
        let levels = ["ok", "info", "warning", "error"];
        let mut worst = 0;
        for finding in &findings {
            let level = levels.iter().position(|level| finding["level"] == *level);
            let level = level.unwrap_or_else(|| panic!("{finding}"));
            worst = worst.max(level);
            for key in ["check", "subject", "message"] {
                assert!(finding[key].is_string(), "{finding}");
            }
            assert!(
                level < 2 || finding["help"].is_string(),
                "a fault without a mend: {finding}"
            );
        }
        assert_eq!(told["worst"], levels[worst]);
        assert_eq!(ran.code(), [0, 0, 4, 5][worst], "{told:#}");
        assert_eq!(ran.stderr(), "", "everything is a finding");
        Visit {
            code: ran.code(),
            findings,
        }
    }

    /// The findings of a check about a subject that ends so: `level: message`.
    fn about(&self, check: &str, subject: &str) -> Vec<String> {
        self.findings
            .iter()
            .filter(|finding| {
                let text = finding["subject"].as_str().expect("a subject");
                finding["check"] == check && text.ends_with(subject)
            })
            .map(|finding| {
                let word = |key: &str| finding[key].as_str().expect("a word").to_owned();
                format!("{}: {}", word("level"), word("message"))
            })
            .collect()
    }

    #[track_caller]
    fn says(&self, check: &str, subject: &str, start: &str) {
        let found = self.about(check, subject);
        assert!(
            found.iter().any(|line| line.starts_with(start)),
            "no {start:?} about {check} {subject} in {:#?}",
            self.findings
        );
    }

    /// What is wrong with this installation; a disk of the test machine's that is full is not.
    fn errors(&self) -> Vec<&Value> {
        self.findings
            .iter()
            .filter(|finding| finding["level"] == "error" && finding["check"] != "space")
            .collect()
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

/// A host that backs up a directory, with a password, and has done so once.
fn backed_up() -> Host {
    let host = Host::new();
    host.file("data/file", "content");
    let pass = host.file("pass", "secret\n");
    mode(&pass, 0o600);
    let mut action = backup(&host.path("data"), &host.path("container"));
    action["freezer_action"]["encrypt_pass_file"] = json!(pass);
    host.put("www", once(vec![action]));
    host.once().exits(0);
    host
}

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
        "ok: opens with its password, 1 snapshot (for www)",
    );
    visit.says("password", "/pass", "ok: ");
    visit.says("job file", "/jobs.d", "ok: 1 valid job file");
    visit.says("job", "", "ok: 1 job without complaint");
    visit.says("zone", "UTC", "ok: ");
    assert_eq!(visit.about("clock", "the host's clock").len(), 1);
    assert!(daemon.stop().success());
    let visit = Visit::to(&host, &[]);
    visit.says("daemon", "/state", "warning: no daemon is running");
    assert!(visit.code >= 4);
}

#[test]
fn it_changes_nothing() {
    let host = backed_up();
    for fresh in ["state", "container", "jobs.d"] {
        assert!(host.path(fresh).is_dir());
    }
    // The engine's reading and the database's lock leave no trace.
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
fn a_host_on_which_nothing_has_run_yet_is_no_error() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let visit = Visit::to(&host, &[]);
    assert_eq!(visit.errors(), Vec::<&Value>::new());
    visit.says("directory", "/state", "info: ");
    visit.says("ledger", "ledger.redb", "info: there is none yet");
}

#[test]
fn a_broken_configuration_is_a_finding_and_the_rest_is_looked_at() {
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
    // A flag that cannot be used leaves nothing to look at by.
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
fn a_ledger_that_is_noise_or_torn_or_empty_is_a_finding_and_no_crash() {
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
fn a_damaged_ledger_that_was_put_aside_is_a_warning_until_it_is_gone() {
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
fn a_ledger_that_was_not_closed_says_so_and_is_left_to_the_daemon() {
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
        "it mends nothing"
    );
}

#[test]
fn a_wrong_password_a_lost_one_and_an_open_one_are_told_apart() {
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
        "info: there is a repository, which was not opened",
    );
    fs::remove_file(&pass).expect("the pass file");
    Visit::to(&host, &[]).says("password", "/pass", "error: the pass file ");
}

#[test]
fn containers_are_left_alone_where_that_is_asked_for() {
    let host = backed_up();
    fs::write(host.path("pass"), "another\n").expect("a password");
    let visit = Visit::to(&host, &["--no-containers"]);
    visit.says(
        "container",
        "/container",
        "info: there is a repository, which was not opened",
    );
    assert_eq!(visit.errors(), Vec::<&Value>::new());
}

#[test]
fn a_container_to_be_made_is_fine_one_on_a_disk_that_is_not_mounted_is_not() {
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
        "info: will be made at the first backup (for a)",
    );
    visit.says("container", "/not-mounted/container", "error: ");
    visit.says("container", "/jobs.d", "error: ");
}

#[test]
fn a_disk_with_backups_that_is_not_mounted_is_an_error_and_no_backup_goes_where_it_was() {
    let host = backed_up();
    let (mounted, away) = (host.path("container"), host.path("away"));
    fs::rename(&mounted, &away).unwrap();
    // What the disk was mounted on.
    fs::create_dir(&mounted).unwrap();
    let lost = "error: the repository that held the backups of www is gone";
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
    let sound = "ok: opens with its password, 2 snapshots";
    Visit::to(&host, &[]).says("container", "/container", sound);
}

#[test]
fn a_damaged_repository_is_an_error() {
    let host = backed_up();
    fs::write(host.path("container/config"), "noise").expect("the damage");
    let found = Visit::to(&host, &[]).about("container", "/container");
    assert!(found[0].starts_with("error: "), "{found:?}");
}

#[test]
fn invalid_and_foreign_job_files_are_counted_and_point_to_check() {
    let host = Host::new().job("good", someday(vec![exec("true")]));
    host.put_text("bad.json", "{");
    host.put(
        "theirs",
        json!({"client_id": "other", "job_actions": [exec("true")]}),
    );
    let visit = Visit::to(&host, &[]);
    visit.says("job file", "/bad.json", "error: ");
    visit.says(
        "job file",
        "/jobs.d",
        "ok: 1 valid job file, 1 for other hosts",
    );
    let bad = visit
        .errors()
        .into_iter()
        .find(|finding| {
            finding["subject"]
                .as_str()
                .is_some_and(|path| path.ends_with("bad.json"))
        })
        .expect("the bad file");
    assert!(
        bad["help"]
            .as_str()
            .is_some_and(|help| help.contains("freezerd check"))
    );
}

#[test]
fn modes_and_owners_that_let_others_in_are_found_with_the_command_that_mends_them() {
    let host = backed_up();
    mode(&host.path("state"), 0o755);
    mode(&host.path("jobs.d"), 0o777);
    mode(&host.path("freezerd.toml"), 0o666);
    let visit = Visit::to(&host, &["--no-containers"]);
    visit.says(
        "directory",
        "/state",
        "warning: others may look into the state directory",
    );
    visit.says(
        "directory",
        "/jobs.d",
        "error: everybody may write to the jobs directory",
    );
    visit.says(
        "config",
        "/freezerd.toml",
        "error: everybody may write to the configuration",
    );
    for finding in visit.findings {
        let subject = finding["subject"].as_str().expect("a subject");
        if finding["check"] == "directory" && subject.ends_with("/state") {
            let mend = finding["help"].as_str().expect("a mend").replace('`', "");
            let done = std::process::Command::new("sh")
                .args(["-c", &mend])
                .status();
            assert!(done.expect("a shell").success(), "{mend}");
        }
    }
    Visit::to(&host, &["--no-containers"]).says("directory", "/state", "ok: ");
    if is_root() {
        chown(host.path("jobs.d"), Some(NOBODY), None).expect("its owner");
        let visit = Visit::to(&host, &["--no-containers"]);
        let found = visit.about("directory", "/jobs.d");
        assert!(
            found[0].starts_with("error: the jobs directory belongs to "),
            "{found:?}"
        );
    } else {
        println!("SKIPPED: only root can give a directory away");
    }
}

#[test]
fn jobs_that_fail_or_are_long_overdue_are_named() {
    let daily = |command: &str| json!({"job_actions": [exec(command)], "job_schedule": {"schedule_interval": "1 days"}});
    let host = Host::new()
        .job("good", daily("true"))
        .job("bad", once(vec![exec("false")]))
        .job("late", daily("true"))
        .job("forgotten", daily("true"));
    host.once();
    host.sleep_through("late", TimeDelta::hours(26));
    host.sleep_through("forgotten", TimeDelta::days(9));
    let visit = Visit::to(&host, &[]);
    visit.says("job", "bad", "warning: its last run ended as fail");
    visit.says("job", "late", "warning: due ");
    visit.says("job", "forgotten", "error: due ");
    visit.says("job", "", "ok: 1 job without complaint");
}

#[test]
fn a_run_by_hand_that_failed_is_named_though_nothing_is_owed() {
    let host = Host::new().job("a", someday(vec![exec("false")]));
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    let visit = Visit::to(&host, &[]);
    visit.says("job", "a", "warning: its last run ended as fail");
}

#[test]
fn without_systemd_there_is_a_note_and_no_fault() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .env("PATH", "/no/such/place");
    let visit = Visit::to(&host, &[]);
    visit.says(
        "unit",
        "freezerd.service",
        "info: there is no systemctl here",
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
        "info: failed, failed; it is for another",
    );
}

#[test]
fn a_zone_that_cannot_be_told_is_a_warning() {
    let host = Host::new()
        .job("a", someday(vec![exec("true")]))
        .env("TZ", "No/Such_Zone");
    let visit = Visit::to(&host, &[]);
    visit.says(
        "zone",
        "UTC",
        "warning: the host's time zone cannot be told",
    );
}

#[test]
fn a_row_from_the_future_is_a_clock_that_cannot_be_right() {
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
fn a_stranger_is_told_whose_installation_it_is_and_an_ordinary_user_has_his_own() {
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
                    .is_some_and(|it| it.contains("cannot be told"))),
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
fn people_get_a_line_a_finding_with_the_mend_below_and_a_summary() {
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
        last.contains("things looked at: ") && last.contains(" error"),
        "{last}"
    );
}

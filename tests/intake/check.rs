//! What `freezerd check` says of files and directories.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use freezerd::intake::{CheckOptions, Checked, CheckedContent, CheckedFile, Trust, check};

use crate::support::{host, with_action};

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file");
    path
}

fn checked(paths: &[PathBuf], trust: Option<&Trust>) -> Checked {
    let host = host();
    let now = "2026-06-02T12:00:00Z".parse().expect("an instant");
    check(
        paths,
        &CheckOptions {
            host: &host,
            client_id: "db1",
            trust,
            now,
        },
    )
}

/// `name: codes` of each file.
fn told(checked: &Checked) -> Vec<String> {
    let one = |file: &CheckedFile| {
        let name = file
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let codes: Vec<&str> = file.diagnostics.iter().map(|it| it.code.as_str()).collect();
        format!("{name}: {}", codes.join(","))
    };
    checked.files.iter().map(one).collect()
}

fn backup(name: &str, path: &str, container: &str, more: &str) -> String {
    format!(
        "{{\"path_to_backup\": \"{path}\", \"backup_name\": \"{name}\", \"container\": \"{container}\", \"encrypt_pass_file\": \"/etc/pass\"{more}}}"
    )
}

fn scheduled(schedule: &str) -> String {
    crate::support::with_schedule(schedule)
}

#[test]
fn a_directory_is_judged_as_the_daemon_would_see_it() {
    let place = tempfile::tempdir().expect("a directory");
    let exec = |id: &str, client: &str| {
        format!(
            "{{\"job_id\": \"{id}\", \"client_id\": {client}, \"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"x\"}}}}]}}"
        )
    };
    write(place.path(), "a.json", &exec("x", "null"));
    write(place.path(), "b.json", &exec("x", "\"db1\""));
    write(place.path(), "c.json", &exec("x", "\"db2\""));
    write(place.path(), "d.json", "{");
    write(place.path(), "e.txt", "{");
    fs::create_dir(place.path().join("f.json")).expect("a directory");
    let found = checked(&[place.path().to_owned()], None);
    assert_eq!(
        told(&found),
        [
            "a.json: ",
            "b.json: duplicate-job-id",
            "c.json: ",
            "d.json: unexpected-end",
            "f.json: not-a-file"
        ]
    );
    assert!(found.has_errors());
    assert!(matches!(&found.files[0].content, CheckedContent::Job(job) if job.id == "x"));
    assert!(
        matches!(&found.files[1].content, CheckedContent::Invalid { job_id: Some(id) } if id == "x")
    );
    assert!(
        matches!(&found.files[2].content, CheckedContent::Foreign { client_id, .. } if client_id == "db2")
    );
    assert!(found.files[1].diagnostics[0].message.contains("a.json"));
}

#[test]
fn files_can_be_named_singly_whatever_their_names() {
    let place = tempfile::tempdir().expect("a directory");
    let other = tempfile::tempdir().expect("a directory");
    let good = write(
        place.path(),
        "job.txt",
        &with_action("{\"action\": \"exec\", \"command\": \"x\"}"),
    );
    let same = write(
        other.path(),
        "job.txt",
        &with_action("{\"action\": \"exec\", \"command\": \"x\"}"),
    );
    let missing = place.path().join("missing.json");
    let found = checked(&[good.clone(), missing], None);
    assert_eq!(told(&found), ["job.txt: ", "missing.json: unreadable"]);
    let (first, second) = if good < same {
        (good, same)
    } else {
        (same, good)
    };
    assert_eq!(
        told(&checked(&[second, first], None)),
        ["job.txt: duplicate-job-id", "job.txt: "]
    );
    assert!(checked(&[], None).files.is_empty());
}

#[test]
fn trust_is_judged_where_it_is_asked_for() {
    let place = tempfile::tempdir().expect("a directory");
    let path = write(
        place.path(),
        "a.json",
        &with_action("{\"action\": \"exec\", \"command\": \"x\"}"),
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("a mode");
    let trust = Trust {
        user: rustix::process::geteuid().as_raw(),
        own_group: None,
        owners: vec![],
    };
    assert_eq!(
        told(&checked(&[place.path().to_owned()], Some(&trust))),
        ["a.json: untrusted-mode"]
    );
    assert_eq!(
        told(&checked(&[path], Some(&trust))),
        ["a.json: untrusted-mode"]
    );
    assert_eq!(
        told(&checked(&[place.path().to_owned()], None)),
        ["a.json: "]
    );
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    let found = checked(&[place.path().to_owned()], Some(&trust));
    assert!(matches!(found.files[0].content, CheckedContent::Directory));
    assert_eq!(found.files[0].diagnostics[0].code, "untrusted-mode");
}

#[test]
fn two_backups_of_one_path_under_one_name_are_told() {
    let place = tempfile::tempdir().expect("a directory");
    write(
        place.path(),
        "a.json",
        &with_action(&backup("home", "/home", "/srv/c", "")),
    );
    write(
        place.path(),
        "b.json",
        &with_action(&backup("home", "/home", "/srv/c", "")),
    );
    write(
        place.path(),
        "c.json",
        &with_action(&backup("home", "/home", "/srv/d", "")),
    );
    write(
        place.path(),
        "d.json",
        &with_action(&backup("home2", "/home", "/srv/c", "")),
    );
    write(
        place.path(),
        "e.json",
        &with_action(&backup("home", "/home", "/srv/c", ", \"hostname\": \"h\"")),
    );
    write(
        place.path(),
        "f.json",
        &with_action(&backup("home", "/home/ada", "/srv/c", "")),
    );
    let found = checked(&[place.path().to_owned()], None);
    assert_eq!(
        told(&found),
        [
            "a.json: ",
            "b.json: shared-backup",
            "c.json: ",
            "d.json: ",
            "e.json: ",
            "f.json: shared-name"
        ]
    );
    assert!(!found.has_errors() && found.has_diagnostics());
    let fault = &found.files[1].diagnostics[0];
    assert!(fault.message.contains("`a.json`"), "{}", fault.message);
    let text = String::from_utf8_lossy(&found.files[1].bytes).into_owned();
    assert_eq!(crate::support::pointed(&text, fault), "\"home\"");
}

#[test]
fn a_restore_by_a_name_of_several_paths_is_told() {
    let place = tempfile::tempdir().expect("a directory");
    let restore = |more: &str| {
        with_action(&format!(
            "{{\"action\": \"restore\", \"restore_abs_path\": \"/srv/r\", \"backup_name\": \"nightly\", \"container\": \"/srv/c\", \"encrypt_pass_file\": \"/etc/pass\"{more}}}"
        ))
    };
    for (name, document) in [
        ("a", with_action(&backup("nightly", "/home", "/srv/c", ""))),
        ("b", restore("")),
    ] {
        write(place.path(), &format!("{name}.json"), &document);
    }
    let found = checked(&[place.path().to_owned()], None);
    assert_eq!(told(&found), ["a.json: ", "b.json: "]);
    for (name, document) in [
        ("c", with_action(&backup("nightly", "/etc", "/srv/c", ""))),
        ("d", restore(", \"path_to_backup\": \"/etc\"")),
        ("e", restore(", \"restore_from_path\": \"/etc/fstab\"")),
    ] {
        write(place.path(), &format!("{name}.json"), &document);
    }
    let found = checked(&[place.path().to_owned()], None);
    assert_eq!(
        told(&found),
        [
            "a.json: ",
            "b.json: shared-name",
            "c.json: shared-name",
            "d.json: ",
            "e.json: "
        ]
    );
    let message = &found.files[1].diagnostics[0].message;
    assert!(
        message.contains("`/home`") && message.contains("`/etc`"),
        "{message}"
    );
}

#[test]
fn an_admin_without_a_backup_that_it_could_belong_to_is_told() {
    let place = tempfile::tempdir().expect("a directory");
    let admin = |name: &str, container: &str| {
        with_action(&format!(
            "{{\"action\": \"admin\", \"backup_name\": \"{name}\", \"container\": \"{container}\", \"encrypt_pass_file\": \"/etc/pass\", \"remove_older_than\": 30}}"
        ))
    };
    write(
        place.path(),
        "a.json",
        &with_action(&backup("home", "/home", "/srv/c", "")),
    );
    write(place.path(), "b.json", &admin("home", "/srv/c"));
    write(place.path(), "c.json", &admin("hone", "/srv/c"));
    write(place.path(), "d.json", &admin("x", "/srv/y"));
    let found = checked(&[place.path().to_owned()], None);
    assert_eq!(
        told(&found),
        [
            "a.json: ",
            "b.json: ",
            "c.json: lonely-admin",
            "d.json: lonely-admin"
        ]
    );
    assert!(
        found.files[2].diagnostics[0]
            .help
            .as_deref()
            .is_some_and(|it| it.contains("`a.json`") && it.contains("`home`"))
    );
}

#[test]
fn schedules_that_do_not_fire_are_told() {
    let place = tempfile::tempdir().expect("a directory");
    for (name, schedule) in [
        ("a.json", "{\"schedule_month\": 2, \"schedule_day\": 30}"),
        ("b.json", "{\"schedule_date\": \"2026-06-02T10:00:00Z\"}"),
        ("c.json", "{\"schedule_date\": \"2026-06-02T11:30:00Z\"}"),
        (
            "d.json",
            "{\"schedule_interval\": \"1 days\", \"schedule_start_date\": \"2020-01-01\", \"schedule_end_date\": \"2021-01-01\"}",
        ),
        ("e.json", "{\"schedule_interval\": \"1 days\"}"),
        (
            "f.json",
            "{\"schedule_date\": \"2015-01-01\", \"status\": \"stop\", \"result\": \"success\"}",
        ),
        ("g.json", "{}"),
        ("h.json", "{\"schedule_year\": 2020}"),
        (
            "i.json",
            "{\"schedule_date\": \"2015-01-01\", \"status\": \"stop\", \"event\": \"start\"}",
        ),
    ] {
        write(place.path(), name, &scheduled(schedule));
    }
    let found = checked(&[place.path().to_owned()], None);
    assert_eq!(
        told(&found),
        [
            "a.json: never-fires",
            "b.json: date-past",
            "c.json: ",
            "d.json: schedule-over",
            "e.json: ",
            "f.json: ",
            "g.json: ",
            "h.json: schedule-over",
            "i.json: date-past"
        ]
    );
    let text = String::from_utf8_lossy(&found.files[0].bytes).into_owned();
    assert_eq!(
        crate::support::pointed(&text, &found.files[0].diagnostics[0]),
        "\"schedule_month\""
    );
}

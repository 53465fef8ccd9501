//! `snapshots` and `restore` by hand, and the progress of a running action.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::busy;
use crate::harness::{Host, backup, eventually, now, restore, tree};

fn snapshots(host: &Host, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["snapshots"];
    all.extend(arguments);
    host.json(&all)["snapshots"].as_array().unwrap().clone()
}

#[test]
fn snapshots_lists_the_snapshots_of_a_container_by_job_or_by_path() {
    let host = busy();
    let by_job = snapshots(&host, &["save"]);
    assert_eq!(by_job.len(), 1);
    let snapshot = &by_job[0];
    assert_eq!(
        (&snapshot["backup_name"], &snapshot["level"]),
        (&json!("data"), &json!(0))
    );
    assert_eq!(
        (&snapshot["files"], &snapshot["bytes"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(snapshot["partial"], false);
    let container = host.path("container");
    assert_eq!(snapshot["action"], 1);
    let mut without_job = by_job.clone();
    without_job[0]["action"] = Value::Null;
    assert_eq!(
        snapshots(&host, &["--container", container.to_str().unwrap()]),
        without_job
    );
    assert!(snapshots(&host, &["save", "--backup-name", "other"]).is_empty());
    assert!(snapshots(&host, &["save", "--host", "other"]).is_empty());
    let text = host.freezerd(&["snapshots", "save"]).exits(0).stdout();
    let id = &snapshot["id"].as_str().unwrap()[..8];
    assert!(text.contains(id) && text.contains("data"), "{text}");
}

#[test]
fn a_container_with_a_password_opens_only_with_its_pass_file() {
    let host = Host::new();
    let pass = host.file("pass", "correct horse\n");
    fs::set_permissions(&pass, fs::Permissions::from_mode(0o600)).unwrap();
    let source = host.file("source/file", "content");
    let container = host.path("container");
    let mut save = backup(source.parent().unwrap(), &container);
    save["freezer_action"]["encrypt_pass_file"] = json!(pass);
    host.put("save", now(vec![save]));
    host.once().exits(0);
    assert_eq!(
        snapshots(&host, &["save"]).len(),
        1,
        "the job's own pass file is used"
    );
    let place = ["snapshots", "--container", container.to_str().unwrap()];
    let said = host.freezerd(&place).stderr();
    assert!(said.contains("password"), "{said}");
    let mut with = place.to_vec();
    with.extend(["--encrypt-pass-file", pass.to_str().unwrap()]);
    host.freezerd(&with).exits(0);
}

#[test]
fn restore_restores_a_snapshot_by_hand() {
    let host = busy();
    let source = host.path("source");
    let container = host.path("container");
    let ran = host
        .freezerd(&["restore", "save", "--to", "../back"])
        .exits(0);
    assert!(
        ran.stdout().starts_with("Restored into "),
        "{}",
        ran.stdout()
    );
    assert_eq!(tree(&host.path("back")), tree(&source));
    let first = snapshots(&host, &["save"])[0].clone();
    host.file("source/file", "new content");
    host.file("source/second", "file");
    // A time without fractions stands for its whole second, in which the next snapshot must not be.
    let second = first["time"].as_str().unwrap();
    let second = chrono::DateTime::parse_from_rfc3339(second).unwrap();
    eventually("the second has passed", || {
        chrono::Utc::now().timestamp() > second.timestamp()
    });
    host.put("again", now(vec![backup(&source, &container)]));
    host.once().exits(0);

    let differs = host
        .freezerd(&["restore", "save", "--to", "../back"])
        .exits(3);
    assert!(
        differs.stdout().contains("file: "),
        "what differs is named: {}",
        differs.stdout()
    );
    assert_eq!(host.read("back/file"), "content", "and kept");
    host.freezerd(&[
        "restore",
        "save",
        "--to",
        "../back",
        "--overwrite",
        "--dry-run",
    ])
    .exits(0);
    assert_eq!(
        host.read("back/file"),
        "content",
        "a rehearsal changes nothing"
    );
    host.freezerd(&["restore", "save", "--to", "../back", "--overwrite"])
        .exits(0);
    assert_eq!(tree(&host.path("back")), tree(&source));

    let id = &first["id"].as_str().unwrap()[..8];
    host.freezerd(&["restore", "save", "--to", "../old", "--snapshot", id])
        .exits(0);
    assert_eq!(host.read("old/file"), "content");
    let before = first["time"].as_str().unwrap();
    let place = container.to_str().unwrap();
    let arguments = [
        "restore",
        "--container",
        place,
        "--backup-name",
        "data",
        "--at",
        before,
        "--to",
        "../older",
    ];
    host.freezerd(&arguments).exits(0);
    assert_eq!(host.read("older/file"), "content");
    let said = host
        .freezerd(&["restore", "save", "--at", "2001-01-01", "--to", "../none"])
        .exits(66)
        .stderr();
    assert!(
        said.contains("2 snapshots"),
        "it says what there is: {said}"
    );
    let answer = host
        .freezerd(&["restore", "save", "--to", "../json", "--json"])
        .exits(0)
        .json();
    assert_eq!(answer["verdict"], "success");
    assert_eq!(answer["summary"]["files"], 2);
}

#[test]
fn a_running_backup_shows_its_progress() {
    let host = Host::new();
    // A sparse file: it uses no space on the disk, and takes long to read.
    fs::create_dir(host.path("source")).unwrap();
    let size = 200 << 30;
    File::create(host.path("source/huge"))
        .unwrap()
        .set_len(size)
        .unwrap();
    host.put(
        "a",
        now(vec![backup(&host.path("source"), &host.path("container"))]),
    );
    let daemon = host.start();
    daemon.says("a", "started");
    let progress = || host.show("a")["x-freezerd"]["progress"].clone();
    eventually("bytes are done, and it is known of how many", || {
        let now = progress();
        now["bytes_done"].as_u64() > Some(0)
            && now["bytes_total"].is_u64()
            && now["seconds_left"].is_u64()
    });
    let now = progress();
    assert_eq!(
        (&now["kind"], &now["attempt"]),
        (&json!("backup"), &json!(1))
    );
    assert_eq!(
        (&now["bytes_total"], &now["files_total"]),
        (&json!(size), &json!(1))
    );
    assert!(now["bytes_per_second"].as_f64() > Some(0.0), "{now:#}");
    let done = now["bytes_done"].as_u64();
    eventually("it goes on", || progress()["bytes_done"].as_u64() > done);
    let listed = host.json(&["list"])["jobs"][0]["progress"].clone();
    assert_eq!(listed["bytes_total"], size);
    for arguments in [&["list"][..], &["show", "a"]] {
        let said = host.freezerd(arguments).exits(0).stdout();
        for part in [
            "backup ",
            " of 1 file or other entry",
            " of 215 GB",
            "/s",
            " left",
        ] {
            assert!(said.contains(part), "{part:?} is not in\n{said}");
        }
    }
    host.ask("abort", "a");
    daemon.run_of("a");
    assert!(
        host.show("a")["x-freezerd"]["progress"].is_null(),
        "nothing is left of it"
    );
}

#[test]
fn a_restore_in_a_job_restores_to_its_own_path() {
    let host = busy();
    let target = host.path("target");
    host.put(
        "fetch",
        now(vec![restore(&host.path("container"), &target)]),
    );
    host.once().exits(0);
    assert_eq!(tree(&target), tree(&host.path("source")));
}

#[test]
fn snapshots_exits_77_for_a_wrong_password_and_66_without_a_repository() {
    let host = Host::new();
    let source = host.file("source/file", "content");
    let right = host.file("right", "one");
    fs::set_permissions(&right, fs::Permissions::from_mode(0o600)).unwrap();
    let container = host.path("container");
    let mut action = backup(source.parent().unwrap(), &container);
    action["freezer_action"]["encrypt_pass_file"] = json!(right);
    host.put("a", now(vec![action]));
    host.once().exits(0);
    let wrong = host.file("wrong", "two");
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).unwrap();
    let ask = |container: &Path, pass: &Path| {
        let container = container.to_str().unwrap();
        let pass = pass.to_str().unwrap();
        host.freezerd(&[
            "snapshots",
            "--container",
            container,
            "--encrypt-pass-file",
            pass,
        ])
    };
    ask(&container, &right).exits(0);
    ask(&container, &wrong).exits(77);
    ask(&host.path("nowhere"), &right).exits(66);
}

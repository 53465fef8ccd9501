//! What others have written into a repository: hosts, users, tags, paths, keys and locks.

use std::fs;
use std::sync::Arc;

use freezerd::repository::lock::LockFile;
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::Snapshot;
use freezerd::repository::time::Time;
use freezerd::repository::unpacked;
use freezerd::storage::FileKind;
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;
use serde_json::{Value, json};

use crate::harness::{Host, backup, now};
use crate::judge::{HOSTILE, assert_harmless, judge, judge_every_command, texts};

/// A host with a job `j` that has a snapshot.
fn host() -> Host {
    let host = Host::new();
    let source = host.file("source/file", "content");
    let mut save = backup(source.parent().unwrap(), &host.path("container"));
    save["freezer_action"]["backup_name"] = json!("b");
    host.put("j", now(vec![save]));
    host.once().exits(0);
    host
}

fn open(host: &Host) -> Repository {
    Repository::open(Arc::new(Local::new(host.path("container"))), b"").unwrap()
}

/// Adds a snapshot of a host, a user, tags and paths that are hostile; of the job's own lineage if `ours`.
fn add_snapshot(host: &Host, ours: bool) {
    let repository = open(host);
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    let [name] = fs::read_dir(host.path("container/snapshots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .take(1)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let id: Id = serde_json::from_value(json!(name)).unwrap();
    let mut snapshot = Snapshot::read(storage, cipher, id).unwrap();
    snapshot.time = Time::now();
    if !ours {
        snapshot.hostname = format!("{HOSTILE}{}", "h".repeat(100_000));
    }
    snapshot.username = HOSTILE.into();
    snapshot.tags.push(HOSTILE.into());
    snapshot.paths.push(format!("/{HOSTILE}"));
    snapshot.excludes.push(HOSTILE.into());
    snapshot.program_version = HOSTILE.into();
    snapshot
        .other
        .insert("label".into(), if ours { "b" } else { HOSTILE }.into());
    snapshot.write(storage, cipher).unwrap();
}

fn add_lock(host: &Host, exclusive: bool) {
    let repository = open(host);
    let lock = LockFile {
        time: Time::now(),
        exclusive,
        hostname: HOSTILE.into(),
        username: HOSTILE.into(),
        pid: 1,
        uid: 0,
        gid: 0,
    };
    let document = serde_json::to_vec(&lock).unwrap();
    let (storage, cipher) = (&*repository.storage, &repository.cipher);
    unpacked::write(storage, cipher, FileKind::Lock, &document).unwrap();
}

/// Anybody who can write to the repository can write this into the key file, which has its users in the open.
fn change_key(host: &Host) {
    let keys = host.path("container/keys");
    let entry = fs::read_dir(&keys).unwrap().next().unwrap().unwrap();
    let mut key: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
    key["username"] = json!(HOSTILE);
    key["hostname"] = json!(HOSTILE);
    let content = key.to_string();
    fs::write(keys.join(Id::of(content.as_bytes()).to_string()), content).unwrap();
    fs::remove_file(entry.path()).unwrap();
}

#[test]
fn snapshots_keys_and_locks_of_others_are_harmless_in_every_command() {
    let host = host();
    change_key(&host);
    add_snapshot(&host, true);
    add_snapshot(&host, false);
    add_lock(&host, false);
    let container = host.path("container");
    let container = container.to_str().unwrap();
    judge_every_command(&host);
    for command in [
        &["snapshots"][..],
        &["ls", "--backup-name", "b"],
        &["stats"],
        &["verify"],
        &["unlock"],
    ] {
        let ran = host.freezerd(&[command, &["--container", container]].concat());
        judge(command[0], &ran);
        assert_ne!(ran.code(), 64, "{}", ran.stderr());
    }
    // The backups are listed, because several are there.
    let ran = host.freezerd(&["ls", "--container", container]).exits(64);
    judge("ls", &ran);
    for words in [
        &["snapshots", "--container", container, "--json"][..],
        &["key", "list", "--container", container, "--json"],
        &["unlock", "--container", container, "--json"],
    ] {
        let ran = host.freezerd(words);
        let texts = texts(&words.join(" "), &ran);
        assert!(
            texts.iter().any(|it| it.starts_with(HOSTILE)),
            "{words:?}: {texts:?}"
        );
    }
}

#[test]
fn who_has_a_lock_is_harmless_where_a_run_waits_for_it() {
    let host = host().env("FREEZERD_LOG_FORMAT", "human");
    add_lock(&host, true);
    let source = host.path("source");
    let mut save = backup(&source, &host.path("container"));
    save["timeout"] = json!(3);
    host.put("k", now(vec![save]));
    let ran = host.freezerd(&["run", "--once"]);
    judge("run --once", &ran);
    let log = host.freezerd(&["log", "k"]).exits(0);
    judge("log", &log);
    assert!(log.stdout().contains("waiting: "), "{}", log.stdout());
}

#[test]
fn a_repository_whose_files_have_hostile_names_is_harmless_in_every_command() {
    let host = host();
    for kind in ["", "snapshots", "index", "locks", "keys", "data", "data/00"] {
        let directory = host.path("container").join(kind);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(HOSTILE), HOSTILE).unwrap();
        fs::write(directory.join(Id::of(kind.as_bytes()).to_string()), HOSTILE).unwrap();
    }
    judge_every_command(&host);
    judge("run --once", &host.freezerd(&["run", "--once"]));
    assert_harmless("the log", &fs::read(host.path("state/logs/1.log")).unwrap());
}

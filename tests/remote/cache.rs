//! The cache on this host: how many requests it saves, and that nothing depends on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::bucket::{self, assert_clean_for_restic, restic};
use crate::harness::{Host, now};
use crate::rest_server::faulty::FaultyServer;
use crate::restic_support::restics;
use crate::s3_server::Server;
use crate::site::{CONTAINER, action, files, host, restored, saved};

/// A host with a bucket behind a proxy that counts, and with enough directories for several requests.
struct Counted {
    host: Host,
    proxy: FaultyServer,
    repository: String,
    _server: Arc<Server>,
}

fn counted() -> Option<Counted> {
    let server = Server::start()?;
    let host = host("http://127.0.0.1:1", "");
    let bucket = server.new_bucket();
    let proxy = FaultyServer::before(&server.authority);
    let endpoint = format!("http://{}/", proxy.authority);
    bucket::define(&host, &endpoint, &bucket, &bucket::keys(&host));
    for number in 0..40 {
        let name = format!("source/many/{number}/file");
        host.file(&name, &format!("file {number}"));
    }
    Some(Counted {
        repository: bucket::for_restic(&server, &bucket),
        host,
        proxy,
        _server: server,
    })
}

impl Counted {
    /// Runs one action to its end. Returns the requests that it made.
    fn requests(&self, action: Value) -> Vec<String> {
        self.host.put("it", now(vec![action]));
        self.proxy.take_requests();
        self.host.once().exits(0);
        self.proxy.take_requests()
    }

    /// The requests of a backup of what has not changed, and whether it wrote a list of directories. Other tests make files
    /// in the directories above the source, so a list of those may be new: it is not counted.
    fn unchanged(&self) -> (Vec<String>, bool) {
        let mut requests = self.requests(saved(&self.host));
        let has_new_list = count(&requests, "put", "index") > 0;
        for kind in ["data", "index"] {
            assert!(count(&requests, "put", kind) <= 1, "{requests:#?}");
            requests
                .retain(|line| !(line.starts_with("put") && line.contains(&format!("/{kind}/"))));
        }
        (requests, has_new_list)
    }

    fn cache(&self) -> PathBuf {
        self.host.path("state/cache")
    }

    fn cached(&self) -> Value {
        self.host.freezerd(&["cache", "--json"]).exits(0).json()
    }
}

/// How many requests begin so and name a file of this kind.
fn count(requests: &[String], method: &str, kind: &str) -> usize {
    let of_kind = requests
        .iter()
        .filter(|line| line.starts_with(method) && line.contains(&format!("/{kind}/")));
    of_kind.count()
}

#[test]
fn a_backup_of_what_has_not_changed_makes_nine_requests() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    counted.requests(saved(host));
    let (warm, has_new_list) = counted.unchanged();
    assert!(warm.len() <= 9, "{}: {warm:#?}", warm.len());

    fs::remove_dir_all(counted.cache()).unwrap();
    let (cold, _) = counted.unchanged();
    // Of each backup that wrote lists, one index file and one pack of directories; two snapshots, of which the newer is the
    // parent; and the key.
    let more = cold.len() - warm.len();
    let packs = 1 + usize::from(has_new_list);
    assert!(more <= 3 + 2 * packs, "{more} more: {cold:#?}");
    assert!(count(&cold, "get", "data") <= packs, "{cold:#?}");

    let (again, _) = counted.unchanged();
    assert!(again.len() <= 9, "{}: {again:#?}", again.len());
    assert_clean_for_restic(&counted.repository, 4);
}

#[test]
fn the_first_backup_of_a_name_lists_the_snapshots_once() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    counted.requests(saved(host));
    let mut other = saved(host);
    other["freezer_action"]["backup_name"] = json!("other");
    let requests = counted.requests(other);
    let is_list = |line: &&String| line.contains("prefix=") && line.contains("snapshots");
    let lists = requests.iter().filter(is_list).count();
    assert_eq!(lists, 1, "{requests:#?}");
}

#[test]
fn a_restore_reads_no_pack_twice() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    counted.requests(saved(host));
    for (cache, trees) in [("warm", 0), ("cold", 1)] {
        if cache == "cold" {
            host.freezerd(&["cache", "clear", "--all"]).exits(0);
        }
        let _ = fs::remove_dir_all(host.path("target"));
        let requests = counted.requests(restored(host));
        assert_eq!(files(&host.path("target")), files(&host.path("source")));
        let packs = count(&requests, "get", "data");
        assert!(packs <= trees + 1, "{cache}: {requests:#?}");
    }
}

#[test]
fn a_check_reads_what_the_server_has() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    counted.requests(saved(host));
    let check = || action(host, json!({ "action": "check", "read_data": true }));
    let requests = counted.requests(check());
    for kind in ["index", "snapshots", "data"] {
        assert!(count(&requests, "get", kind) > 0, "{kind}: {requests:#?}");
    }
    let place = ["--storage", "offsite", "--container", CONTAINER];
    let pass = host.path("pass");
    let pass = ["--encrypt-pass-file", pass.to_str().unwrap()];
    counted.proxy.take_requests();
    host.freezerd(&[&["ls"][..], &place, &pass].concat())
        .exits(0);
    let cached = counted.proxy.take_requests();
    assert_eq!(count(&cached, "get", "data"), 0, "{cached:#?}");
    let off = ["--cache-size", "off"];
    host.freezerd(&[&["ls"][..], &place, &pass, &off].concat())
        .exits(0);
    let plain = counted.proxy.take_requests();
    assert!(count(&plain, "get", "data") > 0, "{plain:#?}");
}

#[test]
fn no_cache_is_no_reason_to_fail() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    counted.requests(saved(host));
    let everywhere = |change: &dyn Fn(&Path)| {
        for (path, _) in files(&counted.cache()) {
            change(&counted.cache().join(path));
        }
    };
    everywhere(&|path| fs::write(path, "damage").unwrap());
    counted.requests(saved(host));
    everywhere(&|path| fs::remove_file(path).unwrap());
    counted.requests(saved(host));
    fs::remove_dir_all(counted.cache()).unwrap();
    fs::write(counted.cache(), "not a directory").unwrap();
    counted.requests(saved(host));
    let log = host.freezerd(&["log", "it"]).exits(0).stdout();
    let warnings = log.matches("going on without a cache").count();
    assert_eq!(warnings, 1, "{log}");
    fs::remove_file(counted.cache()).unwrap();
    fs::create_dir(counted.cache()).unwrap();
    fs::set_permissions(counted.cache(), fs::Permissions::from_mode(0o777)).unwrap();
    counted.requests(saved(host));
    let log = host.freezerd(&["log", "it"]).exits(0).stdout();
    assert!(log.contains("does not belong to this user alone"), "{log}");
    assert_clean_for_restic(&counted.repository, 5);
}

#[test]
fn a_prune_relies_on_nothing_that_a_damaged_cache_holds() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    for text in ["first", "second", "third"] {
        host.file("source/changes", &text.repeat(10_000));
        counted.requests(saved(host));
    }
    let forget = ["forget", "--keep-last", "1"];
    restic(&restics()[0], &counted.repository, &forget);
    let packs = || {
        let list = ["list", "packs", "--no-lock"];
        let listed = restic(&restics()[0], &counted.repository, &list);
        listed.lines().count()
    };
    let before = packs();
    // Of each three files, one is cut, one has other bytes, and one is gone.
    for (number, (path, content)) in files(&counted.cache()).into_iter().enumerate() {
        let path = counted.cache().join(path);
        match number % 3 {
            0 => fs::write(&path, &content[..10.min(content.len())]).unwrap(),
            1 => fs::write(&path, vec![b'x'; content.len()]).unwrap(),
            _ => fs::remove_file(&path).unwrap(),
        }
    }
    let pass = host.path("pass");
    let place = ["--storage", "offsite", "--container", CONTAINER];
    let pass = ["--encrypt-pass-file", pass.to_str().unwrap()];
    let prune = ["prune", "--max-unused", "0"];
    host.freezerd(&[&prune[..], &place, &pass].concat())
        .exits(0);
    assert!(packs() < before);
    assert_clean_for_restic(&counted.repository, 1);
    counted.requests(restored(host));
    assert_eq!(files(&host.path("target")), files(&host.path("source")));
}

#[test]
fn a_prune_keeps_what_a_snapshot_needs_that_the_server_does_not_list() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    for text in ["first", "second", "third"] {
        host.file("source/changes", &text.repeat(10_000));
        counted.requests(saved(host));
    }
    counted.proxy.shorten_lists_of("snapshots");
    let pass = host.path("pass");
    let place = ["--storage", "offsite", "--container", CONTAINER];
    let pass = ["--encrypt-pass-file", pass.to_str().unwrap()];
    let prune = ["prune", "--max-unused", "0"];
    let told = host
        .freezerd(&[&prune[..], &place, &pass].concat())
        .exits(0)
        .stderr();
    let warning = "the server did not list 1 snapshot, but has the files";
    assert!(told.contains(warning), "{told}");
    assert_clean_for_restic(&counted.repository, 3);
}

#[test]
fn the_cache_is_shown_and_cleared() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    assert_eq!(counted.cached()["repositories"], json!([]));
    counted.requests(saved(host));
    let cached = counted.cached();
    let repository = &cached["repositories"][0];
    // Index, snapshot, key and a pack of directories.
    assert_eq!(repository["files"], 4);
    assert_eq!(repository["size"], cached["size"]);
    let container = repository["container"].as_str().unwrap();
    assert!(
        container.starts_with("s3:http://") && container.contains("web%201"),
        "{container}"
    );
    assert!(repository["last_used"].is_string());
    let shown = host.freezerd(&["cache"]).exits(0).stdout();
    assert!(
        shown.contains(container) && shown.contains("of at most 5 GiB"),
        "{shown}"
    );
    for (path, _) in files(&counted.cache()) {
        let path = counted.cache().join(path);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    let other = ["--storage", "offsite", "--container", "other"];
    host.freezerd(&[&["cache", "clear"][..], &other].concat())
        .exits(0);
    assert_eq!(counted.cached()["size"], cached["size"]);
    let this = ["--storage", "offsite", "--container", CONTAINER, "--json"];
    let removed = host
        .freezerd(&[&["cache", "clear"][..], &this].concat())
        .exits(0)
        .json();
    assert_eq!(removed["removed"][0]["container"], repository["container"]);
    assert_eq!(counted.cached()["repositories"], json!([]));
    host.freezerd(&["cache", "clear"]).exits(64);
    counted.requests(saved(host));
}

#[test]
fn a_password_that_was_changed_elsewhere_opens_nothing_with_a_key_of_the_cache() {
    let Some(counted) = counted() else { return };
    let host = &counted.host;
    counted.requests(saved(host));
    let requests = counted.requests(saved(host));
    assert_eq!(count(&requests, "get", "keys"), 0, "{requests:#?}");
    host.file("new", "new");
    let change = ["key", "passwd", "--new-password-file"];
    let new = host.path("new").to_str().unwrap().to_owned();
    restic(
        &restics()[0],
        &counted.repository,
        &[&change[..], &[&new]].concat(),
    );

    host.put("it", now(vec![saved(host)]));
    host.once().exits(1);
    let log = host.freezerd(&["log", "it"]).exits(0).stdout();
    assert!(log.contains("does not open the repository"), "{log}");
    host.file("pass", "new");
    counted.requests(saved(host));
    let requests = counted.requests(saved(host));
    assert_eq!(count(&requests, "get", "keys"), 0, "{requests:#?}");
}

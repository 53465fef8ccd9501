//! Jobs with a container in a bucket whose packs with the content of files are in an archive.

use std::sync::Arc;

use serde_json::json;

use crate::archive_server::ArchiveServer;
use crate::bucket::{assert_clean_for_restic, define, for_restic, keys};
use crate::harness::{Host, eventually, now};
use crate::s3_server::Server;
use crate::site::{action, files, host, restored, saved};

/// A host with a backup in the archive. A restore asks for it as `more` says.
struct Site {
    host: Host,
    proxy: ArchiveServer,
    bucket: String,
    server: Arc<Server>,
}

impl Site {
    fn new(more: &str) -> Option<Site> {
        let server = Server::start()?;
        let host = host("http://unused/", "").env("FREEZERD_ARCHIVE_PAUSE", "50");
        let site = Site {
            proxy: ArchiveServer::before(&server.authority),
            bucket: server.new_bucket(),
            host: host.flag("--concurrent-jobs=1"),
            server,
        };
        site.define(more);
        site.host.put("save", now(vec![saved(&site.host)]));
        site.host.once().exits(0);
        assert_eq!(site.proxy.archived(), 1);
        Some(site)
    }

    fn define(&self, more: &str) {
        let keys = keys(&self.host);
        let endpoint = format!("http://{}/", self.proxy.authority);
        let lines = format!("{keys}\nstorage_class = \"GLACIER\"\n{more}");
        define(&self.host, &endpoint, &self.bucket, &lines);
    }

    /// Runs a job that does this, and returns its log.
    #[track_caller]
    fn log_of(&self, name: &str, action: serde_json::Value, exit: i32) -> String {
        self.host.put(name, now(vec![action]));
        self.host.once().exits(exit);
        self.host.freezerd(&["log", name]).exits(0).stdout()
    }

    fn is_restored(&self) -> bool {
        files(&self.host.path("source")) == files(&self.host.path("target"))
    }
}

#[test]
fn a_restore_asks_for_its_packs_waits_visibly_without_its_slot_and_goes_on() {
    let Some(site) = Site::new("archive_tier = \"bulk\"\narchive_days = 3") else {
        return;
    };
    let (host, proxy) = (&site.host, &site.proxy);
    let daemon = host.start();
    host.put("back", now(vec![restored(host)]));
    eventually("the restore waits", || {
        let status = host.freezerd(&["status"]).exits(0).stdout();
        status.contains("back is waiting: the archive of the server: 0 of 1 pack can be read now")
    });
    let why = host.freezerd(&["why", "back"]).exits(0).stdout();
    assert!(why.contains("It is waiting: the archive"), "{why}");
    let waiting = host.show("back")["x-freezerd"]["progress"]["waiting"].clone();
    assert!(waiting.is_string(), "{waiting}");
    // Another action has the slot meanwhile.
    let gate = host.gate("other");
    host.put("other", now(vec![gate.action()]));
    daemon.says("other", "started");
    gate.pass();
    daemon.run_of("other");
    assert_eq!(proxy.refused(), 0);
    proxy.brings_back(1);
    daemon.run_of("back");
    let log = host.freezerd(&["log", "back"]).exits(0).stdout();
    assert_eq!(host.schedule("back")["result"], "success", "{log}");
    assert!(daemon.stop().success());
    assert!(site.is_restored());
    for words in [
        "asked the server for 1 pack (",
        "the tier is bulk, and it keeps them for 3 days",
        "for up to 2 d",
        "all packs can be read",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    // However often it looked, it said once that it waits.
    assert_eq!(log.matches("waiting: the archive").count(), 1, "{log}");
    let wanted = proxy.wanted();
    assert_eq!(wanted.len(), 1);
    assert!(wanted[0].body.contains("<Days>3</Days>"), "{wanted:?}");
    assert_eq!(proxy.refused(), 0);
    // What is there is not asked for again.
    let log = site.log_of("again", restored(host), 0);
    assert!(log.contains("1 pack is needed, and can be read"), "{log}");
    assert_eq!(proxy.wanted().len(), 1);
    assert_clean_for_restic(&for_restic(&site.server, &site.bucket), 1);
}

#[test]
fn when_the_time_is_over_the_restore_fails_and_a_later_one_goes_on_from_there() {
    let Some(site) = Site::new("archive_tier = \"standard\"\narchive_wait = \"1 second\"") else {
        return;
    };
    let log = site.log_of("back", restored(&site.host), 1);
    for words in [
        "1 pack is still in the archive of s3:",
        "after 1.0 s (`archive_wait`), ",
        "the next attempt goes on from there",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert!(!site.host.path("target").exists());
    let log = site.log_of("early", restored(&site.host), 1);
    assert!(log.contains("1 pack is on the way"), "{log}");
    site.proxy.brings_back(1);
    site.log_of("late", restored(&site.host), 0);
    assert!(site.is_restored());
    assert_eq!(site.proxy.wanted().len(), 1);
}

#[test]
fn without_the_key_nothing_is_asked_for_and_the_message_names_it() {
    let Some(site) = Site::new("") else { return };
    let log = site.log_of("back", restored(&site.host), 3);
    assert!(
        log.contains("the file is in an archive of the server"),
        "{log}"
    );
    assert!(log.contains("`archive_tier`"), "{log}");
    // With the key, what costs money and is not needed is not asked for either.
    site.define("archive_tier = \"standard\"");
    let check = action(&site.host, json!({"action": "check", "read_data": true}));
    let log = site.log_of("check", check, 1);
    assert!(log.contains("is in an archive of the server"), "{log}");
    let mut nothing = restored(&site.host);
    nothing["freezer_action"]["restore_include"] = json!(["/absent"]);
    site.log_of("nothing", nothing, 1);
    let mut rehearsed = restored(&site.host);
    rehearsed["freezer_action"]["dry_run"] = json!(true);
    site.log_of("rehearsed", rehearsed, 0);
    assert_eq!(site.proxy.wanted().len(), 0);
}

#[test]
fn drills_copies_and_commands_bring_packs_back_too() {
    let Some(site) = Site::new("archive_tier = \"expedited\"") else {
        return;
    };
    let (host, proxy) = (&site.host, &site.proxy);
    proxy.is_quick();
    let drill = action(host, json!({"action": "drill", "backup_name": "data"}));
    let log = site.log_of("drill", drill, 0);
    assert!(log.contains("the tier is expedited"), "{log}");
    assert!(log.contains("all packs can be read"), "{log}");
    assert_eq!(proxy.wanted().len(), 1);

    proxy.forgets();
    let copy = json!({
        "action": "copy",
        "to_container": host.path("copy"),
        "to_encrypt_pass_file": host.path("pass"),
    });
    let log = site.log_of("copy", action(host, copy), 0);
    assert!(log.contains("all packs can be read"), "{log}");
    assert_eq!(proxy.wanted().len(), 2);

    proxy.forgets();
    let target = host.path("target").display().to_string();
    let ran = host
        .freezerd(&["restore", "save", "--to", &target])
        .exits(0);
    let told = ran.stderr();
    assert!(
        told.contains("waiting: the archive of the server"),
        "{told}"
    );
    assert!(site.is_restored());
    assert_eq!(proxy.wanted().len(), 3);

    proxy.forgets();
    let to = host.path("another copy").display().to_string();
    let pass = host.path("pass").display().to_string();
    let words = ["copy", "save", "--to", &to, "--to-pass-file", &pass];
    let told = host.freezerd(&words).exits(0).stderr();
    assert!(told.contains("all packs can be read"), "{told}");
    assert_eq!(proxy.wanted().len(), 4);
    assert_eq!(proxy.refused(), 0);
    // There is nothing more to copy.
    proxy.forgets();
    host.freezerd(&words).exits(0);
    assert_eq!(proxy.wanted().len(), 4);
}

#[test]
fn a_further_target_of_a_backup_is_not_copied_from_an_archive() {
    let Some(site) = Site::new("archive_tier = \"expedited\"") else {
        return;
    };
    for more in ["archive_tier = \"expedited\"", ""] {
        site.define(more);
        let mut backup = saved(&site.host);
        backup["freezer_action"]["targets"] = json!([{
            "storage": "local",
            "container": site.host.path("near"),
            "encrypt_pass_file": site.host.path("pass"),
        }]);
        site.host.file("source/later", more);
        let log = site.log_of("both", backup, 0);
        assert!(log.contains("whose packs may be in an archive"), "{log}");
        assert_eq!(site.proxy.wanted().len(), 0);
        assert_eq!(site.proxy.refused(), 0);
    }
    let near = site.host.path("near");
    crate::site::assert_clean_for_restic(near.to_str().unwrap(), 2);
}

#[test]
fn only_the_packs_of_chosen_files_are_asked_for() {
    let Some(site) = Site::new("archive_tier = \"standard\"") else {
        return;
    };
    let (host, proxy) = (&site.host, &site.proxy);
    proxy.is_quick();
    host.file("source/later", "in another pack");
    host.put("more", now(vec![saved(host)]));
    host.once().exits(0);
    assert_eq!(proxy.archived(), 2);
    let mut one = restored(host);
    one["freezer_action"]["restore_include"] = json!(["later"]);
    site.log_of("one", one, 0);
    assert_eq!(proxy.wanted().len(), 1);
    site.log_of("all", restored(host), 0);
    assert_eq!(proxy.wanted().len(), 2);
    assert!(site.is_restored());
}

#[test]
fn a_timeout_of_the_action_ends_the_wait() {
    let Some(site) = Site::new("archive_tier = \"standard\"") else {
        return;
    };
    let mut back = restored(&site.host);
    back["timeout"] = json!(2);
    site.log_of("back", back, 1);
    let run = site.host.history("back")[0]["run"].as_u64().unwrap();
    let attempts = format!("{:?}", site.host.attempts(run));
    assert!(attempts.contains("TimedOut"), "{attempts}");
    assert_eq!(site.proxy.on_their_way(), 1);
}

//! Jobs with a container in a bucket that keeps files from being removed.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::bucket::{assert_clean_for_restic, define, for_restic, keys};
use crate::harness::{Host, now};
use crate::s3_server::{ACCESS_KEY, HOST, NO_RETENTION, Server};
use crate::site::{action, files, host, restored, saved};

/// Runs a job with these actions, and returns the log.
#[track_caller]
fn run(host: &Host, name: &str, actions: Vec<Value>) -> String {
    host.put(name, now(actions));
    host.once().exits(0);
    host.freezerd(&["log", name]).exits(0).stdout()
}

#[test]
fn backups_and_removals_work_in_it_and_the_files_in_use_are_kept_for_longer() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let bucket = server.new_bucket();
    let lines = format!("{}\nretain_days = 10", keys(&host));
    define(&host, &server.endpoint(), &bucket, &lines);
    // Only the first backup makes the bucket, and it says that this one keeps nothing.
    let log = run(&host, "first", vec![saved(&host)]);
    assert_eq!(host.json(&["stats", "first"])["kept"], json!(null));
    assert!(log.contains("`retain_days` of the storage"), "{log}");
    let versions = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let rule = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
        <Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
    for (what, body) in [("versioning", versions), ("object-lock", rule)] {
        if !server.set(&bucket, what, body) {
            return;
        }
    }
    host.file("source/letter", "Dear reader, once more");
    let log = run(&host, "second", vec![saved(&host)]);
    assert!(log.contains("the server keeps "), "{log}");
    let log = run(&host, "third", vec![saved(&host), restored(&host)]);
    assert!(!log.contains("the server keeps "), "{log}");
    assert_eq!(files(&host.path("source")), files(&host.path("target")));

    // The bucket keeps new files for one day, and a backup renewed that to ten.
    let in_days = |text: &Value| {
        let until: DateTime<Utc> = text.as_str().unwrap().parse().unwrap();
        (until - Utc::now()).num_hours().div_euclid(24)
    };
    let kept = host.json(&["stats", "first"])["kept"].clone();
    assert_eq!(kept["mode"], "compliance", "{kept}");
    assert_eq!(in_days(&kept["config"]), 9, "{kept}");
    let newest = in_days(&kept["newest_snapshot"]);
    assert!((0..10).contains(&newest), "{kept}");
    let told = host.freezerd(&["stats", "first"]).exits(0).stdout();
    assert!(
        told.contains("the server keeps the config until 20"),
        "{told}"
    );
    let test = ["storage", "test", "offsite", "--size", "1M"];
    let tried = host.json(&test);
    assert_eq!(in_days(&tried["kept"]["until"]), 0, "{tried:#}");
    let told = host.freezerd(&test).exits(0).stdout();
    assert!(told.contains("is kept until 20"), "{told}");

    let hidden = || {
        let versions = server.curl(&format!("{bucket}?versions="), &[]).unwrap();
        versions.matches("<DeleteMarker>").count()
    };
    let locks = hidden();
    let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
    let log = run(&host, "removal", vec![action(&host, removal)]);
    assert!(log.contains("the server keeps what was removed"), "{log}");
    // The versions of what was removed are there.
    assert!(hidden() > locks + 2);
    assert_clean_for_restic(&for_restic(&server, &bucket), 1);

    // The new containers are not kept yet. A host that has no right to that makes a backup all the same.
    let elsewhere = |container: &str| {
        let mut elsewhere = saved(&host);
        elsewhere["freezer_action"]["container"] = json!(container);
        vec![elsewhere]
    };
    let without = lines.replace(ACCESS_KEY, NO_RETENTION);
    define(&host, &server.endpoint(), &bucket, &without);
    let log = run(&host, "fourth", elsewhere("another"));
    assert!(
        log.contains("is not renewed: cannot renew the retention of"),
        "{log}"
    );
    // A host that may only add has the right.
    let lines = lines.replace(ACCESS_KEY, HOST);
    define(&host, &server.endpoint(), &bucket, &lines);
    let log = run(&host, "fifth", elsewhere("a third"));
    assert!(log.contains("the server keeps "), "{log}");
}

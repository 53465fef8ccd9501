//! `freezerd storage test`: what it says of a server that works, and of one that does not.

use serde_json::Value;

use crate::bucket;
use crate::harness::Host;
use crate::rest_server::Server;
use crate::s3_server;
use crate::site::{self, host};

fn steps(report: &Value) -> Vec<(&str, bool)> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            (
                step["step"].as_str().unwrap(),
                step["ok"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn test(host: &Host, code: i32) -> Value {
    host.freezerd(&["storage", "test", "offsite", "--size", "1M", "--json"])
        .exits(code)
        .json()
}

#[test]
fn a_storage_that_works_is_measured_and_left_empty() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let report = test(&host, 0);
    assert_eq!(
        (&report["good"], &report["append_only"]),
        (&true.into(), &false.into())
    );
    assert_eq!(steps(&report).len(), 10);
    assert!(steps(&report).iter().all(|(_, ok)| *ok), "{report:#}");
    for rate in ["round_trip", "upload", "download"] {
        assert!(report[rate].as_f64().unwrap() > 0.0, "{report:#}");
    }
    assert_eq!(site::files(&server.files("freezerd-test")), []);
    let told = host
        .freezerd(&["storage", "test", "offsite", "--container", "a/b"])
        .exits(0);
    assert!(
        told.stdout().contains("a/b/freezerd-test"),
        "{}",
        told.stdout()
    );
    assert!(
        told.stdout().ends_with("The storage works.\n"),
        "{}",
        told.stdout()
    );
}

#[test]
fn a_bucket_is_tried_with_the_rights_of_the_keys() {
    let Some(server) = s3_server::Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let name = bucket::in_bucket(&host, &server);
    let report = test(&host, 0);
    assert_eq!(
        (&report["good"], &report["append_only"]),
        (&true.into(), &false.into()),
        "{report:#}"
    );
    assert_eq!(steps(&report).len(), 10);
    for (key, good, append_only) in [
        (s3_server::HOST, true, true),
        (s3_server::READER, false, false),
    ] {
        let keys = bucket::keys(&host).replace(s3_server::ACCESS_KEY, key);
        bucket::define(&host, &server.endpoint(), &name, &keys);
        let report = test(&host, if good { 0 } else { 1 });
        assert_eq!(
            (&report["good"], &report["append_only"]),
            (&good.into(), &append_only.into()),
            "{report:#}"
        );
    }
    let list = host.json(&["storage", "list"]);
    let place = list["storages"][0]["place"].as_str().unwrap();
    assert_eq!(place, server.location(&name));
}

#[test]
fn a_bucket_that_does_not_exist_is_told_before_and_after_a_test_makes_it() {
    let Some(server) = s3_server::Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    bucket::define(&host, &server.endpoint(), "mistyped", &bucket::keys(&host));
    let asked = || {
        let told = host.freezerd(&["doctor", "--json"]).json();
        let findings = told["findings"].as_array().unwrap().iter();
        let mut of_storages = findings.filter(|it| it["check"] == "storage");
        of_storages.next().unwrap()["level"].clone()
    };
    assert_eq!(asked(), "warning");
    assert_eq!(test(&host, 0)["made_bucket"], true);
    assert_eq!(asked(), "ok");
    assert_eq!(test(&host, 0)["made_bucket"], false);
}

#[test]
fn a_storage_that_only_adds_is_told_as_such() {
    let Some(server) = Server::append_only() else {
        return;
    };
    let host = host(&server.address(""), "");
    for _ in 0..2 {
        let report = test(&host, 0);
        assert_eq!(
            (&report["good"], &report["append_only"]),
            (&true.into(), &true.into())
        );
    }
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    host.file("server-pass", "wrong-secret\n");
    let report = test(&host, 1);
    assert_eq!(steps(&report), [("open", false)]);
    let told = report.to_string();
    assert!(
        told.contains("the file or the command that has the secret"),
        "{told}"
    );
    assert!(!told.contains("wrong-secret"), "{told}");
    host.freezerd(&["storage", "test", "nowhere"]).exits(66);
    host.freezerd(&["storage", "test", "offsite", "--size", "much"])
        .exits(64);
    let address = server.address("");
    drop(server);
    site::define(&host, &address, "");
    let told = host
        .freezerd(&["storage", "test", "offsite"])
        .exits(1)
        .stdout();
    assert!(told.contains("check the address and the port"), "{told}");
    assert!(told.ends_with("The storage does not work.\n"), "{told}");
}

#[test]
fn the_list_of_storages_has_their_places() {
    let host = host("https://backup.example/web1", "");
    let told = host.freezerd(&["storage", "list"]).exits(0).stdout();
    assert!(told.contains("rest:https://backup.example/web1/"), "{told}");
    let list = host.json(&["storage", "list"]);
    assert_eq!(list["storages"][0]["name"], "offsite");
    assert_eq!(list["storages"][0]["kind"], "rest");
}

#[test]
fn the_doctor_asks_each_storage_and_writes_nothing() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let asked = || {
        let told = host.freezerd(&["doctor", "--json"]).json();
        let findings = told["findings"].as_array().unwrap().iter();
        let mut of_storages = findings.filter(|it| it["check"] == "storage");
        of_storages.next().unwrap().clone()
    };
    let found = asked();
    assert_eq!(found["level"], "ok", "{found}");
    assert_eq!(found["subject"], "offsite");
    assert!(!server.files("freezerd-test").exists());
    host.file("server-pass", "wrong-secret\n");
    let found = asked();
    assert_eq!(found["level"], "error", "{found}");
    let help = found["help"].as_str().unwrap();
    assert!(
        help.contains("the file or the command that has the secret"),
        "{help}"
    );
    assert!(!found.to_string().contains("wrong-secret"), "{found}");
    std::fs::remove_file(host.path("server-pass")).unwrap();
    let found = asked();
    assert!(found.to_string().contains("[storage.offsite]"), "{found}");
    let skipped = host
        .freezerd(&["doctor", "--no-containers", "--json"])
        .json();
    assert!(!skipped.to_string().contains("offsite"), "{skipped}");
}

//! What a user is told when the server, the network or the definition of the storage is wrong.

use serde_json::json;

use crate::harness::{Host, now};
use crate::rest_server::Server;
use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::site::{assert_clean_for_restic, define, for_restic, host, saved};

/// Runs a backup that fails, and returns what became of it and the log.
#[track_caller]
fn fails(host: &Host) -> (String, String) {
    host.put("save", now(vec![saved(host)]));
    host.once().exits(1);
    let run = &host.history("save")[0];
    let attempts = host.attempts(run["run"].as_u64().unwrap());
    let end = format!("{:?}", attempts.last().unwrap());
    (end, host.freezerd(&["log", "save"]).exits(0).stdout())
}

#[test]
fn wrong_credentials_fail_for_good_and_nothing_is_made() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    host.file("server-pass", "wrong\n");
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(
        log.contains("the server does not accept the user or the password"),
        "{log}"
    );
    assert!(!server.files("hosts").exists());
    std::fs::remove_file(host.path("server-pass")).unwrap();
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("server-pass"), "{log}");
}

#[test]
fn a_server_that_is_away_fails_early_and_may_be_tried_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let address = server.address("");
    let host = host(&address, "network_wait = \"off\"");
    drop(server);
    let started = std::time::Instant::now();
    let (end, log) = fails(&host);
    assert!(!end.contains("FailedForGood"), "{end}");
    assert!(log.contains("trying again in 1.0 s"), "{log}");
    assert!(!log.contains("waiting"), "{log}");
    assert!(started.elapsed() < std::time::Duration::from_secs(120));
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_and_ca_file_mends_it() {
    let Some(server) = Server::with_tls() else {
        return;
    };
    let host = host(&server.address(""), "");
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("certificate"), "{log}");
    let certificate = server.certificate.as_ref().unwrap().display();
    for correction in [
        format!("ca_file = \"{certificate}\""),
        "insecure = true".to_owned(),
    ] {
        define(&host, &server.address(""), &correction);
        host.put("save", now(vec![saved(&host)]));
        host.once().exits(0);
    }
}

#[test]
fn a_backup_goes_on_through_faults_of_the_network() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = FaultyServer::before(&server.authority);
    let host = host(&format!("http://{}/", proxy.authority), "");
    for (method, fault) in [
        ("HEAD", Fault::Status(503)),
        ("POST", Fault::Closed),
        ("POST", Fault::AnswerLost),
        ("POST", Fault::Status(500)),
        ("GET", Fault::BodyCut),
        ("DELETE", Fault::AnswerLost),
    ] {
        proxy.fail(method, fault);
    }
    host.put("save", now(vec![saved(&host)]));
    host.once().exits(0);
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert!(log.matches("trying again").count() >= 5, "{log}");
    let fewer = "it gets 2 at a time for now, and not 5";
    assert_eq!(log.matches(fewer).count(), 1, "{log}");
    assert_clean_for_restic(&for_restic(&server), 1);
}

#[test]
fn a_storage_says_for_how_long_a_request_is_tried_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = FaultyServer::before(&server.authority);
    let host = host(
        &format!("http://{}/", proxy.authority),
        "retry_for = \"3 seconds\"\nconnections = 1",
    );
    host.put("save", now(vec![saved(&host)]));
    host.once().exits(0);
    for _ in 0..12 {
        proxy.fail("POST", Fault::Status(503));
    }
    let before = proxy.count("POST");
    let (_, log) = fails(&host);
    assert!(log.contains("503"), "{log}");
    // The lock alone: after 1, 2 and 4 seconds at the latest.
    assert!((3..=4).contains(&(proxy.count("POST") - before)), "{log}");
}

#[test]
fn a_repository_that_is_gone_is_not_made_anew() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    host.put("save", now(vec![saved(&host)]));
    host.once().exits(0);
    std::fs::remove_dir_all(server.files("hosts")).unwrap();
    let (_, log) = fails(&host);
    assert!(log.contains("is gone"), "{log}");
    assert!(!server.files("hosts").exists());
}

#[test]
fn a_place_with_something_else_is_left_alone() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let place = server.files("hosts/web 1/data/ab");
    std::fs::create_dir_all(&place).unwrap();
    let other = "ab".repeat(32);
    std::fs::write(place.join(&other), "x").unwrap();
    let (end, log) = fails(&host);
    assert!(end.contains("FailedForGood"), "{end}");
    assert!(log.contains("something that is not a repository"), "{log}");
    assert_eq!(std::fs::read(place.join(other)).unwrap(), b"x");
}

#[test]
fn two_hosts_that_make_one_repository_at_the_same_moment_share_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let hosts: Vec<Host> = (0..3).map(|_| host(&server.address(""), "")).collect();
    std::thread::scope(|scope| {
        for (number, host) in hosts.iter().enumerate() {
            scope.spawn(move || {
                let mut action = saved(host);
                action["freezer_action"]["hostname"] = json!(format!("host{number}"));
                action["max_retries"] = json!(5);
                action["max_retries_interval"] = json!(1);
                host.put("save", now(vec![action]));
                host.once().exits(0);
            });
        }
    });
    assert_clean_for_restic(&for_restic(&server), 3);
}

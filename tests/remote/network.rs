//! Servers that cannot be reached when an action begins, because the network is not there yet.

use serde_json::json;

use crate::harness::{Host, eventually, exec, now};
use crate::rest_server::Server;
use crate::rest_server::faulty::{ClosedPort, Fault, FaultyServer};
use crate::site::{assert_clean_for_restic, for_restic, host, saved};

#[test]
fn an_action_waits_for_the_network_visibly_and_then_does_its_work() {
    let Some(server) = Server::start() else {
        return;
    };
    let port = ClosedPort::new();
    let host = host(&format!("http://{}/", port.authority), "");
    host.put("save", now(vec![saved(&host)]));
    let daemon = host.start();
    eventually_waits_for(&host, "the network");
    let why = host.freezerd(&["why", "save"]).exits(0).stdout();
    assert!(why.contains("It is waiting: the network"), "{why}");
    assert!(why.contains("Connection refused"), "{why}");
    let progress = host.show("save")["x-freezerd"]["progress"].clone();
    assert!(progress["waiting"].is_string(), "{progress}");
    let _proxy = port.open(&server.authority);
    daemon.run_of("save");
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert_eq!(host.schedule("save")["result"], "success", "{log}");
    assert!(daemon.stop().success());
    assert_eq!(log.matches("waiting: the network").count(), 1, "{log}");
    assert!(log.contains("the server answers"), "{log}");
    let run = host.history("save")[0]["run"].as_u64().unwrap();
    assert_eq!(host.attempts(run).len(), 1);
    assert_clean_for_restic(&for_restic(&server), 1);
}

#[test]
fn another_action_has_the_slot_of_one_that_waits_for_the_network_and_gives_it_back() {
    let Some(server) = Server::start() else {
        return;
    };
    let port = ClosedPort::new();
    let host = host(&format!("http://{}/", port.authority), "").flag("--concurrent-jobs=1");
    host.put("save", now(vec![saved(&host)]));
    let daemon = host.start();
    eventually_waits_for(&host, "the network");
    let gate = host.gate("other");
    host.put("other", now(vec![gate.action()]));
    daemon.says("other", "started");
    let _proxy = port.open(&server.authority);
    eventually_waits_for(&host, "a free slot");
    host.put("later", now(vec![exec("true")]));
    daemon.says("later", "waiting for a free slot (1 action at a time)");
    gate.pass();
    daemon.run_of("save");
    assert_eq!(host.schedule("save")["result"], "success");
    assert_eq!(host.schedule("other")["result"], "success");
    daemon.run_of("later");
    assert!(daemon.stop().success());
}

#[test]
fn an_action_that_waits_for_its_slot_can_be_aborted() {
    let Some(server) = Server::start() else {
        return;
    };
    let port = ClosedPort::new();
    let host = host(&format!("http://{}/", port.authority), "").flag("--concurrent-jobs=1");
    host.put("save", now(vec![saved(&host)]));
    let daemon = host.start();
    eventually_waits_for(&host, "the network");
    let gate = host.gate("other");
    host.put("other", now(vec![gate.action()]));
    daemon.says("other", "started");
    let _proxy = port.open(&server.authority);
    eventually_waits_for(&host, "a free slot");
    host.ask("abort", "save");
    daemon.run_of("save");
    assert_eq!(host.schedule("save")["result"], "aborted");
    gate.pass();
    daemon.run_of("other");
    assert!(daemon.stop().success());
}

#[test]
fn an_action_whose_request_is_tried_again_says_so_until_it_goes_on() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = FaultyServer::before(&server.authority);
    let host = host(&format!("http://{}/", proxy.authority), "");
    host.put("first", now(vec![saved(&host)]));
    let daemon = host.start();
    daemon.run_of("first");
    for _ in 0..100 {
        proxy.fail("POST", Fault::Status(503));
    }
    host.put("save", now(vec![saved(&host)]));
    eventually_waits_for(&host, "rest:http://");
    let why = host.freezerd(&["why", "save"]).exits(0).stdout();
    assert!(why.contains("It is waiting: rest:http://"), "{why}");
    assert!(why.contains("trying again in "), "{why}");
    proxy.recover();
    daemon.run_of("save");
    assert_eq!(host.schedule("save")["result"], "success");
    assert!(daemon.stop().success());
}

/// Waits until the job `save` says that it waits for this.
fn eventually_waits_for(host: &Host, what: &str) {
    eventually(what, || {
        let status = host.freezerd(&["status"]).exits(0).stdout();
        status.contains(&format!("save is waiting: {what}"))
    });
}

#[test]
fn the_wait_has_a_limit_that_a_storage_can_change_and_is_not_a_stall() {
    let port = ClosedPort::new();
    let host = host(
        &format!("http://{}/", port.authority),
        "network_wait = \"11 seconds\"",
    );
    let mut save = saved(&host);
    save["stall_timeout"] = json!(5);
    host.put("save", now(vec![save]));
    host.once().exits(1);
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert!(log.contains("up to 11 s"), "{log}");
    assert!(log.contains("could not be reached for 11 s"), "{log}");
    assert!(!log.contains("no progress"), "{log}");
}

#[test]
fn a_timeout_of_the_action_ends_the_wait() {
    let port = ClosedPort::new();
    let host = host(&format!("http://{}/", port.authority), "");
    let mut save = saved(&host);
    save["timeout"] = json!(2);
    host.put("save", now(vec![save]));
    host.once().exits(1);
    let run = host.history("save")[0]["run"].as_u64().unwrap();
    let attempts = format!("{:?}", host.attempts(run));
    assert!(attempts.contains("TimedOut"), "{attempts}");
}

#[test]
fn a_command_does_not_wait_for_the_network() {
    let port = ClosedPort::new();
    let host = host(&format!("http://{}/", port.authority), "");
    let listing = ["ls", "--storage", "offsite", "--container", "web"];
    let listed = host.freezerd(&listing).exits(75);
    assert!(!listed.stderr().contains("network"), "{}", listed.stderr());
}

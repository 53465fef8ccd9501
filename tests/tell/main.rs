//! The receivers of notices: real servers, programs and files on this host, and the failure of each.

mod answers_put_in_between;
mod awkward;
#[path = "../certificate/mod.rs"]
mod certificate;
mod command;
mod forms;
#[path = "../harness/mod.rs"]
mod harness;
mod http_server;
mod mail;
mod outages;
mod settings;
mod smtp_server;

use serde_json::Value;

use crate::harness::Host;

/// A part of each secret, which must be in no output.
pub const CANARY: &str = "canary-8Zq3";

/// A host with these receivers.
pub fn with(toml: &str) -> Host {
    let host = Host::new();
    host.file("freezerd.toml", toml);
    host
}

/// What became of the test message to the receiver `r`. No output has a secret.
#[track_caller]
pub fn tried(host: &Host) -> Value {
    let ran = host.freezerd(&["notify", "--test", "r", "--json"]);
    let said = ran.stdout() + &ran.stderr();
    assert!(!said.contains(CANARY), "{said}");
    let plain = host.freezerd(&["notify", "--test", "r"]);
    let said = plain.stdout() + &plain.stderr();
    assert!(!said.contains(CANARY), "{said}");
    assert_eq!(ran.code(), plain.code(), "{said}");
    let document = ran.json();
    let one = document["receivers"][0].clone();
    assert_eq!(one["receiver"], "r", "{document}");
    assert_eq!(ran.code(), i32::from(one["accepted"] != true), "{document}");
    one
}

/// The test message to `r` fails in this way: the class, and a part of the message. There is an advice.
#[track_caller]
pub fn fails(host: &Host, class: &str, message: &str) -> Value {
    let one = tried(host);
    let error = &one["error"];
    assert_eq!(error["class"], class, "{one}");
    let said = error["message"].as_str().unwrap();
    assert!(said.contains(message), "{one}");
    assert!(error["advice"].is_string(), "{one}");
    one
}

/// The receiver `r` accepts the test message, twice.
#[track_caller]
pub fn accepts(host: &Host) {
    let one = tried(host);
    assert_eq!(one["accepted"], true, "{one}");
    assert!(one["error"].is_null(), "{one}");
}

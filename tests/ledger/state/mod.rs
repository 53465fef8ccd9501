//! `freezerd state`: the whole ledger as lines of JSON and back, and whether it holds together.

mod check;
mod export;

use std::path::PathBuf;

use crate::harness::{Host, exec, now, someday};

/// A host with jobs, runs that went well and not, an event and an invalid file.
fn host() -> Host {
    let host = Host::new()
        .job("good", now(vec![exec("true")]))
        .job("bad", now(vec![exec("false")]))
        .job("someday", someday(vec![exec("true")]));
    host.put_text("broken.json", "{");
    let daemon = host.start();
    daemon.says("good", "succeeded");
    daemon.says("bad", "failed");
    host.trigger("someday");
    daemon.says("someday", "succeeded");
    host.ask("stop", "someday");
    assert_eq!(daemon.stop().code(), Some(0));
    host
}

fn ledger(host: &Host) -> PathBuf {
    host.path("state/ledger.redb")
}

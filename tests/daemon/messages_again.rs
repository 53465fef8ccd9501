//! Messages that were not accepted or were given up, and that an administrator asks for again.

use crate::harness::Host;
use crate::messages::{ADMINS, kinds, outbox, sent, sick, with_a_receiver_that_is_away};

#[test]
fn what_was_not_accepted_is_sent_at_once_when_an_administrator_asks_for_it() {
    let (host, daemon) = with_a_receiver_that_is_away();
    host.file("work/open", "");
    let said = host.freezerd(&["notify", "--retry"]).exits(0).stdout();
    assert!(said.starts_with("1 message is sent now;"), "{said}");
    // Otherwise it would wait for a minute.
    sent(&host, 1);
    let nothing = host.json(&["notify", "--retry", "admins"]);
    assert_eq!(nothing["accepted"], true);
    let answer = nothing["answer"].as_str().expect("a text");
    assert!(answer.starts_with("no message waits"), "{answer}");
    let ran = host.freezerd(&["notify", "--retry", "nobody"]).exits(66);
    assert!(ran.stderr().contains("admins"), "{}", ran.stderr());
    host.file(
        "freezerd.toml",
        &format!("{ADMINS}{}", ADMINS.replace("admins", "new")),
    );
    let ran = host.freezerd(&["notify", "--retry", "new"]).exits(75);
    assert!(ran.stderr().contains("restart it"), "{}", ran.stderr());
    assert!(daemon.stop().success());
    host.freezerd(&["notify", "--retry"]).exits(69);
}

#[test]
fn what_was_given_up_is_taken_up_again_when_an_administrator_asks_for_it() {
    let (host, daemon) = with_a_receiver_that_is_away();
    assert!(daemon.stop().success());
    host.file("freezerd.toml", "");
    let daemon = host.start();
    assert!(daemon.stop().success());
    host.file("freezerd.toml", ADMINS);
    host.file("work/open", "");
    let daemon = host.start();
    assert!(outbox(&host)[0].is_given_up(), "{:?}", outbox(&host));
    let said = host.freezerd(&["notify"]).stdout();
    assert!(said.contains("`freezerd notify --retry`"), "{said}");
    let said = host.freezerd(&["notify", "--retry", "admins"]).stdout();
    assert!(said.contains("1 of which had been given up"), "{said}");
    sent(&host, 1);
    assert_eq!(kinds(&host), ["failed"]);
    daemon.until(|line| line.message.starts_with("notify by "));
    assert!(daemon.stop().success());
}

#[test]
fn a_ping_that_was_given_up_is_dropped_when_somebody_asks_for_it_after_another_run() {
    const PINGS: &str = "[notify.pings]\ntype = \"ping\"\nurl = \"http://127.0.0.1:1/secret\"\n";
    let host = Host::new().job("a", sick());
    host.file("freezerd.toml", PINGS);
    let daemon = host.start();
    for _ in 0..2 {
        host.trigger("a");
        daemon.run_of("a");
    }
    assert!(daemon.stop().success());
    host.file("freezerd.toml", "");
    assert!(host.start().stop().success());
    host.file("freezerd.toml", PINGS);
    let daemon = host.start();
    assert!(outbox(&host).iter().all(|row| row.is_given_up()));
    let said = host.freezerd(&["notify", "--retry"]).exits(0).stdout();
    for part in [
        "1 message is sent now, 1 of which had been given up",
        "1 message that was given up is out of date, and is dropped",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(daemon.stop().success());
    let left = outbox(&host);
    assert!(left.len() == 1 && left[0].waits(), "{left:?}");
}

//! `freezerd trigger --wait`.

use serde_json::json;

use crate::harness::{Host, exec, someday};

#[test]
fn trigger_waits_for_the_end_of_the_run_and_its_exit_code_says_how_it_ended() {
    let host = Host::new()
        .job("good", someday(vec![exec("sleep 1")]))
        .job("bad", someday(vec![exec("exit 3")]));
    let _daemon = host.start();
    let good = host.freezerd(&["trigger", "good", "--wait"]).exits(0);
    assert!(good.stdout().contains("is success"), "{}", good.stdout());
    assert_eq!(host.history("good")[0]["result"], "success");
    let bad = host.freezerd(&["trigger", "bad", "--wait"]).exits(1);
    assert!(
        bad.stdout().contains("is fail") && bad.stdout().contains("exit code 3"),
        "{}",
        bad.stdout()
    );
    let bad = host
        .freezerd(&["trigger", "bad", "--wait", "--json"])
        .exits(1);
    assert_eq!(bad.json()["result"], json!("fail"));
}

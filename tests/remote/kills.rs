//! An agent that is killed while it sends: nothing is lost, and nothing is left that is never cleaned up.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Host, eventually, now, someday};
use crate::places::on_every_storage;
use crate::rest_server::Server;
use crate::site::{action, files, host, restored, saved};

/// The agent of a daemon.
pub fn agent_of(daemon: u32) -> Option<Pid> {
    let children =
        std::fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children")).ok()?;
    let pid = children.split_whitespace().next()?.parse().ok()?;
    Pid::from_raw(pid)
}

#[test]
fn after_kills_at_any_moment_the_next_backup_is_whole_and_nothing_is_left() {
    let (seed, kills) = wanted();
    on_every_storage(|place| {
        let begun = std::time::Instant::now();
        kill_and_go_on(&place.host, place.container(), seed, kills);
        place.assert_clean(1);
        println!("{}: {kills} kills in {:?}", place.kind, begun.elapsed());
    });
}

/// `FREEZERD_KILLS=SEED:COUNT`.
fn wanted() -> (u64, usize) {
    let wanted = std::env::var("FREEZERD_KILLS").unwrap_or_else(|_| "20261126:4".to_owned());
    let (seed, count) = wanted.split_once(':').expect("SEED:COUNT");
    (seed.parse().unwrap(), count.parse().unwrap())
}

/// Kills the agent of some backups. Then everything that follows works, and one snapshot is left.
pub fn kill_and_go_on(host: &Host, container: &str, seed: u64, kills: usize) {
    let mut random = fastrand::Rng::with_seed(seed);
    let noise = |random: &mut fastrand::Rng| -> Vec<u8> {
        std::iter::repeat_with(|| random.u8(..))
            .take(300_000)
            .collect()
    };
    let at = |mut action: Value| {
        action["freezer_action"]["container"] = json!(container);
        action
    };
    let mut slow = at(saved(host));
    // About a second for each backup.
    slow["freezer_action"]["upload_limit"] = json!("300K");
    host.put("save", someday(vec![slow]));
    let daemon = host.start();
    for number in 0..kills {
        let content = noise(&mut random);
        // Some of it is what was killed before, so that there is something to use again.
        let name = format!("source/noise{}", number % 12);
        std::fs::write(host.path(&name), content).unwrap();
        host.trigger("save");
        eventually("the agent works", || agent_of(daemon.id()).is_some());
        // The moment is what is tested; every one is right.
        std::thread::sleep(Duration::from_millis(random.u64(..1500)));
        if let Some(agent) = agent_of(daemon.id()) {
            let _ = kill_process(agent, Signal::KILL);
        }
        daemon.run_of("save");
    }
    drop(daemon);
    let actions = vec![
        saved(host),
        restored(host),
        action(host, json!({"action": "check", "read_data": true})),
        action(
            host,
            json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9}),
        ),
    ];
    host.put("after", now(actions.into_iter().map(at).collect()));
    host.once().exits(0);
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
}

#[test]
fn an_abort_removes_the_lock_on_the_server() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let mut slow = saved(&host);
    slow["freezer_action"]["upload_limit"] = json!("1K");
    let content: Vec<u8> = (0..60_000_u32)
        .flat_map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    std::fs::write(host.path("source/noise"), content).unwrap();
    host.put("save", now(vec![slow]));
    let daemon = host.start();
    let locks = server.files("hosts/web 1/locks");
    eventually("it has the lock", || {
        std::fs::read_dir(&locks).is_ok_and(|mut entries| entries.next().is_some())
    });
    host.ask("abort", "save");
    daemon.run_of("save");
    assert_eq!(std::fs::read_dir(&locks).unwrap().count(), 0);
}

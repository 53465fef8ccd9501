//! An agent that is killed while it sends: nothing is lost, and nothing is left that is never cleaned up.

use std::time::Duration;

use freezerd::storage::ftp::Tls;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::ftp_server::vsftpd;
use crate::harness::{Host, eventually, now, someday};
use crate::rest_server::Server;
use crate::restic_support::restics;
use crate::s3_server;
use crate::site::{action, assert_clean_for_restic, files, for_restic, host, restored, saved};
use crate::{bucket, ftp};

/// The agent of a daemon.
pub fn agent_of(daemon: u32) -> Option<Pid> {
    let children =
        std::fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children")).ok()?;
    let pid = children.split_whitespace().next()?.parse().ok()?;
    Pid::from_raw(pid)
}

#[test]
fn after_kills_at_any_moment_the_next_backup_is_whole() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    kill_and_go_on(&host);
    assert_clean_for_restic(&for_restic(&server), 1);
    let locks = std::fs::read_dir(server.files("hosts/web 1/locks")).unwrap();
    assert_eq!(locks.count(), 0);
}

#[test]
fn after_kills_at_any_moment_the_next_backup_into_a_bucket_is_whole() {
    let Some(server) = s3_server::Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let name = bucket::in_bucket(&host, &server);
    kill_and_go_on(&host);
    let repository = bucket::for_restic(&server, &name);
    bucket::assert_clean_for_restic(&repository, 1);
    for restic in restics() {
        let locks = bucket::restic(&restic, &repository, &["list", "locks", "--no-lock"]);
        assert_eq!(locks, "");
    }
}

#[test]
fn after_kills_at_any_moment_the_next_backup_over_ftp_is_whole() {
    let Some(server) = vsftpd::Server::start() else {
        return;
    };
    let host = ftp::host_of(&server, Tls::None);
    kill_times(&host, 20);
    let repository = ftp::container(&server);
    assert_clean_for_restic(&repository, 1);
    let locks = std::fs::read_dir(format!("{repository}/locks")).unwrap();
    assert_eq!(locks.count(), 0);
}

/// Kills the agent of some backups. Then everything that follows works, and one snapshot is left.
pub fn kill_and_go_on(host: &Host) {
    kill_times(host, 8);
}

fn kill_times(host: &Host, kills: usize) {
    let mut random = fastrand::Rng::with_seed(20_261_126);
    let noise = |random: &mut fastrand::Rng| -> Vec<u8> {
        std::iter::repeat_with(|| random.u8(..))
            .take(300_000)
            .collect()
    };
    let mut slow = saved(host);
    // About a second for each backup.
    slow["freezer_action"]["upload_limit"] = json!("300K");
    host.put("save", someday(vec![slow]));
    let daemon = host.start();
    for number in 0..kills {
        let content = noise(&mut random);
        std::fs::write(host.path(&format!("source/noise{number}")), content).unwrap();
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
    host.put("after", now(actions));
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

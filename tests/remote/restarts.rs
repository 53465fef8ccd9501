//! A server that starts again in the middle of a backup, of a restore and of a removal.

use serde_json::json;

use crate::harness::now;
use crate::places::{Place, on_every_storage};
use crate::site::files;

/// Runs an action to its end, with a server that starts again when so many bytes have passed.
fn interrupted(place: &Place, name: &str, bytes: u64, action: serde_json::Value) {
    place.host.put(name, now(vec![action]));
    place.interrupted(bytes, || place.host.once().exits(0));
    let log = place.host.freezerd(&["log", name]).exits(0).stdout();
    // Over SFTP, two logins take most of these bytes, so that the server may be away before its first answer.
    let words = ["trying again", "started again", "the server answers"];
    let is_told = words.iter().any(|words| log.contains(words));
    assert!(is_told, "{} {name}: {log}", place.kind);
}

#[test]
fn a_server_that_starts_again_in_the_middle_of_an_action_is_waited_for() {
    on_every_storage(|place| {
        let noise = |seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut noise = vec![0; 600_000];
            random.fill(&mut noise);
            std::fs::write(place.host.path("source/noise"), noise).unwrap();
        };
        noise(1);
        interrupted(place, "first", 300_000, place.saved());
        interrupted(place, "restore", 300_000, place.restored());
        let (source, target) = (place.host.path("source"), place.host.path("target"));
        assert_eq!(files(&source), files(&target), "{}", place.kind);
        noise(2);
        place.host.put("second", now(vec![place.saved()]));
        place.host.once().exits(0);
        let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
        interrupted(place, "removal", 6_000, place.action(removal));
        place.assert_clean(1);
    });
}

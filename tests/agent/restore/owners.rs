//! What a restore does with the rights of owners that it cannot restore.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use freezerd::job::action::Work;
use freezerd::protocol::Verdict;

use crate::support::*;

#[test]
fn who_cannot_restore_owners_gets_no_program_with_the_rights_of_another() {
    if !is_root() {
        eprintln!("SKIPPED: programs of several owners, because only root can make them");
        return;
    }
    const NOBODY: u32 = 65534;
    let place = Place::new();
    for (name, owner) in [("of-root", 0), ("of-nobody", NOBODY)] {
        let program = place.write(&format!("source/{name}"), "program");
        std::os::unix::fs::chown(&program, Some(owner), Some(owner)).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o6755)).unwrap();
    }
    place.back_up();
    let ended = run_as_nobody(&place, Work::Restore(place.restore()));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("target/of-root"), 0o755);
    assert_eq!(mode("target/of-nobody"), 0o6755);
}

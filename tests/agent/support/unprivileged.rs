//! An agent to which permissions apply, also where root runs the tests.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use freezerd::job::action::Work;
use freezerd::protocol::Verdict;

use super::{Agent, Ended, Place, expect_failure, is_root, request, run};

/// A user who owns nothing but what a test gives him.
const NOBODY: u32 = 65534;

/// Copies the program. Another process writes the copy: while a thread of this one starts a program, that has all open
/// files for a moment, and a file that is open for writing cannot be started.
pub fn copy_program(to: &Path) {
    let mut copy = Command::new("cp");
    let copied = copy.arg(env!("CARGO_BIN_EXE_freezerd")).arg(to).status();
    assert!(copied.unwrap().success());
}

/// Runs an action as a user to whom permissions apply. Everything in the place belongs to this user from now on. The
/// program is copied to a path that the user can reach.
pub fn run_as_nobody(place: &Place, work: Work) -> Ended {
    if !is_root() {
        return run(work);
    }
    let program = place.path("freezerd");
    copy_program(&program);
    let owner = format!("{NOBODY}:{NOBODY}");
    let given = Command::new("chown")
        .args(["-R", &owner])
        .arg(place.path(""))
        .status();
    assert!(given.unwrap().success());
    let ended = Agent::start_with(
        Command::new(&program).arg("agent").uid(NOBODY).gid(NOBODY),
        &request(work),
    )
    .end();
    fs::remove_file(program).unwrap();
    ended
}

/// Runs a backup that cannot read a path, and expects that its snapshot is partial for this reason.
#[track_caller]
pub fn back_up_partially(place: &Place, work: Work) {
    let ended = run_as_nobody(place, work);
    expect_failure(&ended, Verdict::Partial, &["Permission denied"]);
}

//! A kill at each kill point of the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use freezerd::job::action::{Age, Restore, Work};
use freezerd::kill_point::Point;

use crate::aftermath::{assert_sound, assert_tidy, make_repository};
use crate::repair::REPAIR;
use crate::support::{Agent, Place, assert_same_tree, noise, request, succeed};

/// The number of cases that run at the same time.
const AT_A_TIME: usize = 3;

/// Work during which a process is killed.
pub struct Scenario {
    pub name: &'static str,
    pub prepare: fn(&Place),
    pub work: fn(&Place) -> Doing,
    /// Checks what must hold right after the kill.
    pub sound: fn(&Place),
    /// Checks what the repeated work has reached.
    pub judge: fn(&Place),
}

pub enum Doing {
    /// An agent's action.
    Action(Box<Work>),
    /// A command of `freezerd`, without its options for the container.
    Command(&'static [&'static str]),
}

/// One kill: when the process reaches the point for this time.
#[derive(Clone, Debug)]
struct Case {
    point: String,
    count: usize,
}

const FIRST_BACKUP: Scenario = Scenario {
    name: "first backup",
    prepare: write_source,
    work: |place| Doing::Action(Box::new(Work::Backup(place.backup()))),
    sound: assert_sound,
    judge: assert_restores,
};

const NEXT_BACKUP: Scenario = Scenario {
    name: "next backup",
    prepare: |place| {
        write_source(place);
        make_repository(place);
        place.back_up();
        place.write("source/new", noise(70_000));
    },
    work: |place| Doing::Action(Box::new(Work::Backup(place.backup()))),
    sound: assert_sound,
    judge: assert_restores,
};

const PRUNE: Scenario = Scenario {
    name: "prune",
    prepare: |place| {
        write_source(place);
        make_repository(place);
        place.back_up();
        fs::remove_file(place.path("source/small")).unwrap();
        place.write("source/second", noise(50_000));
        place.back_up();
        // One pack is not needed at all, and of another one a part is.
        fs::remove_file(place.path("source/second")).unwrap();
        place.back_up();
    },
    work: |place| Doing::Action(Box::new(place.admin(Age::Days(0.0)))),
    sound: assert_sound,
    judge: assert_restores,
};

const RESTORE: Scenario = Scenario {
    name: "restore",
    prepare: |place| {
        write_source(place);
        make_repository(place);
        place.back_up();
    },
    work: |place| Doing::Action(Box::new(Work::Restore(place.restore()))),
    sound: assert_sound,
    judge: |place| assert_same_tree(&place.path("source"), &place.path("target")),
};

const RESTORE_OVER: Scenario = Scenario {
    name: "restore over other files",
    prepare: |place| {
        (RESTORE.prepare)(place);
        place.write("target/small", "another content");
        place.write("target/below/one", "another content");
    },
    work: |place| {
        Doing::Action(Box::new(Work::Restore(Restore {
            overwrite: true,
            ..place.restore()
        })))
    },
    sound: assert_sound,
    judge: |place| assert_same_tree(&place.path("source"), &place.path("target")),
};

const PASSWORD_CHANGE: Scenario = Scenario {
    name: "password change",
    prepare: |place| {
        make_repository(place);
        place.back_up();
        // The same password, so that the repeated command and the checks open it in any case.
        fs::copy(place.path("pass"), place.path("new")).unwrap();
    },
    work: |_| Doing::Command(&["key", "passwd"]),
    sound: assert_sound,
    judge: |place| {
        let names = fs::read_dir(place.path("container/keys")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // An unfinished file stays until the next prune.
        let keys = names.filter(|name| name.len() == 64).count();
        assert_eq!(
            keys, 1,
            "the old key is gone, and the new one is there once"
        );
    },
};

pub fn write_source(place: &Place) {
    place.write("source/small", noise(100_000));
    place.write("source/below/one", "one");
    // More than one chunk.
    place.write("source/below/large", noise(3_000_000));
}

/// Checks that the newest snapshot is what the source is.
fn assert_restores(place: &Place) {
    succeed(Work::Restore(place.restore()));
    assert_same_tree(&place.path("source"), &place.path("target"));
}

fn command(place: &Place, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freezerd"));
    if words.first() == Some(&"key") {
        command
            .args(words)
            .arg("--new-password-file")
            .arg(place.path("new"));
    } else {
        command.args(words);
    }
    command
        .arg("--container")
        .arg(place.path("container"))
        .arg("--encrypt-pass-file")
        .arg(place.path("pass"))
        .env("FREEZERD_STATE_DIR", place.path("state"))
        .env("FREEZERD_KEY_COST", "1024")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Does the work with a trace of the points, and with a kill. Returns whether the process was killed.
fn strike(scenario: &Scenario, place: &Place, case: Option<&Case>) -> bool {
    let at = |whom: &str| case.map(|case| format!("{}:{}:{whom}", case.point, case.count));
    let arm = |command: &mut Command, whom: &str| {
        command.env("FREEZERD_KILL_TRACE", place.path("trace"));
        if let Some(at) = at(whom) {
            command.env("FREEZERD_KILL_AT", at);
        }
    };
    let status = match (scenario.work)(place) {
        Doing::Action(work) => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_freezerd"));
            command.arg("agent");
            arm(&mut command, "agent");
            Agent::start_with(&mut command, &request(*work))
                .end()
                .status
        }
        Doing::Command(words) => {
            let mut command = command(place, words);
            arm(&mut command, "daemon");
            command.status().unwrap()
        }
    };
    let killed = status.signal() == Some(9);
    assert!(killed || status.success(), "{}: {status}", scenario.name);
    killed
}

fn repeat(scenario: &Scenario, place: &Place) {
    match (scenario.work)(place) {
        Doing::Action(work) => drop(succeed(*work)),
        Doing::Command(words) => {
            let status = command(place, words).status().unwrap();
            assert!(status.success(), "{status}");
        }
    }
}

/// The kills of a scenario: one for each time that it reaches a point of the engine.
fn cases(scenario: &Scenario) -> Vec<Case> {
    let place = Place::in_memory();
    (scenario.prepare)(&place);
    assert!(!strike(scenario, &place, None));
    let trace = fs::read_to_string(place.path("trace")).unwrap();
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut cases = Vec::new();
    for line in trace.lines() {
        let point = line.split(' ').nth(1).unwrap();
        if !Point::ENGINE.iter().any(|known| known.name() == point) {
            continue;
        }
        let count = counts.entry(point).or_default();
        *count += 1;
        cases.push(Case {
            point: point.to_owned(),
            count: *count,
        });
    }
    cases
}

/// Kills once, and repeats the work. Returns whether the kill happened: threads reach some points in any order.
fn run(scenario: &Scenario, case: &Case) -> bool {
    let place = Place::in_memory();
    (scenario.prepare)(&place);
    let killed = strike(scenario, &place, Some(case));
    (scenario.sound)(&place);
    repeat(scenario, &place);
    (scenario.judge)(&place);
    // What interrupted work has left behind goes with the next prune.
    succeed(place.admin(Age::Days(0.0)));
    assert_tidy(&place);
    killed
}

#[test]
fn after_a_kill_at_any_point_of_the_engine_the_same_work_succeeds_and_nothing_is_left() {
    let scenarios = [
        &FIRST_BACKUP,
        &NEXT_BACKUP,
        &PRUNE,
        &RESTORE,
        &RESTORE_OVER,
        &PASSWORD_CHANGE,
        &REPAIR,
    ];
    let only = std::env::var("FREEZERD_KILL_ONLY").ok();
    let mut all = Vec::new();
    for scenario in scenarios {
        let mut cases = cases(scenario);
        cases.retain(|case| only.as_ref().is_none_or(|only| *only == case.point));
        println!("{}: {} kills", scenario.name, cases.len());
        all.extend(cases.into_iter().map(|case| (scenario, case)));
    }
    let next = AtomicUsize::new(0);
    let reached = Mutex::new(BTreeSet::new());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(|| {
                while let Some((scenario, case)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ran = || run(scenario, case);
                    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(ran)) {
                        Ok(true) => drop(reached.lock().unwrap().insert(case.point.clone())),
                        Ok(false) => {}
                        Err(_) => failed.lock().unwrap().push((scenario.name, case.clone())),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {}: {failed:#?}",
        failed.len(),
        all.len()
    );
    let reached = reached.into_inner().unwrap();
    let mut points = Point::ENGINE.iter().map(|point| point.name());
    let never: Vec<String> = points
        .by_ref()
        .filter(|point| !reached.contains(point))
        .collect();
    assert!(
        only.is_some() || never.is_empty(),
        "nobody was killed at {never:?}"
    );
}

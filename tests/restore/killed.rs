//! A restore that is killed at any moment is finished by the next one, without overwrite.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use freezerd::repository::indexed::Indexed;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::snapshot::Snapshot;
use freezerd::restore::Options;

use crate::made::{Made, plain};
use crate::support::{assert_same, assert_whole, below, in_memory, look, run};

const TARGET: &str = "FREEZERD_TEST_RESTORE_TARGET";

fn sample(mut made: Made) -> (Indexed, Snapshot) {
    let mut nodes = Vec::new();
    for directory in 0..30_u8 {
        let mut inner = Vec::new();
        for file in 0..20_u8 {
            let name = format!("{file:02}");
            let piece = vec![directory ^ file; 1000 * usize::from(file)];
            inner.push(match file {
                17 => made.file(&name, &[&piece, b"second piece", &piece]),
                18 => Node {
                    links: 30,
                    inode: 1,
                    ..made.file(&name, &[b"linked"])
                },
                19 => Node {
                    link_target: b"elsewhere".to_vec(),
                    ..plain(&name, NodeKind::Symlink)
                },
                _ => made.file(&name, &[&piece]),
            });
        }
        nodes.push(made.directory(&format!("{directory:02}"), &inner));
    }
    made.finish(&nodes)
}

#[test]
fn a_killed_restore_is_finished_by_the_next_one() {
    let name = "killed::a_killed_restore_is_finished_by_the_next_one";
    is_finished(name, Made::new(), Options::default());
}

#[test]
fn a_killed_restore_from_far_away_is_finished_by_the_next_one() {
    let name = "killed::a_killed_restore_from_far_away_is_finished_by_the_next_one";
    let options = Options {
        window: 100,
        ..Options::default()
    };
    is_finished(name, Made::far(), options);
}

/// `name` is that of the test, which the process that is killed runs, too.
fn is_finished(name: &str, made: Made, options: Options) {
    let (indexed, snapshot) = sample(made);
    if let Some(target) = std::env::var_os(TARGET) {
        // This process is the one that is killed.
        println!("\nready");
        run(&indexed, &snapshot, Path::new(&target), options).unwrap();
        return;
    }
    let top = in_memory();
    let whole = top.path().join("whole");
    assert_whole(&run(&indexed, &snapshot, &whole, options).unwrap());
    let expected = below(look(&whole));
    let mut random = fastrand::Rng::with_seed(11);
    let mut cut_short = 0;
    for round in 0..15 {
        let target = top.path().join(round.to_string());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg(name)
            .env(TARGET, &target)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        assert!(output.lines().any(|line| line.unwrap() == "ready"));
        // The moment is what is tested; every one is right.
        std::thread::sleep(Duration::from_micros(random.u64(0..60_000)));
        child.kill().unwrap();
        let killed = child.wait().unwrap().signal() == Some(9);
        cut_short += u32::from(killed);
        let report = run(&indexed, &snapshot, &target, options).unwrap();
        assert_whole(&report);
        assert_same(&expected, &below(look(&target)));
    }
    assert!(cut_short > 0);
}

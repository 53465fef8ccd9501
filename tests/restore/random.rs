//! Random trees, changed at random: after a restore with overwrite and deletion, the target is the snapshot again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::time::Time;
use freezerd::restore::{DeleteExtra, Options, Request, restore};

use crate::made::{Made, plain};
use crate::support::{OVERWRITE, assert_same, assert_whole, look, request, run};

fn nodes(made: &mut Made, random: &mut fastrand::Rng, depth: usize) -> Vec<Node> {
    let mut nodes = BTreeMap::new();
    for _ in 0..random.usize(0..12) {
        let name = random.u8(b'a'..=b'z') as char;
        let name = name.to_string().repeat(random.usize(1..4));
        let mut node = match random.u8(0..10) {
            0..3 if depth > 0 => {
                let inner = self::nodes(made, random, depth - 1);
                made.directory(&name, &inner)
            }
            3 => Node {
                link_target: vec![b'x'; random.usize(1..50)],
                ..plain(&name, NodeKind::Symlink)
            },
            4 => plain(&name, NodeKind::Fifo),
            5 => Node {
                links: 2,
                inode: random.u64(1..4),
                ..made.file(&name, &[b"linked"])
            },
            _ => {
                let pieces: Vec<Vec<u8>> = (0..random.usize(0..4))
                    .map(|_| vec![random.u8(0..3); random.usize(1..100_000)])
                    .collect();
                let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
                made.file(&name, &pieces)
            }
        };
        let is_linked = node.inode > 0;
        if !is_linked {
            node.mode = node.mode & !0o777 | random.u32(0..0o1000);
            node.mtime = Time::utc(
                random.i64(-1_000_000..2_000_000_000),
                random.u32(0..1 << 29),
            );
        }
        nodes.insert(name.clone().into_bytes(), node);
    }
    nodes.into_values().collect()
}

/// Changes something of the target.
fn disturb(target: &Path, random: &mut fastrand::Rng) {
    let paths: Vec<PathBuf> = look(target).into_keys().collect();
    for _ in 0..random.usize(1..6) {
        let path = target.join(&paths[random.usize(..paths.len())]);
        let Ok(about) = fs::symlink_metadata(&path) else {
            continue;
        };
        match random.u8(0..5) {
            0 if path != target => {
                match about.is_dir() {
                    true => fs::remove_dir_all(&path),
                    false => fs::remove_file(&path),
                }
                .unwrap();
                match random.u8(0..4) {
                    0 => symlink("/etc", &path).unwrap(),
                    1 => fs::create_dir_all(path.join("x/y")).unwrap(),
                    2 => fs::write(&path, "another").unwrap(),
                    _ => {}
                }
            }
            1 if !about.is_symlink() => {
                let mode = fs::Permissions::from_mode(random.u32(0..0o1000));
                fs::set_permissions(&path, mode).unwrap();
            }
            2 if about.is_file() => fs::write(&path, "changed").unwrap(),
            3 if about.is_dir() => fs::write(path.join("extra"), "extra").unwrap(),
            _ => {}
        }
    }
}

#[test]
fn a_disturbed_target_is_the_snapshot_again() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: without root's rights, some modes keep the restore out");
        return;
    }
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut made, window) = match seed % 2 {
            0 => (Made::new(), 0),
            // More windows than one.
            _ => (Made::far(), 3),
        };
        let overwrite = Options {
            window,
            ..OVERWRITE
        };
        let nodes = nodes(&mut made, &mut random, 3);
        let (indexed, snapshot) = made.finish(&nodes);
        let top = tempfile::tempdir().unwrap();
        let (first, second) = (top.path().join("1"), top.path().join("2"));
        assert_whole(&run(&indexed, &snapshot, &first, Options::default()).unwrap());
        assert_whole(&run(&indexed, &snapshot, &second, overwrite).unwrap());
        assert_same(&without_top(&first), &without_top(&second));
        disturb(&second, &mut random);
        let keep = |_: &Path, _| false;
        let report = restore(&Request {
            options: Options {
                verify: true,
                ..overwrite
            },
            delete_extra: Some(DeleteExtra {
                partial: false,
                keep: &keep,
            }),
            ..request(&indexed, &snapshot, &second)
        })
        .unwrap();
        assert_whole(&report);
        assert_same(&without_top(&first), &without_top(&second));
    }
}

fn without_top(top: &Path) -> crate::support::Look {
    crate::support::below(look(top))
}

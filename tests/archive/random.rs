//! Random trees, backed up, changed, and backed up again.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use freezerd::archive::report::Report;

use crate::restic_support::init;
use crate::support::{assert_is_in, back_up, subtree};

fn random_content(random: &mut Rng) -> Vec<u8> {
    let length = match random.u8(..10) {
        0 => 0,
        1..=7 => random.usize(1..9000),
        8 => random.usize(100_000..700_000),
        _ => random.usize(800_000..2_000_000),
    };
    match random.bool() {
        true => vec![random.u8(..); length],
        false => {
            let mut content = vec![0; length];
            random.fill(&mut content);
            content
        }
    }
}

/// Makes one entry with a random name, unless there is one.
fn make(random: &mut Rng, directory: &Path) {
    let path = directory.join(format!("{:x}", random.u16(..600)));
    if path.symlink_metadata().is_ok() {
        return;
    }
    match random.u8(..8) {
        0..=4 => fs::write(&path, random_content(random)).unwrap(),
        5..=6 => fs::create_dir(&path).unwrap(),
        _ => symlink(format!("to {}", random.u8(..)), &path).unwrap(),
    }
}

/// All directories below this one, and all other entries.
fn below(top: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut directories, mut others) = (vec![top.to_owned()], Vec::new());
    let mut at = 0;
    while at < directories.len() {
        for entry in fs::read_dir(&directories[at]).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => directories.push(entry.path()),
                false => others.push(entry.path()),
            }
        }
        at += 1;
    }
    (directories, others)
}

fn change(random: &mut Rng, top: &Path) {
    for _ in 0..random.usize(1..12) {
        let (directories, others) = below(top);
        let directory = &directories[random.usize(..directories.len())];
        if others.is_empty() || random.u8(..3) == 0 {
            make(random, directory);
            continue;
        }
        let other = &others[random.usize(..others.len())];
        let is_file = other.symlink_metadata().unwrap().is_file();
        match random.u8(..6) {
            0 => fs::remove_file(other).unwrap(),
            1 if is_file => fs::write(other, random_content(random)).unwrap(),
            2 if is_file => {
                let mode = fs::Permissions::from_mode(0o400 | random.u32(..0o400));
                fs::set_permissions(other, mode).unwrap();
            }
            3 => {
                let to = directory.join(format!("moved {}", random.u16(..)));
                fs::rename(other, to).unwrap();
            }
            4 if is_file => {
                let to = directory.join(format!("linked {}", random.u16(..)));
                let _ = fs::hard_link(other, to);
            }
            _ => {
                let to = directory.join(format!("replaced {}", random.u16(..)));
                fs::remove_file(other).unwrap();
                fs::create_dir_all(to).unwrap();
            }
        }
    }
}

#[test]
fn random_trees_come_back_after_any_number_of_changes() {
    for seed in 0..6 {
        let random = &mut Rng::with_seed(seed);
        let top = tempfile::tempdir().unwrap();
        let source = top.path().join("source");
        fs::create_dir(&source).unwrap();
        for _ in 0..60 {
            let (directories, _) = below(&source);
            let directory = &directories[random.usize(..directories.len())];
            make(random, directory);
        }
        let repository = init(&top.path().join("repository"));
        let mut parent = back_up(&repository, &source, None);
        assert_is_in(&repository, &parent.snapshot, &source);
        for _ in 0..4 {
            change(random, &source);
            let next = back_up(&repository, &source, Some(&parent));
            assert_is_in(&repository, &next.snapshot, &source);
            // Reading everything anew finds the same tree.
            let full = back_up(&repository, &source, None);
            let tree = |report: &Report| subtree(&repository, &report.snapshot, &source);
            assert_eq!(tree(&full), tree(&next), "seed {seed}");
            parent = next;
        }
    }
}

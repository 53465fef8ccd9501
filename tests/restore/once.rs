//! A restore from a storage away from this host reads nothing of a pack twice.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::indexed::Indexed;
use freezerd::repository::node::Node;
use freezerd::repository::snapshot::Snapshot;
use freezerd::restore::Options;
use freezerd::storage::memory::Memory;
use freezerd::storage::{FileKind, FileName};

use crate::made::Made;
use crate::support::{assert_whole, in_memory, run};

/// A tree, and the content that each file of it must have.
struct Tree {
    made: Made,
    random: fastrand::Rng,
    nodes: Vec<Node>,
    contents: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    fn new() -> Tree {
        Tree {
            made: Made::far(),
            random: fastrand::Rng::with_seed(7),
            nodes: Vec::new(),
            contents: BTreeMap::new(),
        }
    }

    fn piece(&mut self, length: usize) -> Vec<u8> {
        let mut piece = vec![0; length];
        self.random.fill(&mut piece);
        piece
    }

    fn file(&mut self, directory: &str, name: &str, pieces: &[&[u8]]) -> Node {
        let path = Path::new(directory).join(name);
        self.contents.insert(path, pieces.concat());
        self.made.file(name, pieces)
    }

    fn directory(&mut self, name: &str, nodes: &[Node]) {
        let node = self.made.directory(name, nodes);
        self.nodes.push(node);
    }

    fn finish(self) -> (Memory, BTreeMap<PathBuf, Vec<u8>>, Indexed, Snapshot) {
        let memory = self.made.memory.clone();
        let (indexed, snapshot) = self.made.finish(&self.nodes);
        (memory, self.contents, indexed, snapshot)
    }
}

/// Small files with large ones between them, whose pieces lie between theirs in the packs.
fn mixed(directories: usize) -> Tree {
    let mut tree = Tree::new();
    for number in 0..directories {
        let directory = format!("{number:02}");
        let mut nodes = Vec::new();
        for file in 0..60 {
            let name = format!("{file:02}");
            let random = |tree: &mut Tree, most| {
                let length = tree.random.usize(1..most);
                tree.piece(length)
            };
            let node = match file {
                10 | 30 => {
                    let pieces: Vec<Vec<u8>> = (0..5).map(|_| random(&mut tree, 90_000)).collect();
                    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
                    tree.file(&directory, &name, &pieces)
                }
                // The piece of a large file is also the content of a small one, and of another large one.
                20 => {
                    let (first, second) = (random(&mut tree, 5000), random(&mut tree, 5000));
                    nodes.push(tree.file(&directory, "20 a", &[&second]));
                    nodes.push(tree.file(&directory, "20 b", &[&second, &second, &first]));
                    tree.file(&directory, "20 c", &[&first, &second, &first])
                }
                // Mostly a hole.
                40 => {
                    let (first, zeros) = (random(&mut tree, 9000), vec![0; 200_000 + number]);
                    tree.file(&directory, &name, &[&first, &zeros, &zeros, &zeros])
                }
                41 => tree.file(&directory, &name, &[]),
                42 => tree.file(&directory, &name, &[b"linked"]),
                43 | 44 => {
                    let same = vec![number as u8; 100];
                    tree.file(&directory, &name, &[&same])
                }
                _ => {
                    let piece = random(&mut tree, 3000);
                    tree.file(&directory, &name, &[&piece])
                }
            };
            nodes.push(node);
            if file == 42
                && let Some(linked) = nodes.last_mut()
            {
                (linked.links, linked.inode) = (directories as u64, 5);
            }
        }
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        tree.directory(&directory, &nodes);
    }
    tree
}

/// The parts of packs that were read, without those of trees.
fn read_of_packs(memory: &Memory, indexed: &Indexed, before: usize) -> Vec<(FileName, Range<u64>)> {
    let mut of_trees = HashSet::new();
    for location in indexed.index.blobs(BlobKind::Tree) {
        of_trees.insert(location.pack);
    }
    let mut ranges = memory.ranges().split_off(before);
    ranges.retain(|(file, _)| file.kind == FileKind::Pack && !of_trees.contains(&file.id));
    ranges
}

/// How many bytes were read again.
fn twice(ranges: &[(FileName, Range<u64>)]) -> u64 {
    let mut packs: BTreeMap<FileName, Vec<&Range<u64>>> = BTreeMap::new();
    for (pack, range) in ranges {
        packs.entry(*pack).or_default().push(range);
    }
    let mut twice = 0;
    for ranges in packs.values_mut() {
        ranges.sort_by_key(|range| range.start);
        let mut read = 0;
        for range in ranges {
            twice += read.min(range.end).saturating_sub(range.start);
            read = read.max(range.end);
        }
    }
    twice
}

/// Restores, compares each file, and returns the parts of packs that were read.
fn restored(tree: Tree, window: usize) -> Vec<(FileName, Range<u64>)> {
    let (memory, contents, indexed, snapshot) = tree.finish();
    let host = in_memory();
    let target = host.path().join("target");
    let before = memory.ranges().len();
    let options = Options {
        window,
        ..Options::default()
    };
    assert_whole(&run(&indexed, &snapshot, &target, options).unwrap());
    let ranges = read_of_packs(&memory, &indexed, before);
    for (path, content) in &contents {
        let found = fs::read(target.join(path)).unwrap();
        assert!(found == *content, "{}", path.display());
    }
    let directories = fs::read_dir(&target).unwrap();
    let entries = directories.map(|it| fs::read_dir(it.unwrap().path()).unwrap().count());
    assert_eq!(entries.sum::<usize>(), contents.len());
    ranges
}

#[test]
fn nothing_is_read_twice_where_small_and_large_files_lie_in_the_same_packs() {
    let ranges = restored(mixed(20), 0);
    assert_eq!(twice(&ranges), 0, "{ranges:#?}");
}

#[test]
fn nothing_is_read_twice_where_only_a_part_of_the_pieces_waits_at_a_time() {
    let whole = restored(mixed(20), 0);
    // A pack has about 130 pieces.
    let ranges = restored(mixed(20), 400);
    assert_eq!(twice(&ranges), 0, "{ranges:#?}");
    assert!(
        ranges.len() * 10 <= whole.len() * 13,
        "{} {}",
        ranges.len(),
        whole.len()
    );
}

#[test]
fn holes_and_links_come_back_where_pieces_are_read_in_the_order_of_the_packs() {
    let (_, _, indexed, snapshot) = mixed(3).finish();
    let host = in_memory();
    let target = host.path().join("target");
    let options = Options {
        window: 50,
        ..Options::default()
    };
    assert_whole(&run(&indexed, &snapshot, &target, options).unwrap());
    let about = |path: &str| fs::metadata(target.join(path)).unwrap();
    assert_eq!(about("00/42").nlink(), 3);
    assert_eq!(about("00/42").ino(), about("02/42").ino());
    let sparse = about("01/40");
    assert!(sparse.len() > 600_000 && sparse.blocks() * 512 < 100_000);
}

#[test]
fn a_piece_that_is_too_large_to_be_read_with_others_is_read_once_for_all_its_files() {
    let mut tree = Tree::new();
    let large = tree.piece(5 << 20);
    let mut nodes = Vec::new();
    for number in 0..20 {
        nodes.push(tree.file("a", &format!("{number:02}"), &[&large]));
        let end = tree.piece(10);
        nodes.push(tree.file("a", &format!("{number:02} and more"), &[&large, &end]));
    }
    tree.directory("a", &nodes);
    let ranges = restored(tree, 0);
    assert_eq!(twice(&ranges), 0, "{ranges:#?}");
}

#[test]
fn more_large_files_are_begun_at_a_time_than_a_process_may_have_open() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if limit.current.is_none_or(|current| current > 256) {
        // The limit counts for a whole process, so this test runs again in one of its own.
        let name = "once::more_large_files_are_begun_at_a_time_than_a_process_may_have_open";
        let again = "ulimit -n 256; exec \"$0\" \"$1\" --exact --nocapture";
        let program = std::env::current_exe().unwrap();
        let ran = Command::new("sh")
            .args(["-c", again])
            .arg(program)
            .arg(name)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{told}");
        return;
    }
    let mut tree = Tree::new();
    let firsts: Vec<Vec<u8>> = (0..3000).map(|_| tree.piece(500)).collect();
    for first in &firsts {
        tree.made.data(first);
    }
    // Far from the first pieces.
    for _ in 0..20 {
        let other = tree.piece(1 << 20);
        tree.made.data(&other);
    }
    let mut nodes = Vec::new();
    for (number, first) in firsts.iter().enumerate() {
        let second = tree.piece(500);
        nodes.push(tree.file("a", &format!("{number:04}"), &[first, &second]));
    }
    tree.directory("a", &nodes);
    let ranges = restored(tree, 0);
    assert_eq!(twice(&ranges), 0, "{ranges:#?}");
    assert!(ranges.len() < 20, "{ranges:#?}");
}

#[test]
fn only_a_piece_that_files_far_from_each_other_share_is_read_again() {
    let mut tree = mixed(10);
    let shared = tree.piece(1000);
    let first = tree.file("50", "first", &[&shared]);
    tree.directory("50", &[first]);
    for number in 51..60 {
        let directory = number.to_string();
        let mut nodes = Vec::new();
        for file in 0..100 {
            let piece = tree.piece(2000);
            nodes.push(tree.file(&directory, &format!("{file:02}"), &[&piece]));
        }
        tree.directory(&directory, &nodes);
    }
    let last = tree.file("60", "last", &[&shared]);
    tree.directory("60", &[last]);
    let ranges = restored(tree, 400);
    let sealed = twice(&ranges);
    assert!((1000..1100).contains(&sealed), "{sealed} {ranges:#?}");
}

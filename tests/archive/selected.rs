//! What is left out, and trees that are hard to walk.

use std::fs;
use std::path::{Path, PathBuf};

use freezerd::repository::indexed::Indexed;
use freezerd::source::patterns::Patterns;
use freezerd::source::tree::Tree;
use freezerd::source::tree::selection::{Marker, Selection};

use crate::restic_support::init;
use crate::support::{back_up, entries, try_back_up};

fn kept(source: &Path, selection: Selection) -> Vec<PathBuf> {
    let top = tempfile::tempdir().unwrap();
    let repository = init(top.path());
    let tree = Tree {
        top: source.to_owned(),
        selection,
    };
    let report = try_back_up(&repository, vec![tree], None).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let indexed = Indexed::load(repository).unwrap();
    entries(&indexed, &report.snapshot)
        .into_keys()
        .filter_map(|path| Some(path.strip_prefix(source).ok()?.to_owned()))
        .filter(|path| path != Path::new(""))
        .collect()
}

fn write(top: &Path, name: &str, content: &str) {
    let path = top.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn patterns_markers_and_sizes_leave_entries_out() {
    let top = tempfile::tempdir().unwrap();
    let cache = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a test";
    for (name, content) in [
        ("a.log", "x"),
        ("keep.log", "x"),
        ("large", "0123456789"),
        ("cache/CACHEDIR.TAG", cache),
        ("cache/data", "x"),
        ("fake/CACHEDIR.TAG", "something else"),
        ("fake/data", "x"),
        ("marked/.nobackup", ""),
        ("marked/below/data", "x"),
    ] {
        write(top.path(), name, content);
    }
    let (exclude, faults) = Patterns::new(top.path(), &["*.log", "!keep.log"]);
    assert_eq!(faults, []);
    let selection = Selection {
        exclude,
        exclude_if_present: vec![
            Marker::cache_directory(),
            Marker {
                name: b".nobackup".to_vec(),
                header: Vec::new(),
            },
        ],
        larger_than: Some(5),
        ..Selection::default()
    };
    // The markers themselves are small enough only where they have no header.
    let kept = kept(top.path(), selection);
    let names: Vec<_> = kept.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "cache",
            "fake",
            "fake/data",
            "keep.log",
            "marked",
            "marked/.nobackup"
        ]
    );
}

#[test]
fn another_file_system_is_an_empty_directory_where_the_job_stays_on_one() {
    let selection = Selection {
        one_file_system: true,
        ..Selection::default()
    };
    let kept = kept(Path::new("/dev"), selection);
    let mounted = Path::new("shm");
    let at_it = kept.iter().filter(|path| path.starts_with(mounted));
    assert_eq!(at_it.count(), 1);
}

#[test]
fn a_tree_that_is_deeper_than_any_path_is_backed_up_with_few_descriptors() {
    let top = tempfile::tempdir().unwrap();
    let source = top.path().join("source");
    fs::create_dir(&source).unwrap();
    let depth = 3000;
    let mut directory = rustix::fs::open(
        &source,
        rustix::fs::OFlags::DIRECTORY,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    for _ in 0..depth {
        // A second directory beside each one, so that there is something to come back to.
        for name in ["a", "deep"] {
            rustix::fs::mkdirat(&directory, name, rustix::fs::Mode::RWXU).unwrap();
        }
        directory = rustix::fs::openat(
            &directory,
            "deep",
            rustix::fs::OFlags::DIRECTORY,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
    }
    let repository = init(&top.path().join("repository"));
    let first = back_up(&repository, &source, None);
    let indexed = Indexed::load(repository.clone()).unwrap();
    let below = entries(&indexed, &first.snapshot);
    assert!(below.len() >= 2 * depth);
    let second = back_up(&repository, &source, Some(&first));
    let summary = second.snapshot.summary.unwrap();
    assert!(summary.dirs_unmodified as usize >= 2 * depth);
}

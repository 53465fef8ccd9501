//! Parts of a snapshot.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use freezerd::repository::indexed::Indexed;
use freezerd::repository::snapshot::Snapshot;
use freezerd::restore::error::ErrorKind;
use freezerd::restore::select::{Filter, Selection};
use freezerd::restore::{Request, restore};
use freezerd::source::patterns::Patterns;

use crate::made::Made;
use crate::support::{assert_whole, below, look, request};

fn sample() -> (Indexed, Snapshot) {
    let mut made = Made::new();
    let docs = [made.file("a.txt", &[b"a"]), made.file("b.o", &[b"b"])];
    let nodes = [made.file("c.txt", &[b"c"]), made.directory("docs", &docs)];
    let home = [made.directory("home", &nodes)];
    let (indexed, mut snapshot) = made.finish(&home);
    snapshot.paths = vec!["/home".into()];
    (indexed, snapshot)
}

fn names(target: &Path) -> Vec<String> {
    let look = below(look(target));
    look.keys().map(|path| path.display().to_string()).collect()
}

#[test]
fn a_directory_or_a_file_by_its_path_goes_into_the_target() {
    let (indexed, snapshot) = sample();
    for (path, expected) in [
        ("/home", vec!["c.txt", "docs", "docs/a.txt", "docs/b.o"]),
        ("/home/docs", vec!["a.txt", "b.o"]),
        ("home/docs/a.txt", vec!["a.txt"]),
    ] {
        let target = tempfile::tempdir().unwrap();
        let report = restore(&Request {
            selection: Selection::Path(Path::new(path)),
            ..request(&indexed, &snapshot, target.path())
        })
        .unwrap();
        assert_whole(&report);
        assert_eq!(names(target.path()), expected);
    }
    let target = tempfile::tempdir().unwrap();
    for path in ["/docs", "/home/docs/a.txt/x", "/home/none"] {
        let refused = restore(&Request {
            selection: Selection::Path(Path::new(path)),
            ..request(&indexed, &snapshot, target.path())
        });
        assert_eq!(refused.unwrap_err().kind, ErrorKind::NotInSnapshot);
    }
}

#[test]
fn patterns_choose_and_directories_are_made_only_where_they_are_needed() {
    let (indexed, snapshot) = sample();
    let patterns = |texts: &[&str]| Patterns::new(Path::new("/home"), texts).0;
    for (include, exclude, expected) in [
        (&[][..], &["*.o"][..], vec!["c.txt", "docs", "docs/a.txt"]),
        (&["c.*"], &[], vec!["c.txt"]),
        (&["/docs"], &["a.*"], vec!["docs", "docs/b.o"]),
        (&["*.o"], &[], vec!["docs", "docs/b.o"]),
        (&["nothing"], &[], vec![]),
    ] {
        let target = tempfile::tempdir().unwrap();
        let report = restore(&Request {
            filter: Filter {
                include: patterns(include),
                exclude: patterns(exclude),
                only: None,
            },
            ..request(&indexed, &snapshot, target.path())
        })
        .unwrap();
        assert_whole(&report);
        assert_eq!(names(target.path()), expected);
        if let Ok(docs) = fs::metadata(target.path().join("docs")) {
            assert_eq!((docs.mode() & 0o7777, docs.mtime()), (0o755, 1_500_000_000));
        }
    }
}

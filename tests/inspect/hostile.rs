//! Trees that no honest backup makes: the commands stay bounded in time and memory, and nothing leads anywhere.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};

use freezerd::inspect::diff::side::SnapshotSide;
use freezerd::inspect::diff::{Told, diff};
use freezerd::inspect::dump::{self, DumpError, OmissionKind};
use freezerd::inspect::find::names::NameQuery;
use freezerd::inspect::find::{Found, Query, Search};
use freezerd::inspect::list::{Listed, list};
use freezerd::inspect::path::{self, PathError, Target};
use freezerd::inspect::stats::Collector;
use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::node::{Node, NodeKind, NodeProblem};
use freezerd::storage::id::Id;

use crate::samples::trees::{Trees, directory, file};

/// Each tree names the next one twice: every entry of the last one is there 2^100 times.
fn doubling(trees: &mut Trees, last: &[Node]) -> Id {
    let mut tree = trees.tree(last);
    for _ in 0..100 {
        tree = trees.tree(&[directory("a", tree), directory("b", tree)]);
    }
    tree
}

#[test]
fn trees_that_double_are_counted_and_searched_without_visiting_every_path() {
    let mut trees = Trees::new();
    let linked = Node {
        links: 2,
        inode: 7,
        ..file("linked", 5, &[])
    };
    let root = doubling(&mut trees, &[linked, file("x", 1, &[])]);
    let repository = trees.finish();
    let mut collector = Collector::new(&repository);
    let contents = collector.snapshot(root);
    assert_eq!(
        (contents.files, contents.restore_size),
        (u64::MAX, u64::MAX)
    );
    assert_eq!(collector.data().tree_blobs, 101);
    let query = NameQuery::new(&["nothing"], false).unwrap();
    let mut search = Search::new(&repository, Query::Names(query));
    let ended = search.snapshot(root, |_| ControlFlow::Break(()));
    assert!(ended.is_none());
}

#[test]
fn nested_directories_cost_no_stack() {
    let mut trees = Trees::new();
    let mut tree = trees.tree(&[file("x", 0, &[])]);
    for _ in 0..20_000 {
        tree = trees.tree(&[directory("d", tree)]);
    }
    let repository = trees.finish();
    let mut listed = 0_u32;
    let ended = list::<()>(&repository, tree, b"/", true, |_| {
        listed += 1;
        ControlFlow::Continue(())
    });
    assert!(ended.unwrap().is_none());
    assert_eq!(listed, 20_001);
    let path = b"/d".repeat(20_000);
    let found = path::find(&repository, tree, &path).unwrap();
    assert!(matches!(found, Target::Entry(_)));
}

#[test]
fn names_that_lead_out_are_named_and_never_archived() {
    let mut trees = Trees::new();
    let content = trees.blob(BlobKind::Data, b"content");
    let inner = trees.tree(&[file("x", 7, &[content])]);
    let root = trees.tree(&[
        directory("..", inner),
        file("../../etc/passwd", 7, &[content]),
        file("/etc/shadow", 7, &[content]),
        file("good", 7, &[content]),
        file("good", 7, &[content]),
        Node::new("new", NodeKind::Other("irregular".into())),
        Node::new("socket", NodeKind::Socket),
    ]);
    let repository = trees.finish();
    let mut problems = Vec::new();
    let ended = list::<()>(&repository, root, b"/", true, |listed| {
        if let Listed::Entry {
            problem: Some(problem),
            ..
        } = listed
        {
            problems.push(problem);
        }
        ControlFlow::Continue(())
    });
    ended.unwrap();
    let expected = [
        NodeProblem::Name,
        NodeProblem::Name,
        NodeProblem::Name,
        NodeProblem::Duplicate,
        NodeProblem::Kind,
    ];
    assert_eq!(problems, expected);
    let mut archive = Vec::new();
    let archived = dump::archive(&repository, b"/", &Target::Root(root), &mut archive).unwrap();
    assert_eq!((archived.entries, archived.problems), (1, 5));
    let kinds = archived.omissions.iter().map(|it| it.kind);
    assert_eq!(
        kinds.filter(|kind| *kind == OmissionKind::Socket).count(),
        1
    );
    let names = listed_by_tar(&archive);
    assert_eq!(names, "good\n");
    for (name, expected) in [
        ("..", "Unusable"),
        ("new", "Unusable"),
        ("good/x", "NotADirectory"),
    ] {
        let error = path::find(&repository, root, name.as_bytes()).unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    }
    let missing = path::find(&repository, Id::of(b"none"), b"x").unwrap_err();
    assert!(matches!(missing, PathError::Unreadable { .. }));
}

fn listed_by_tar(archive: &[u8]) -> String {
    let mut tar = Command::new("tar")
        .arg("-t")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(archive).unwrap();
    let output = tar.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Counts bytes, and can take a limited number of them only.
struct Sink {
    taken: u64,
    most: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.taken += bytes.len() as u64;
        match self.taken <= self.most {
            true => Ok(bytes.len()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sink(most: u64) -> Sink {
    Sink { taken: 0, most }
}

#[test]
fn a_file_whose_pieces_do_not_have_its_size_is_an_error() {
    let mut trees = Trees::new();
    let content = trees.blob(BlobKind::Data, b"content");
    let gone = Id::of(b"gone");
    let nodes = [
        file("huge", 1 << 63, &[content]),
        file("long", 6, &[content]),
        file("short", 8, &[content]),
        file("missing", 7, &[gone]),
    ];
    let roots: Vec<Id> = nodes
        .iter()
        .map(|node| trees.tree(std::slice::from_ref(node)))
        .collect();
    let repository = trees.finish();
    for (node, root) in nodes.iter().zip(roots) {
        let target = Target::Root(root);
        let errors = [
            dump::file(&repository, b"/x", node, &mut sink(0)).unwrap_err(),
            dump::archive(&repository, b"/", &target, &mut sink(u64::MAX)).unwrap_err(),
        ];
        for error in errors {
            match node.name.as_slice() {
                b"missing" => assert!(matches!(error, DumpError::Unreadable { .. })),
                _ => assert!(matches!(error, DumpError::WrongSize { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn an_output_that_fails_ends_a_dump_that_would_never_end() {
    let mut trees = Trees::new();
    let root = doubling(&mut trees, &[file("x", 0, &[])]);
    let zeros = trees.blob(BlobKind::Data, &vec![0; 1 << 20]);
    let endless = file("endless", 100_000 << 20, &vec![zeros; 100_000]);
    let repository = trees.finish();
    let error = dump::file(&repository, b"/x", &endless, &mut sink(50 << 20)).unwrap_err();
    assert!(matches!(error, DumpError::Output(_)), "{error}");
    let error = dump::archive(&repository, b"/", &Target::Root(root), &mut sink(5 << 10));
    assert!(matches!(error.unwrap_err(), DumpError::Output(_)));
}

#[test]
fn what_stands_for_more_entries_than_can_exist_is_refused_by_all_that_visit_each_path() {
    let mut trees = Trees::new();
    let root = doubling(&mut trees, &[file("x", 0, &[])]);
    let other = doubling(&mut trees, &[file("x", 0, &[]), file("y", 0, &[])]);
    let inner = trees.tree(&[directory("d", root)]);
    let repository = trees.finish();
    let mut told = Vec::new();

    let ended = list::<()>(&repository, inner, b"/d", true, |listed| {
        if let Listed::Unreadable { path, error, .. } = listed {
            told.push(format!("{}: {error}", path.escape_ascii()));
        }
        ControlFlow::Continue(())
    });
    assert!(ended.unwrap().is_none());

    for pattern in ["x", "/a/b/**/x"] {
        let query = NameQuery::new(&[pattern], false).unwrap();
        let mut search = Search::new(&repository, Query::Names(query));
        let ended = search.snapshot::<()>(root, |found| {
            if let Found::Unreadable { path, error, .. } = found {
                told.push(format!("{}: {error}", path.escape_ascii()));
            }
            ControlFlow::Continue(())
        });
        assert!(ended.is_none());
    }

    let (mut one, mut two) = (
        SnapshotSide::new(&repository, root),
        SnapshotSide::new(&repository, other),
    );
    let compared = diff::<(), _>(&mut one, &mut two, |it| {
        if let Told::Unreadable { path, error, .. } = it {
            told.push(format!("{}: {error}", path.escape_ascii()));
        }
        ControlFlow::Continue(())
    });
    assert!(compared.is_continue());

    let target = Target::Root(root);
    let refused = dump::refuse_endless(&repository, b"/", &target).unwrap_err();
    told.push(refused.to_string());
    let refused = dump::archive(&repository, b"/", &target, &mut sink(u64::MAX)).unwrap_err();
    told.push(refused.to_string());

    let why = |root: Id| {
        format!("cannot read the tree blob {root}: it stands for more entries than can exist")
    };
    let said = format!("/: {}", why(root));
    let of_directory = format!("/d: {}", why(root));
    let expected = [&of_directory, &said, &said, &said, &said, &said];
    assert_eq!(told.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_search_and_the_figures_name_entries_that_are_not_usable() {
    let mut trees = Trees::new();
    let inner = trees.tree(&[file("b", 1, &[]), file("a", 1, &[])]);
    let root = trees.tree(&[
        directory("..", inner),
        directory("d", inner),
        directory("e", inner),
        directory("lost", Id::of(b"lost")),
    ]);
    let repository = trees.finish();
    for _ in 0..2 {
        let query = NameQuery::new(&["nothing"], false).unwrap();
        let mut search = Search::new(&repository, Query::Names(query));
        let mut told = Vec::new();
        let ended = search.snapshot::<()>(root, |found| {
            told.push(match found {
                Found::Unusable { path, problem } => {
                    format!("{}: {problem:?}", path.escape_ascii())
                }
                Found::Unreadable { path, .. } => path.escape_ascii().to_string(),
                _ => "found".to_owned(),
            });
            ControlFlow::Continue(())
        });
        assert!(ended.is_none());
        assert_eq!(told, ["/..: Name", "/d/a: Order", "/e/a: Order", "/lost"]);
    }
    let mut collector = Collector::new(&repository);
    let contents = collector.snapshot(root);
    assert_eq!((contents.files, contents.directories), (2, 3));
    assert_eq!((contents.unusable, contents.unreadable), (3, 1));
    let told = collector.take_uncounted();
    let paths: Vec<String> = told
        .iter()
        .map(|it| it.path.escape_ascii().to_string())
        .collect();
    // A tree is read once, and what is in it has its first path.
    assert_eq!(paths, ["/..", "/d/a", "/lost"]);
    // Another snapshot with the same trees has the same figures.
    assert_eq!(collector.snapshot(root), contents);
    assert!(collector.take_uncounted().is_empty());
}

#[test]
fn files_that_only_look_like_one_file_are_archived_as_two() {
    let mut trees = Trees::new();
    let one = trees.blob(BlobKind::Data, b"one");
    let two = trees.blob(BlobKind::Data, b"two");
    let linked = |name, content| Node {
        links: 3,
        inode: 9,
        ..file(name, 3, &[content])
    };
    let root = trees.tree(&[linked("a", one), linked("b", one), linked("c", two)]);
    let repository = trees.finish();
    let mut archive = Vec::new();
    dump::archive(&repository, b"/", &Target::Root(root), &mut archive).unwrap();
    let types: Vec<u8> = archive
        .chunks(512)
        .filter(|block| block[257..].starts_with(b"ustar") && block[156] != b'x')
        .map(|block| block[156])
        .collect();
    assert_eq!(types, b"010");
}

#[test]
fn a_search_names_a_directory_that_cannot_be_read_for_every_snapshot() {
    let mut trees = Trees::new();
    let lost = Id::of(b"lost");
    let one = trees.tree(&[directory("d", lost)]);
    let other = trees.tree(&[directory("d", lost), file("x", 0, &[])]);
    let repository = trees.finish();
    let query = NameQuery::new(&["x"], false).unwrap();
    let mut search = Search::new(&repository, Query::Names(query));
    let mut told = Vec::new();
    for root in [one, other, one] {
        let ended = search.snapshot::<()>(root, |found| {
            told.push(match found {
                Found::Unreadable { path, .. } | Found::Unusable { path, .. } => {
                    format!("!{}", path.escape_ascii())
                }
                Found::Entry { path, .. } => path.escape_ascii().to_string(),
                Found::Root { .. } => String::new(),
            });
            ControlFlow::Continue(())
        });
        assert!(ended.is_none());
    }
    assert_eq!(told, ["!/d", "!/d", "/x", "!/d"]);
}

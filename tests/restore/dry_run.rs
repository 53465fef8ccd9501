//! A dry run changes nothing, and says exactly what the restore then does.

use std::fs;
use std::path::Path;

use freezerd::repository::node::{Node, NodeKind};
use freezerd::restore::report::{Change, ChangeKind};
use freezerd::restore::{DeleteExtra, Options, Request, restore};

use crate::made::{Made, plain};
use crate::support::{Changes, assert_same, look, problems, request};

#[test]
fn a_dry_run_says_what_the_restore_then_does() {
    let mut made = Made::new();
    let inner = [
        made.file("x", &[b"inner"]),
        made.file("y", &[b"in", b"ner"]),
    ];
    let linked = |made: &mut Made, name: &str| Node {
        links: 2,
        inode: 5,
        ..made.file(name, &[b"linked"])
    };
    let nodes = [
        made.directory("a", &inner),
        made.directory("b", &inner),
        linked(&mut made, "c"),
        linked(&mut made, "d"),
        made.file("e", &[b"same"]),
        made.file("f", &[b"one", b"two"]),
        Node {
            link_target: b"e".to_vec(),
            ..plain("g", NodeKind::Symlink)
        },
        plain("h", NodeKind::Fifo),
    ];
    let (indexed, snapshot) = made.finish(&nodes);
    for overwrite in [false, true] {
        let top = tempfile::tempdir().unwrap();
        let target = top.path().join("target");
        fs::create_dir_all(target.join("b/extra")).unwrap();
        fs::write(target.join("b/y"), "other").unwrap();
        fs::write(target.join("d"), "linked").unwrap();
        fs::write(target.join("e"), "same").unwrap();
        fs::create_dir_all(target.join("g/full")).unwrap();
        fs::write(target.join("extra"), "").unwrap();
        let before = look(top.path());
        let mut said = Vec::new();
        for dry_run in [true, false] {
            let changes = Changes::default();
            let keep = |_: &Path, _| false;
            let report = restore(&Request {
                options: Options {
                    overwrite,
                    dry_run,
                    ..Options::default()
                },
                delete_extra: Some(DeleteExtra {
                    partial: false,
                    keep: &keep,
                }),
                observer: &changes,
                ..request(&indexed, &snapshot, &target)
            })
            .unwrap();
            if dry_run {
                assert_same(&before, &look(top.path()));
            }
            let numbers = (
                report.files,
                report.written,
                report.identical,
                report.removed,
            );
            said.push((changes.sorted(), problems(&report), numbers, report.updated));
        }
        assert_eq!(said[0], said[1]);
        let has = |path: &str, kind| {
            let path = path.into();
            said[0].0.contains(&Change { path, kind })
        };
        assert!(has("a", ChangeKind::Create) && has("a/x", ChangeKind::Create));
        assert_eq!(has("b/y", ChangeKind::Replace), overwrite);
        assert_eq!(has("e", ChangeKind::Update), overwrite);
        // Without overwrite something is kept, so nothing is deleted.
        assert_eq!(has("extra", ChangeKind::Remove), overwrite);
    }
}

#[test]
fn a_dry_run_into_a_target_that_does_not_exist_makes_nothing() {
    let mut made = Made::new();
    let inner = [made.file("x", &[b"inner"])];
    let nodes = [made.directory("a", &inner), made.file("b", &[b"b"])];
    let (indexed, snapshot) = made.finish(&nodes);
    let top = tempfile::tempdir().unwrap();
    let changes = Changes::default();
    let report = restore(&Request {
        options: Options {
            dry_run: true,
            ..Options::default()
        },
        observer: &changes,
        ..request(&indexed, &snapshot, &top.path().join("new"))
    })
    .unwrap();
    assert_eq!((report.written, report.bytes), (2, 6));
    assert_eq!(changes.sorted().len(), 3);
    assert!(!top.path().join("new").exists());
}

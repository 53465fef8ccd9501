//! What a comparison cannot read.

use std::ops::ControlFlow;

use freezerd::inspect::diff::side::SnapshotSide;
use freezerd::inspect::diff::{Told, diff};
use freezerd::repository::node::{Node, NodeKind};
use freezerd::storage::id::Id;

use crate::samples::trees::{Trees, directory, file};

#[test]
fn what_one_side_cannot_tell_is_neither_added_nor_removed() {
    let mut trees = Trees::new();
    let inner = trees.tree(&[file("x", 0, &[]), file("y", 0, &[])]);
    let whole = [
        directory("d", inner),
        file("f", 0, &[]),
        file("odd", 0, &[]),
    ];
    let before = trees.tree(&whole);
    let after = trees.tree(&[
        directory("d", Id::of(b"nobody has this tree")),
        file("f", 0, &[]),
        file("g", 0, &[]),
        Node::new("odd", NodeKind::Other("irregular".into())),
    ]);
    let repository = trees.finish();
    let lost = Id::of(b"nor this one");
    for (one, other, expected, not_compared) in [
        (before, after, &["+ /g"][..], 2),
        (after, before, &["- /g"], 2),
        (before, lost, &[], 1),
        (lost, before, &[], 1),
    ] {
        let mut seen = Vec::new();
        let mut sides = [one, other].map(|tree| SnapshotSide::new(&repository, tree));
        let [one, other] = &mut sides;
        let done = diff::<(), _>(one, other, |told| {
            if let Told::Changed { path, change, .. } = told {
                let path = String::from_utf8_lossy(path);
                seen.push(format!("{} {path}", change.marker()));
            }
            ControlFlow::Continue(())
        });
        let ControlFlow::Continue(statistics) = done else {
            panic!("nothing ends it");
        };
        let expected: Vec<String> = expected.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(seen, expected);
        assert_eq!(statistics.not_compared, not_compared);
        assert_eq!(
            statistics.removed.files + statistics.added.files,
            seen.len() as u64
        );
    }
}

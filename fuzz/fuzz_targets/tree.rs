//! Any bytes as a tree: entries without a problem have names that stay in their directory and are in order, and they are
//! written to a tree that is read in the same way.
#![no_main]

use freezerd::repository::tree::{TreeBuilder, read};
use freezerd::storage::id::Id;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut nodes = Vec::new();
    let read_whole = read(Id::of(bytes), bytes, |node, problem| {
        if problem.is_none() {
            nodes.push(node);
        }
    });
    if read_whole.is_err() {
        return;
    }
    let mut tree = TreeBuilder::new();
    for node in &nodes {
        assert!(!matches!(&node.name[..], b"" | b"." | b".."));
        assert!(!node.name.contains(&b'/') && !node.name.contains(&0));
        tree.add(node).expect("in order");
    }
    let text = tree.finish();
    let mut again = Vec::new();
    read(Id::of(&text), &text, |node, problem| {
        assert_eq!(problem, None);
        again.push(node);
    })
    .expect("our own tree");
    assert_eq!(nodes, again);
});

//! The cost of the repository format for each byte and each blob: `cargo bench --bench repository`.

use divan::Bencher;
use divan::counter::BytesCount;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::crypto::{Cipher, EXTENSION, IV_LENGTH, SecretKeys};
use freezerd::repository::node::{Node, NodeKind};
use freezerd::repository::packer::Encoder;
use freezerd::repository::time::Time;
use freezerd::repository::tree::{self, TreeBuilder};
use freezerd::storage::id::Id;

fn main() {
    divan::main();
}

const MEGABYTE: usize = 1 << 20;

fn cipher() -> Cipher {
    Cipher::new(&SecretKeys::random().expect("random numbers"))
}

#[divan::bench(args = [4096, 65_536, MEGABYTE])]
fn seal(bencher: Bencher, length: usize) {
    let cipher = cipher();
    let mut buffer = Vec::with_capacity(length + EXTENSION);
    bencher.counter(BytesCount::new(length)).bench_local(|| {
        buffer.resize(IV_LENGTH + length, 0);
        cipher.seal(&mut buffer, 0)
    });
}

#[divan::bench(args = [4096, MEGABYTE])]
fn open(bencher: Bencher, length: usize) {
    let cipher = cipher();
    let sealed = cipher.seal_copy(&vec![7; length]).expect("sealed");
    let mut buffer = sealed.clone();
    bencher.counter(BytesCount::new(length)).bench_local(|| {
        buffer.copy_from_slice(&sealed);
        cipher.open(&mut buffer).map(|text| text.len())
    });
}

#[divan::bench]
fn id_of_a_megabyte(bencher: Bencher) {
    let content = vec![7; MEGABYTE];
    bencher
        .counter(BytesCount::new(MEGABYTE))
        .bench_local(|| Id::of(&content));
}

/// This many bytes, either random or of source text.
fn content(random: bool, length: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(1);
    if random {
        return (0..length).map(|_| rng.u8(..)).collect();
    }
    let sources = include_bytes!("../src/repository/time.rs");
    let mut text: Vec<u8> = sources.iter().copied().cycle().take(length).collect();
    for _ in 0..length / 40 {
        let at = rng.usize(..length);
        text[at] = rng.alphanumeric() as u8;
    }
    text
}

#[divan::bench(args = [(false, 8192), (false, MEGABYTE), (true, 8192), (true, MEGABYTE)])]
fn encode_blob(bencher: Bencher, (random, length): (bool, usize)) {
    let content = content(random, length);
    let cipher = cipher();
    let mut encoder = Encoder::new(3);
    let mut out = Vec::new();
    let name = BlobName {
        kind: BlobKind::Data,
        id: Id::of(&content),
    };
    bencher.counter(BytesCount::new(length)).bench_local(|| {
        out.clear();
        encoder.encode(&cipher, name, &content, &mut out)
    });
}

fn nodes() -> Vec<Node> {
    (0..1000)
        .map(|number| {
            let mut node = Node::new(format!("file-{number:04}.c"), NodeKind::File);
            let time = Time {
                seconds: 1_700_000_000 + number,
                nanoseconds: 123_456_789,
                offset_minutes: 60,
            };
            (node.mtime, node.atime, node.ctime) = (time, time, time);
            (node.user, node.group) = ("root".into(), "root".into());
            (node.mode, node.inode, node.size, node.links) = (0o644, 1 << 33, 9999, 1);
            node.content = Some(vec![Id::of(&number.to_le_bytes())]);
            node
        })
        .collect()
}

fn text_of(nodes: &[Node]) -> Vec<u8> {
    let mut tree = TreeBuilder::new();
    for node in nodes {
        tree.add(node).expect("in order");
    }
    tree.finish()
}

#[divan::bench]
fn write_a_tree_of_1000(bencher: Bencher) {
    let nodes = nodes();
    let length = text_of(&nodes).len();
    bencher
        .counter(BytesCount::new(length))
        .bench_local(|| text_of(&nodes));
}

#[divan::bench]
fn read_a_tree_of_1000(bencher: Bencher) {
    let text = text_of(&nodes());
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| {
            let mut count = 0;
            tree::read(Id::default(), &text, |_, _| count += 1).map(|()| count)
        });
}

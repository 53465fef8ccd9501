//! Any bytes as an index document: what is read is written to a document that is read in the same way.
#![no_main]

use freezerd::repository::index::file::{IndexWriter, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut packs = Vec::new();
    if parse(bytes, |pack, blobs| packs.push((pack, blobs.to_vec()))).is_err() {
        return;
    }
    let mut writer = IndexWriter::new();
    for (pack, blobs) in &packs {
        writer.add(*pack, blobs);
    }
    let mut again = Vec::new();
    if let Some(document) = writer.take() {
        parse(&document, |pack, blobs| again.push((pack, blobs.to_vec()))).expect("our own index");
    }
    assert_eq!(packs, again);
});

//! Any bytes as what a REST server answers when it lists files. Each entry is a file or a stray, and the text that a
//! server writes for what was read is read in the same way.
#![no_main]

use freezerd::storage::FileKind;
use freezerd::storage::rest::listing::parse;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let Ok(listing) = parse(bytes, FileKind::Pack) else {
        return;
    };
    let files = listing
        .files
        .iter()
        .map(|file| (file.id.to_string(), file.size));
    let strays = listing.strays.iter().map(|stray| {
        let name = stray.path.strip_prefix("data/").expect("the directory");
        (name.to_owned(), 0)
    });
    let entries: Vec<_> = files
        .chain(strays)
        .map(|(name, size)| json!({ "name": name, "size": size }))
        .collect();
    let text = serde_json::to_vec(&entries).expect("a document");
    let again = parse(&text[..], FileKind::Pack).expect("our own listing");
    assert_eq!(again.files, listing.files);
    assert_eq!(again.strays, listing.strays);
});

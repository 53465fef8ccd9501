//! Any bytes as a file of patterns, and behind a zero byte the paths to match them with. The decision for a list is the
//! one of its last pattern that matches; a path with its special characters escaped matches itself.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use freezerd::inspect::find::names::NameQuery;
use freezerd::inspect::path::names;
use freezerd::repository::node::{Node, NodeKind};
use freezerd::source::patterns::file::lines;
use freezerd::source::patterns::{Decision, Pattern, Patterns};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.split(|byte| *byte == 0);
    let Ok(lines) = lines(parts.next().unwrap_or_default()) else {
        return;
    };
    let texts: Vec<&str> = lines.iter().map(|line| &*line.text).collect();
    let source = Path::new("/srv/data");
    let (patterns, faults) = Patterns::new(source, &texts);
    for (place, fault) in &faults {
        assert_eq!(Pattern::new(source, texts[*place]).err(), Some(*fault));
    }
    let whole: Vec<&str> = (0..texts.len())
        .filter(|place| faults.iter().all(|(bad, _)| bad != place))
        .map(|place| texts[place])
        .collect();
    let queries = [false, true].map(|ignore_case| NameQuery::new(&whole, ignore_case).ok());
    for path in parts {
        // A path has no empty names and no `.` or `..`.
        let path: Vec<&[u8]> = names(path).filter(|name| *name != b"..").collect();
        if path.is_empty() {
            continue;
        }
        let bytes = path.join(&b'/');
        check(&patterns, source, &whole, &bytes);
        let node = Node::new(path[path.len() - 1], NodeKind::Directory);
        for query in queries.iter().flatten() {
            query.matches(&[b"/", &bytes[..]].concat(), &node);
        }
    }
});

fn check(patterns: &Patterns, source: &Path, texts: &[&str], bytes: &[u8]) {
    let path = Path::new(OsStr::from_bytes(bytes));
    for is_directory in [false, true] {
        let decision = patterns.decision(path, is_directory);
        let last = texts.iter().rev().find(|text| {
            let (one, _) = Patterns::new(source, &[**text]);
            !matches!(one.decision(path, is_directory), Decision::NoMatch)
        });
        match (decision, last) {
            (Decision::NoMatch, None) => {}
            (Decision::LeftOut(by) | Decision::Kept(by), Some(text)) => {
                assert_eq!(by.text(), *text);
            }
            (decision, last) => panic!("{decision:?} by {last:?}"),
        }
        let mut flags = Vec::new();
        patterns.note_matches(path, is_directory, &mut flags);
        assert_eq!(
            patterns.without_match(&flags).is_empty(),
            flags.iter().all(|it| *it)
        );
        patterns.leave_out(path, is_directory);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let mut escaped = String::from("/");
        for character in text.chars() {
            if character != '/' {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        let (itself, faults) = Patterns::new(source, &[&escaped]);
        assert!(faults.is_empty());
        assert!(itself.leaves_out_entry(path, false));
        for ignore_case in [false, true] {
            let query = NameQuery::new(&[&escaped], ignore_case).expect("a pattern");
            let name = text.rsplit('/').next().unwrap_or_default();
            let node = Node::new(name, NodeKind::File);
            assert!(query.matches(format!("/{text}").as_bytes(), &node));
        }
    }
}

//! Which entries a search by name finds.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::repository::node::{Node, NodeKind};
use crate::repository::time::Time;
use crate::source::patterns::{Decision, PatternFault, Patterns};

/// Entries by their names, types and times. Each condition that is given has to hold.
#[derive(Debug, Default)]
pub struct NameQuery {
    /// One of them has to match; empty: all do.
    patterns: Vec<Patterns>,
    ignore_case: bool,
    depends_on_place: bool,
    /// One of them; empty: any type.
    pub kinds: Vec<NodeKind>,
    /// Modified at this time or later.
    pub oldest: Option<Time>,
    /// Modified at this time or earlier.
    pub newest: Option<Time>,
}

impl NameQuery {
    /// A query with these patterns, in the language of [`crate::source::patterns`]:
    ///
    /// - without a slash, a pattern matches the name of an entry;
    /// - with a slash at its start, it matches the whole path;
    /// - with slashes inside only, it matches the end of the path;
    /// - with a slash at its end, it matches directories only.
    ///
    /// # Errors
    /// When a pattern cannot be read: its place in the list, and why.
    pub fn new<S: AsRef<str>>(
        texts: &[S],
        ignore_case: bool,
    ) -> Result<NameQuery, (usize, PatternFault)> {
        let mut query = NameQuery {
            ignore_case,
            ..NameQuery::default()
        };
        for (place, text) in texts.iter().enumerate() {
            let pattern = anywhere(text.as_ref());
            let pattern = match ignore_case {
                true => lower_text(&pattern),
                false => pattern,
            };
            query.depends_on_place |= pattern.trim_end_matches('/').contains('/');
            let (patterns, faults) = Patterns::new(Path::new("/"), &[pattern]);
            if let Some((_, fault)) = faults.into_iter().next() {
                return Err((place, fault));
            }
            query.patterns.push(patterns);
        }
        Ok(query)
    }

    /// Whether an entry is found. The path begins with a slash.
    pub fn matches(&self, path: &[u8], node: &Node) -> bool {
        let at = |time: Time| (time.seconds, time.nanoseconds);
        let is_kind = self.kinds.is_empty() || self.kinds.contains(&node.kind);
        let is_late = self.oldest.is_none_or(|it| at(node.mtime) >= at(it));
        let is_early = self.newest.is_none_or(|it| at(node.mtime) <= at(it));
        is_kind && is_late && is_early && self.matches_path(path, node)
    }

    /// Whether it matters in which directory an entry is.
    pub fn depends_on_place(&self) -> bool {
        self.depends_on_place
    }

    fn matches_path(&self, path: &[u8], node: &Node) -> bool {
        if self.patterns.is_empty() {
            return true;
        }
        let below_root = match self.depends_on_place {
            true => path.strip_prefix(b"/").unwrap_or(path),
            // A path can be very long.
            false => &node.name,
        };
        let lowered;
        let path = if self.ignore_case {
            lowered = lower(below_root);
            &lowered
        } else {
            below_root
        };
        let path = Path::new(OsStr::from_bytes(path));
        let is_directory = node.kind == NodeKind::Directory;
        self.patterns
            .iter()
            .any(|patterns| matches!(patterns.decision(path, is_directory), Decision::LeftOut(_)))
    }
}

/// The same pattern as `.gitignore` has it: there, a pattern with a slash inside is anchored, and some characters at the
/// start and at the end have a meaning of their own.
fn anywhere(text: &str) -> String {
    let mut pattern = match text.strip_suffix(' ') {
        Some(rest) if !rest.ends_with('\\') => format!("{rest}\\ "),
        _ => text.to_owned(),
    };
    if pattern.starts_with(['!', '#']) {
        pattern.insert(0, '\\');
    }
    let inside = pattern.trim_end_matches('/');
    if inside.contains('/') && !inside.starts_with('/') {
        pattern.insert_str(0, "**/");
    }
    pattern
}

/// The text in lower case; bytes that are not UTF-8 stay as they are.
fn lower(text: &[u8]) -> Vec<u8> {
    let mut lowered = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        lowered.extend_from_slice(lower_text(chunk.valid()).as_bytes());
        lowered.extend_from_slice(chunk.invalid());
    }
    lowered
}

/// Each character by itself: `str::to_lowercase` writes a sigma at the end of a word in another way, and a pattern has
/// other ends than the names that it matches.
fn lower_text(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_names_whole_paths_and_ends_of_paths() {
        for (pattern, ignore_case, path, expected) in [
            ("passwd", false, "/etc/passwd", true),
            ("passwd", false, "/etc/passwd/x", false),
            ("pass*", false, "/etc/passwd", true),
            ("/etc/passwd", false, "/etc/passwd", true),
            ("/passwd", false, "/etc/passwd", false),
            ("etc/passwd", false, "/old/etc/passwd", true),
            ("etc/passwd", false, "/old/etc/passwd/x", false),
            ("etc/*/x", false, "/a/etc/b/x", true),
            ("/a/**/x", false, "/a/b/c/x", true),
            ("PassWD", false, "/etc/passwd", false),
            ("PassWD", true, "/etc/pAsswd", true),
            ("\u{c4}x", true, "/\u{e4}X", true),
            ("\u{39f}\u{3a3}*", true, "/\u{39f}\u{3a3}\u{391}", true),
            ("\u{3bf}\u{3c3}", true, "/\u{39f}\u{3a3}", true),
            ("!x", false, "/!x", true),
            ("#x", false, "/#x", true),
            ("x ", false, "/x ", true),
            ("x", false, "/x ", false),
            ("dir/", false, "/a/dir", false),
        ] {
            let query = NameQuery::new(&[pattern], ignore_case).unwrap();
            let name = path.rsplit('/').next().unwrap();
            let node = Node::new(name, NodeKind::File);
            let matches = query.matches(path.as_bytes(), &node);
            assert_eq!(matches, expected, "{pattern} {path}");
        }
        let directory = Node::new("dir", NodeKind::Directory);
        let query = NameQuery::new(&["dir/"], false).unwrap();
        assert!(query.matches(b"/a/dir", &directory));
        assert!(!query.depends_on_place());
        assert!(NameQuery::new(&["a/b"], false).unwrap().depends_on_place());
        assert_eq!(NameQuery::new(&["x", "[a"], false).unwrap_err().0, 1);
    }

    #[test]
    fn types_and_times_narrow_a_search() {
        let mut query = NameQuery::new::<&str>(&[], false).unwrap();
        query.kinds = vec![NodeKind::File];
        query.oldest = Some(Time::utc(100, 5));
        query.newest = Some(Time::utc(200, 0));
        for (kind, seconds, nanoseconds, expected) in [
            (NodeKind::File, 150, 0, true),
            (NodeKind::File, 100, 4, false),
            (NodeKind::File, 100, 5, true),
            (NodeKind::File, 200, 0, true),
            (NodeKind::File, 200, 1, false),
            (NodeKind::Symlink, 150, 0, false),
        ] {
            let node = Node {
                mtime: Time::utc(seconds, nanoseconds),
                ..Node::new("x", kind)
            };
            assert_eq!(query.matches(b"/x", &node), expected);
        }
    }
}

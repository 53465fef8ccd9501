//! Shell patterns for paths, with the meaning that `tar --exclude` gives them.
//!
//! - A pattern matches a path when it matches the whole of it or any ending of it that starts after a `/`: `*.log`,
//!   `cache` and `a/cache` all match `/srv/a/cache` or what lies at such a place, anywhere below the source.
//! - `*` stands for any run of characters and `?` for any one, **`/` included**; `[abc]`, `[a-z]`, `[!a-z]` for one of
//!   a set; `\` takes the next character as it is. Case matters.
//! - A pattern that starts with `./` is tied to the source's top, one that starts with `/` to the root of the file
//!   system: they match from there only (tar knows paths below the source alone).
//! - A `/` at the end is ignored (with one, tar's pattern would match nothing). A directory that matches is left out with all that it holds.
//!
//! Paths are bytes; a name that is not UTF-8 is matched byte by byte.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A list of patterns; a path matches when one of them does.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    anywhere: Vec<Vec<u8>>,
    from_top: Vec<Vec<u8>>,
    from_root: Vec<Vec<u8>>,
}

impl Patterns {
    /// From the patterns' text. An empty pattern matches nothing.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Self {
        let mut result = Patterns::default();
        for pattern in patterns {
            let text = pattern.as_ref();
            let trimmed = text.trim_end_matches('/');
            if trimmed.is_empty() {
                continue;
            } else if let Some(rest) = trimmed.strip_prefix("./") {
                result.from_top.push(rest.as_bytes().to_vec());
            } else if trimmed.starts_with('/') {
                result.from_root.push(trimmed.as_bytes().to_vec());
            } else {
                result.anywhere.push(trimmed.as_bytes().to_vec());
            }
        }
        result
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.anywhere.is_empty() && self.from_top.is_empty() && self.from_root.is_empty()
    }

    /// Whether one of the patterns matches this path below this top.
    pub fn matches(&self, top: &Path, path: &Path) -> bool {
        if self.is_empty() {
            return false;
        }
        let relative = path.strip_prefix(top).unwrap_or(path).as_os_str();
        let relative = if relative.is_empty() {
            path.file_name().unwrap_or(OsStr::new(""))
        } else {
            relative
        };
        let relative = relative.as_bytes();
        let absolute = path.as_os_str().as_bytes();
        self.from_root.iter().any(|pattern| glob(pattern, absolute))
            || self.from_top.iter().any(|pattern| glob(pattern, relative))
            || self.anywhere.iter().any(|pattern| {
                glob(pattern, relative)
                    || relative
                        .iter()
                        .enumerate()
                        .any(|(index, &byte)| byte == b'/' && glob(pattern, &relative[index + 1..]))
            })
    }

    /// Whether one of the patterns matches this path or a directory that it lies in, up to the top.
    pub fn cover(&self, top: &Path, path: &Path) -> bool {
        !self.is_empty()
            && path
                .ancestors()
                .take_while(|ancestor| ancestor.starts_with(top))
                .any(|ancestor| self.matches(top, ancestor))
    }
}

/// Whether the pattern matches the whole text. Takes at most (pattern × text) steps.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    // Where to go on when a match fails: after the last `*`, with one more byte of the text swallowed by it.
    let mut retry: Option<(usize, usize)> = None;
    while position < text.len() || at < pattern.len() {
        if at < pattern.len() {
            if pattern[at] == b'*' {
                retry = Some((at + 1, position + 1));
                at += 1;
                continue;
            }
            if position < text.len()
                && let Some(next) = one(pattern, at, text[position])
            {
                at = next;
                position += 1;
                continue;
            }
        }
        match retry {
            Some((after, next)) if next <= text.len() => {
                at = after;
                position = next;
                retry = Some((after, next + 1));
            }
            _ => return false,
        }
    }
    true
}

/// Matches one byte against the pattern's element at this place; the place after it when they match.
fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match pattern[at] {
        b'?' => Some(at + 1),
        b'\\' if at + 1 < pattern.len() => (pattern[at + 1] == byte).then_some(at + 2),
        b'[' => match set(pattern, at, byte) {
            Some((end, inside)) => inside.then_some(end),
            // A bracket that is never closed is just a bracket.
            None => (byte == b'[').then_some(at + 1),
        },
        other => (other == byte).then_some(at + 1),
    }
}

/// Reads a bracket expression: the place after it and whether the byte is in it; `None` when it does not end.
fn set(pattern: &[u8], start: usize, byte: u8) -> Option<(usize, bool)> {
    let mut at = start + 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    if negated {
        at += 1;
    }
    let first = at;
    let mut inside = false;
    loop {
        let mut low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((at + 1, inside != negated));
        }
        if low == b'\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        let mut high = low;
        if pattern.get(at + 1) == Some(&b'-') && !matches!(pattern.get(at + 2), None | Some(b']')) {
            at += 2;
            high = *pattern.get(at)?;
            if high == b'\\' {
                at += 1;
                high = *pattern.get(at)?;
            }
        }
        inside |= (low..=high).contains(&byte);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_tar_excludes() {
        // pattern, path below /top, whether it matches: the answers of GNU tar 1.34 for `tar -C /top .`, except where
        // the pattern ends in `/` or starts with it.
        for (pattern, path, expected) in [
            ("*.log", "a.log", true),
            ("*.log", "deep/down/a.log", true),
            ("*.log", "a.log.gz", false),
            ("cache", "cache", true),
            ("cache", "a/cache", true),
            ("cache", "a/cachet", false),
            ("cache/", "a/cache", true),
            ("a/cache", "x/a/cache", true),
            ("a/cache", "x/aa/cache", false),
            ("a*e", "a/cache", true),
            ("./cache", "cache", true),
            ("./cache", "a/cache", false),
            ("/top/cache", "cache", true),
            ("/top/cache", "top/cache", false),
            ("/cache", "cache", false),
            ("file?", "file1", true),
            ("file?", "file", false),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[]]x", "]x", true),
            ("[", "[", true),
            ("a[", "a[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxbxx", false),
            ("", "a", false),
            ("*", "anything/at/all", true),
        ] {
            let path = Path::new("/top").join(path);
            let found = Patterns::new(&[pattern]).matches(Path::new("/top"), &path);
            assert_eq!(found, expected, "{pattern} on {}", path.display());
        }
    }

    #[test]
    fn a_pattern_that_matches_a_directory_covers_what_is_in_it() {
        let patterns = Patterns::new(&["cache"]);
        let top = Path::new("/top");
        assert!(patterns.cover(top, Path::new("/top/a/cache/deep/file")));
        assert!(!patterns.cover(top, Path::new("/top/a/file")));
    }

    #[test]
    fn the_name_of_a_source_that_is_a_file_is_matched() {
        let path = Path::new("/top/file.db");
        assert!(Patterns::new(&["*.db"]).matches(path, path));
    }

    #[test]
    fn names_that_are_not_utf8_are_matched_byte_by_byte() {
        let path = Path::new("/top").join(OsStr::from_bytes(b"a\xff.log"));
        assert!(Patterns::new(&["a?.log"]).matches(Path::new("/top"), &path));
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = "*a".repeat(60) + "b";
        let text = "a".repeat(4000);
        assert!(
            !Patterns::new(&[pattern]).matches(Path::new("/top"), &Path::new("/top").join(text))
        );
    }
}

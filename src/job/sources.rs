//! The sources of a backup: each once, and none as a part of another one.

use std::path::{Component, Path, PathBuf};

use super::json::Span;

/// A source as a file names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    /// Absolute, without `.` and `..`.
    pub path: PathBuf,
    /// Where the file names it.
    pub span: Span,
}

/// Sources, sorted out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sources {
    /// Sorted. None lies in another one.
    pub tops: Vec<Named>,
    /// Those that lie in one of the tops, each with that top. Sorted.
    pub nested: Vec<(Named, PathBuf)>,
    /// Those that were named before.
    pub repeated: Vec<Named>,
}

impl Sources {
    /// Sorts sources out.
    pub fn new(mut named: Vec<Named>) -> Sources {
        // The sort is stable: of equal ones, the first in the file comes first. Components compare as restic's names
        // do in a tree, and a directory comes directly before all that lies in it.
        named.sort_by(|one, other| one.path.cmp(&other.path));
        let mut sources = Sources::default();
        let mut last: Option<PathBuf> = None;
        for source in named {
            if last.as_ref() == Some(&source.path) {
                sources.repeated.push(source);
                continue;
            }
            last = Some(source.path.clone());
            match sources.tops.last() {
                Some(top) if source.path.starts_with(&top.path) => {
                    let top = top.path.clone();
                    sources.nested.push((source, top));
                }
                _ => sources.tops.push(source),
            }
        }
        sources
    }

    /// The paths of the tops, in bytewise order, as snapshots have them.
    pub fn paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.tops.iter().map(|top| top.path.clone()).collect();
        paths.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
        paths
    }
}

/// The path without `..`, as far as the text alone shows it: enough to compare two paths as they are written.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(component);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(paths: &[&str]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let named = paths.iter().enumerate().map(|(place, path)| Named {
            path: PathBuf::from(path),
            span: place..place + 1,
        });
        let sources = Sources::new(named.collect());
        let text = |path: &Path| path.display().to_string();
        (
            sources.paths().iter().map(|path| text(path)).collect(),
            sources
                .nested
                .iter()
                .map(|(nested, top)| format!("{} in {}", text(&nested.path), text(top)))
                .collect(),
            sources.repeated.iter().map(|it| text(&it.path)).collect(),
        )
    }

    #[test]
    fn each_source_counts_once_and_as_part_of_the_one_that_it_lies_in() {
        let (tops, nested, repeated) =
            sources(&["/srv/www", "/etc", "/srv", "/etc", "/srv/db/x", "/srv-2"]);
        assert_eq!(tops, ["/etc", "/srv", "/srv-2"]);
        assert_eq!(nested, ["/srv/db/x in /srv", "/srv/www in /srv"]);
        assert_eq!(repeated, ["/etc"]);
        assert_eq!(sources(&["/a/b", "/"]).1, ["/a/b in /"]);
    }

    #[test]
    fn the_paths_are_sorted_by_bytes() {
        assert_eq!(
            sources(&["/a/b", "/a-b", "/a.b"]).0,
            ["/a-b", "/a.b", "/a/b"]
        );
    }

    #[test]
    fn a_path_is_compared_without_its_steps_upwards() {
        assert_eq!(plain(Path::new("/srv/../etc/./x")), Path::new("/etc/x"));
        assert_eq!(plain(Path::new("/../..")), Path::new("/"));
    }
}

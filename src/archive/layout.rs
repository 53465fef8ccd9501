//! Where the sources lie in the tree of a snapshot: at their absolute paths. The directories above them are in the tree
//! too, with nothing else in them.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// A place in the tree of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// The source with this number: a file, or a directory with all that is in it.
    Source(usize),
    /// A directory above sources, with the names in it that lead to them.
    Above(BTreeMap<Vec<u8>, Layout>),
}

impl Layout {
    /// The layout of sources with these paths. A source that lies in another one is part of that one.
    pub fn new<'a>(sources: impl Iterator<Item = &'a Path>) -> Layout {
        let mut root = Layout::Above(BTreeMap::new());
        for (number, path) in sources.enumerate() {
            let mut place = &mut root;
            let names = path.components().filter_map(|component| match component {
                Component::Normal(name) => Some(name.as_bytes()),
                _ => None,
            });
            for name in names {
                match place {
                    Layout::Source(_) => break,
                    Layout::Above(below) => {
                        place = below
                            .entry(name.to_vec())
                            .or_insert_with(|| Layout::Above(BTreeMap::new()));
                    }
                }
            }
            if matches!(place, Layout::Above(_)) {
                *place = Layout::Source(number);
            }
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(paths: &[&str]) -> Layout {
        Layout::new(paths.iter().map(Path::new))
    }

    fn above<const N: usize>(below: [(&str, Layout); N]) -> Layout {
        let below = below.map(|(name, layout)| (name.as_bytes().to_vec(), layout));
        Layout::Above(below.into())
    }

    #[test]
    fn sources_lie_at_their_paths() {
        assert_eq!(layout(&["/"]), Layout::Source(0));
        assert_eq!(
            layout(&["/a/b", "/a/c", "/d"]),
            above([
                (
                    "a",
                    above([("b", Layout::Source(0)), ("c", Layout::Source(1))])
                ),
                ("d", Layout::Source(2)),
            ])
        );
    }

    #[test]
    fn a_source_in_another_one_is_part_of_it() {
        let inner_last = layout(&["/a", "/a/b/c"]);
        assert_eq!(inner_last, above([("a", Layout::Source(0))]));
        let inner_first = layout(&["/a/b/c", "/a"]);
        assert_eq!(inner_first, above([("a", Layout::Source(1))]));
        assert_eq!(layout(&["/a", "/"]), Layout::Source(1));
        assert_eq!(layout(&["/a", "/a"]), above([("a", Layout::Source(0))]));
    }
}

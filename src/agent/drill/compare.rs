//! Compares what a drill has restored: with the snapshot, entry by entry, and with the files of this host.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Plan;
use crate::inspect::diff::change::Change;
use crate::inspect::diff::{Told, Which};
use crate::protocol::{Problem, ProblemKind};
use crate::repository::cut_time::is_cut;
use crate::repository::node::{Attribute, Node, NodeKind};
use crate::repository::time::Time;
use crate::source::tree::stat::{EntryKind, Stat};

/// So many paths are named, at most.
const MOST_PROBLEMS: usize = 1000;

/// How much of two files is compared at a time.
const PIECE: usize = 128 * 1024;

/// The bits of Go's file mode for setuid and setgid.
const SET_ID: u32 = 1 << 23 | 1 << 22;

/// What a comparison has found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Files that have the content of the snapshot.
    pub files: u64,
    bytes: u64,
    pub content: u64,
    pub metadata: u64,
    pub missing: u64,
    /// Entries that the restore should not have made.
    pub surplus: u64,
    /// What could not be compared.
    pub unread: u64,
    /// Files of this host that were compared.
    pub source_files: u64,
    pub source: u64,
    pub problems: Vec<Problem>,
    /// The paths of `problems`.
    named: BTreeSet<Vec<u8>>,
    /// How many there are in all.
    pub total: u64,
}

/// A comparison of the target of a restore.
pub(super) struct Comparison<'a> {
    pub plan: &'a Plan,
    pub target: &'a Path,
    /// This process could restore the owners.
    pub with_owners: bool,
    pub with_source: bool,
    pub found: Findings,
}

impl Findings {
    /// How many files were compared with the snapshot, and their bytes.
    pub fn seen(&self) -> (u64, u64) {
        (self.files, self.bytes)
    }

    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.total == 0
    }

    /// Notes a problem of a path, unless it has one already.
    pub fn note(&mut self, path: &[u8], kind: ProblemKind, reason: String) {
        if self.named.contains(path) {
            return;
        }
        self.total += 1;
        if self.problems.len() < MOST_PROBLEMS {
            self.named.insert(path.to_vec());
            self.problems.push(Problem {
                path: String::from_utf8_lossy(path).into_owned(),
                kind,
                reason,
            });
        }
    }
}

impl Comparison<'_> {
    /// Takes in what the comparison of the snapshot with the target comes to. No entry of the target is quite as in the
    /// snapshot: its inode is another one. So every entry comes here.
    pub fn add(&mut self, told: &Told<'_>) {
        match told {
            Told::Changed {
                path,
                change,
                node,
                before,
            } => self.entry(path, *change, node, *before),
            Told::Unusable { path, problem, .. } => {
                if self.is_wanted(path, false) {
                    self.found.unread += 1;
                    self.found
                        .note(path, ProblemKind::Damaged, problem.to_string());
                }
            }
            Told::Unreadable { path, which, error } => {
                let kind = match which {
                    Which::Before => ProblemKind::Damaged,
                    Which::After => ProblemKind::Unreadable,
                };
                self.found.unread += 1;
                self.found.note(path, kind, error.to_string());
            }
        }
    }

    /// Whether the drill restores this entry.
    fn is_wanted(&self, path: &[u8], is_directory: bool) -> bool {
        match &self.plan.only {
            None => true,
            Some(only) if is_directory => only.has_directory(relative(path)),
            Some(only) => only.has_file(relative(path)),
        }
    }

    fn entry(&mut self, path: &[u8], change: Change, node: &Node, before: Option<&Node>) {
        let is_directory = node.kind == NodeKind::Directory;
        let found = &mut self.found;
        match (change, before) {
            (Change::Removed, _) => {
                if self.is_wanted(path, is_directory) {
                    let reason = "it was not restored".to_owned();
                    self.found.missing += 1;
                    self.found.note(path, ProblemKind::NotCreated, reason);
                }
            }
            (Change::Modified(difference), Some(_)) if difference.kind || difference.content => {
                let reason = "the restored content is not that of the snapshot".to_owned();
                found.content += 1;
                found.note(path, ProblemKind::Differs, reason);
            }
            (Change::Modified(_), Some(before)) => {
                let whole = self.plan.only.is_none();
                if let Some(what) = metadata(before, node, self.with_owners, whole) {
                    let reason = format!("restored with another {what}");
                    found.metadata += 1;
                    found.note(path, ProblemKind::MetadataNotRestored, reason);
                }
                if node.kind == NodeKind::File {
                    found.files += 1;
                    found.bytes = found.bytes.saturating_add(node.size);
                    if self.with_source {
                        self.source(path, before);
                    }
                }
            }
            (Change::Added | Change::Modified(_), _) => {
                let reason = "the snapshot does not have it".to_owned();
                found.surplus += 1;
                found.note(path, ProblemKind::Differs, reason);
            }
        }
    }

    /// Compares with the file of this host, if it has not changed since the backup.
    fn source(&mut self, path: &[u8], node: &Node) {
        let below = relative(path);
        let live = Path::new("/").join(below);
        match same_as(node, &live, &self.target.join(below)) {
            None => {}
            Some(true) => self.found.source_files += 1,
            Some(false) => {
                self.found.source_files += 1;
                let reason = "the file on this host has other bytes, but the size and the times that it had at the backup: a \
                              disk may have changed it"
                    .to_owned();
                self.found.source += 1;
                self.found.note(path, ProblemKind::Differs, reason);
            }
        }
    }
}

/// The path below the target.
fn relative(path: &[u8]) -> &Path {
    let below = path.strip_prefix(b"/").unwrap_or(path);
    Path::new(OsStr::from_bytes(below))
}

/// What a restore should have made the same, and did not. `whole`: all names of files with several names were restored.
fn metadata(before: &Node, after: &Node, owners: bool, whole: bool) -> Option<&'static str> {
    let mode = |node: &Node| match (&node.kind, owners) {
        // Linux has none.
        (NodeKind::Symlink, _) => 0,
        (_, true) => node.mode,
        (_, false) => node.mode & !SET_ID,
    };
    let sorted = |node: &Node| -> BTreeSet<(String, Option<Vec<u8>>)> {
        let pair = |it: &Attribute| (it.name.clone(), it.value.clone());
        node.attributes.iter().map(pair).collect()
    };
    if mode(before) != mode(after) {
        return Some("mode");
    }
    if owners && (before.uid, before.gid) != (after.uid, after.gid) {
        return Some("owner");
    }
    let is_time = instant(before.mtime) == instant(after.mtime)
        || is_cut(before.mtime, after.mtime, after.ctime);
    if !is_time {
        return Some("modification time");
    }
    let is_linked = whole && before.kind == NodeKind::File && before.links > 1;
    if is_linked && after.links < 2 {
        return Some("number of links");
    }
    (sorted(before) != sorted(after)).then_some("set of extended attributes")
}

/// Whether the file of this host has the bytes of the restored one. `None`: it has changed since the backup, is gone, or
/// cannot be read, so that nothing can be said.
fn same_as(node: &Node, live: &Path, restored: &Path) -> Option<bool> {
    // A FIFO that is there now must not keep the drill waiting.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let live = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(live)
        .ok()?;
    let is_unchanged = || Stat::of_open(&live).is_ok_and(|stat| is_as_it_was(&stat, node));
    if !is_unchanged() {
        return None;
    }
    let same = have_same_bytes(&live, &File::open(restored).ok()?).ok()?;
    // It may have been changed just now.
    (same || is_unchanged()).then_some(same)
}

/// Whether a file has the size, the times and the inode that it had at the backup.
fn is_as_it_was(stat: &Stat, node: &Node) -> bool {
    stat.kind() == EntryKind::File
        && (stat.size, stat.inode) == (node.size, node.inode)
        && instant(stat.mtime) == instant(node.mtime)
        && instant(stat.ctime) == instant(node.ctime)
}

/// Programs may write the same instant in different zones.
fn instant(time: Time) -> (i64, u32) {
    (time.seconds, time.nanoseconds)
}

fn have_same_bytes(mut one: &File, mut other: &File) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let (count, of_other) = (fill(&mut one, &mut left)?, fill(&mut other, &mut right)?);
        if left[..count] != right[..of_other] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_in_what_a_restore_sets_is_named() {
        let node = Node {
            mode: 0o644,
            uid: 1,
            links: 2,
            inode: 5,
            ..Node::new("x", NodeKind::File)
        };
        let other = |change: &dyn Fn(&mut Node)| {
            let mut node = node.clone();
            // What no restore sets.
            node.inode = 9;
            node.ctime = Time::utc(9, 9);
            change(&mut node);
            node
        };
        let compared =
            |change: &dyn Fn(&mut Node), owners| metadata(&node, &other(change), owners, true);
        assert_eq!(compared(&|_| {}, true), None);
        assert_eq!(compared(&|it| it.mode = 0o600, true), Some("mode"));
        assert_eq!(compared(&|it| it.uid = 2, true), Some("owner"));
        assert_eq!(compared(&|it| it.uid = 2, false), None);
        assert_eq!(compared(&|it| it.mode |= 1 << 23, false), None);
        assert_eq!(
            compared(&|it| it.mtime = Time::utc(1, 0), true),
            Some("modification time")
        );
        assert_eq!(compared(&|it| it.links = 1, true), Some("number of links"));
        let attribute = Attribute {
            name: "user.a".into(),
            value: None,
        };
        let with = |it: &mut Node| it.attributes.push(attribute.clone());
        assert_eq!(compared(&with, true), Some("set of extended attributes"));
    }

    #[test]
    fn a_file_of_this_host_counts_only_if_it_is_as_it_was_at_the_backup() {
        let top = tempfile::tempdir().unwrap();
        let (live, restored) = (top.path().join("live"), top.path().join("restored"));
        std::fs::write(&live, "content").unwrap();
        let stat = Stat::of_open(File::open(&live).unwrap()).unwrap();
        let node = Node {
            mtime: stat.mtime,
            ctime: stat.ctime,
            inode: stat.identity().1,
            size: stat.size,
            ..Node::new("live", NodeKind::File)
        };
        for (content, expected) in [
            ("content", Some(true)),
            ("c0ntent", Some(false)),
            ("content and more", Some(false)),
            ("", Some(false)),
        ] {
            std::fs::write(&restored, content).unwrap();
            assert_eq!(same_as(&node, &live, &restored), expected, "{content}");
        }
        std::fs::write(&live, "another").unwrap();
        assert_eq!(same_as(&node, &live, &restored), None);
        std::fs::remove_file(&live).unwrap();
        assert_eq!(same_as(&node, &live, &restored), None);
        std::os::unix::fs::symlink(&restored, &live).unwrap();
        assert_eq!(same_as(&node, &live, &restored), None);
    }
}

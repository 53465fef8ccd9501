//! Changes by directory, in bounded memory: where there are too many directories, those with the fewest changes are
//! counted with the directory above them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Bound::{Excluded, Unbounded};

/// So many directories are told apart while changes come. When there are more, half of them are left.
const MOST: usize = 1024;

/// A longer path is counted with a directory above it.
const LONGEST: usize = 400;

/// What an entry weighs beside its bytes: so much is read for an empty one.
const ENTRY_WEIGHT: u64 = 4096;

/// What changed in a directory, in entries and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub new: u64,
    pub changed: u64,
    pub metadata_changed: u64,
    pub gone: u64,
    /// Of new and changed files.
    pub bytes: u64,
    pub bytes_gone: u64,
}

/// Changes by directory.
#[derive(Default)]
pub(super) struct Directories {
    /// The key of a directory has zeros in the place of slashes. So it is sorted directly before all that is below it.
    rows: BTreeMap<Vec<u8>, Row>,
    /// The directory of the last change, which is not in `rows` yet: the next one is often in the same.
    key: Vec<u8>,
    row: Row,
}

impl Row {
    fn add(&mut self, other: Row) {
        let sum = |one: &mut u64, other| *one = one.saturating_add(other);
        sum(&mut self.new, other.new);
        sum(&mut self.changed, other.changed);
        sum(&mut self.metadata_changed, other.metadata_changed);
        sum(&mut self.gone, other.gone);
        sum(&mut self.bytes, other.bytes);
        sum(&mut self.bytes_gone, other.bytes_gone);
    }

    fn weight(&self) -> u64 {
        let entries = [self.new, self.changed, self.metadata_changed, self.gone];
        let entries = entries.into_iter().fold(0, u64::saturating_add);
        let bytes = self.bytes.saturating_add(self.bytes_gone);
        bytes.saturating_add(entries.saturating_mul(ENTRY_WEIGHT))
    }
}

impl Directories {
    /// The row for an entry at this path: that of the directory it is in.
    pub fn of_entry(&mut self, path: &[u8]) -> &mut Row {
        let above = above(path, b'/');
        let is_same = above.len() == self.key.len()
            && std::iter::zip(above, &self.key).all(|(one, other)| key_byte(*one) == *other);
        if !is_same {
            self.take_in();
            self.key = above.iter().map(|byte| key_byte(*byte)).collect();
        }
        &mut self.row
    }

    fn take_in(&mut self) {
        let row = std::mem::take(&mut self.row);
        let mut key = std::mem::take(&mut self.key);
        while key.len() > LONGEST {
            key.truncate(above(&key, 0).len());
        }
        if row != Row::default() {
            self.rows.entry(key).or_default().add(row);
        }
        if self.rows.len() > MOST {
            fold(&mut self.rows, MOST / 2);
        }
    }

    /// The directories and their changes, so many at most, those with the most changes first. Each change is in one row.
    pub fn finish(mut self, most: usize) -> Vec<(Vec<u8>, Row)> {
        self.take_in();
        fold(&mut self.rows, most);
        let path = |key: Vec<u8>| -> Vec<u8> {
            match key.is_empty() {
                true => b"/".to_vec(),
                false => key.into_iter().map(path_byte).collect(),
            }
        };
        let rows = self.rows.into_iter();
        let mut rows: Vec<_> = rows.map(|(key, row)| (path(key), row)).collect();
        rows.sort_by_key(|(_, row)| Reverse(row.weight()));
        rows
    }
}

/// No name has a zero in it.
fn key_byte(byte: u8) -> u8 {
    if byte == b'/' { 0 } else { byte }
}

fn path_byte(byte: u8) -> u8 {
    if byte == 0 { b'/' } else { byte }
}

/// What is before the last separator: empty for the root.
fn above(path: &[u8], separator: u8) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte == separator);
    &path[..end.unwrap_or(0)]
}

/// Counts directories with the one above them, the lightest first, until no more than so many are left.
fn fold(rows: &mut BTreeMap<Vec<u8>, Row>, most: usize) {
    let most = most.max(1);
    if rows.len() <= most {
        return;
    }
    let leaves = rows.iter().filter(|(key, _)| is_leaf(rows, key));
    let mut leaves: BinaryHeap<Reverse<(u64, Vec<u8>)>> = leaves
        .map(|(key, row)| Reverse((row.weight(), key.clone())))
        .collect();
    while rows.len() > most {
        let Some(Reverse((weight, key))) = leaves.pop() else {
            return;
        };
        // Since it came into the heap, more may have been counted with it.
        let is_current = rows.get(&key).is_some_and(|row| row.weight() == weight);
        if key.is_empty() || !is_current || !is_leaf(rows, &key) {
            continue;
        }
        let Some(row) = rows.remove(&key) else {
            continue;
        };
        let above = above(&key, 0).to_vec();
        let sum = rows.entry(above.clone()).or_default();
        sum.add(row);
        let weight = sum.weight();
        if is_leaf(rows, &above) {
            leaves.push(Reverse((weight, above)));
        }
    }
}

/// Whether no other directory of the rows is below this one.
fn is_leaf(rows: &BTreeMap<Vec<u8>, Row>, key: &[u8]) -> bool {
    let next = rows.range::<[u8], _>((Excluded(key), Unbounded)).next();
    let below = next.and_then(|(next, _)| next.strip_prefix(key));
    below.is_none_or(|rest| rest.first() != Some(&0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(directories: Directories, most: usize) -> Vec<(String, u64, u64)> {
        let rows = directories.finish(most).into_iter();
        rows.map(|(path, row)| (String::from_utf8(path).unwrap(), row.new, row.bytes))
            .collect()
    }

    fn add(directories: &mut Directories, path: &str, bytes: u64) {
        let row = directories.of_entry(path.as_bytes());
        row.new += 1;
        row.bytes += bytes;
    }

    #[test]
    fn a_change_is_in_the_row_of_its_directory_and_heavy_rows_come_first() {
        let mut directories = Directories::default();
        for (path, bytes) in [
            ("/a", 1),
            ("/srv/one", 10),
            ("/srv/sub/x", 500_000),
            ("/srv/two", 20),
        ] {
            add(&mut directories, path, bytes);
        }
        let expected = [("/srv/sub", 1, 500_000), ("/srv", 2, 30), ("/", 1, 1)];
        let expected = expected.map(|(path, new, bytes)| (path.to_owned(), new, bytes));
        assert_eq!(rows(directories, 10), expected);
    }

    #[test]
    fn the_lightest_are_counted_with_the_directory_above_and_nothing_is_lost() {
        let mut directories = Directories::default();
        for user in 0..50 {
            add(&mut directories, &format!("/home/u{user}/file"), 10);
        }
        add(&mut directories, "/home-2/file", 5);
        add(&mut directories, "/var/lib/db/file", 9_000_000);
        let rows = rows(directories, 3);
        assert_eq!(rows[0], ("/var/lib/db".to_owned(), 1, 9_000_000));
        let home = rows.iter().find(|(path, ..)| path == "/home").unwrap();
        assert!(home.1 >= 49, "{rows:?}");
        assert_eq!(rows.iter().map(|(_, new, _)| new).sum::<u64>(), 52);
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn the_memory_is_bounded_and_the_sums_stay_exact() {
        let mut directories = Directories::default();
        let count = 20 * MOST as u64;
        for number in 0..count {
            let deep = "d/".repeat(number as usize % 60);
            add(
                &mut directories,
                &format!("/{number:06}/{deep}file"),
                number,
            );
            assert!(directories.rows.len() <= MOST);
        }
        let rows = rows(directories, 20);
        assert!(rows.len() <= 20 && rows.len() > 1, "{rows:?}");
        let sum = |of: fn(&(String, u64, u64)) -> u64| rows.iter().map(of).sum::<u64>();
        assert_eq!(sum(|row| row.1), count);
        assert_eq!(sum(|row| row.2), count * (count - 1) / 2);
    }

    #[test]
    fn names_that_sort_around_the_slash_are_not_taken_for_what_is_below() {
        let mut directories = Directories::default();
        for name in ["/a/x", "/a-b/x", "/a!/x", "/a\u{1}/x", "/a/b/x"] {
            add(&mut directories, name, 1);
        }
        let rows = rows(directories, 4);
        assert!(rows.contains(&("/a".to_owned(), 2, 2)), "{rows:?}");
    }
}

//! A page of the list of a container, read as it arrives.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::time::SystemTime;

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::super::http::{Answer, Failure};
use super::super::most::Growing;
use super::super::{FileKind, Listing};

/// The largest page, in bytes. A page of Swift has at most 10,000 names of 1024 bytes, which may be escaped.
const LARGEST_PAGE: u64 = 128 << 20;

/// Reads one page after the other.
pub(super) struct Pages<'a> {
    /// What the names begin with.
    prefix: &'a str,
    growing: Growing,
    /// The last name of the last page; empty before the first one.
    pub marker: String,
}

#[derive(Deserialize)]
struct Entry {
    /// Absent of a directory that a list made up.
    name: Option<String>,
    bytes: Option<u64>,
    last_modified: Option<String>,
}

impl<'a> Pages<'a> {
    /// Before the first page. All names begin with the prefix.
    pub fn new(kind: FileKind, prefix: &'a str) -> Pages<'a> {
        Pages {
            prefix,
            growing: Growing::new(kind),
            marker: String::new(),
        }
    }

    /// Adds the page in this answer. Returns false if it is empty: it is then the end. A page may be as short as the
    /// server likes.
    pub fn read(&mut self, answer: &mut Answer) -> Result<bool, Failure> {
        let page = self.parse(Bounded {
            inner: answer.reader(),
            left: LARGEST_PAGE,
        });
        let last = match page {
            Ok(last) => last,
            Err(error) if error.io_error_kind() == Some(io::ErrorKind::InvalidData) => {
                return Err(Failure::answer("a page of the listing is too long"));
            }
            Err(error) if error.is_io() || error.is_eof() => {
                return Err(answer.body_failure(error.into()));
            }
            Err(_) if self.growing.is_full() => {
                return Err(Failure::answer("the server lists too many files"));
            }
            Err(_) => return Err(Failure::answer("the listing of the server cannot be read")),
        };
        match last {
            None => Ok(false),
            Some(last) if last > self.marker => {
                self.marker = last;
                Ok(true)
            }
            Some(_) => Err(Failure::answer("the listing of the server does not end")),
        }
    }

    /// What all pages had.
    pub fn listing(self) -> Listing {
        self.growing.listing()
    }

    /// Returns the last name.
    fn parse(&mut self, text: impl Read) -> serde_json::Result<Option<String>> {
        let mut last = None;
        let into = Into {
            pages: self,
            last: &mut last,
        };
        let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(text));
        into.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(last)
    }

    /// False: this cannot be in the list that was asked for.
    fn add(&mut self, name: &str, size: Option<u64>, modified: Option<&str>) -> bool {
        let (Some(name), Some(size)) = (name.strip_prefix(self.prefix), size) else {
            return false;
        };
        // Some programs make objects for directories.
        if name.is_empty() || name.ends_with('/') {
            return self.growing.count().is_ok();
        }
        let modified = modified.and_then(time);
        self.growing.object(name, size, modified).is_ok()
    }
}

/// A time of Swift, which is of no zone and means UTC.
fn time(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some(parsed.and_utc().into())
}

/// Collects the entries of a page.
struct Into<'a, 'p> {
    pages: &'a mut Pages<'p>,
    last: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Into<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Into<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<Entry>()? {
            let Some(name) = entry.name else { continue };
            let modified = entry.last_modified.as_deref();
            if !self.pages.add(&name, entry.bytes, modified) {
                return Err(serde::de::Error::custom("an entry that cannot be here"));
            }
            *self.last = Some(name);
        }
        Ok(())
    }
}

/// A reader that fails, and does not end, where it has given too much.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StrayKind;

    const ONE: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn page(kind: FileKind, text: &str) -> serde_json::Result<(Listing, Option<String>)> {
        let prefix = format!("p/{}/", kind.directory().unwrap());
        let mut pages = Pages::new(kind, &prefix);
        let last = pages.parse(text.as_bytes())?;
        Ok((pages.listing(), last))
    }

    #[test]
    fn a_page_has_files_and_strays() {
        let text = format!(
            r#"[{{"name": "p/data/00/{ONE}", "bytes": 7, "hash": "x", "content_type": "y",
                "last_modified": "1970-01-01T00:00:01.500000"}},
            {{"subdir": "p/data/x/"}}, {{"name": "p/data/", "bytes": 0}}, {{"name": "p/data/11/{ONE}", "bytes": 7}},
            {{"name": "p/data/{ONE}", "bytes": 7}}, {{"name": "p/data/zz", "bytes": 7}}]"#
        );
        let (listing, last) = page(FileKind::Pack, &text).unwrap();
        assert_eq!(listing.files.len(), 1);
        assert_eq!(listing.files[0].size, 7);
        let modified = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1500);
        assert_eq!(listing.files[0].modified, Some(modified));
        let strays: Vec<_> = listing.strays.iter().map(|stray| stray.kind).collect();
        let misplaced = StrayKind::Misplaced;
        assert_eq!(strays, [misplaced, misplaced, StrayKind::NotAnId]);
        assert_eq!(last.as_deref(), Some("p/data/zz"));
        let text = format!(r#"[{{"name": "p/keys/{ONE}", "bytes": 7, "last_modified": "?"}}]"#);
        let (listing, _) = page(FileKind::Key, &text).unwrap();
        assert_eq!(listing.files[0].modified, None);
        assert_eq!(page(FileKind::Key, "[]").unwrap().1, None);
    }

    #[test]
    fn what_is_no_list_of_these_files_is_refused() {
        for text in [
            "",
            "{}",
            "null",
            "[",
            "[1]",
            "<html>",
            r#"[{"name": "p/keys/x"}]"#,
            r#"[{"name": "p/keys/x", "bytes": -1}]"#,
            r#"[{"name": "p/locks/x", "bytes": 1}]"#,
            r#"[{"name": "x", "bytes": 1}]"#,
            r#"[] []"#,
        ] {
            assert!(page(FileKind::Key, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_that_does_not_end_is_given_up() {
        let endless = Bounded {
            inner: io::repeat(b' '),
            left: 1 << 20,
        };
        let error = Pages::new(FileKind::Key, "").parse(endless).unwrap_err();
        assert_eq!(error.io_error_kind(), Some(io::ErrorKind::InvalidData));
    }
}

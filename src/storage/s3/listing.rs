//! A page of the list of a bucket (`ListObjectsV2`), read as it arrives.

use std::io::{BufReader, Read};
use std::time::SystemTime;

use super::super::http::{Answer, Failure};
use super::super::most::Growing;
use super::super::{FileKind, Listing};
use super::xml::{self, Fault, Found};

/// The largest page, in bytes. A page has 1000 keys of at most 1024 bytes, which may be escaped.
const LARGEST_PAGE: u64 = 16 << 20;

/// The most empty pages in a row. A server that passes over many deleted objects may send some.
const MOST_EMPTY: u32 = 1000;

/// What a page says besides its entries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    /// Where the next page begins; `None` on the last one.
    next: Option<String>,
    /// How many entries it has.
    entries: usize,
}

/// An object in a page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    key: String,
    size: Option<u64>,
    modified: Option<SystemTime>,
}

/// Reads one page after the other.
pub(super) struct Pages<'a> {
    /// That of the directory of the kind: what is listed begins with it.
    prefix: &'a str,
    growing: Growing,
    /// How many pages were empty, one after the other.
    empty: u32,
    /// Where the next page begins; `None` before the first one.
    pub token: Option<String>,
}

impl<'a> Pages<'a> {
    /// Before the first page.
    pub fn new(kind: FileKind, prefix: &'a str) -> Pages<'a> {
        Pages {
            prefix,
            growing: Growing::new(kind),
            empty: 0,
            token: None,
        }
    }

    /// Adds the entries of the page in this answer. Returns whether there is another page.
    pub fn read(&mut self, answer: &mut Answer) -> Result<bool, Failure> {
        let source = BufReader::new(answer.reader().take(LARGEST_PAGE));
        let page = page(source, |entry| add(entry, self.prefix, &mut self.growing));
        let page = page.map_err(|fault| match fault {
            Fault::Source(error) => answer.body_failure(error),
            Fault::Document if self.growing.is_full() => {
                Failure::answer("the server lists too many files")
            }
            Fault::Document => Failure::answer("the listing of the server cannot be read"),
        })?;
        match self.turn(page) {
            true => Ok(self.token.is_some()),
            false => Err(Failure::answer("the listing of the server does not end")),
        }
    }

    /// Goes to the next page. False: there may be pages without end.
    fn turn(&mut self, page: Page) -> bool {
        self.empty = match page.entries {
            0 => self.empty + 1,
            _ => 0,
        };
        let is_same = page.next.is_some() && page.next == self.token;
        self.token = page.next;
        !is_same && self.empty <= MOST_EMPTY
    }

    /// What all pages had.
    pub fn listing(self) -> Listing {
        self.growing.listing()
    }
}

fn page(source: impl std::io::BufRead, mut add: impl FnMut(Entry) -> bool) -> Result<Page, Fault> {
    let mut is_truncated = None;
    let mut next = None;
    let mut is_escaped = false;
    let mut entry = Entry::default();
    // The encoding may be told behind the entries.
    let mut entries = Vec::new();
    xml::read(source, |found| {
        match found {
            Found::Text { path, text } => match names(path).as_slice() {
                ["ListBucketResult", "IsTruncated"] => is_truncated = Some(text == "true"),
                ["ListBucketResult", "NextContinuationToken"] => next = Some(text.to_owned()),
                ["ListBucketResult", "EncodingType"] => is_escaped = text == "url",
                ["ListBucketResult", "Contents", "Key"] => entry.key = text.to_owned(),
                ["ListBucketResult", "Contents", "Size"] => entry.size = text.parse().ok(),
                ["ListBucketResult", "Contents", "LastModified"] => entry.modified = time(text),
                ["ListBucketResult", ..] => {}
                _ => return false,
            },
            Found::End { path } => {
                if names(path).as_slice() == ["ListBucketResult", "Contents"] {
                    entries.push(std::mem::take(&mut entry));
                }
            }
        }
        true
    })?;
    let count = entries.len();
    for mut entry in entries {
        if is_escaped {
            entry.key = unescaped(&entry.key).ok_or(Fault::Document)?;
        }
        if !add(entry) {
            return Err(Fault::Document);
        }
    }
    let next = next.filter(|token| !token.is_empty());
    match (is_truncated, next) {
        (Some(false), _) => Ok(Page {
            next: None,
            entries: count,
        }),
        (Some(true), Some(token)) => Ok(Page {
            next: Some(token),
            entries: count,
        }),
        // The list would end early without a word.
        (Some(true) | None, _) => Err(Fault::Document),
    }
}

fn names(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// Adds an object to the listing. False when it cannot be in it.
fn add(entry: Entry, prefix: &str, growing: &mut Growing) -> bool {
    let Some(name) = entry.key.strip_prefix(prefix) else {
        return false;
    };
    // Some programs make objects for directories.
    if name.is_empty() || name.ends_with('/') {
        return growing.count().is_ok();
    }
    let Some(size) = entry.size else { return false };
    growing.object(name, size, entry.modified).is_ok()
}

fn time(text: &str) -> Option<SystemTime> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.into())
}

/// A key without its escapes, which are those of a form: a plus sign is a space.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StrayKind;

    fn with(body: &str) -> Result<(Page, Vec<String>), Fault> {
        let document = format!("<ListBucketResult>{body}</ListBucketResult>");
        let mut keys = Vec::new();
        let page = page(document.as_bytes(), |entry| {
            keys.push(entry.key);
            true
        });
        page.map(|page| (page, keys))
    }

    #[test]
    fn a_page_has_entries_and_says_where_the_next_one_begins() {
        let (page, keys) = with(
            "<Contents><Key>a</Key><Size>1</Size></Contents><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>t</NextContinuationToken><Contents><Key>b+%2Bc</Key></Contents>\
             <CommonPrefixes><Prefix>x</Prefix></CommonPrefixes><EncodingType>url</EncodingType>",
        )
        .unwrap();
        assert_eq!(page.next.as_deref(), Some("t"));
        assert_eq!(keys, ["a", "b +c"]);
        let (page, keys) =
            with("<Contents><Key>b+%2Bc</Key></Contents><IsTruncated>false</IsTruncated>").unwrap();
        assert_eq!(page.next, None);
        assert_eq!(keys, ["b+%2Bc"]);
    }

    #[test]
    fn a_page_that_could_hide_the_rest_is_refused() {
        for body in [
            "",
            "<IsTruncated>true</IsTruncated>",
            "<IsTruncated>true</IsTruncated><NextContinuationToken/>",
            "<Contents><Key>%F</Key></Contents><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>",
        ] {
            assert!(matches!(with(body), Err(Fault::Document)), "{body}");
        }
        let other = page(&b"<html><body/></html>"[..], |_| true);
        assert!(matches!(other, Err(Fault::Document)));
    }

    #[test]
    fn pages_without_end_are_refused() {
        let page = |number: u32, entries| Page {
            next: Some(number.to_string()),
            entries,
        };
        let mut pages = Pages::new(FileKind::Key, "");
        for number in 0..3 * MOST_EMPTY {
            assert!(pages.turn(page(number, (number % 3) as usize)));
        }
        assert!(!pages.turn(page(3 * MOST_EMPTY - 1, 1)), "the same place");
        let mut pages = Pages::new(FileKind::Key, "");
        let good = (0..).take_while(|number| pages.turn(page(*number, 0)));
        assert_eq!(good.count(), MOST_EMPTY as usize);
        assert!(Pages::new(FileKind::Key, "").turn(Page::default()));
    }

    #[test]
    fn a_page_that_is_cut_or_damaged_anywhere_does_no_harm() {
        let whole = "<?xml version=\"1.0\"?><ListBucketResult xmlns='x'><Contents><Key>a%2Fb&amp;</Key><Size>7</Size>\
            <LastModified>2026-11-26T00:00:00.000Z</LastModified></Contents><EncodingType>url</EncodingType>\
            <IsTruncated>false</IsTruncated></ListBucketResult>";
        assert!(page(whole.as_bytes(), |_| true).is_ok());
        for end in 0..whole.len() {
            assert!(page(&whole.as_bytes()[..end], |_| true).is_err(), "{end}");
        }
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..5000 {
            let mut damaged = whole.as_bytes().to_vec();
            for _ in 0..random.usize(1..4) {
                let place = random.usize(..damaged.len());
                damaged[place] = random.u8(..);
            }
            let _ = page(&damaged[..], |_| true);
        }
    }

    #[test]
    fn what_is_not_a_file_of_the_repository_is_a_stray() {
        let id = "ab".repeat(32);
        let mut growing = Growing::new(FileKind::Pack);
        let mut add = |name: String| {
            let entry = Entry {
                key: format!("p/data/{name}"),
                size: Some(7),
                modified: None,
            };
            add(entry, "p/data/", &mut growing)
        };
        for name in [
            "",
            "ab/",
            &format!("ab/{id}"),
            &format!("cd/{id}"),
            &id,
            "ab/x",
            "x/y/z",
        ] {
            assert!(add(name.to_owned()), "{name}");
        }
        let listing = growing.listing();
        assert_eq!(listing.files.len(), 1);
        let kinds: Vec<StrayKind> = listing.strays.iter().map(|stray| stray.kind).collect();
        use StrayKind::{Misplaced, NotAnId};
        assert_eq!(kinds, [Misplaced, Misplaced, NotAnId, NotAnId]);
        let elsewhere = Entry {
            key: "q/data/x".to_owned(),
            size: Some(1),
            modified: None,
        };
        let mut growing = Growing::new(FileKind::Pack);
        assert!(!super::add(elsewhere, "p/data/", &mut growing));
    }
}

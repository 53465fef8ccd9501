//! The listing of one kind of files, read as it arrives: it may have millions of entries.

use std::fmt;
use std::io::{self, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::super::http::{Answer, Failure};
use super::super::id::Id;
use super::super::names;
use super::super::{Listed, Listing, Stray, StrayKind};

/// The most files that a listing may have. 2^27 packs of 16 MiB are two exbibytes.
const MOST: usize = 1 << 27;

/// The most names that are not ids of which the listing tells.
const MOST_STRAYS: usize = 10_000;

/// The longest entry, in bytes. A name is no longer than a file system allows.
const LONGEST_ENTRY: usize = 64 * 1024;

#[derive(Deserialize)]
struct Entry {
    name: String,
    size: u64,
}

/// Reads the listing in an answer.
pub(super) fn read(answer: &mut Answer, directory: &str) -> Result<Listing, Failure> {
    let parsed = parse(answer.reader(), directory);
    match parsed {
        Ok(listing) => Ok(listing),
        Err(error) if error.io_error_kind() == Some(io::ErrorKind::InvalidData) => {
            Err(Failure::answer("an entry of the listing is too long"))
        }
        Err(error) if error.is_io() => Err(answer.body_failure(error.into())),
        Err(error) if error.is_eof() => Err(answer.body_failure(error.into())),
        Err(_) => Err(Failure::answer("the listing of the server cannot be read")),
    }
}

/// Reads the text of a listing. `directory` is the path that its files have in messages.
///
/// # Errors
/// When the text is not a listing, or ends early, or cannot be read.
pub fn parse(text: impl Read, directory: &str) -> serde_json::Result<Listing> {
    let mut listing = Listing::default();
    let into = Into {
        listing: &mut listing,
        directory,
    };
    let reader = std::io::BufReader::new(Entries {
        inner: text,
        length: 0,
    });
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    into.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(listing)
}

/// A text of entries none of which is endless.
struct Entries<R> {
    inner: R,
    /// How many bytes were read since the end of an entry.
    length: usize,
}

impl<R: Read> Read for Entries<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let since = buffer[..count].iter().rev().position(|byte| *byte == b'}');
        self.length = since.unwrap_or(self.length + count);
        match self.length > LONGEST_ENTRY {
            true => Err(io::Error::from(io::ErrorKind::InvalidData)),
            false => Ok(count),
        }
    }
}

/// Collects the entries.
struct Into<'a> {
    listing: &'a mut Listing,
    directory: &'a str,
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    /// `null` is an empty list: Go writes it so.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(Entry { name, size }) = entries.next_element()? {
            match Id::parse(&name) {
                Ok(id) => self.listing.files.push(Listed {
                    id,
                    size,
                    modified: None,
                }),
                Err(_) if self.listing.strays.len() >= MOST_STRAYS => {}
                Err(_) => self.listing.strays.push(Stray {
                    path: format!("{}/{name}", self.directory),
                    kind: match names::is_temporary(name.as_bytes()) {
                        true => StrayKind::Temporary,
                        false => StrayKind::NotAnId,
                    },
                }),
            }
            if self.listing.files.len() >= MOST {
                return Err(serde::de::Error::custom("too many files"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_without_an_end_is_refused_before_it_fills_the_memory() {
        let endless = io::Cursor::new(br#"[{"name":""#).chain(io::repeat(b'x'));
        let error = parse(endless, "index").unwrap_err();
        assert_eq!(error.io_error_kind(), Some(io::ErrorKind::InvalidData));
    }

    #[test]
    fn of_many_names_that_are_not_ids_the_first_ones_are_told() {
        let names: Vec<String> = (0..20_000)
            .map(|number| format!(r#"{{"name":"{number}","size":1}}"#))
            .collect();
        let listing = parse(format!("[{}]", names.join(",")).as_bytes(), "index").unwrap();
        assert_eq!(listing.files, []);
        assert_eq!(listing.strays.len(), MOST_STRAYS);
        assert_eq!(listing.strays[0].path, "index/0");
    }
}

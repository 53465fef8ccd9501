//! The listing of one kind of files, read as it arrives: it may have millions of entries.

use std::fmt;
use std::io::{self, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::super::http::{Answer, Failure};
use super::super::id::Id;
use super::super::most::Growing;
use super::super::names;
use super::super::{FileKind, Listed, Listing, StrayKind};

/// The longest entry, in bytes. An object store allows names of 1024 bytes, and each byte may be escaped.
const LONGEST_ENTRY: usize = 16 * 1024;

/// So many bytes may come for each entry that a listing may have.
const EACH: u64 = 256;

#[derive(Deserialize)]
struct Entry {
    name: String,
    size: u64,
}

/// Reads the listing in an answer.
pub(super) fn read(answer: &mut Answer, kind: FileKind) -> Result<Listing, Failure> {
    let mut growing = Growing::new(kind);
    let parsed = parse_into(answer.reader(), &mut growing);
    match parsed {
        Ok(()) => Ok(growing.listing()),
        Err(error) if error.io_error_kind() == Some(io::ErrorKind::InvalidData) => Err(
            Failure::answer("the listing of the server or an entry of it is too long"),
        ),
        Err(error) if error.is_io() => Err(answer.body_failure(error.into())),
        Err(error) if error.is_eof() => Err(answer.body_failure(error.into())),
        Err(_) if growing.is_full() => Err(Failure::answer("the server lists too many files")),
        Err(_) => Err(Failure::answer("the listing of the server cannot be read")),
    }
}

/// Reads the text of a listing of files of this kind.
///
/// # Errors
/// When the text is not a listing, or is too long, or ends early, or cannot be read.
pub fn parse(text: impl Read, kind: FileKind) -> serde_json::Result<Listing> {
    let mut growing = Growing::new(kind);
    parse_into(text, &mut growing)?;
    Ok(growing.listing())
}

fn parse_into(text: impl Read, growing: &mut Growing) -> serde_json::Result<()> {
    let reader = std::io::BufReader::new(Entries {
        inner: text,
        left: growing.left() as u64 * EACH + LONGEST_ENTRY as u64,
        length: 0,
        place: Place::default(),
    });
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    Into(growing).deserialize(&mut deserializer)?;
    deserializer.end()
}

/// A text that is not endless, of entries none of which is endless.
struct Entries<R> {
    inner: R,
    /// So many bytes may still come.
    left: u64,
    /// How many bytes were read since the end of an entry.
    length: usize,
    place: Place,
}

/// Where in the text the last byte was. A brace in a name does not end an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    InString,
    AfterBackslash,
}

impl Place {
    fn after(self, byte: u8) -> Place {
        match (self, byte) {
            (Place::Outside, b'"') | (Place::AfterBackslash, _) => Place::InString,
            (Place::InString, b'\\') => Place::AfterBackslash,
            (Place::InString, b'"') => Place::Outside,
            (place, _) => place,
        }
    }
}

impl<R: Read> Read for Entries<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let too_long = || io::Error::from(io::ErrorKind::InvalidData);
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(too_long)?;
        for byte in &buffer[..count] {
            self.place = self.place.after(*byte);
            self.length += 1;
            if (self.place, *byte) == (Place::Outside, b'}') {
                self.length = 0;
            }
        }
        match self.length > LONGEST_ENTRY {
            true => Err(too_long()),
            false => Ok(count),
        }
    }
}

/// Collects the entries.
struct Into<'a>(&'a mut Growing);

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
            let added = match Id::parse(&name) {
                Ok(id) => self.0.file(Listed {
                    id,
                    size,
                    modified: None,
                }),
                Err(_) => {
                    let kind = match names::is_temporary(name.as_bytes()) {
                        true => StrayKind::Temporary,
                        false => StrayKind::NotAnId,
                    };
                    self.0.stray(&name, kind)
                }
            };
            added.map_err(|_| serde::de::Error::custom("too many files"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::most::STRAYS;

    #[test]
    fn an_entry_without_an_end_is_refused_before_it_fills_the_memory() {
        for byte in *b"x}\\\" " {
            let endless = io::Cursor::new(br#"[{"name":""#).chain(io::repeat(byte));
            let Err(error) = parse(endless, FileKind::Index) else {
                panic!("{byte}")
            };
            // Two quotation marks are wrong at once.
            let expected = (byte != b'"').then_some(io::ErrorKind::InvalidData);
            assert_eq!(error.io_error_kind(), expected);
        }
    }

    /// The same text again and again.
    struct Repeated(&'static [u8], usize);

    impl Read for Repeated {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for byte in buffer.iter_mut() {
                *byte = self.0[self.1 % self.0.len()];
                self.1 += 1;
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_list_without_an_end_is_refused_whatever_is_in_it() {
        let id = br#"{"name":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","size":1},"#;
        for entry in [&id[..], br#"{"name":"x","size":1},"#] {
            let endless = (&b"["[..]).chain(Repeated(entry, 0));
            let mut growing = Growing::up_to(1000, FileKind::Key);
            parse_into(endless, &mut growing).unwrap_err();
            assert!(growing.is_full());
        }
        let endless = (&br#"[{"x":["#[..]).chain(Repeated(b"{},", 0));
        let mut growing = Growing::up_to(1000, FileKind::Key);
        let error = parse_into(endless, &mut growing).unwrap_err();
        assert_eq!(error.io_error_kind(), Some(io::ErrorKind::InvalidData));
    }

    #[test]
    fn of_many_names_that_are_not_ids_the_first_ones_are_told() {
        let names: Vec<String> = (0..2 * STRAYS)
            .map(|number| format!(r#"{{"name":"{number}","size":1}}"#))
            .collect();
        let text = format!("[{}]", names.join(","));
        let listing = parse(text.as_bytes(), FileKind::Index).unwrap();
        assert_eq!(listing.files, []);
        assert_eq!(listing.strays.len(), STRAYS);
        assert_eq!(listing.strays[0].path, "index/0");
    }
}

//! The list of a directory, as its bytes come from the server. Pure.

use super::super::error::shown;
use super::super::most;
use super::entry::{Entry, Line, of_list_line, of_machine_line};
use super::failure::Failure;

/// The most bytes of one line.
const LINE: usize = 16 * 1024;

/// So many bytes may come for each line that a list may have.
const EACH: usize = 256;

/// What a list holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub entries: Vec<Entry>,
    /// Whether the directory itself, or the one above, is among its entries.
    pub dots: bool,
}

impl Found {
    fn add(&mut self, line: &[u8], parse: fn(&[u8]) -> Option<Line>) -> Result<(), Failure> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match parse(line) {
            Some(Line::Entry(entry)) => self.entries.push(entry),
            Some(Line::Dots) => self.dots = true,
            Some(Line::Nothing) => {}
            None => {
                return Err(Failure::answer(format!(
                    "the server lists in a form that is not known: {:?}",
                    shown(line)
                )));
            }
        }
        Ok(())
    }
}

/// Reads a list piece by piece.
pub(super) struct Reader {
    parse: fn(&[u8]) -> Option<Line>,
    found: Found,
    /// The beginning of a line that has not ended.
    rest: Vec<u8>,
    /// So many lines may still come, empty ones too.
    lines: usize,
    /// So many bytes may still come.
    bytes: usize,
}

impl Reader {
    /// A reader of lines that this function understands.
    pub fn new(parse: fn(&[u8]) -> Option<Line>) -> Reader {
        Reader {
            parse,
            found: Found::default(),
            rest: Vec::new(),
            lines: most::IN_DIRECTORY,
            bytes: most::IN_DIRECTORY * EACH,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When a line has no known form or is too long, and when there are too many.
    pub fn read(&mut self, mut piece: &[u8]) -> Result<(), Failure> {
        let too_long = || Failure::answer("the list of the server is too long");
        self.bytes = self.bytes.checked_sub(piece.len()).ok_or_else(too_long)?;
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            self.lines = self.lines.checked_sub(1).ok_or_else(too_long)?;
            self.take(&piece[..end])?;
            self.found.add(&self.rest, self.parse)?;
            self.rest.clear();
            piece = &piece[end + 1..];
        }
        self.take(piece)
    }

    fn take(&mut self, part: &[u8]) -> Result<(), Failure> {
        if self.rest.len() + part.len() > LINE {
            return Err(Failure::answer("a line of the server's list is too long"));
        }
        self.rest.extend_from_slice(part);
        Ok(())
    }

    /// The whole list. `None`: its last line is cut.
    pub fn end(self) -> Option<Found> {
        self.rest.is_empty().then_some(self.found)
    }
}

/// The names of a list in the form of MLSD, or of LIST, that comes in pieces of this size; `None` where it is refused. For
/// the fuzzer.
pub fn names(list: &[u8], for_machines: bool, piece: usize) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(match for_machines {
        true => of_machine_line,
        false => of_list_line,
    });
    for piece in list.chunks(piece.max(1)) {
        reader.read(piece).ok()?;
    }
    let found = reader.end()?;
    Some(found.entries.into_iter().map(|entry| entry.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::error::ErrorKind;

    /// What comes of a list, however it is cut into pieces.
    #[track_caller]
    fn told(list: &[u8], parse: fn(&[u8]) -> Option<Line>) -> String {
        let read = |size: usize| {
            let mut reader = Reader::new(parse);
            for piece in list.chunks(size) {
                if let Err(failure) = reader.read(piece) {
                    assert_eq!(failure.kind, ErrorKind::Answer);
                    return "refused".to_owned();
                }
            }
            match reader.end() {
                None => "cut".to_owned(),
                Some(found) => format!("{} {}", found.entries.len(), found.dots),
            }
        };
        let whole = read(usize::MAX);
        for size in [1, 2, 7, 4096] {
            assert_eq!(read(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn a_list_is_read_however_it_comes() {
        let unix = b"total 2\r\ndrwx------ 2 u g 4096 Nov 27 03:15 .\r\n-rw------- 1 u g 7 Nov 27 03:15 a\r\n";
        assert_eq!(told(unix, of_list_line), "1 true");
        assert_eq!(
            told(b"type=file;size=7; a\ntype=dir; b\n", of_machine_line),
            "2 false"
        );
        assert_eq!(told(b"", of_list_line), "0 false");
        assert_eq!(told(b"\n\r\n\n", of_machine_line), "0 false");
    }

    #[test]
    fn a_hostile_list_is_refused_and_costs_no_memory() {
        let long = [b'x'; LINE + 1];
        let name = [&b"type=file;size=7; "[..], &[b'y'; LINE]].concat();
        let digits = format!("type=file;size={}; a\n", "9".repeat(30));
        for list in [
            &long[..],
            &name,
            digits.as_bytes(),
            b"type=file;size=7\n",
            b"<html>\n",
            b"-rw------- 1 u g 99999999999999999999999 Nov 27 03:15 a\n",
            b"\0\0\0\n",
            b"\xff\xfe\n",
        ] {
            assert_eq!(told(list, of_machine_line), "refused");
            assert_eq!(told(list, of_list_line), "refused");
        }
        for list in [
            &b"type=file;size=7; a"[..],
            b"-rw------- 1 u g 7 Nov 27 03:1",
        ] {
            assert_eq!(told(list, of_machine_line), "cut");
        }
    }

    #[test]
    fn a_list_without_an_end_is_refused_whatever_is_in_it() {
        let long = [&b"type=file;size=7; "[..], &[b'x'; 8 * EACH], b"\n"].concat();
        for lines in [&b"\r\n"[..], b"type=cdir; .\r\n", b"type=dir; ab\n", &long] {
            let mut reader = Reader::new(of_machine_line);
            let piece = lines.repeat(64 * 1024 / lines.len());
            let failure = std::iter::repeat(piece).find_map(|piece| reader.read(&piece).err());
            assert_eq!(failure.unwrap().kind, ErrorKind::Answer);
            assert!(reader.found.entries.len() <= most::IN_DIRECTORY);
        }
    }

    #[test]
    fn changed_lists_are_read_or_refused_the_same_however_they_come() {
        let seeds = [
            &b"total 2\r\n-rw------- 1 u g 7 Nov 27 03:15 a b\r\nlrwxrwxrwx 1 u g 7 2026-11-27 03:15 x -> y\r\n"[..],
            b"type=cdir; .\r\ntype=file;size=7;modify=20261127031500; a\r\n",
            b"11-27-26  03:15AM       <DIR>          data\r\n11-27-2026  03:15PM            1234 a b\r\n",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..3000 {
            let mut list = seeds[random.usize(..seeds.len())].to_vec();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..list.len());
                match random.u8(..4) {
                    0 => list[at] = random.u8(..),
                    1 => list.truncate(at + 1),
                    2 => list.insert(at, *random.choice(b" \n\r;=.->\0\xff9").unwrap()),
                    _ => list.extend_from_within(at..),
                }
            }
            told(&list, of_list_line);
            told(&list, of_machine_line);
            for name in [true, false]
                .into_iter()
                .filter_map(|it| names(&list, it, 5))
                .flatten()
            {
                assert!(name != b"." && name != b".." && !name.contains(&b'\n'));
            }
        }
    }

    #[test]
    fn a_name_with_codes_or_with_a_way_up_is_a_name_and_not_a_path() {
        let list =
            b"type=file;size=7; ../../etc/passwd\ntype=file;size=7; \x1b[2Ja\rb\ntype=dir; ..\n";
        let names = names(list, true, 3).unwrap();
        assert_eq!(names, [&b"../../etc/passwd"[..], b"\x1b[2Ja\rb"]);
        // Neither is the id of a file, so that nothing is asked of the server with it.
        for name in names {
            assert!(crate::storage::id::Id::parse_bytes(&name).is_err());
        }
    }
}

//! The header of an entry of a tar archive: a ustar header, and before it a pax header with what does not fit into it.

use crate::repository::node::UNSET;
use crate::repository::time::Time;

/// Everything in an archive comes in blocks of this many bytes.
pub(super) const BLOCK: usize = 512;

/// The largest number in a field of 8 bytes, and in one of 12.
const MOST_SHORT: u64 = 0o7_777_777;
const MOST_LONG: u64 = 0o77_777_777_777;

/// The type of an entry, as the header has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum EntryType {
    File = b'0',
    HardLink = b'1',
    Symlink = b'2',
    CharacterDevice = b'3',
    BlockDevice = b'4',
    Directory = b'5',
    Fifo = b'6',
}

/// What a header says.
pub(super) struct Header<'a> {
    pub(super) entry_type: EntryType,
    /// Without a slash at its start; with one at its end for a directory.
    pub(super) path: &'a [u8],
    /// The target of a link.
    pub(super) link: &'a [u8],
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) user: &'a str,
    pub(super) group: &'a str,
    /// Of the content that follows.
    pub(super) size: u64,
    pub(super) mtime: Time,
    pub(super) atime: Time,
    pub(super) ctime: Time,
    /// Major and minor number.
    pub(super) device: (u32, u32),
    /// Keywords and values for the pax header.
    pub(super) extended: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Header<'_> {
    /// Appends the header to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let records = self.records();
        if !records.is_empty() {
            let name = self
                .path
                .rsplit(|byte| *byte == b'/')
                .find(|it| !it.is_empty());
            let mut path = b"PaxHeaders/".to_vec();
            path.extend(name.unwrap_or_default().iter().take(80));
            ustar(out, &path, b'x', 0o644, records.len() as u64, |_| {});
            out.extend_from_slice(&records);
            pad(out, records.len() as u64);
        }
        let size = if self.size > MOST_LONG { 0 } else { self.size };
        ustar(
            out,
            self.path,
            self.entry_type as u8,
            self.mode,
            size,
            |block| {
                octal(&mut block[108..116], fitting(self.uid));
                octal(&mut block[116..124], fitting(self.gid));
                let seconds = u64::try_from(self.mtime.seconds).unwrap_or(0);
                octal(&mut block[136..148], seconds.min(MOST_LONG));
                text(&mut block[157..257], self.link);
                text(&mut block[265..296], self.user.as_bytes());
                text(&mut block[297..328], self.group.as_bytes());
                octal(&mut block[329..337], u64::from(self.device.0));
                octal(&mut block[337..345], u64::from(self.device.1));
            },
        );
    }

    /// The content of the pax header.
    fn records(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (keyword, value, most) in [
            ("path", self.path, 100),
            ("linkpath", self.link, 100),
            ("uname", self.user.as_bytes(), 31),
            ("gname", self.group.as_bytes(), 31),
        ] {
            let is_text = std::str::from_utf8(value).is_ok();
            // Bytes that are not UTF-8 are written as they are where that is possible: the record that allows them in a
            // pax header is one that GNU tar does not know, and it says so each time.
            if value.len() <= most && (value.is_ascii() || !is_text) {
                continue;
            }
            if !is_text {
                record(&mut out, b"hdrcharset", b"BINARY");
            }
            record(&mut out, keyword.as_bytes(), value);
        }
        if self.size > MOST_LONG {
            record(&mut out, b"size", self.size.to_string().as_bytes());
        }
        for (keyword, id) in [("uid", self.uid), ("gid", self.gid)] {
            if u64::from(id) > MOST_SHORT {
                record(&mut out, keyword.as_bytes(), id.to_string().as_bytes());
            }
        }
        let fits = u64::try_from(self.mtime.seconds).is_ok_and(|it| it <= MOST_LONG);
        if !fits || self.mtime.nanoseconds != 0 {
            record(&mut out, b"mtime", seconds(self.mtime).as_bytes());
        }
        for (keyword, time) in [("atime", self.atime), ("ctime", self.ctime)] {
            if time != UNSET {
                record(&mut out, keyword.as_bytes(), seconds(time).as_bytes());
            }
        }
        for (keyword, value) in &self.extended {
            record(&mut out, keyword, value);
        }
        out
    }
}

/// Appends zeros up to the next block, behind content of this length.
pub(super) fn pad(out: &mut Vec<u8>, length: u64) {
    let over = (length % BLOCK as u64) as usize;
    if over > 0 {
        out.resize(out.len() + BLOCK - over, 0);
    }
}

/// Appends a ustar header; `fill` sets the fields that are not given here.
fn ustar(
    out: &mut Vec<u8>,
    path: &[u8],
    entry_type: u8,
    mode: u32,
    size: u64,
    fill: impl FnOnce(&mut [u8; BLOCK]),
) {
    let mut block = [0; BLOCK];
    text(&mut block[..100], path);
    octal(&mut block[100..108], u64::from(mode));
    octal(&mut block[108..116], 0);
    octal(&mut block[116..124], 0);
    octal(&mut block[124..136], size);
    octal(&mut block[136..148], 0);
    block[156] = entry_type;
    block[257..265].copy_from_slice(b"ustar\x0000");
    fill(&mut block);
    // The sum counts its own field as spaces.
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block[148..155], sum);
    out.extend_from_slice(&block);
}

/// A number in octal digits with a zero byte behind them. The caller sees to it that it fits.
fn octal(field: &mut [u8], mut number: u64) {
    if let Some((end, digits)) = field.split_last_mut() {
        *end = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number & 7) as u8;
            number >>= 3;
        }
    }
}

/// As much of the text as fits.
fn text(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// 0 for an id that is in the pax header.
fn fitting(id: u32) -> u64 {
    match u64::from(id) {
        id if id <= MOST_SHORT => id,
        _ => 0,
    }
}

/// `LENGTH KEYWORD=VALUE\n`, in which the length counts its own digits too.
fn record(out: &mut Vec<u8>, keyword: &[u8], value: &[u8]) {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() > length {
        length += 1;
    }
    out.extend_from_slice(format!("{length} ").as_bytes());
    out.extend_from_slice(keyword);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Seconds since 1970 with a fraction: `-1.5`.
fn seconds(time: Time) -> String {
    let (sign, whole, fraction) = match (time.seconds < 0, time.nanoseconds) {
        (true, 0) => ("-", time.seconds.unsigned_abs(), 0),
        (true, nanoseconds) => (
            "-",
            time.seconds.unsigned_abs() - 1,
            1_000_000_000_u32.saturating_sub(nanoseconds),
        ),
        (false, nanoseconds) => ("", time.seconds.unsigned_abs(), nanoseconds),
    };
    match fraction {
        0 => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction:09}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_with_a_fraction() {
        for (time, text) in [
            (Time::utc(0, 0), "0"),
            (Time::utc(5, 500_000_000), "5.5"),
            (Time::utc(5, 1), "5.000000001"),
            (Time::utc(-2, 500_000_000), "-1.5"),
            (Time::utc(-1, 999_999_999), "-0.000000001"),
            (Time::utc(-2, 0), "-2"),
            (Time::utc(i64::MIN, 0), "-9223372036854775808"),
        ] {
            assert_eq!(seconds(time), text);
        }
    }

    #[test]
    fn what_does_not_fit_into_the_header_is_in_a_record() {
        let header = Header {
            entry_type: EntryType::File,
            path: "\u{e4}".as_bytes(),
            link: b"",
            mode: 0o644,
            uid: 3_000_000,
            gid: 5,
            user: "",
            group: "",
            size: 9 << 30,
            mtime: Time::utc(-5, 0),
            atime: UNSET,
            ctime: UNSET,
            device: (0, 0),
            extended: Vec::new(),
        };
        let records = String::from_utf8(header.records()).unwrap();
        let expected = "11 path=\u{e4}\n19 size=9663676416\n15 uid=3000000\n12 mtime=-5\n";
        assert_eq!(records, expected);
        let mut out = Vec::new();
        header.write(&mut out);
        assert_eq!(out.len(), 3 * BLOCK);
        // In the header itself, they are zero.
        assert_eq!(&out[2 * BLOCK + 124..2 * BLOCK + 136], b"00000000000\0");
        let plain = Header {
            path: b"x",
            uid: 0,
            size: MOST_LONG,
            mtime: Time::utc(5, 0),
            ..header
        };
        assert!(plain.records().is_empty());
    }

    #[test]
    fn the_length_of_a_record_counts_its_own_digits() {
        for length in 0..1100 {
            let mut out = Vec::new();
            record(&mut out, b"k", &vec![b'v'; length]);
            let text = String::from_utf8(out.clone()).unwrap();
            let (digits, _) = text.split_once(' ').unwrap();
            assert_eq!(digits.parse(), Ok(out.len()), "{length}");
        }
    }
}

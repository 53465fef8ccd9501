//! The id of a file or a blob: the SHA-256 of its content.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// 32 bytes, shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub [u8; 32]);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 64 hexadecimal digits")]
pub struct NotAnId;

impl Id {
    /// The id of this content.
    pub fn of(content: &[u8]) -> Id {
        Id(Sha256::digest(content).into())
    }

    /// Reads the hexadecimal digits.
    ///
    /// # Errors
    /// When there are not 64 of them, or when one is upper-case: a file of such a name is another file.
    pub fn parse(text: &str) -> Result<Id, NotAnId> {
        Id::parse_bytes(text.as_bytes())
    }

    /// As [`Id::parse`], from a file name that may be anything.
    ///
    /// # Errors
    /// As there.
    pub fn parse_bytes(text: &[u8]) -> Result<Id, NotAnId> {
        let digits: &[u8; 64] = text.try_into().map_err(|_| NotAnId)?;
        let mut bytes = [0; 32];
        // A value above 15 marks a character that is not a digit; they are looked for once, at the end.
        let mut wrong = 0;
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (VALUES[pair[0] as usize], VALUES[pair[1] as usize]);
            wrong |= high | low;
            *byte = high << 4 | low & 15;
        }
        if wrong > 15 {
            return Err(NotAnId);
        }
        Ok(Id(bytes))
    }

    /// The 64 digits as ASCII characters.
    pub fn hex(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }
}

/// The value of each character as a digit, and 255 for what is not one.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    values
};

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The digits are ASCII.
        f.pad(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("64 hexadecimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Id::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_nothing_is_the_hash_of_nothing() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Id::of(b"").to_string(), text);
        assert_eq!(Id::parse(text), Ok(Id::of(b"")));
    }

    #[test]
    fn only_64_lower_case_digits_are_an_id() {
        let good = Id::of(b"x").to_string();
        assert!(Id::parse(&good).is_ok());
        assert_eq!(Id::parse(&good[1..]), Err(NotAnId));
        assert_eq!(Id::parse(&format!("{good}0")), Err(NotAnId));
        assert_eq!(Id::parse(&good.to_uppercase()), Err(NotAnId));
        assert_eq!(
            Id::parse(&good.replacen(&good[9..10], "g", 1)),
            Err(NotAnId)
        );
        assert_eq!(Id::parse(&"é".repeat(32)), Err(NotAnId));
    }
}

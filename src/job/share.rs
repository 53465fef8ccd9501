//! How much of a container's data a check reads, and how much waste a prune leaves: as job files and commands write it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units;

/// How much of the data a check reads. A job file of an earlier version has `true` or `false`, as JSON has it here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReadData {
    /// All of it, or nothing but the structure.
    All(bool),
    /// So many packs of a hundred, chosen at random.
    Percent { percent: f64 },
    /// One of so many parts, counted from 1.
    Part { part: u32, parts: u32 },
    /// Packs of this size together, chosen at random.
    Bytes { bytes: u64 },
    /// One of so many parts: the one that was read longest ago.
    Rolling { rolling: u32 },
}

/// How much may stay in a container that nothing needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxUnused {
    /// Of all that stays.
    Percent(f64),
    Bytes(u64),
    /// Packs are removed when nothing in them is needed, and never copied.
    Unlimited,
}

impl ReadData {
    /// The forms that a text may have, for messages.
    pub const EXPECTED: &'static str =
        "true, false, a share such as `5%`, `2/10` (the second of ten parts) or `20 GB`";
    /// Into so many parts the data can be divided at most.
    pub const MOST_PARTS: u32 = 1000;

    /// Reads a text: `true`, `all`, `false`, `5%`, `2/10`, `20 GB`.
    pub fn parse(text: &str) -> Option<ReadData> {
        let text = text.trim();
        match text.to_ascii_lowercase().as_str() {
            "true" | "all" => return Some(ReadData::All(true)),
            "false" | "none" => return Some(ReadData::All(false)),
            _ => {}
        }
        if let Some(percent) = percent(text) {
            return Some(ReadData::Percent { percent });
        }
        if let Some((part, parts)) = text.split_once('/') {
            let (part, parts) = (part.trim().parse().ok()?, parts.trim().parse().ok()?);
            let is_possible = parts <= ReadData::MOST_PARTS && (1..=parts).contains(&part);
            return is_possible.then_some(ReadData::Part { part, parts });
        }
        // A number alone could mean anything.
        let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
        match units::parse_bytes(text) {
            Some(bytes) if bytes > 0 && !is_bare => Some(ReadData::Bytes { bytes }),
            _ => None,
        }
    }
}

impl MaxUnused {
    /// The forms that a text may have, for messages.
    pub const EXPECTED: &'static str =
        "a share such as `5%`, a size such as `2 GB`, or `unlimited`";

    /// Reads a text: `5%`, `2 GB`, `0`, `unlimited`.
    pub fn parse(text: &str) -> Option<MaxUnused> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("unlimited") {
            return Some(MaxUnused::Unlimited);
        }
        match percent_or_zero(text) {
            Some(percent) if percent < 100.0 => Some(MaxUnused::Percent(percent)),
            Some(_) => None,
            None => units::parse_bytes(text).map(MaxUnused::Bytes),
        }
    }
}

/// A share of a hundred that is more than nothing.
fn percent(text: &str) -> Option<f64> {
    percent_or_zero(text).filter(|percent| *percent > 0.0)
}

fn percent_or_zero(text: &str) -> Option<f64> {
    let number: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&number).then_some(number)
}

/// What is read, as the end of a sentence: `reading all data`.
impl fmt::Display for ReadData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadData::All(true) => f.write_str("reading all data"),
            ReadData::All(false) => f.write_str("its structure only"),
            ReadData::Percent { percent } => write!(f, "reading {percent}% of the data"),
            ReadData::Part { part, parts } => {
                write!(f, "reading part {part} of {parts} of the data")
            }
            ReadData::Bytes { bytes } => write!(f, "reading {} of the data", units::bytes(*bytes)),
            ReadData::Rolling { rolling } => {
                write!(f, "reading the next of {rolling} parts of the data")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_data_is_written_in_several_ways() {
        for (text, expected) in [
            ("true", ReadData::All(true)),
            ("all", ReadData::All(true)),
            ("False", ReadData::All(false)),
            ("5%", ReadData::Percent { percent: 5.0 }),
            ("0.5 %", ReadData::Percent { percent: 0.5 }),
            ("2/10", ReadData::Part { part: 2, parts: 10 }),
            (
                "1 GB",
                ReadData::Bytes {
                    bytes: 1_000_000_000,
                },
            ),
        ] {
            assert_eq!(ReadData::parse(text), Some(expected), "{text}");
        }
        for text in [
            "", "5", "0%", "101%", "NaN%", "-1%", "0/3", "4/3", "1/1001", "0 GB", "half",
        ] {
            assert_eq!(ReadData::parse(text), None, "{text}");
        }
    }

    #[test]
    fn requests_of_earlier_versions_say_true_or_false() {
        for (text, expected) in [
            ("true", ReadData::All(true)),
            ("false", ReadData::All(false)),
            (r#"{"percent":5.0}"#, ReadData::Percent { percent: 5.0 }),
            (
                r#"{"part":2,"parts":10}"#,
                ReadData::Part { part: 2, parts: 10 },
            ),
            (r#"{"bytes":7}"#, ReadData::Bytes { bytes: 7 }),
            (r#"{"rolling":7}"#, ReadData::Rolling { rolling: 7 }),
        ] {
            assert_eq!(serde_json::from_str::<ReadData>(text).unwrap(), expected);
            assert_eq!(serde_json::to_string(&expected).unwrap(), text);
        }
    }

    #[test]
    fn waste_is_a_share_a_size_or_unlimited() {
        for (text, expected) in [
            ("5%", Some(MaxUnused::Percent(5.0))),
            ("0%", Some(MaxUnused::Percent(0.0))),
            ("0", Some(MaxUnused::Bytes(0))),
            ("2 GB", Some(MaxUnused::Bytes(2_000_000_000))),
            ("Unlimited", Some(MaxUnused::Unlimited)),
            ("100%", None),
            ("much", None),
        ] {
            assert_eq!(MaxUnused::parse(text), expected, "{text}");
        }
    }
}

//! The days of a window: `mon`, `mon-fri`, `sat,sun`.

use std::fmt;

use super::fault::RateFault;
use crate::schedule::vocabulary::{WEEKDAYS, index_of};

/// A set of weekdays: the bit of Monday is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Days(u8);

impl Days {
    /// The days of a window that names none.
    pub const ALL: Days = Days(0x7f);

    /// Whether the weekday is one of them; Monday is 0.
    pub fn has(self, weekday: u32) -> bool {
        self.0 >> weekday & 1 == 1
    }

    /// Reads days and ranges of days, separated by commas.
    ///
    /// # Errors
    /// When something between the commas is neither, or a range runs backward.
    pub fn parse(text: &str) -> Result<Days, RateFault> {
        let mut days = 0;
        for item in text.split(',') {
            let item = item.trim();
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            let day = |word: &str| index_of(&WEEKDAYS, word);
            let (Some(first), Some(last)) = (day(first), day(last)) else {
                return Err(RateFault::NotADay(item.to_owned()));
            };
            if first > last {
                return Err(RateFault::BackwardDays {
                    written: item.to_owned(),
                    instead: format!("{},{}", range(first, 6), range(0, last)),
                });
            }
            (first..=last).for_each(|day| days |= 1 << day);
        }
        Ok(Days(days))
    }
}

/// Whether the text is a day or a range of days, and nothing else.
pub(super) fn is_item(text: &str) -> bool {
    text.split('-')
        .all(|word| index_of(&WEEKDAYS, word).is_some())
}

fn range(first: u32, last: u32) -> String {
    let name = |day: u32| WEEKDAYS.get(day as usize).copied().unwrap_or_default();
    match first == last {
        true => name(first).to_owned(),
        false => format!("{}-{}", name(first), name(last)),
    }
}

/// As [`Days::parse`] reads it.
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges = Vec::new();
        let mut day = 0;
        while day < 7 {
            if !self.has(day) {
                day += 1;
                continue;
            }
            let last = (day..7)
                .take_while(|next| self.has(*next))
                .last()
                .unwrap_or(day);
            // Two days in a row are two words.
            match last - day {
                1 => ranges.extend([range(day, day), range(last, last)]),
                _ => ranges.push(range(day, last)),
            }
            day = last + 1;
        }
        f.write_str(&ranges.join(","))
    }
}

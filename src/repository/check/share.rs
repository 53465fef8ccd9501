//! Which packs a check reads whole.

use crate::repository::crypto::fill_random;
use crate::repository::error::Error;
use crate::storage::id::Id;

/// How much of the data is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    Nothing,
    All,
    /// Part `number` of `of` parts, counted from 1, as `restic check --read-data-subset=n/t` divides them. After `of`
    /// checks with one number each, everything was read.
    Part {
        number: u64,
        of: u64,
    },
    /// So many packs of a hundred, chosen at random, and one at least.
    Percent(f64),
    /// Packs chosen at random, as many as fit into this number of bytes, and one at least.
    Bytes(u64),
}

impl Share {
    /// The part that is read by the run with this number, if every `of` runs read everything. Any number will do:
    /// one more than that of the last run.
    pub fn rolling(run: u64, of: u64) -> Share {
        let of = of.max(1);
        Share::Part {
            number: run % of + 1,
            of,
        }
    }

    /// Keeps the packs that are read. Each has its size in bytes.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn choose(self, packs: &mut Vec<(Id, u64)>) -> Result<(), Error> {
        match self {
            Share::All => {}
            Share::Nothing => packs.clear(),
            Share::Part { number, of } => packs.retain(|(pack, _)| part(*pack, of) == number),
            Share::Percent(percent) => {
                shuffle(packs)?;
                let share = packs.len() as f64 * percent.clamp(0.0, 100.0) / 100.0;
                packs.truncate((share as usize).max(1));
            }
            Share::Bytes(most) => {
                shuffle(packs)?;
                let mut sum = 0_u64;
                let fitting = packs.iter().take_while(|(_, size)| {
                    sum = sum.saturating_add(*size);
                    sum <= most
                });
                let fitting = fitting.count();
                packs.truncate(fitting.max(1));
            }
        }
        Ok(())
    }
}

fn shuffle(packs: &mut [(Id, u64)]) -> Result<(), Error> {
    let mut salt = [0; 8];
    fill_random(&mut salt)?;
    let salt = u64::from_ne_bytes(salt);
    // Ids are hashes: their order after such a change is a random one.
    packs.sort_unstable_by_key(|(pack, _)| first_bytes(*pack).wrapping_mul(salt | 1) ^ salt);
    Ok(())
}

/// The number of the part that a pack belongs to. Up to 256 parts are those of restic, which looks at the first byte.
fn part(pack: Id, of: u64) -> u64 {
    let number = match of {
        0 => return 1,
        1..=256 => u64::from(pack.0[0]),
        _ => first_bytes(pack),
    };
    number % of + 1
}

fn first_bytes(id: Id) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A thousand packs of ten bytes.
    fn packs() -> Vec<(Id, u64)> {
        let pack = |at: u32| (Id::of(&at.to_le_bytes()), 10);
        (0..1000).map(pack).collect()
    }

    fn chosen(share: Share) -> Vec<Id> {
        let mut packs = packs();
        share.choose(&mut packs).unwrap();
        packs.into_iter().map(|(pack, _)| pack).collect()
    }

    #[test]
    fn as_many_runs_as_there_are_parts_read_every_pack_once() {
        for of in [1, 2, 7, 256, 300] {
            let mut read = BTreeSet::new();
            for run in 41..41 + of {
                for pack in chosen(Share::rolling(run, of)) {
                    assert!(read.insert(pack));
                }
            }
            assert_eq!(read.len(), 1000, "{of}");
        }
    }

    #[test]
    fn a_percentage_is_that_many_packs_and_one_at_least() {
        assert_eq!(chosen(Share::Percent(5.0)).len(), 50);
        assert_eq!(chosen(Share::Percent(0.001)).len(), 1);
        assert_eq!(chosen(Share::Percent(1000.0)).len(), 1000);
        assert_eq!(chosen(Share::Percent(f64::NAN)).len(), 1);
        assert_ne!(chosen(Share::Percent(5.0)), chosen(Share::Percent(5.0)));
    }

    #[test]
    fn a_size_is_as_many_packs_as_fit_and_one_at_least() {
        assert_eq!(chosen(Share::Bytes(105)).len(), 10);
        assert_eq!(chosen(Share::Bytes(9)).len(), 1);
        assert_eq!(chosen(Share::Bytes(u64::MAX)).len(), 1000);
        assert_ne!(chosen(Share::Bytes(100)), chosen(Share::Bytes(100)));
    }

    #[test]
    fn parts_that_do_not_exist_hold_nothing() {
        assert!(chosen(Share::Nothing).is_empty());
        assert!(chosen(Share::Part { number: 3, of: 2 }).is_empty());
        assert_eq!(chosen(Share::All).len(), 1000);
    }
}

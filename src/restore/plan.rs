//! The pieces that the walk has come to and not handed out yet.
//!
//! They wait until there are many, and are then read in the order of the packs. A backup fills its packs in the order of its
//! own walk, so the pieces of one pack come up near each other. From a storage away from this host, only the packs are read
//! that nothing was wanted of for the longest time: a pack of which more pieces may come up waits.

use std::collections::HashMap;

use super::batch::{Reach, Run, Use, Wanted, group};
use crate::repository::index::BlobLocation;
use crate::storage::id::Id;

/// What waits.
pub struct Plan {
    reach: Reach,
    /// Under `None`: what lies in no pack.
    packs: HashMap<Option<Id>, Waiting>,
    /// How many pieces wait.
    count: usize,
    /// How many have come up.
    came: u64,
}

/// What waits for a pack.
struct Waiting {
    wanted: Vec<Wanted>,
    /// When the last of it came up.
    last: u64,
}

impl Plan {
    /// Nothing waits.
    pub fn new(reach: Reach) -> Plan {
        Plan {
            reach,
            packs: HashMap::new(),
            count: 0,
            came: 0,
        }
    }

    /// A piece has come up. Returns what is to be read now.
    pub fn add(&mut self, location: Option<BlobLocation>, user: Use) -> Vec<Vec<Run>> {
        let pack = location.map(|location| location.pack);
        let waiting = self.packs.entry(pack).or_insert_with(|| Waiting {
            wanted: Vec::new(),
            last: 0,
        });
        waiting.wanted.push((location, user));
        waiting.last = self.came;
        self.came += 1;
        self.count += 1;
        match self.count >= self.reach.window {
            true => self.take(self.reach.kept()),
            false => Vec::new(),
        }
    }

    /// Everything that waits.
    pub fn rest(&mut self) -> Vec<Vec<Run>> {
        self.take(0)
    }

    /// Takes whole packs, until no more than this waits.
    fn take(&mut self, kept: usize) -> Vec<Vec<Run>> {
        let mut order: Vec<(u64, Option<Id>)> = self
            .packs
            .iter()
            .map(|(pack, waiting)| (waiting.last, *pack))
            .collect();
        order.sort_unstable();
        let mut wanted = Vec::new();
        for (_, pack) in order {
            if self.count <= kept {
                break;
            }
            if let Some(waiting) = self.packs.remove(&pack) {
                self.count -= waiting.wanted.len();
                wanted.extend(waiting.wanted);
            }
        }
        group(wanted, self.reach)
    }
}

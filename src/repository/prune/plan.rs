//! Which packs a prune keeps, copies and removes. Pure: numbers in, decisions out.

use super::census::{Contents, PackUse};

/// So many small packs of one kind are put together; fewer are not worth it.
const MANY: usize = 10;

/// How much may stay that nothing needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxUnused {
    /// Of all that stays.
    Percent(f64),
    Bytes(u64),
    /// Packs of data are removed when nothing in them is needed, and never copied.
    Unlimited,
}

/// How a prune decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    pub max_unused: MaxUnused,
    /// The most bytes of packs that are copied in one run; `None` for no limit.
    pub max_repack: Option<u64>,
    /// Packs below this size, in bytes, are put together when there are many. With 0, none are.
    pub small: u64,
    /// Whether data that is not compressed is copied to be compressed. Trees always are.
    pub compress_data: bool,
}

impl Default for Options {
    /// 5 % may be unused, as in restic; packs below 4 MiB are small.
    fn default() -> Options {
        Options {
            max_unused: MaxUnused::Percent(5.0),
            max_repack: None,
            small: 4 << 20,
            compress_data: false,
        }
    }
}

/// What becomes of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Keep,
    /// It is needed, or may be, and has not the size that it must have: it stays as it is, for a repair.
    KeepDamaged,
    /// What is needed goes to a new pack, and this one is removed.
    Repack,
    /// Nothing in it is needed.
    Remove,
    /// The storage does not have it: the index forgets it.
    Drop,
}

/// What becomes of all packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the packs that were given.
    pub decisions: Vec<Decision>,
    pub summary: Summary,
}

/// A plan in numbers. Sizes are in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All packs, those that no index names too.
    pub packs: u64,
    pub bytes: u64,
    pub used_bytes: u64,
    /// Blobs that nothing needs, and further copies of blobs.
    pub unused_bytes: u64,
    pub packs_kept: u64,
    /// Also counted as kept.
    pub packs_damaged: u64,
    pub packs_repacked: u64,
    /// What is needed in those that are repacked.
    pub bytes_repacked: u64,
    /// Without those that are repacked.
    pub packs_removed: u64,
    pub packs_unindexed: u64,
    /// What is free after the prune.
    pub bytes_freed: u64,
    /// Of `unused_bytes`, what stays.
    pub unused_bytes_left: u64,
}

/// Decides about all packs.
pub fn plan(packs: &[PackUse], options: &Options) -> Plan {
    let mut decisions: Vec<Decision> = packs.iter().map(at_once).collect();
    let used: u64 = packs.iter().map(|pack| pack.used_bytes).sum();
    let allowed = match options.max_unused {
        MaxUnused::Bytes(bytes) => bytes,
        MaxUnused::Unlimited => u64::MAX,
        MaxUnused::Percent(percent) => {
            let percent = percent.clamp(0.0, 100.0);
            // The share of all that stays, which is what is used and what is not. 100 % gives infinity: no limit.
            (used as f64 * percent / (100.0 - percent)) as u64
        }
    };
    let mut repacked = 0;
    let mut may_repack = |pack: &PackUse| {
        let after = repacked + pack.described;
        let fits = options.max_repack.is_none_or(|most| after <= most);
        repacked = if fits { after } else { repacked };
        fits
    };

    let mut candidates: Vec<usize> = (0..packs.len())
        .filter(|at| decisions[*at] == Decision::Keep)
        .filter(|at| must_repack(&packs[*at], options) || packs[*at].unused_bytes > 0)
        .collect();
    // Those that must come first; then those of which most is unused.
    candidates.sort_by(|a, b| {
        let [a, b] = [&packs[*a], &packs[*b]];
        let unused = u128::from(b.unused_bytes) * u128::from(a.described);
        must_repack(b, options)
            .cmp(&must_repack(a, options))
            .then(unused.cmp(&(u128::from(a.unused_bytes) * u128::from(b.described))))
            .then(a.pack.cmp(&b.pack))
    });
    let mut unused: u64 = candidates.iter().map(|at| packs[*at].unused_bytes).sum();
    for at in candidates {
        let pack = &packs[at];
        if (must_repack(pack, options) || unused > allowed) && may_repack(pack) {
            decisions[at] = Decision::Repack;
            unused -= pack.unused_bytes;
        }
    }

    for trees in [false, true] {
        let small: Vec<usize> = (0..packs.len())
            .filter(|at| decisions[*at] == Decision::Keep && packs[*at].described < options.small)
            .filter(|at| (packs[*at].contents == Contents::Trees) == trees)
            .collect();
        if small.len() >= MANY {
            for at in small {
                if may_repack(&packs[at]) {
                    decisions[at] = Decision::Repack;
                }
            }
        }
    }
    let summary = summary(packs, &decisions);
    Plan { decisions, summary }
}

/// What can be said of a pack without a look at the others.
fn at_once(pack: &PackUse) -> Decision {
    match pack.size {
        None => Decision::Drop,
        Some(_) if pack.used_blobs == 0 && !pack.may_have_missing => Decision::Remove,
        Some(_) if !pack.is_whole() => Decision::KeepDamaged,
        Some(_) => Decision::Keep,
    }
}

/// Whether a pack is copied however little of it is unused. Trees are read often, so they lie close together.
fn must_repack(pack: &PackUse, options: &Options) -> bool {
    match pack.contents {
        Contents::Mixed => true,
        Contents::Trees => pack.unused_bytes > 0 || pack.plain_trees,
        Contents::Data => pack.plain_data && options.compress_data,
    }
}

fn summary(packs: &[PackUse], decisions: &[Decision]) -> Summary {
    let mut summary = Summary::default();
    for (pack, decision) in packs.iter().zip(decisions) {
        let size = pack.size.unwrap_or(0);
        if pack.size.is_some() {
            summary.packs += 1;
            summary.bytes += size;
            summary.used_bytes += pack.used_bytes;
            summary.unused_bytes += pack.unused_bytes;
        }
        match decision {
            Decision::Keep | Decision::KeepDamaged => {
                summary.packs_kept += 1;
                summary.packs_damaged += u64::from(*decision == Decision::KeepDamaged);
                summary.unused_bytes_left += pack.unused_bytes;
            }
            Decision::Repack => {
                summary.packs_repacked += 1;
                summary.bytes_repacked += pack.used_bytes;
                summary.bytes_freed += pack.unused_bytes;
            }
            Decision::Remove => {
                summary.packs_removed += 1;
                summary.bytes_freed += size;
            }
            Decision::Drop => {}
        }
    }
    summary
}

#[cfg(test)]
mod tests;

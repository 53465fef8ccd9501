//! Plans from numbers that were made by hand.

use super::*;
use crate::storage::id::Id;

const MEGABYTE: u64 = 1 << 20;

/// A pack of data, with so many megabytes that are used and unused.
fn pack(at: u8, used: u64, unused: u64) -> PackUse {
    PackUse {
        pack: Id([at; 32]),
        size: Some((used + unused) * MEGABYTE),
        described: (used + unused) * MEGABYTE,
        used_blobs: used,
        used_bytes: used * MEGABYTE,
        unused_blobs: unused,
        unused_bytes: unused * MEGABYTE,
        contents: Contents::Data,
        plain_trees: false,
        plain_data: false,
        may_have_missing: false,
    }
}

fn decisions(packs: &[PackUse], options: &Options) -> String {
    let letter = |decision: &Decision| match decision {
        Decision::Keep => 'k',
        Decision::KeepDamaged => 'd',
        Decision::Repack => 'p',
        Decision::Remove => 'r',
        Decision::Drop => '-',
    };
    plan(packs, options).decisions.iter().map(letter).collect()
}

#[test]
fn a_pack_that_nothing_needs_is_removed_and_one_that_is_needed_stays() {
    let missing = PackUse {
        size: None,
        ..pack(3, 0, 5)
    };
    let cut = PackUse {
        size: Some(7),
        ..pack(4, 1, 9)
    };
    let cut_and_unused = PackUse {
        size: Some(7),
        ..pack(5, 0, 9)
    };
    let packs = [pack(1, 16, 0), pack(2, 0, 16), missing, cut, cut_and_unused];
    let options = Options::default();
    assert_eq!(decisions(&packs, &options), "kr-dr");
    let summary = plan(&packs, &options).summary;
    assert_eq!(summary.bytes, 32 * MEGABYTE + 14);
    assert_eq!(summary.bytes_freed, 16 * MEGABYTE + 7);
    assert_eq!((summary.packs_kept, summary.packs_damaged), (2, 1));
    assert_eq!((summary.packs, summary.packs_removed), (4, 2));
}

#[test]
fn packs_are_copied_the_worst_first_until_little_enough_is_unused() {
    let packs = [
        pack(1, 100, 0),
        pack(2, 15, 1),
        pack(3, 1, 15),
        pack(4, 8, 8),
        pack(5, 14, 2),
    ];
    let with = |max_unused| Options {
        max_unused,
        ..Options::default()
    };
    let percent = |percent| with(MaxUnused::Percent(percent));
    // 138 MB are used: 5 % of all are 7.
    assert_eq!(decisions(&packs, &percent(5.0)), "kkppk");
    assert_eq!(decisions(&packs, &percent(10.0)), "kkpkk");
    assert_eq!(decisions(&packs, &percent(0.0)), "kpppp");
    assert_eq!(decisions(&packs, &percent(100.0)), "kkkkk");
    assert_eq!(decisions(&packs, &with(MaxUnused::Unlimited)), "kkkkk");
    let bytes = with(MaxUnused::Bytes(MEGABYTE));
    assert_eq!(decisions(&packs, &bytes), "kkppp");
    let summary = plan(&packs, &bytes).summary;
    assert_eq!(summary.unused_bytes_left, MEGABYTE);
    assert_eq!(summary.bytes_repacked, 23 * MEGABYTE);
    assert_eq!(summary.bytes_freed, 25 * MEGABYTE);
}

#[test]
fn the_limit_on_copying_holds_and_smaller_packs_still_fit() {
    let packs = [pack(1, 1, 15), pack(2, 5, 5), pack(3, 30, 30)];
    let options = Options {
        max_repack: Some(30 * MEGABYTE),
        ..Options::default()
    };
    assert_eq!(decisions(&packs, &options), "ppk");
    let none = Options {
        max_repack: Some(0),
        ..options
    };
    assert_eq!(decisions(&packs, &none), "kkk");
}

#[test]
fn trees_lie_close_together_and_mixed_packs_are_split() {
    let trees = |at, used, unused| PackUse {
        contents: Contents::Trees,
        ..pack(at, used, unused)
    };
    let mixed = PackUse {
        contents: Contents::Mixed,
        ..pack(3, 16, 0)
    };
    let plain = PackUse {
        plain_trees: true,
        ..trees(4, 16, 0)
    };
    let plain_data = PackUse {
        plain_data: true,
        ..pack(5, 16, 0)
    };
    let packs = [trees(1, 1000, 1), trees(2, 16, 0), mixed, plain, plain_data];
    assert_eq!(decisions(&packs, &Options::default()), "pkppk");
    let compress = Options {
        compress_data: true,
        ..Options::default()
    };
    assert_eq!(decisions(&packs, &compress), "pkppp");
}

#[test]
fn many_small_packs_are_put_together_and_few_are_not() {
    let mut packs: Vec<PackUse> = (0..9).map(|at| pack(at, 1, 0)).collect();
    packs.push(pack(9, 16, 0));
    let options = Options::default();
    assert_eq!(decisions(&packs, &options), "kkkkkkkkkk");
    packs.push(pack(10, 2, 0));
    assert_eq!(decisions(&packs, &options), "pppppppppkp");
    let off = Options {
        small: 0,
        ..options
    };
    assert_eq!(decisions(&packs, &off), "kkkkkkkkkkk");
}

#[test]
fn no_plan_removes_what_is_needed_and_the_numbers_add_up() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..2000 {
        let packs: Vec<PackUse> = (0..random.u8(0..30))
            .map(|at| {
                let mut pack = pack(at, random.u64(0..4), random.u64(0..4));
                pack.contents =
                    [Contents::Data, Contents::Trees, Contents::Mixed][random.usize(..3)];
                pack.plain_data = random.bool();
                pack.plain_trees = random.bool();
                match random.u8(..8) {
                    0 => pack.size = None,
                    1 => pack.size = Some(5),
                    _ => {}
                }
                pack
            })
            .collect();
        let options = Options {
            max_unused: [
                MaxUnused::Percent(random.f64() * 120.0 - 10.0),
                MaxUnused::Bytes(random.u64(0..30) * MEGABYTE),
                MaxUnused::Unlimited,
            ][random.usize(..3)],
            max_repack: random.bool().then(|| random.u64(0..40) * MEGABYTE),
            small: random.u64(0..5) * MEGABYTE,
            compress_data: random.bool(),
        };
        let plan = plan(&packs, &options);
        let mut repacked = 0;
        for (pack, decision) in packs.iter().zip(&plan.decisions) {
            match decision {
                Decision::Remove => assert_eq!(pack.used_blobs, 0),
                Decision::Drop => assert_eq!(pack.size, None),
                Decision::KeepDamaged => assert!(!pack.is_whole()),
                Decision::Keep => assert!(pack.is_whole()),
                Decision::Repack => {
                    assert!(pack.is_whole());
                    repacked += pack.described;
                }
            }
        }
        assert!(options.max_repack.is_none_or(|most| repacked <= most));
        let summary = plan.summary;
        let after = summary.packs_kept + summary.packs_repacked + summary.packs_removed;
        assert_eq!(after, summary.packs);
        assert!(summary.bytes_freed <= summary.bytes);
        assert!(summary.unused_bytes_left <= summary.unused_bytes);
    }
}

//! Times on file systems that do not keep them exactly. Pure.

use super::time::Time;

/// Whether `kept` is what a file system makes of the time `wanted` that keeps times to the second, or less exactly, or not much
/// more: ext2 and ext3, ext4 with small inodes, FAT, NTFS, SMB. `changed` is the time of the entry's last change, which
/// the kernel sets: only such a file system keeps it as coarsely.
pub fn is_cut(wanted: Time, kept: Time, changed: Time) -> bool {
    // In nanoseconds: 100 ns, 1 µs, 1 ms, 1 s, 2 s.
    const STEPS: [u64; 5] = [100, 1_000, 1_000_000, 1_000_000_000, 2_000_000_000];
    let cut = |time: Time, step: u64| {
        let whole = i64::try_from(step / 1_000_000_000).unwrap_or(1);
        match step {
            0..1_000_000_000 => (time.seconds, u64::from(time.nanoseconds) / step * step),
            _ => (time.seconds.div_euclid(whole) * whole, 0),
        }
    };
    let exact = |time: Time| (time.seconds, u64::from(time.nanoseconds));
    exact(kept) != exact(wanted)
        && STEPS
            .iter()
            .any(|step| exact(kept) == cut(wanted, *step) && exact(changed) == cut(changed, *step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_was_cut_is_told_from_another_time() {
        let wanted = Time::utc(1001, 123_456_789);
        for (kept, changed, expected) in [
            (Time::utc(1001, 123_456_700), Time::utc(5, 500), true),
            (Time::utc(1001, 123_456_000), Time::utc(5, 7_000), true),
            (Time::utc(1001, 123_000_000), Time::utc(5, 9_000_000), true),
            (Time::utc(1001, 0), Time::utc(5, 0), true),
            (Time::utc(1000, 0), Time::utc(4, 0), true),
            // The kernel wrote nanoseconds, so the file system keeps them.
            (Time::utc(1001, 0), Time::utc(5, 1), false),
            (Time::utc(1000, 0), Time::utc(5, 0), false),
            (Time::utc(1002, 0), Time::utc(4, 0), false),
            (Time::utc(1001, 123_456_788), Time::utc(4, 0), false),
            (Time::utc(999, 0), Time::utc(4, 0), false),
            // Nothing was cut.
            (wanted, Time::utc(4, 0), false),
        ] {
            assert_eq!(
                is_cut(wanted, kept, changed),
                expected,
                "{kept:?} {changed:?}"
            );
        }
        let old = Time::utc(-3, 5);
        assert!(is_cut(old, Time::utc(-3, 0), Time::utc(5, 0)));
        assert!(is_cut(old, Time::utc(-4, 0), Time::utc(4, 0)));
    }
}

//! The keys of an action `drill`.

use super::key::Key;
use super::shape::{Bounds, Shape};
use crate::job::kind::{WorkKind, WorkKinds};

const DRILL: WorkKinds = WorkKinds::of(&[WorkKind::Drill]);

/// The keys of an action `drill`, beside `command`.
pub const DRILL_KEYS: &[Key] = &[
    Key::new(
        "scratch",
        Shape::Path,
        DRILL,
        "The directory in which the drill makes a directory of its own, restores into it, and removes it again. It must exist \
         and have the space; the drill finds out before it begins. Default: the directory that `TMPDIR` names in the environment of \
         the daemon, or else `/var/tmp`, which is on a disk on most hosts, where `/tmp` is often in memory.",
    )
    .example("\"/srv/scratch\""),
    Key::new(
        "sample_files",
        Shape::Number(Bounds {
            least: 1.0,
            most: 1_000_000.0,
            whole: true,
            unit: "files",
        }),
        DRILL,
        "Restore only so many files, which each run chooses at random. Without `sample_files` and `sample_bytes`, the whole \
         snapshot is restored.",
    )
    .example("200"),
    Key::new(
        "sample_bytes",
        Shape::Size,
        DRILL,
        "Restore only so many bytes of files, which each run chooses at random. A file that is larger than what is left is \
         passed over; if all are larger, the smallest one is restored.",
    )
    .example("\"2 GiB\""),
    Key::new(
        "compare_source",
        Shape::Flag,
        DRILL,
        "Compare the restored files also with those of this host that have not changed since the backup, as their size, \
         times and inode say. This reads them.",
    )
    .example("false")
    .default("true"),
];

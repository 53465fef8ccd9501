//! The keys that say which snapshots are kept: in a backup and in an action `admin`, and in the object `keep`, where the
//! beginning `keep_` may be left out.

use super::key::Key;
use super::object::Object;
use super::shape::Shape;
use crate::job::kind::{WorkKind, WorkKinds};
use crate::job::prune_budget::PruneWhen;

const BACKUP: WorkKinds = WorkKinds::of(&[WorkKind::Backup]);
const KINDS: WorkKinds = BACKUP.with(WorkKind::Admin);

const fn count(name: &'static str, about: &'static str, example: &'static str) -> Key {
    Key::new(name, Shape::Count, KINDS, about).example(example)
}

const fn span(name: &'static str, about: &'static str, example: &'static str) -> Key {
    Key::new(name, Shape::Span, KINDS, about).example(example)
}

/// The keys beside the rules: when the space is freed, and the guards.
pub const REMOVAL_KEYS: &[Key] = &[
    Key::new(
        "prune",
        Shape::Words(&PruneWhen::WORDS),
        KINDS,
        "When the container is pruned, which frees the space of removed snapshots. Default: `needed` in a backup, `always` in an \
         action `admin`. A backup that removes no snapshots prunes only with `always`.",
    )
    .example("\"always\""),
    Key::new(
        "shrink_guard",
        Shape::Share,
        BACKUP,
        "Raise an alarm if more than this share of the files, or of the bytes, of the last whole snapshot is gone; `false`: \
         never. The snapshot is kept and marked, and no snapshot of its lineage is removed until `freezerd accept RUN`. See \
         RETENTION.",
    )
    .example("\"80%\"")
    .default("\"50%\""),
    Key::new(
        "churn_guard",
        Shape::Share,
        BACKUP,
        "Raise such an alarm if more than this share of the files is changed or replaced, and more than three times as much as \
         in any of the last ten backups. At least three backups must be there to compare with.",
    )
    .example("\"30%\"")
    .default("false"),
];

const COUNT: usize = 15;

/// The keys of the rules, and `keep`, which holds them all.
pub const KEEP_KEYS: [Key; COUNT + 1] = {
    let mut keys = [KEEP; COUNT + 1];
    let mut at = 0;
    while at < COUNT {
        keys[at] = RULES[at];
        at += 1;
    }
    keys
};

const RULES: [Key; COUNT] = [
    count(
        "keep_last",
        "Keep so many of the newest snapshots; -1 or `all`: all of them. Snapshots that no `keep_…` key keeps are removed. 0 is \
         not a rule, here and in the next keys. See RETENTION.",
        "7",
    ),
    count(
        "keep_hourly",
        "Of each hour, keep the newest snapshot: of so many hours that have one.",
        "24",
    ),
    count(
        "keep_daily",
        "Of each day, keep the newest snapshot: of so many days that have one.",
        "14",
    ),
    count(
        "keep_weekly",
        "Of each week, which begins on Monday, keep the newest snapshot: of so many weeks that have one.",
        "8",
    ),
    count(
        "keep_monthly",
        "Of each month, keep the newest snapshot: of so many months that have one.",
        "12",
    ),
    count(
        "keep_quarterly",
        "Of each quarter of a year, keep the newest snapshot: of so many quarters that have one.",
        "8",
    ),
    count(
        "keep_yearly",
        "Of each year, keep the newest snapshot: of so many years that have one.",
        "-1",
    ),
    span(
        "keep_within",
        "Keep all snapshots that are at most so much older than the newest one: `30d`, `1y6m`, `36h`.",
        "\"30d\"",
    ),
    span(
        "keep_within_hourly",
        "Of each hour, keep the newest snapshot, back to so long before the newest of all.",
        "\"2d\"",
    ),
    span(
        "keep_within_daily",
        "Of each day, keep the newest snapshot, back to so long before the newest of all.",
        "\"30d\"",
    ),
    span(
        "keep_within_weekly",
        "Of each week, keep the newest snapshot, back to so long before the newest of all.",
        "\"3m\"",
    ),
    span(
        "keep_within_monthly",
        "Of each month, keep the newest snapshot, back to so long before the newest of all.",
        "\"1y\"",
    ),
    span(
        "keep_within_quarterly",
        "Of each quarter of a year, keep the newest snapshot, back to so long before the newest of all.",
        "\"3y\"",
    ),
    span(
        "keep_within_yearly",
        "Of each year, keep the newest snapshot, back to so long before the newest of all.",
        "\"10y\"",
    ),
    Key::new(
        "keep_tags",
        Shape::Tags,
        KINDS,
        "Keep snapshots that have this tag, or all tags of a text with commas; or a list of them, of which one is enough.",
    )
    .example("\"release\""),
];

/// The rules as one object.
pub const KEEP: Key = Key::new(
    "keep",
    Shape::Object(Object::Keep),
    KINDS,
    "The keys `keep_…` as an object, where the beginning of their names may be left out. It replaces them: an action has one \
     or the other.",
)
.example("{\"daily\": 14, \"monthly\": 12}");

const SHORT: [&[&str]; COUNT] = [
    &["last"],
    &["hourly"],
    &["daily"],
    &["weekly"],
    &["monthly"],
    &["quarterly"],
    &["yearly"],
    &["within"],
    &["within_hourly"],
    &["within_daily"],
    &["within_weekly"],
    &["within_monthly"],
    &["within_quarterly"],
    &["within_yearly"],
    &["tags"],
];

/// The keys of the object `keep`.
pub const MEMBERS: &[Key] = &ALL_MEMBERS;

static ALL_MEMBERS: [Key; COUNT] = {
    let mut keys = RULES;
    let mut at = 0;
    while at < COUNT {
        keys[at] = keys[at].aliases(SHORT[at]).of_all_work();
        at += 1;
    }
    keys
};

/// The keys of which an action `admin` needs one.
pub const REMOVAL_RULES: [&str; COUNT + 3] = {
    let mut names = ["remove_older_than"; COUNT + 3];
    names[1] = "remove_from_date";
    let mut at = 0;
    while at < COUNT + 1 {
        names[at + 2] = KEEP_KEYS[at].name;
        at += 1;
    }
    names
};

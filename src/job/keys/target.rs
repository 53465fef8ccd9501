//! The keys of an entry of `targets`.

use super::keep::KEEP;
use super::key::Key;
use super::shape::Shape;
use crate::job::kind::WorkKinds;

const ALL: WorkKinds = WorkKinds::ALL;

/// How many further containers a backup has at most.
pub const MOST_TARGETS: usize = 16;

/// The keys of a further container of a backup.
pub const TARGET_KEYS: &[Key] = &[
    Key::new(
        "storage",
        Shape::Storage,
        ALL,
        "The storage that the container is in.",
    )
    .example("\"local\"")
    .default("\"local\""),
    Key::new(
        "container",
        Shape::Container,
        ALL,
        "The container, as in the key of the action.",
    )
    .required(ALL, "\"/mnt/usb/backups\""),
    Key::new(
        "encrypt_pass_file",
        Shape::Secret,
        ALL,
        "A file that holds the password of this container. Default: the empty password.",
    )
    .example("\"/etc/freezerd/second-disk\""),
    Key::new(
        "remove_older_than",
        Shape::Age,
        ALL,
        "As in the action, for this container. Default: if neither this key nor `keep` is here, what the action says with all \
         of its keys.",
    )
    .example("365"),
    KEEP,
];

//! The keys of a job file: the table that the parser, the suggestions, the schema and the manual page read.

mod action;
mod document;
mod drill;
mod foreign;
mod habits;
mod keep;
mod key;
mod object;
mod shape;
mod storage;
mod suggest;
mod target;

pub use action::{ACTION_KEYS, one_of};
pub use document::{DOCUMENT_KEYS, ENTRY_KEYS, SCHEDULE_KEYS};
pub use foreign::openstack_service;
pub use habits::{Meaning, habit};
pub use key::{Key, OfStorage, Support};
pub use object::Object;
pub use shape::{Bounds, Shape};
pub use suggest::{suggested_word, suggestion};
pub use target::{MOST_TARGETS, TARGET_KEYS};

impl Object {
    /// The keys of the object.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Object::Job => DOCUMENT_KEYS,
            Object::Entry => ENTRY_KEYS,
            Object::Schedule => SCHEDULE_KEYS,
            Object::Action => ACTION_KEYS,
            Object::Target => TARGET_KEYS,
            Object::Keep => keep::MEMBERS,
        }
    }

    /// The key with that name or alias. `-` and `_` are the same.
    pub fn find(self, written: &str) -> Option<&'static Key> {
        let name = written.replace('-', "_");
        self.keys()
            .iter()
            .find(|key| key.name == name || key.aliases.contains(&name.as_str()))
    }
}

/// Several tables as one. `ALL` is the sum of their lengths.
const fn joined<const ALL: usize>(tables: &[&[Key]]) -> [Key; ALL] {
    let mut keys = [tables[0][0]; ALL];
    let (mut table, mut row, mut at) = (0, 0, 0);
    while at < ALL {
        if row == tables[table].len() {
            table += 1;
            row = 0;
            continue;
        }
        keys[at] = tables[table][row];
        row += 1;
        at += 1;
    }
    keys
}

/// Whether a key is a remark of the user, which the parser skips: `x-…`, `_…`, and `$schema`, which tells an editor where
/// the schema of the file is.
pub fn is_remark(written: &str) -> bool {
    written == "$schema"
        || written.starts_with("x-")
        || written.starts_with("x_")
        || written.starts_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::kind::WorkKind;

    #[test]
    fn the_default_kind_of_work_is_the_one_that_the_table_shows() {
        let default = Object::Action.find("action").and_then(|key| key.default);
        let expected = format!("{:?}", WorkKind::DEFAULT.word());
        assert_eq!(default, Some(expected.as_str()));
    }

    #[test]
    fn each_kind_of_work_requires_a_key_of_its_own_needs() {
        for kind in WorkKind::ALL {
            let required: Vec<&str> = ACTION_KEYS
                .iter()
                .filter(|key| key.required.has(*kind))
                .map(|key| key.name)
                .collect();
            let expected = match kind.access() {
                Some(_) => "container",
                None => "command",
            };
            assert!(
                required.contains(&expected),
                "{}: {required:?}",
                kind.word()
            );
        }
    }
}

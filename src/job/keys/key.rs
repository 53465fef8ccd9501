//! What there is to know about one key.

use super::shape::Shape;
use crate::job::kind::WorkKinds;
use crate::job::storage::StorageKind;

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// The key does what its description says.
    Used,
    /// The key is accepted and kept in the document. It has no effect.
    Kept,
    /// The key is accepted with a warning. The text says what happens instead.
    NoEffect(&'static str),
    /// The key is refused. The text says why.
    Unsupported(&'static str),
}

/// What a key of an action says of a storage.
#[derive(Clone, Copy, Debug)]
pub struct OfStorage {
    /// The key of `[storage.NAME]` that it stands for, or the name of a secret.
    pub key: &'static str,
    /// The kinds of storages that have it.
    pub kinds: &'static [StorageKind],
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Written with `_`.
    pub name: &'static str,
    /// Other names for the same key.
    pub aliases: &'static [&'static str],
    pub shape: Shape,
    /// The kinds of work that the key is for. Outside of `freezer_action`: [`WorkKinds::ALL`].
    pub kinds: WorkKinds,
    /// The kinds of work that need the key. Outside of `freezer_action`: [`WorkKinds::ALL`] or [`WorkKinds::NONE`].
    pub required: WorkKinds,
    /// The value where the key is absent, as JSON; `None`: nothing.
    pub default: Option<&'static str>,
    /// Whether the name of the host is the value where the key is absent.
    pub host_by_default: bool,
    /// A value as JSON, for the reference and the help about a missing key. `…` stands for what an example leaves open.
    pub example: &'static str,
    /// The first version that has the key.
    pub since: &'static str,
    pub support: Support,
    /// Only of a key that describes a storage in the job itself.
    pub of_storage: Option<OfStorage>,
    /// A sentence or two for the manual.
    pub about: &'static str,
}

impl Key {
    /// A key that is used, for some kinds of work.
    pub(super) const fn new(
        name: &'static str,
        shape: Shape,
        kinds: WorkKinds,
        about: &'static str,
    ) -> Key {
        Key {
            name,
            aliases: &[],
            shape,
            kinds,
            required: WorkKinds::NONE,
            default: None,
            host_by_default: false,
            example: "…",
            since: "0.1.0",
            support: Support::Used,
            of_storage: None,
            about,
        }
    }

    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Key {
        self.aliases = aliases;
        self
    }

    pub(super) const fn required(mut self, kinds: WorkKinds, example: &'static str) -> Key {
        self.required = kinds;
        self.example = example;
        self
    }

    pub(super) const fn example(mut self, example: &'static str) -> Key {
        self.example = example;
        self
    }

    pub(super) const fn default(mut self, default: &'static str) -> Key {
        self.default = Some(default);
        self
    }

    pub(super) const fn host_by_default(mut self) -> Key {
        self.host_by_default = true;
        self
    }

    pub(super) const fn of_storage(mut self, of_storage: OfStorage) -> Key {
        self.of_storage = Some(of_storage);
        self
    }

    /// The key is for every kind of work.
    pub(super) const fn of_all_work(mut self) -> Key {
        self.kinds = WorkKinds::ALL;
        self
    }

    pub(super) const fn support(mut self, support: Support) -> Key {
        self.support = support;
        self
    }
}

//! The kinds of work: one row for each.
//!
//! The parser, the suggestions, the schema, the manual page and the texts in the ledger and in logs take the word from
//! here. The keys of a kind are in `keys/action.rs`, its reader is in `work.rs`, and `agent/` performs it: each of
//! these is a `match` that does not compile without the new kind.

use super::access::Access;

/// What an action needs before it can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A repository, which it shares with other actions in this way.
    Container(Access),
    /// A container, and the name of the snapshots in it.
    Snapshots(Access),
    /// A command, and no container.
    Command,
}

struct Row {
    /// The word in the job file. It never changes: ledgers and logs hold it.
    word: &'static str,
    /// What the kind does, for lists of words: a clause.
    does: &'static str,
    /// What a sentence calls an action of this kind.
    named: &'static str,
    needs: Needs,
}

/// Makes the kinds from their rows.
macro_rules! work_kinds {
    ($($kind:ident = $row:expr;)*) => {
        /// A kind of work, which the key `action` names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum WorkKind {
            $($kind,)*
        }

        impl WorkKind {
            /// Every kind, in the order of the manual.
            pub const ALL: &'static [WorkKind] = &[$(WorkKind::$kind),*];

            const fn row(self) -> Row {
                match self {
                    $(WorkKind::$kind => $row,)*
                }
            }
        }
    };
}

work_kinds! {
    Backup = Row {
        word: "backup",
        does: "a file tree into a container",
        named: "a backup",
        needs: Needs::Snapshots(Access::Shared),
    };
    Restore = Row {
        word: "restore",
        does: "a snapshot back into a file tree",
        named: "a restore",
        needs: Needs::Snapshots(Access::Shared),
    };
    Admin = Row {
        word: "admin",
        does: "removes old snapshots",
        named: "an action `admin`",
        needs: Needs::Snapshots(Access::Exclusive),
    };
    Info = Row {
        word: "info",
        does: "lists what a container holds",
        named: "an action `info`",
        needs: Needs::Container(Access::Shared),
    };
    Exec = Row {
        word: "exec",
        does: "runs a command",
        named: "an action `exec`",
        needs: Needs::Command,
    };
    Check = Row {
        word: "check",
        does: "verifies a container",
        named: "a check",
        needs: Needs::Container(Access::Shared),
    };
    Copy = Row {
        word: "copy",
        does: "copies snapshots to another container",
        named: "a copy",
        needs: Needs::Container(Access::Shared),
    };
    Drill = Row {
        word: "drill",
        does: "restores a snapshot for trial, and compares it",
        named: "a drill",
        needs: Needs::Snapshots(Access::Shared),
    };
}

impl WorkKind {
    /// The kind of an action that names none.
    pub const DEFAULT: WorkKind = WorkKind::Backup;

    /// Every word, and what it means.
    pub const WORDS: [(&'static str, &'static str); WorkKind::ALL.len()] = {
        let mut words = [("", ""); WorkKind::ALL.len()];
        let mut index = 0;
        while index < words.len() {
            let row = WorkKind::ALL[index].row();
            words[index] = (row.word, row.does);
            index += 1;
        }
        words
    };

    /// The word in the job file, in the ledger and in logs.
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// The kind that a word of the job file names.
    pub fn of_word(word: &str) -> Option<WorkKind> {
        WorkKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.word() == word)
    }

    /// What a sentence calls an action of this kind: `a backup`.
    pub const fn named(self) -> &'static str {
        self.row().named
    }

    /// What work of this kind needs before it can start.
    pub const fn needs(self) -> Needs {
        self.row().needs
    }

    /// How it uses its container; `None`: it needs none.
    pub const fn access(self) -> Option<Access> {
        match self.needs() {
            Needs::Container(access) | Needs::Snapshots(access) => Some(access),
            Needs::Command => None,
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkKinds(u32);

impl WorkKinds {
    /// The empty set.
    pub const NONE: WorkKinds = WorkKinds(0);
    /// The set of all kinds.
    pub const ALL: WorkKinds = WorkKinds::of(WorkKind::ALL);

    /// The kinds that need a container.
    pub const WITH_CONTAINER: WorkKinds = {
        let mut kinds = WorkKinds::NONE;
        let mut index = 0;
        while index < WorkKind::ALL.len() {
            let kind = WorkKind::ALL[index];
            if kind.access().is_some() {
                kinds = kinds.with(kind);
            }
            index += 1;
        }
        kinds
    };

    /// The kinds that need the name of snapshots.
    pub const WITH_SNAPSHOTS: WorkKinds = {
        let mut kinds = WorkKinds::NONE;
        let mut index = 0;
        while index < WorkKind::ALL.len() {
            let kind = WorkKind::ALL[index];
            if matches!(kind.needs(), Needs::Snapshots(_)) {
                kinds = kinds.with(kind);
            }
            index += 1;
        }
        kinds
    };

    /// The kinds of a list.
    pub const fn of(list: &[WorkKind]) -> WorkKinds {
        let mut kinds = WorkKinds::NONE;
        let mut index = 0;
        while index < list.len() {
            kinds = kinds.with(list[index]);
            index += 1;
        }
        kinds
    }

    /// The set and one kind more.
    #[must_use]
    pub const fn with(self, kind: WorkKind) -> WorkKinds {
        WorkKinds(self.0 | 1 << kind as u32)
    }

    /// True if the kind is in the set.
    pub fn has(self, kind: WorkKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// Whether the two sets have a kind in common.
    pub fn meets(self, other: WorkKinds) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds, in the order of the manual.
    pub fn iter(self) -> impl Iterator<Item = WorkKind> {
        WorkKind::ALL
            .iter()
            .copied()
            .filter(move |kind| self.has(*kind))
    }

    /// The words of the kinds, in the order of the manual.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(WorkKind::word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_names_one_kind() {
        for kind in WorkKind::ALL {
            assert_eq!(WorkKind::of_word(kind.word()), Some(*kind));
        }
        assert_eq!(WorkKind::of_word("excec"), None);
    }

    #[test]
    fn the_words_in_ledgers_and_job_files_stay_what_they_are() {
        let words: Vec<&str> = WorkKinds::ALL.words().collect();
        assert_eq!(
            words,
            [
                "backup", "restore", "admin", "info", "exec", "check", "copy", "drill"
            ]
        );
    }
}

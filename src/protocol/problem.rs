//! A path that an action could not handle as it should.

use serde::{Deserialize, Serialize};

/// One path, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Bytes that are not UTF-8 are replaced.
    pub path: String,
    /// `other` in rows that were written before there were kinds.
    #[serde(default)]
    pub kind: ProblemKind,
    /// A sentence without a subject and a full stop: `cannot be read: Permission denied`.
    pub reason: String,
}

/// What is wrong with a path, told apart by what a reader can do about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The operating system refuses to read it.
    Unreadable,
    /// It was there when its directory was listed, and no longer when its turn came.
    Vanished,
    /// It became another thing, or shorter, while it was read.
    ChangedWhileRead,
    /// Extended attributes are missing from the snapshot.
    MetadataNotSaved,
    /// The count of files that were handled is too small, and nothing says which ones are missing.
    Unaccounted,
    /// The snapshot has a name for it that leads out of the target.
    UnsafeName,
    /// The repository does not have its data, or has wrong data.
    Damaged,
    /// Something else is in its place, and was kept, because nothing may be overwritten.
    Differs,
    /// It was asked for, and the snapshot does not hold it.
    NotFound,
    NotCreated,
    NotWritten,
    NotReplaced,
    NotRemoved,
    /// The owner, the mode, the times or an extended attribute could not be set.
    MetadataNotRestored,
    /// A kind that this version does not know.
    #[default]
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_without_a_kind_or_with_a_newer_one_is_read() {
        for text in [
            r#"{"path":"/a","reason":"vanished"}"#,
            r#"{"path":"/a","reason":"vanished","kind":"from_the_future"}"#,
        ] {
            let problem: Problem = serde_json::from_str(text).unwrap();
            assert_eq!(problem.kind, ProblemKind::Other);
            assert_eq!(problem.reason, "vanished");
        }
        let problem = Problem {
            path: "/a".to_owned(),
            kind: ProblemKind::ChangedWhileRead,
            reason: "became shorter".to_owned(),
        };
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"path":"/a","kind":"changed_while_read","reason":"became shorter"}"#
        );
    }
}

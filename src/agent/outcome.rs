//! How an action ended, in the types of the protocol.

use std::io;
use std::path::Path;

use super::error::{ActionError, ErrorKind};
use crate::archive::report::Problems as SourceProblems;
use crate::escape;
use crate::os;
use crate::protocol::{Missing, Outcome, Problem, ProblemKind, Summary, Verdict};
use crate::repository::error::Error;
use crate::repository::node::NodeProblem;
use crate::restore::problem::{Problem as RestoreProblem, ProblemKind as Kind};
use crate::restore::report::Report as RestoreReport;
use crate::source::problem::SourceFault;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName};
use crate::units;

/// How many snapshots that cannot be read are named.
const MOST_SNAPSHOTS: usize = 1000;

/// All that was asked for is done.
pub fn success(summary: Summary) -> Outcome {
    Outcome {
        verdict: Verdict::Success,
        reason: None,
        summary: Box::new(summary),
        problems: Vec::new(),
        problems_total: 0,
        missing: None,
        denied: false,
        no_space: false,
        damaged: false,
    }
}

/// Nothing came of it.
pub fn failed(error: &ActionError) -> Outcome {
    Outcome {
        verdict: error.verdict(),
        reason: Some(error.to_string()),
        missing: match error.kind() {
            _ if matches!(error, ActionError::PassFile(_)) => Some(Missing::PassFile),
            ErrorKind::NoRepository => Some(Missing::Repository),
            ErrorKind::NoSuchSnapshot => Some(Missing::Snapshot),
            _ => None,
        },
        denied: matches!(error.kind(), ErrorKind::WrongPassword | ErrorKind::Denied),
        no_space: error.kind() == ErrorKind::NoSpace,
        damaged: error.kind() == ErrorKind::Damaged,
        ..success(Summary::default())
    }
}

/// A snapshot was made, and something is missing from it.
pub fn partial_backup(summary: Summary, reason: String, problems: &SourceProblems) -> Outcome {
    let reported = |problem: &crate::archive::report::PathProblem| Problem {
        path: problem.path.to_string_lossy().into_owned(),
        kind: source_kind(&problem.fault),
        reason: problem.fault.to_string(),
    };
    Outcome {
        verdict: Verdict::Partial,
        reason: Some(reason),
        problems_total: problems.total,
        problems: problems.first.iter().map(reported).collect(),
        ..success(summary)
    }
}

/// The outcome with sentences that are one line each, without characters that a terminal obeys: they may name files,
/// hosts and users that somebody else has named.
pub fn harmless(mut outcome: Outcome) -> Outcome {
    outcome.reason = outcome.reason.as_deref().map(escape::harmless);
    for problem in &mut outcome.problems {
        problem.reason = escape::harmless(&problem.reason);
    }
    outcome
}

fn source_kind(fault: &SourceFault) -> ProblemKind {
    match fault {
        SourceFault::Unreadable { .. } => ProblemKind::Unreadable,
        SourceFault::Vanished => ProblemKind::Vanished,
        SourceFault::ChangedType | SourceFault::ChangedWhileRead | SourceFault::BecameShorter => {
            ProblemKind::ChangedWhileRead
        }
        SourceFault::AttributeUnreadable { .. }
        | SourceFault::AttributeName { .. }
        | SourceFault::TimeOutOfRange => ProblemKind::MetadataNotSaved,
    }
}

/// The snapshots were listed, and some files may be further ones that cannot be read.
pub fn partial_list(summary: Summary, first: &Error, unreadable: &[(Id, Error)]) -> Outcome {
    let count = unreadable.len() as u64;
    let outcome = Outcome {
        verdict: Verdict::Partial,
        reason: Some(format!(
            "the list lacks {}: {first}; `freezerd repair` shows what can be done",
            units::count(count, "snapshot", "snapshots")
        )),
        ..success(summary)
    };
    with_unreadable_snapshots(outcome, unreadable)
}

/// Why nobody knows which snapshot is the newest where one cannot be read.
pub fn newest_unknown(first: &Error) -> String {
    format!(
        "nobody knows whether a newer snapshot is among those that cannot be read: {first}; `freezerd repair` shows what can \
         be done, and a restore of a snapshot by its id does not depend on the others"
    )
}

/// Adds the snapshot files that cannot be read to the problems.
pub fn with_unreadable_snapshots(mut outcome: Outcome, unreadable: &[(Id, Error)]) -> Outcome {
    let problem = |(id, error): &(Id, Error)| Problem {
        path: FileName::new(FileKind::Snapshot, *id).to_string(),
        kind: ProblemKind::Damaged,
        reason: error.to_string(),
    };
    outcome.problems_total += unreadable.len() as u64;
    outcome
        .problems
        .extend(unreadable.iter().take(MOST_SNAPSHOTS).map(problem));
    outcome
}

/// Something was restored, and something is not as in the snapshot.
pub fn partial_restore(
    summary: Summary,
    reason: String,
    target: &Path,
    report: &RestoreReport,
) -> Outcome {
    let not_found = |pattern: &String| Problem {
        path: pattern.clone(),
        kind: ProblemKind::NotFound,
        reason: "this pattern matches nothing in the snapshot".to_owned(),
    };
    let unmatched = &report.unmatched.include;
    let problems = &report.problems;
    let reported = |problem: &RestoreProblem| Problem {
        path: target.join(&problem.path).to_string_lossy().into_owned(),
        kind: restore_kind(problem),
        reason: restore_reason(problem),
    };
    Outcome {
        verdict: Verdict::Partial,
        reason: Some(reason),
        problems_total: problems.total + unmatched.len() as u64,
        problems: unmatched
            .iter()
            .map(not_found)
            .chain(problems.first.iter().map(reported))
            .collect(),
        ..success(summary)
    }
}

/// What is wrong with an entry, without its path.
pub fn restore_reason(problem: &RestoreProblem) -> String {
    match &problem.cause {
        Some(cause) => match cause.downcast_ref::<io::Error>() {
            Some(cause) => format!("{}: {}", problem.kind, os::reason(cause)),
            None => format!("{}: {cause}", problem.kind),
        },
        None => problem.kind.to_string(),
    }
}

/// What the daemon calls a problem of a restore.
pub fn restore_kind(problem: &RestoreProblem) -> ProblemKind {
    match &problem.kind {
        _ if problem.is_out_of_reach() => ProblemKind::Unreadable,
        Kind::Entry(NodeProblem::Name) => ProblemKind::UnsafeName,
        Kind::Entry(_) | Kind::Tree | Kind::Content | Kind::Size => ProblemKind::Damaged,
        Kind::Kept(_) => ProblemKind::Differs,
        Kind::NotMade => ProblemKind::NotCreated,
        Kind::NotWritten | Kind::Unverified(_) => ProblemKind::NotWritten,
        Kind::NotExamined => ProblemKind::Unreadable,
        Kind::NotReplaced(_) | Kind::Protected => ProblemKind::NotReplaced,
        Kind::NotRemoved(_) | Kind::ExtrasKept => ProblemKind::NotRemoved,
        Kind::Metadata(_) => ProblemKind::MetadataNotRestored,
        Kind::Unaccounted => ProblemKind::Unaccounted,
    }
}

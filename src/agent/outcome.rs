//! How an action ended, in the types of the protocol.

use super::error::ActionError;
use crate::archive::report::Problems as SourceProblems;
use crate::protocol::{Outcome, Problem, ProblemKind, Summary, Verdict};
use crate::rustic::{ErrorKind, PathFault, PathProblem, Problems};
use crate::source::problem::SourceFault;

/// All that was asked for is done.
pub fn success(summary: Summary) -> Outcome {
    Outcome {
        verdict: Verdict::Success,
        reason: None,
        summary,
        problems: Vec::new(),
        problems_total: 0,
    }
}

/// Nothing came of it.
pub fn failed(error: &ActionError) -> Outcome {
    Outcome {
        verdict: error.verdict(),
        reason: Some(error.to_string()),
        ..success(Summary::default())
    }
}

/// Something came of it, and something is missing.
pub fn partial(summary: Summary, reason: String, problems: &Problems) -> Outcome {
    Outcome {
        verdict: Verdict::Partial,
        reason: Some(reason),
        problems_total: problems.total,
        problems: problems.first.iter().map(reported).collect(),
        ..success(summary)
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

fn reported(problem: &PathProblem) -> Problem {
    Problem {
        path: problem.path.to_string_lossy().into_owned(),
        kind: kind(&problem.fault),
        reason: problem.fault.to_string(),
    }
}

fn kind(fault: &PathFault) -> ProblemKind {
    match fault {
        PathFault::Unreadable { .. } => ProblemKind::Unreadable,
        PathFault::Unaccounted { .. } => ProblemKind::Unaccounted,
        PathFault::UnsafeName => ProblemKind::UnsafeName,
        PathFault::NoContent => ProblemKind::Damaged,
        PathFault::EntriesUnreadable { source } | PathFault::ContentUnreadable { source } => {
            match source.kind() {
                ErrorKind::Damaged => ProblemKind::Damaged,
                _ => ProblemKind::Unreadable,
            }
        }
        PathFault::Differs => ProblemKind::Differs,
        PathFault::NotCreated { .. } => ProblemKind::NotCreated,
        PathFault::NotWritten { .. } => ProblemKind::NotWritten,
        PathFault::NotReplaced { .. } => ProblemKind::NotReplaced,
        PathFault::NotRemoved { .. } => ProblemKind::NotRemoved,
        PathFault::MetadataNotSet { .. } => ProblemKind::MetadataNotRestored,
    }
}

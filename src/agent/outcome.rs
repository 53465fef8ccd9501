//! How an action ended, put into the protocol's words.

use crate::protocol::{self, Outcome, Summary, Verdict};
use crate::rustic::{Error, Problems};

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
pub fn failed(error: &Error) -> Outcome {
    Outcome {
        verdict: verdict(error),
        reason: Some(error.to_string()),
        ..success(Summary::default())
    }
}

/// Something came of it, and something is missing.
pub fn partial(summary: Summary, reason: String, problems: Problems) -> Outcome {
    Outcome {
        verdict: Verdict::Partial,
        reason: Some(reason),
        problems_total: problems.total,
        problems: problems
            .first
            .into_iter()
            .map(|problem| protocol::Problem {
                path: problem.path,
                reason: problem.reason,
            })
            .collect(),
        ..success(summary)
    }
}

/// Whether it is worth another attempt.
pub fn verdict(error: &Error) -> Verdict {
    if error.kind().is_permanent() {
        Verdict::FailedForGood
    } else {
        Verdict::Failed
    }
}

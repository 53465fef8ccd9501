//! What a drill comes to.

use std::time::Duration;

use super::compare::Findings;
use crate::agent::outcome;
use crate::agent::snapshot::Snapshot;
use crate::protocol::{DrillResult, Outcome, Summary, Verdict};
use crate::repository::error::Error;
use crate::restore::problem::Problem;
use crate::restore::report::Report;
use crate::storage::id::Id;
use crate::units;

/// What was restored and compared.
pub(super) struct Done {
    pub report: Report,
    pub findings: Findings,
    pub restore_took: Duration,
    /// Only some of the files were to be restored.
    pub is_sample: bool,
    /// It is a sample of a snapshot that has files, or may have some where it cannot be read.
    pub has_files: bool,
}

/// The outcome of the drill, and of its command.
pub(super) fn conclude(
    snapshot: &Snapshot,
    done: Done,
    command: Option<Outcome>,
    unreadable: &[(Id, Error)],
) -> Outcome {
    let Done {
        report,
        findings,
        restore_took,
        is_sample,
        has_files,
    } = done;
    let of_command = command.as_ref().map(|it| &it.summary);
    let summary = Summary {
        snapshot: Some(snapshot.id.clone()),
        files: Some(report.written),
        bytes: Some(report.bytes),
        files_verified: Some(findings.files),
        drill: Some(DrillResult {
            sample: is_sample,
            partial: snapshot.partial,
            snapshot_time: snapshot.time,
            restore_milliseconds: u64::try_from(restore_took.as_millis()).unwrap_or(u64::MAX),
            content_differs: findings.content,
            metadata_differs: findings.metadata,
            missing: findings.missing,
            surplus: findings.surplus,
            not_compared: findings.unread,
            source_files: findings.source_files,
            source_differs: findings.source,
        }),
        exit_code: of_command.and_then(|it| it.exit_code),
        signal: of_command.and_then(|it| it.signal),
        ..Summary::default()
    };
    if !findings.is_clean() {
        let first = findings.problems.first();
        let problems = &report.problems.first;
        return Outcome {
            verdict: match problems.iter().any(Problem::is_out_of_reach) {
                true => Verdict::Failed,
                // Another attempt would find the same.
                false => Verdict::FailedForGood,
            },
            reason: Some(format!(
                "{} not as in the snapshot, or on this host{}",
                units::count(findings.total, "restored path is", "restored paths are"),
                first.map_or_else(String::new, |first| format!(
                    ", the first being {} ({})",
                    first.path, first.reason
                ))
            )),
            problems_total: findings.total,
            problems: findings.problems,
            ..outcome::success(summary)
        };
    }
    if has_files && findings.files == 0 {
        return Outcome {
            verdict: Verdict::FailedForGood,
            reason: Some(
                "no file of the snapshot was restored and compared, although it has some"
                    .to_owned(),
            ),
            ..outcome::success(summary)
        };
    }
    match command {
        Some(ended) if ended.verdict != Verdict::Success => Outcome {
            verdict: ended.verdict,
            reason: ended
                .reason
                .map(|reason| format!("on the restored files, {reason}")),
            ..outcome::success(summary)
        },
        _ => match unreadable.first() {
            Some((_, first)) => outcome::with_unreadable_snapshots(
                Outcome {
                    verdict: Verdict::FailedForGood,
                    reason: Some(outcome::newest_unknown(first)),
                    ..outcome::success(summary)
                },
                unreadable,
            ),
            None => outcome::success(Summary {
                proved: Some(snapshot.first_id().to_owned()),
                ..summary
            }),
        },
    }
}

//! Verifies a container.

use super::error::ActionError;
use super::report::log;
use super::{Context, open, outcome};
use crate::job::action::{Access, Check};
use crate::protocol::{Outcome, Problem, ProblemKind, Summary, Verdict};
use crate::rustic::Problems;
use crate::units;

/// Verifies one container.
pub fn run(context: &Context, work: &Check) -> Result<Outcome, ActionError> {
    let place = &work.container.location;
    let (opened, _lock) = open(&work.container, Access::Shared, &context.reporter)?;
    let repository = super::rustic_repository(context, &opened)?;
    if context.request.action.dry_run {
        log(&format!("would check the container {place}"));
        return Ok(outcome::success(Summary::default()));
    }
    log(&format!(
        "checking the container {place}{}",
        if work.read_data {
            ", reading all data"
        } else {
            ", its structure only"
        }
    ));
    let report = repository.check(work.read_data)?;
    for warning in &report.warnings {
        log(&format!("warning: {warning}"));
    }
    for error in &report.errors {
        log(&format!("error: {error}"));
    }
    let summary = Summary {
        snapshots: Some(report.snapshots),
        ..Summary::default()
    };
    let Some(first) = report.errors.first() else {
        log(&format!(
            "{} verified",
            units::count(report.snapshots, "snapshot", "snapshots")
        ));
        return Ok(outcome::success(summary));
    };
    let path = place.to_string();
    Ok(Outcome {
        verdict: Verdict::FailedForGood,
        reason: Some(format!(
            "the repository in {place} is damaged: {} found, the first being: {first}",
            units::count(report.errors.len() as u64, "fault", "faults")
        )),
        problems_total: report.errors.len() as u64,
        problems: report
            .errors
            .iter()
            .take(Problems::KEPT)
            .map(|reason| Problem {
                path: path.clone(),
                kind: ProblemKind::Damaged,
                reason: reason.clone(),
            })
            .collect(),
        ..outcome::success(summary)
    })
}

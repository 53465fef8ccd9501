//! Which rows of a job are old, and how they leave the ledger.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::job::JobResult;
use crate::ledger::{LedgerError, Reader, Write};
use crate::lifecycle::retention::{self, HistoryLimits, Row};
use crate::record::{Claim, ClaimKind, RunRecord};

/// The removal of the oldest rows of a job that may go: `few` at most.
pub(super) fn old_rows_of(
    reader: &Reader,
    job_id: &str,
    limits: HistoryLimits,
    few: usize,
    now: DateTime<Utc>,
) -> Result<Vec<Write>, LedgerError> {
    let Some((first, newest)) = reader.first_and_last_run(job_id)? else {
        return Ok(Vec::new());
    };
    // All jobs share the numbers, so a job has no more rows than there are numbers between its first and last run.
    let surplus = if newest - first < limits.runs {
        0
    } else {
        let most = limits.runs.saturating_add(few as u64);
        reader.count_runs(job_id, most)?.saturating_sub(limits.runs)
    };
    let is_surplus = |index: usize| (index as u64) < surplus;
    // Rows come in order of age: after the first that is too young, all others are too.
    let candidates = reader.oldest_runs(job_id, few, |index, run| {
        limits.outlived(at(run), is_surplus(index), now)
    })?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let of_known_job = reader.knows_job(job_id)?;
    let mut going = BTreeSet::new();
    let mut newer_success = false;
    // The newest first: whether a row goes may depend on a newer one.
    for (index, run) in candidates.iter().enumerate().rev() {
        let succeeded = run.result == Some(JobResult::Success);
        if succeeded && !newer_success {
            let success = |run: &RunRecord| run.result == Some(JobResult::Success);
            newer_success = reader.any_run_after(job_id, run.number, success)?;
        }
        let make_up = reader.claimed_by(&Claim {
            kind: ClaimKind::MakeUp,
            ..run.claim()
        })?;
        let row = Row {
            at: at(run),
            over: run.state.is_over(),
            surplus: is_surplus(index),
            made_up_for: match make_up.filter(|other| *other != run.number) {
                Some(other) => !going.contains(&other) && reader.has_run(other)?,
                None => false,
            },
            of_known_job,
            newest: run.number == newest,
            last_success: succeeded && !newer_success,
        };
        newer_success |= succeeded;
        if limits.forget(&row, now) {
            going.insert(run.number);
        }
    }
    let mut old = Vec::new();
    for run in candidates {
        if going.contains(&run.number) {
            old.extend(removal(&run, now));
        }
    }
    Ok(old)
}

/// The removal of a row, and of its claim where the occurrence is long past.
fn removal(run: &RunRecord, now: DateTime<Utc>) -> impl Iterator<Item = Write> + use<> {
    let claim = run.claim();
    let claim = retention::forget_claim(claim.due, now).then_some(Write::ForgetClaim(claim));
    let row = Write::ForgetRun {
        job_id: run.job_id.clone(),
        number: run.number,
    };
    std::iter::once(row).chain(claim)
}

/// When the row's age begins.
fn at(run: &RunRecord) -> DateTime<Utc> {
    run.ended.unwrap_or(run.claimed)
}

//! What a backup removes when its snapshot is there.

use chrono::Utc;

use crate::agent::error::ActionError;
use crate::agent::lock::Lock;
use crate::agent::reclaim::Freeing;
use crate::agent::repository::Opened;
use crate::agent::{Context, admin, outcome};
use crate::job::action::{Access, Age, Backup};
use crate::job::prune_budget::PruneWhen;
use crate::protocol::{Outcome, Reclaim, Summary};

/// Removes old snapshots after the backup, or only the data that no snapshot needs, if the job says so. The backup is done, and
/// the reason of a failure says so. The container has so many bytes, if that is known.
pub(super) fn clear_out(
    context: &Context,
    work: &Backup,
    opened: Opened,
    lock: Lock,
    size: Option<u64>,
    mut summary: Summary,
) -> Result<Outcome, ActionError> {
    if !work.removes() {
        return Ok(outcome::success(summary));
    }
    // In between, another process may have the lock: what is removed is decided after that.
    drop(lock);
    let freeing = Freeing {
        prune: work.prune.unwrap_or(PruneWhen::Needed),
        size,
        is_damaged: false,
        options: admin::prune_options(None, None),
        dry_run: false,
    };
    let done =
        Lock::take(&opened, Access::Exclusive, &context.reporter).and_then(|lock| {
            match work.removes_snapshots() {
                true => remove(context, work, &opened, &lock, freeing, &mut summary),
                false => {
                    let reclaim = admin::prune_alone(context, &opened, &lock, &freeing)?;
                    summary.reclaim = Some(reclaim);
                    Ok(())
                }
            }
        });
    let Err(error) = done else {
        return Ok(outcome::success(summary));
    };
    let what = match work.removes_snapshots() {
        true => {
            summary.reclaim = Some(Reclaim::uncertain(Utc::now()));
            "old snapshots could not be removed"
        }
        // Nothing more is waste now.
        false => "the container could not be pruned",
    };
    Ok(Outcome {
        verdict: error.verdict(),
        reason: Some(format!("the backup is done, but {what}: {error}")),
        ..outcome::success(summary)
    })
}

fn remove(
    context: &Context,
    work: &Backup,
    opened: &Opened,
    lock: &Lock,
    freeing: Freeing,
    summary: &mut Summary,
) -> Result<(), ActionError> {
    let removal = admin::Removal {
        lineage: &work.lineage,
        paths: &work.paths,
        age: work.remove_older_than.map(Age::Days),
        rules: &work.keep,
        freeing,
    };
    let removed = admin::remove_old(context, opened, lock, &removal)?;
    summary.snapshots_removed = Some(removed.removed);
    summary.snapshots = Some(removed.left);
    summary.reclaim = removed.reclaim;
    Ok(())
}

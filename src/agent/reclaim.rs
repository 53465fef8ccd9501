//! What follows a removal of snapshots: a prune, or the removal alone until a prune is needed.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};

use super::Context;
use super::check::Stages;
use super::error::ActionError;
use super::lock::Lock;
use super::reach::zone;
use super::report::local;
use super::repository::{Found, Opened};
use crate::job::prune_budget::{Circumstances, Decision, PruneWhen, Reason, Wait, Waste};
use crate::protocol::Reclaim;
use crate::repository::prune::error::PruneError;
use crate::repository::prune::plan::Options;
use crate::repository::prune::{self, Orders, Pruned};
use crate::storage::id::Id;
use crate::units;

/// An interrupted write leaves a file behind. While the container is locked, none is being written.
const SWEEP_AGE: Duration = Duration::ZERO;

/// A disk of which less than one part in so many is free has little space.
const LITTLE: u64 = 20;

/// How the space of removed snapshots is freed.
#[derive(Clone, Copy, Debug)]
pub struct Freeing {
    pub prune: PruneWhen,
    /// The bytes of the container, where they are known already.
    pub size: Option<u64>,
    /// Files of the container cannot be read that say what is needed.
    pub is_damaged: bool,
    /// How a prune decides.
    pub options: Options,
    pub dry_run: bool,
}

/// What was decided, and what that leaves.
pub(super) struct Decided {
    pub course: Decision,
    /// What is waste if the container is not pruned.
    waste: Waste,
    /// What this removal adds to it.
    snapshots: u64,
    bytes: Option<u64>,
    size: Option<u64>,
}

/// Decides whether the removal of these snapshots also prunes.
///
/// # Errors
/// When the index cannot be listed.
pub(super) fn decide(
    context: &Context,
    opened: &Opened,
    freeing: &Freeing,
    old: &[&Found],
) -> Result<Decided, ActionError> {
    let request = &context.request;
    let added = |(snapshot, ..): &&Found| Some(snapshot.summary?.bytes_added);
    let sum = |sum: u64, bytes: u64| sum.saturating_add(bytes);
    let sizes: Option<Vec<u64>> = old.iter().map(added).collect();
    let bytes = sizes.map(|sizes| sizes.into_iter().fold(0, sum));
    let snapshots = old.len() as u64;
    let waste = request.waste.with(snapshots, bytes);
    let (size, is_index_damaged) = match freeing.prune {
        PruneWhen::Needed => size(opened, freeing, &waste)?,
        PruneWhen::Always | PruneWhen::Never => (None, false),
    };
    let is_damaged = freeing.is_damaged || is_index_damaged;
    let course = match freeing.prune {
        PruneWhen::Always => Decision::Prune(Reason::Always),
        PruneWhen::Never => Decision::Later(Wait::Never),
        PruneWhen::Needed => Circumstances {
            budget: request.prune_budget,
            waste,
            size,
            is_damaged,
            little_space: little_space(opened),
            now: Utc::now(),
            zone: &zone(request.zone.as_deref()),
            clock_in_doubt: request.clock_in_doubt,
        }
        .decide(),
    };
    Ok(Decided {
        course,
        waste,
        snapshots,
        bytes,
        size,
    })
}

/// The bytes of the container, where a share of them may be reached, and whether the index is damaged.
fn size(
    opened: &Opened,
    freeing: &Freeing,
    waste: &Waste,
) -> Result<(Option<u64>, bool), ActionError> {
    if waste.pruned.is_none() || waste.is_none() || freeing.size.is_some() {
        return Ok((freeing.size, false));
    }
    let loaded = opened.repository.load_index();
    let loaded = loaded.map_err(|error| opened.failed("read the index", error))?;
    Ok((Some(loaded.index.bytes()), !loaded.problems.is_empty()))
}

/// The free bytes on the disk of a container of this host, if they are few.
fn little_space(opened: &Opened) -> Option<u64> {
    let about = rustix::fs::statvfs(opened.directory()?).ok()?;
    (about.f_bavail < about.f_blocks / LITTLE)
        .then(|| about.f_bavail.saturating_mul(about.f_frsize))
}

/// Removes these snapshots, and then what no snapshot needs; or says what that would do.
///
/// # Errors
/// When it is not certain what is needed, and when it fails.
pub(super) fn prune(
    context: &Context,
    opened: &Opened,
    lock: &Lock,
    freeing: &Freeing,
    ids: &[Id],
) -> Result<Pruned, ActionError> {
    let stages = Stages::new(&context.reporter);
    let (repository, options) = (&opened.repository, &freeing.options);
    let report = if freeing.dry_run {
        let without = ids.iter().copied().collect();
        prune::rehearse(repository, options, &without, &stages)
    } else {
        let orders = Orders {
            forget: ids,
            planned: &|_| {},
            sweep_age: SWEEP_AGE,
            confirm: &|| lock.confirm(),
        };
        prune::forget_and_prune(repository, options, &orders, &stages)
    };
    report.map_err(|error| failed(opened, error))
}

/// Removes these snapshots alone.
///
/// # Errors
/// When one of them cannot be removed.
pub(super) fn forget(opened: &Opened, lock: &Lock, ids: &[Id]) -> Result<(), ActionError> {
    prune::forget_only(&opened.repository, ids, &|| lock.confirm())
        .map_err(|error| failed(opened, error))
}

fn failed(opened: &Opened, source: PruneError) -> ActionError {
    ActionError::Prune {
        place: opened.container.location.clone(),
        source: Box::new(source),
    }
}

impl Decided {
    /// What is left, as the ledger remembers it. `pruned` is what the prune did, if there was one.
    pub fn reclaim(&self, pruned: Option<&Pruned>) -> Reclaim {
        let at = Utc::now().trunc_subsecs(3);
        match pruned {
            Some(pruned) => {
                let summary = &pruned.summary;
                // A few percent of waste stay by intention, and are no reason for another prune.
                let left = summary.unused_bytes.saturating_sub(pruned.freed);
                Reclaim {
                    at,
                    pruned: true,
                    snapshots: 0,
                    bytes: Some(if pruned.no_space { left } else { 0 }),
                    size: (pruned.no_space).then(|| summary.bytes.saturating_sub(pruned.freed)),
                    known: self.waste.pruned,
                }
            }
            None => Reclaim {
                at,
                pruned: false,
                snapshots: self.snapshots,
                bytes: self.bytes,
                size: self.size,
                known: self.waste.pruned,
            },
        }
    }

    /// What may be waste, and what the next prune waits for, as a clause.
    pub fn left_words(&self, wait: Wait) -> String {
        let at = |instant: DateTime<Utc>| local(instant);
        let waste = match self.waste.bytes {
            None | Some(0) => String::new(),
            Some(bytes) => {
                format!("up to {} may be waste; ", units::part_of(bytes, self.size))
            }
        };
        waste + &wait.words(at)
    }
}

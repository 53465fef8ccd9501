//! The repair of a repository by hand: a check finds what is damaged, the index is repaired, then the snapshots.

use super::{Session, SessionError};
use crate::agent::snapshot::PARTIAL_TAG;
use crate::repository::check::check;
use crate::repository::check::lost::Loss;
use crate::repository::check::report::{Damaged, Report};
use crate::repository::check::share::Share;
use crate::repository::error::What;
use crate::repository::progress::Observer;
use crate::repository::repair::index::{self, Headers, Repaired};
use crate::repository::repair::snapshots::{self, Orders, RepairedSnapshots, Rewritten};
use crate::storage::FileKind;
use crate::storage::id::Id;

/// The tag of a snapshot that a repair wrote.
pub const REPAIRED_TAG: &str = "repaired";

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Read all data to find damage.
    pub read_data: bool,
    /// Write snapshots with losses anew.
    pub snapshots: bool,
    /// Remove what was written anew, and the snapshots that cannot be read.
    pub forget: bool,
    /// Change nothing.
    pub dry_run: bool,
}

/// What was found and done.
pub struct Result {
    /// What the check found, before anything was done.
    pub report: Report,
    pub index: Repaired,
    /// What each snapshot has lost, after the repair of the index.
    pub losses: Vec<Loss>,
    /// What became of these snapshots; `None`: that was not asked for, or it is a rehearsal.
    pub snapshots: Option<RepairedSnapshots>,
}

/// Repairs the repository. The session has an exclusive lock, or a shared one for a rehearsal.
///
/// # Errors
/// When the storage fails, or the lock is lost. What was written until then is complete, and another repair goes on.
pub fn repair(
    session: &Session,
    request: Request,
    observer: &dyn Observer,
) -> std::result::Result<Result, SessionError> {
    let repository = &session.repository;
    let share = match request.read_data {
        true => Share::All,
        false => Share::Nothing,
    };
    if !request.dry_run {
        repository.writable()?;
    }
    let report = check(repository, share, observer)?;
    let damaged = report.damaged_packs();
    let headers = match request.read_data {
        true => Headers::WholePacks,
        false => Headers::WhereNeeded,
    };
    let confirm = || session.confirm();
    let mut index = match request.dry_run {
        true => index::rehearse(repository, headers, &damaged, observer)?,
        false => index::repair(repository, headers, &damaged, &confirm, observer)?,
    };
    // Without a change, the check knows it all.
    let losses = match index.changed {
        true => std::mem::take(&mut index.losses),
        false => report.losses.clone(),
    };
    let mut result = Result {
        report,
        index,
        losses,
        snapshots: None,
    };
    if request.snapshots && !request.dry_run {
        let orders = Orders {
            losses: &result.losses,
            tags: &[PARTIAL_TAG, REPAIRED_TAG],
            forget: request.forget,
            confirm: &confirm,
        };
        let repaired = snapshots::repair(repository, &orders, observer)?;
        result.snapshots = Some(repaired);
    }
    Ok(result)
}

impl Result {
    /// The snapshots whose files cannot be read.
    pub fn unreadable_snapshots(&self) -> Vec<Id> {
        let damage = self.report.damage.iter();
        let ids = damage.filter_map(|damaged| match damaged {
            Damaged::File(error) => match error.what {
                What::File(file) if file.kind == FileKind::Snapshot => Some(file.id),
                _ => None,
            },
            _ => None,
        });
        ids.collect()
    }

    /// Damaged files that a repair cannot restore: keys, and the configuration.
    pub fn beyond_repair(&self) -> impl Iterator<Item = &Damaged> {
        self.report.damage.iter().filter(|damaged| match damaged {
            Damaged::File(error) => match error.what {
                What::File(file) => matches!(file.kind, FileKind::Key | FileKind::Config),
                _ => false,
            },
            _ => false,
        })
    }

    /// How many snapshots that are still there have lost something, and how many files of snapshots cannot be read.
    pub fn left(&self) -> (u64, u64) {
        let stays = |id: &Id| !self.is_removed(*id);
        let hurt = self.losses.iter().map(|loss| loss.snapshot).filter(stays);
        let unreadable = self.unreadable_snapshots().into_iter().filter(stays);
        (hurt.count() as u64, unreadable.count() as u64)
    }

    fn is_removed(&self, id: Id) -> bool {
        let removed = self.snapshots.iter().flat_map(|it| &it.removed);
        removed.into_iter().any(|removed| *removed == id)
    }

    /// Whether everything in the repository can be read now: no snapshot that is still there has lost anything, and no
    /// file is damaged.
    pub fn is_whole(&self) -> bool {
        self.left() == (0, 0) && self.beyond_repair().next().is_none()
    }

    /// What became of a snapshot with losses.
    pub fn rewritten(&self, id: Id) -> Option<Rewritten> {
        let snapshots = self.snapshots.as_ref()?;
        let found = snapshots.rewritten.iter().find(|(of, _)| *of == id);
        found.map(|(_, rewritten)| *rewritten)
    }
}

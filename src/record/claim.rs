//! The claim of a row: which occurrence the row stands for. An occurrence is claimed once.

use chrono::{DateTime, Utc};

use super::run::{RunRecord, Trigger};

/// The occurrence that a row stands for. No two rows have the same claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub job_id: String,
    /// The due instant; the latest one if the row stands for several.
    pub due: DateTime<Utc>,
    pub kind: ClaimKind,
}

/// Why a row exists for an instant. One instant can have a row of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// The instant was due by the schedule. The run was on time, a catch-up, or skipped.
    Due,
    /// Somebody asked for the run.
    Manual,
    /// The run repeats one that was interrupted.
    MakeUp,
}

impl ClaimKind {
    /// The word for it in the keys of the ledger.
    pub fn key(self) -> &'static str {
        match self {
            ClaimKind::Due => "due",
            ClaimKind::Manual => "manual",
            ClaimKind::MakeUp => "make_up",
        }
    }

    /// The kind of a word in the keys of the ledger.
    pub fn of_key(key: &str) -> Option<ClaimKind> {
        [ClaimKind::Due, ClaimKind::Manual, ClaimKind::MakeUp]
            .into_iter()
            .find(|kind| kind.key() == key)
    }

    /// The kind for a row with this trigger. `makes_up` is true if the row repeats an interrupted run.
    pub fn of(trigger: Trigger, makes_up: bool) -> ClaimKind {
        match trigger {
            _ if makes_up => ClaimKind::MakeUp,
            Trigger::Schedule | Trigger::CatchUp => ClaimKind::Due,
            Trigger::Manual => ClaimKind::Manual,
        }
    }
}

impl RunRecord {
    /// The occurrence that the row stands for.
    pub fn claim(&self) -> Claim {
        Claim {
            job_id: self.job_id.clone(),
            due: self.due,
            kind: ClaimKind::of(self.trigger, self.makes_up_for.is_some()),
        }
    }
}

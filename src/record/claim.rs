//! What a row stands for: an occurrence is claimed once.

use chrono::{DateTime, Utc};

use super::run::{RunRecord, Trigger};

/// What a row stands for. No two rows stand for the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The job.
    pub job_id: String,
    /// The due instant; the latest, where a row stands for several.
    pub due: DateTime<Utc>,
    /// In which sense.
    pub kind: ClaimKind,
}

/// In which sense a row stands for an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// The schedule said so, whether it was run on time, caught up or skipped.
    Due,
    /// Somebody asked for it.
    Manual,
    /// A second try, after the first was interrupted.
    MakeUp,
}

impl ClaimKind {
    /// As in the ledger's keys.
    pub fn key(self) -> &'static str {
        match self {
            ClaimKind::Due => "due",
            ClaimKind::Manual => "manual",
            ClaimKind::MakeUp => "make_up",
        }
    }

    /// As in the ledger's keys.
    pub fn of_key(key: &str) -> Option<ClaimKind> {
        [ClaimKind::Due, ClaimKind::Manual, ClaimKind::MakeUp]
            .into_iter()
            .find(|kind| kind.key() == key)
    }

    /// Of a row with this trigger, that makes up for an interrupted run or not.
    pub fn of(trigger: Trigger, makes_up: bool) -> ClaimKind {
        match trigger {
            _ if makes_up => ClaimKind::MakeUp,
            Trigger::Schedule | Trigger::CatchUp => ClaimKind::Due,
            Trigger::Manual => ClaimKind::Manual,
        }
    }
}

impl RunRecord {
    /// What the row stands for.
    pub fn claim(&self) -> Claim {
        Claim {
            job_id: self.job_id.clone(),
            due: self.due,
            kind: ClaimKind::of(self.trigger, self.makes_up_for.is_some()),
        }
    }
}

//! The objects of a job file.

use serde::{Deserialize, Serialize};

/// An object of the document that has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// The job itself.
    Job,
    /// An entry of `job_actions`.
    Entry,
    /// `job_schedule`.
    Schedule,
    /// `freezer_action`, and `action_defaults`, which has the same keys.
    Action,
    /// An entry of `targets`.
    Target,
    /// The rules of retention, as the value of `keep`.
    Keep,
}

impl Object {
    /// Every object, from the outside in.
    pub const ALL: [Object; 6] = [
        Object::Job,
        Object::Entry,
        Object::Schedule,
        Object::Action,
        Object::Target,
        Object::Keep,
    ];

    /// What a sentence calls the object.
    pub fn name(self) -> &'static str {
        match self {
            Object::Job => "the job",
            Object::Entry => "an entry of `job_actions`",
            Object::Schedule => "`job_schedule`",
            Object::Action => "`freezer_action`",
            Object::Target => "an entry of `targets`",
            Object::Keep => "`keep`",
        }
    }
}

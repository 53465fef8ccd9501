//! The variables that tell a command which run it is a part of: one row for each. The manual page and `docs/jobs.md`
//! come from the rows.

use crate::protocol::Request;

/// A variable in the environment of a command.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The name, which begins with `FREEZERD_`.
    pub name: &'static str,
    /// A sentence or two for the manual.
    pub about: &'static str,
    value: fn(&Request) -> String,
}

impl Variable {
    /// The text that a command of this request gets.
    pub fn value(&self, request: &Request) -> String {
        (self.value)(request)
    }
}

/// Every variable, in the order of the manual.
pub static VARIABLES: [Variable; 6] = [
    Variable {
        name: "FREEZERD_JOB_ID",
        about: "The id of the job.",
        value: |request| request.job_id.clone(),
    },
    Variable {
        name: "FREEZERD_RUN",
        about: "The number of the run, as `freezerd log` takes it.",
        value: |request| request.run.to_string(),
    },
    Variable {
        name: "FREEZERD_RESULT",
        about: "How the actions before this one ended: `success`, or `fail` if one of them failed or was aborted.",
        value: |request| request.result_so_far.clone(),
    },
    Variable {
        name: "FREEZERD_ACTION",
        about: "The place of the action in the job. The first action is 0.",
        value: |request| request.action_index.to_string(),
    },
    Variable {
        name: "FREEZERD_ATTEMPT",
        about: "The number of the attempt. The first attempt is 1.",
        value: |request| request.attempt.to_string(),
    },
    Variable {
        name: "FREEZERD_RUN_TAG",
        about: "A name of the run that no run of another host has. The snapshots of the run have it as a tag.",
        value: |request| request.run_tag.to_string(),
    },
];

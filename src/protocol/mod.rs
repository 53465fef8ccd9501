//! What the daemon and its agent say to each other, and how an agent is started and heard.
//!
//! The task is one line of JSON on the agent's standard input. An empty line after it is a slot for an agent that has asked
//! for one. Each report is one line of JSON on its standard
//! output. The agent's log goes to its standard error as plain lines.

pub mod agent_process;
mod changes;
mod heard;
mod listing;
mod loss;
mod outcome;
mod problem;
mod report;
mod request;
mod run_tag;

pub use changes::{
    Amount, ChangedFile, Changes, DirectoryChanges, GoneEntry, LastDrill, PathText, Since,
};
pub use heard::Heard;
pub use listing::{
    ContainerFault, ListEnd, ListError, ListRequest, ListedSnapshot, Listing, UnreadableSnapshot,
};
pub use loss::AgentLoss;
pub use outcome::{DataRead, DrillResult, Missing, OpenAlarm, Outcome, Reclaim, Summary, Verdict};
pub use problem::{Problem, ProblemKind};
pub use report::{Progress, Report, Traffic};
pub use request::{Drilled, Earlier, Request, Stored, Task};
pub use run_tag::RunTag;

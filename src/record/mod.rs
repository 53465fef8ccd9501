//! What freezerd remembers: plain data. The ledger writes each record as JSON behind a format byte, so a new field needs
//! a `serde` default and no migration.
//!
//! All instants are UTC with milliseconds.

mod attempt;
mod claim;
mod data_check;
mod event;
mod file;
mod growth;
mod job;
mod newest;
mod outbox;
mod past;
mod past_alarms;
mod past_drill;
mod proof;
mod run;
mod told;
mod waste;

pub use attempt::{AttemptEnd, AttemptRecord};
pub use claim::{Claim, ClaimKind};
pub use data_check::{DataCheck, PartRead};
pub use event::EventRecord;
pub use file::{FileRecord, FileVerdict};
pub use growth::Growth;
pub use job::{JobRecord, OpenRun, Standing};
pub use newest::Newest;
pub use outbox::{OutboxRow, OutboxState};
pub use past::{Ending, Past, PastRun, Rows};
pub use past_alarms::PastAlarms;
pub use past_drill::PastDrill;
pub use proof::Proof;
pub use run::{ActionRecord, ExitStatus, RunRecord, RunState, Trigger};
pub use told::Told;
pub use waste::{ContainerWaste, reclaim_after};

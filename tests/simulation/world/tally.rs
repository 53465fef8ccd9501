//! Counts of what happened in a simulation.

/// How often each kind of trouble happened.
#[derive(Debug, Default)]
pub struct Tally {
    pub crashes: u64,
    pub stops: u64,
    pub steps_forward: u64,
    pub steps_back: u64,
    pub corrections: u64,
    pub suspends: u64,
    pub file_changes: u64,
    pub events: u64,
    pub zone_changes: u64,
    pub failed_commits: u64,
    /// Times at which a receiver of messages was away.
    pub outages: u64,
    /// Messages that a receiver refused while it accepted others.
    pub refusals: u64,
    /// Backups that were cut off after their snapshot had got an alarm.
    pub cut_alarms: u64,
    /// Answers to alarms.
    pub accepted: u64,
}

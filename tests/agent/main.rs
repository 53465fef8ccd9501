//! The agent. The tests control it over pipes, as the daemon does.

mod admin;
mod backup;
mod bandwidth;
mod exec;
mod finished_backup;
mod lineage;
mod prunes;
mod restore;
mod round_trip;
#[path = "../samples/mod.rs"]
mod samples;
mod support;
mod targets;

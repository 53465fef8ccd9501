//! The agent, driven over its pipes as the daemon drives it.

mod admin;
mod backup;
mod exec;
mod finished_backup;
mod restore;
mod round_trip;
#[path = "../samples/mod.rs"]
mod samples;
mod support;

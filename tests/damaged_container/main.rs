//! Containers that are damaged or hostile, and every command and action on them: they say what is wrong, save the rest,
//! never panic, and never report a success that is none.

mod commands;
mod hostile;
mod matrix;
mod prune;
mod repair;
#[path = "../samples/mod.rs"]
mod samples;
mod snapshots;
#[path = "../agent/support/mod.rs"]
mod support;
mod verify;

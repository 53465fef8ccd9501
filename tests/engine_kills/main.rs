//! Kills the agent while it backs up, prunes and restores, and the command line while it changes keys and repairs: at every
//! kill point of the engine, and at random moments. After each kill the repository is sound, and the same work succeeds. At
//! the end everything in the repository can be read, and nothing is left that belongs to no snapshot.
//!
//! `FREEZERD_KILLS=SEED:COUNT` makes more random kills.

mod aftermath;
mod points;
mod random;
mod repair;
#[path = "../samples/mod.rs"]
mod samples;
#[path = "../agent/support/mod.rs"]
mod support;

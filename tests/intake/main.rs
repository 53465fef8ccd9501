//! The jobs directory as a whole: reading it, trusting it, and which file is which job.

#[path = "../samples/mod.rs"]
mod samples;
#[path = "../job/support.rs"]
mod support;

mod catalog;
mod check;
mod directory;

//! The daemon: the real binary on a host of its own, in a temporary root.

mod attempts;
mod clock;
mod containers;
#[path = "../harness/mod.rs"]
mod harness;
mod jobs_dir;
mod life_of_a_job;
mod main_job;
mod monitoring;
mod priority;
mod restart;
#[path = "../samples/mod.rs"]
mod samples;
mod service;
mod stall;

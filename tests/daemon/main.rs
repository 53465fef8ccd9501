//! The daemon: the real binary on its own host, in a temporary root directory.

mod attempts;
mod clock;
mod containers;
mod data_checks;
#[allow(dead_code, reason = "other tests mount other file systems")]
#[path = "../agent/support/disk.rs"]
mod disk;
mod events_directory;
#[path = "../harness/mod.rs"]
mod harness;
mod jobs_dir;
mod life_of_a_job;
mod log_file;
mod lost_state;
mod main_job;
mod messages;
mod messages_again;
mod monitoring;
mod priority;
mod prunes;
mod restart;
#[path = "../samples/mod.rs"]
mod samples;
mod service;
mod stall;
mod standing_checks;

use harness::is_root;

//! How the daemon and the command line communicate without a network: a lock, event files, progress files and logs in
//! the state and runtime directories.

pub mod changes_file;
pub mod daemon_lock;
pub mod event;
pub mod layout;
pub mod mark;
pub mod progress;
pub mod progress_sink;

//! A backup is honest: it says what it could not read, and refuses what would be a false success.

mod container;
mod source;

//! restic's repository format, and nothing else: what the files of a repository hold, and how they are read and
//! written on any storage.
//!
//! The format is described in restic's `doc/design.rst`. Version 2 is read and written, version 1 is read.

pub mod blob;
pub mod blob_name;
pub mod check;
pub mod compression;
pub mod config;
pub mod crypto;
pub mod cut_time;
pub mod error;
pub mod forget;
mod go_text;
pub mod index;
pub mod indexed;
pub mod key;
pub mod lock;
pub mod node;
pub mod open;
pub mod pack;
pub mod packer;
pub mod polynomial;
mod printable;
pub mod progress;
pub mod prune;
pub mod ranges;
pub mod reachable;
pub mod repair;
pub mod replace;
pub mod rewrite;
pub mod snapshot;
pub mod time;
pub mod transfer;
pub mod tree;
mod unlisted;
pub mod unpacked;
pub mod walk;

//! The command line: every command, its help, its JSON, its errors and its exit codes.

mod addresses;
mod adopt;
mod changes;
mod check;
mod check_left_out;
mod doctor;
mod drill;
mod drill_jobs;
mod exit_codes;
mod forget;
mod guards;
#[path = "../harness/mod.rs"]
mod harness;
mod listing;
mod log;
mod meant;
mod new_and_edit;
mod next;
#[path = "../odd_tree/mod.rs"]
mod odd_tree;
mod outputs;
mod pages;
mod pass_files;
mod proposed_commands;
#[path = "../restic_support/mod.rs"]
mod restic_support;
mod restore_again;
mod restore_parts;
mod setting_flags;
mod settings;
mod several_backups;
mod snapshots;
mod storages;
mod transfer_limits;
mod trigger_wait;
mod why;

use crate::harness::{Host, backup, exec, now};

/// A host where a job `save` has made a snapshot of `source`.
fn busy() -> Host {
    let host = Host::new();
    let source = host.file("source/file", "content");
    host.put(
        "save",
        now(vec![backup(
            source.parent().unwrap(),
            &host.path("container"),
        )]),
    );
    host.once().exits(0);
    host
}

/// A host where a job `save` has run, and has backed up nothing.
fn idle() -> Host {
    let host = Host::new().job("save", now(vec![exec("true")]));
    host.once().exits(0);
    host
}

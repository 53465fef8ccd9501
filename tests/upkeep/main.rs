//! Check, forget, prune and repair: nothing that a snapshot needs is ever removed, and what is damaged is named.

#[path = "../restic_support/mod.rs"]
mod restic_support;
mod support;

mod check;
mod damage;
mod interrupted;
mod keep;
mod prune;
mod refused;
mod repair;
mod replace;
mod restic;
mod transfer;

//! The storages: what every one of them promises, and what each promises besides.

mod contract;
mod faults;
mod local;
mod rest;
#[path = "../rest_server/mod.rs"]
mod rest_server;
mod support;

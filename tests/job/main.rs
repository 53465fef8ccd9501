//! From the bytes of a file to a job, or to diagnostics.

mod codes;
mod contract;
mod effective;
mod fuzz;
mod json;
mod kinds;
mod render;
#[path = "../samples/mod.rs"]
mod samples;
mod schema;
mod seed;
mod support;

//! The jobs directory is live: whatever happens to a file in it shows within a moment, and a bad file hurts only itself.

mod bad_files;
mod changes;
mod rescan;
mod writing;

use serde_json::{Value, json};

use crate::harness::{Host, exec, someday};

fn file_of(host: &Host, job: &str) -> Value {
    host.show(job)["x-freezerd"]["file"].clone()
}

fn described(description: &str) -> Value {
    let mut job = someday(vec![exec("true")]);
    job["description"] = json!(description);
    job
}

fn description(host: &Host, job: &str) -> String {
    host.show(job)["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

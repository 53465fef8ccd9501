//! The jobs directory is live: changes take effect at once, and a bad file affects only its own job.

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

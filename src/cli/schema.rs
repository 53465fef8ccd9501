//! `freezerd schema`: prints the JSON Schema of a job file.

use super::exit::{Exit, Failure};
use super::output;
use crate::job::schema::schema;

/// Print the JSON Schema of a job file
///
/// An editor uses the schema to complete keys and to mark errors while you type.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd schema > /etc/freezerd/job.schema.json")]
pub struct Args {
    /// No effect; the schema is always JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd schema`.
pub fn run(_: &Args) -> Result<Exit, Failure> {
    output::json(&schema());
    Ok(Exit::Success)
}

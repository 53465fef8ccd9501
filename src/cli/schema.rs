//! `freezerd schema`: what an editor needs to complete and check a job file.

use super::exit::{Exit, Failure};
use crate::job::schema::schema;

/// Print the JSON Schema of a job file
///
/// An editor that knows the schema completes keys and marks faults while you type. The schema is JSON; --json changes
/// nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd schema > /etc/freezerd/job.schema.json")]
pub struct Args {
    /// As JSON, as always
    #[arg(long)]
    pub json: bool,
}

pub fn run(_: &Args) -> Result<Exit, Failure> {
    println!("{:#}", schema());
    Ok(Exit::Success)
}

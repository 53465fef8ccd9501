//! `freezerd notify`: the receivers of notices, and whether they work.

use super::exit::{Exit, Failure};
use crate::config::Settings;

pub mod look;
mod trial;
mod words;

/// Send a test message to the receivers of notices
///
/// Sections [notify.NAME] in freezerd.toml define the receivers, see freezerd.toml(5). The command says of each whether it
/// has accepted the message, and what to do where it has not. It needs no daemon. What only the service has, as a credential
/// or a variable of its environment, the command does not have: run it as the service does, see the example.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit code is 0 if every receiver has accepted the message, and 1 if one has not.\n\n\
                        Example: freezerd notify --test\nExample: freezerd notify --test ops --json\n\
                        Example: CREDENTIALS_DIRECTORY=/run/credentials/freezerd.service freezerd notify --test"
)]
pub struct Args {
    /// Send a test message
    #[arg(long, required = true)]
    test: bool,
    /// The names of receivers [default: all]
    #[arg(value_name = "NAME")]
    receiver: Vec<String>,
    /// Print what came of it as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd notify`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    trial::run(settings, &args.receiver, args.json)
}

//! `freezerd notify`: the messages to the receivers of notices, and whether the receivers work.

use super::exit::{Exit, Failure};
use crate::config::Settings;

mod list;
pub mod look;
mod retry;
mod trial;
mod words;

/// List the messages that wait or were given up, send them again, or send a test message
///
/// Sections [notify.NAME] in freezerd.toml define the receivers of notices, see freezerd.toml(5). Without an option, the
/// command lists the messages that were not accepted yet, and those that were given up.
///
/// With --retry, the daemon sends at once what was not accepted, also at quiet hours, and takes up again what was given up,
/// or drops it if it is out of date. Use it when a receiver works again. What only waits for the end of quiet hours or for a digest goes on waiting.
///
/// With --test, it sends a message to the receivers, says of each whether it has accepted the message, and what to do where
/// it has not. It needs no daemon. What only the service has, as a credential or a variable of its environment, the command
/// does not have: run it as the service does, see the example.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit code of --test is 0 if every receiver has accepted the message, and 1 if one has not.\n\n\
                        Example: freezerd notify\nExample: freezerd notify --retry ops\n\
                        Example: freezerd notify --test ops --json\n\
                        Example: CREDENTIALS_DIRECTORY=/run/credentials/freezerd.service freezerd notify --test"
)]
pub struct Args {
    /// Send a test message
    #[arg(long)]
    test: bool,
    /// Send again at once what was not accepted or was given up
    #[arg(long, conflicts_with = "test")]
    retry: bool,
    /// The names of receivers [default: all]
    #[arg(value_name = "NAME")]
    receiver: Vec<String>,
    /// Print the messages, the answer of the daemon, or what came of the test, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd notify`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    match (args.test, args.retry) {
        (true, _) => trial::run(settings, &args.receiver, args.json),
        (_, true) => retry::run(settings, &args.receiver, args.json),
        _ => list::run(settings, &args.receiver, args.json),
    }
}

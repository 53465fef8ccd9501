//! `freezerd state`: exports, imports and checks the ledger.

use super::exit::{Exit, Failure};
use crate::config::Settings;

mod check;
mod document;
mod export;
mod import;

/// Export, import or check the ledger
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Export(export::Args),
    Import(import::Args),
    Check(check::Args),
}

impl Args {
    /// True if the subcommand is to print JSON.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Export(args) => args.json,
            Command::Import(args) => args.json,
            Command::Check(args) => args.json,
        }
    }
}

/// Runs `freezerd state`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Export(args) => export::run(settings, args),
        Command::Import(args) => import::run(settings, args),
        Command::Check(args) => check::run(settings, args),
    }
}

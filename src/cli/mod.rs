//! What a person types: one file a subcommand.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

mod check;
mod config;
mod control;
mod doctor;
pub mod exit;
mod explain;
mod history;
mod installation;
mod list;
mod log;
mod logging;
mod next;
mod reading;
mod restore;
mod run;
mod schema;
mod screen;
mod settings;
mod show;
mod snapshots;
mod state;
mod status;
mod table;
mod why;

use exit::{Exit, Failure};
use settings::SettingsArgs;

/// A backup scheduler for a single server: drop job files into jobs.d, and they are done.
#[derive(Debug, Parser)]
#[command(name = "freezerd", version, about, disable_help_subcommand = true)]
#[command(after_help = "\
Exit codes: 0 done, 1 a run failed, 3 a run is incomplete, 4 and 5 warnings and errors of the doctor, 64 usage, 65 bad job file, 66 no such job or file,
69 no daemon, 70 internal, 73 cannot create, 75 try again, 77 not permitted, 78 bad configuration, 79 start the daemon again.")]
pub struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Next(next::Args),
    Why(why::Args),
    List(list::Args),
    Show(show::Args),
    History(history::Args),
    Log(log::Args),
    Status(status::Args),
    Doctor(doctor::Args),
    /// Put a job (back) on its schedule
    #[command(after_help = "Example: freezerd start nightly")]
    Start(control::Args),
    /// Take a job off its schedule; a run that is going on finishes first
    #[command(after_help = "Example: freezerd stop nightly")]
    Stop(control::Args),
    /// End a job's run now, and take the job off its schedule
    #[command(after_help = "Example: freezerd abort nightly")]
    Abort(control::Args),
    /// Take a job off for good; a run that is going on finishes first
    #[command(
        after_help = "The job's file stays: it is yours. `freezerd start` revives the job; deleting the file makes it \
                      go away.\n\nExample: freezerd remove nightly"
    )]
    Remove(control::Args),
    /// Run a job once, now, whatever its schedule says
    #[command(after_help = "Example: freezerd trigger nightly")]
    Trigger(control::Args),
    Snapshots(snapshots::Args),
    Restore(restore::Args),
    State(state::Args),
    Config(config::Args),
    /// Perform one action (started by the daemon)
    #[command(hide = true)]
    Agent,
}

impl Command {
    fn wants_json(&self) -> bool {
        match self {
            Command::Run(args) => args.json,
            Command::Check(args) => args.json,
            Command::Explain(args) => args.json,
            Command::Schema(args) => args.json,
            Command::Next(args) => args.json,
            Command::Why(args) => args.json,
            Command::List(args) => args.json,
            Command::Show(args) => args.json,
            Command::History(args) => args.json,
            Command::Log(args) => args.json,
            Command::Status(args) => args.json,
            Command::Doctor(args) => args.json,
            Command::Start(args)
            | Command::Stop(args)
            | Command::Abort(args)
            | Command::Remove(args)
            | Command::Trigger(args) => args.json,
            Command::Snapshots(args) => args.json,
            Command::Restore(args) => args.json,
            Command::State(args) => args.wants_json(),
            Command::Config(args) => args.wants_json(),
            Command::Agent => false,
        }
    }
}

/// The program: reads the command line, does what it says, and ends with one of the codes of [`exit::Exit`].
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Success.into()
            };
        }
    };
    if let Command::Agent = cli.command {
        return crate::agent::main();
    }
    // `freezerd list | head` ends quietly. Those that feed a child themselves must survive its end.
    if !matches!(cli.command, Command::Run(_) | Command::Restore(_)) {
        crate::os::default_sigpipe();
    }
    let as_json = cli.command.wants_json();
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report(as_json);
            failure.exit.into()
        }
    }
}

/// The command line's definition, for manual pages and completions too. Hidden commands are not for people.
pub fn definition() -> clap::Command {
    Cli::command()
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = definition().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    use crate::control::event::Command as Asked;
    match &cli.command {
        Command::Explain(args) => return explain::run(args),
        Command::Schema(args) => return schema::run(args),
        Command::Doctor(args) => {
            let settings = &cli.settings;
            let without_file = || settings.load_from(Some(Path::new("/dev/null")));
            let config = settings.config.as_deref();
            return Ok(doctor::run(settings.load(), without_file, config, args));
        }
        _ => {}
    }
    let settings = cli.settings.load()?;
    match cli.command {
        Command::Run(args) => run::run(&settings, &args),
        Command::Check(args) => check::run(&settings, &args),
        Command::Next(args) => next::run(&settings, &args),
        Command::Why(args) => why::run(&settings, &args),
        Command::List(args) => list::run(&settings, &args),
        Command::Show(args) => show::run(&settings, &args),
        Command::History(args) => history::run(&settings, &args),
        Command::Log(args) => log::run(&settings, &args),
        Command::Status(args) => status::run(&settings, &args),
        Command::Start(args) => control::run(&settings, Asked::Start, &args),
        Command::Stop(args) => control::run(&settings, Asked::Stop, &args),
        Command::Abort(args) => control::run(&settings, Asked::Abort, &args),
        Command::Remove(args) => control::run(&settings, Asked::Remove, &args),
        Command::Trigger(args) => control::run(&settings, Asked::Trigger, &args),
        Command::Snapshots(args) => snapshots::run(&settings, &args),
        Command::Restore(args) => restore::run(&settings, &args),
        Command::State(args) => state::run(&settings, &args),
        Command::Config(args) => config::run(&settings, &args),
        // Answered before the settings were read.
        Command::Explain(_) | Command::Schema(_) | Command::Doctor(_) | Command::Agent => {
            Ok(Exit::Internal)
        }
    }
}

//! The command line: one file for each subcommand.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

// The first module, because its macros replace those of the standard library in all others.
#[macro_use]
mod output;

mod accept;
mod adopt;
mod by_hand;
mod cache;
mod changes;
mod check;
mod command_facts;
mod complete;
mod config;
mod container;
mod control;
mod copy;
mod diff;
mod doctor;
mod drill;
mod dump;
mod edit;
pub mod exit;
mod explain;
mod find;
mod forget;
mod history;
mod job_files;
mod key;
mod last_drill;
mod ledger_view;
mod list;
mod log;
mod logging;
mod ls;
mod meant;
mod new;
mod next;
mod notify;
mod open_alarms;
mod pin;
mod prune;
mod prunes;
mod repair;
mod restore;
mod retag;
mod retention;
mod run;
mod schema;
mod screen;
mod settings;
mod show;
mod snapshots;
mod state;
mod stats;
mod status;
mod storage;
mod table;
mod terminal;
mod unlock;
mod unread;
mod verify;
mod why;

use exit::{Exit, Failure};
use settings::SettingsArgs;

/// The command line of freezerd. `--help` takes its first line from the description in Cargo.toml.
#[derive(Debug, Parser)]
#[command(name = "freezerd", version, about, disable_help_subcommand = true)]
#[command(after_help = "\
Exit codes:
   0  done
   1  a run or a restore by hand failed, or data is damaged
   3  a backup, restore or output is incomplete
   4  `doctor` found warnings but no errors
   5  `doctor` found an error
  64  wrong command line
  65  invalid job file or export, or inconsistent ledger
  66  no such job, run, file, container, snapshot or ledger
  69  no daemon is running
  70  internal error
  73  something cannot be created
  75  try again later
  77  no permission
  78  wrong configuration
  79  the daemon ended for a newer version; start it again

`freezerd COMMAND --help` describes a command and ends with an example.")]
pub struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    New(new::Args),
    Edit(edit::Args),
    Check(check::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Next(next::Args),
    Why(why::Args),
    List(list::Args),
    Show(show::Args),
    History(history::Args),
    Log(log::Args),
    Changes(changes::Args),
    Status(status::Args),
    Doctor(doctor::Args),
    /// Put a job back on its schedule
    ///
    /// Use this after `freezerd stop`, `abort` or `remove`. It needs a running daemon.
    #[command(after_help = "Example: freezerd start nightly")]
    Start(control::Args),
    /// Take a job off its schedule; a run that has started finishes first
    ///
    /// A run that has not started yet is cancelled. `freezerd start` puts the job back on its schedule. The command needs a
    /// running daemon.
    #[command(after_help = "Example: freezerd stop nightly")]
    Stop(control::Args),
    /// End a job's run now and take the job off its schedule
    ///
    /// The processes of the run get SIGTERM. After the time in the setting stop_grace, freezerd kills those that still run.
    /// The command needs a running daemon.
    #[command(after_help = "Example: freezerd abort nightly")]
    Abort(control::Args),
    /// Remove a job for good; a run that has started finishes first
    ///
    /// The job file stays, and `freezerd start` brings the job back. To delete the job, delete its file. The command needs
    /// a running daemon.
    #[command(after_help = "Example: freezerd remove nightly")]
    Remove(control::Args),
    /// Run a job once, now, regardless of its schedule
    ///
    /// The command prints the number of the run. It does not wait for the end of the run, unless --wait is given.
    /// `freezerd log` shows the log. The command needs a running daemon.
    #[command(
        after_help = "Example: freezerd trigger nightly\nExample: freezerd trigger nightly --wait"
    )]
    Trigger(control::TriggerArgs),
    Snapshots(snapshots::Args),
    Restore(restore::Args),
    Drill(drill::Args),
    Ls(ls::Args),
    Find(find::Args),
    Diff(diff::Args),
    Dump(dump::Args),
    Stats(stats::Args),
    Verify(verify::Args),
    Repair(repair::Args),
    Retention(retention::Args),
    Forget(forget::Args),
    Accept(accept::Args),
    Pin(pin::PinArgs),
    Unpin(pin::UnpinArgs),
    Prune(prune::Args),
    Copy(copy::Args),
    Adopt(adopt::Args),
    Key(key::Args),
    Unlock(unlock::Args),
    State(state::Args),
    Config(config::Args),
    Storage(storage::Args),
    Notify(notify::Args),
    Cache(cache::Args),
    #[command(hide = true)]
    Complete(complete::Args),
    /// Perform one action; the daemon starts this command
    #[command(hide = true)]
    Agent,
}

/// Runs the program with this command line. The exit code is one of [`exit::Exit`].
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    crate::os::raise_open_files();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = parse(arguments.clone()).and_then(|cli| {
        let load = || cli.settings.load().ok();
        match meant::with_whole_ids(load, &arguments) {
            Some(arguments) => parse(arguments),
            None => Ok(cli),
        }
    });
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let printed = output::command_line_error(&error);
            return match (error.use_stderr(), printed) {
                (true, _) => Exit::Usage.into(),
                (false, Ok(())) => Exit::Success.into(),
                (false, Err(fault)) => {
                    exit::unwritten(&fault).map_or(Exit::Success, |failure| {
                        failure.report(false, false);
                        failure.exit
                    })
                }
                .into(),
            };
        }
    };
    if let Command::Agent = cli.command {
        return crate::agent::main();
    }
    // `freezerd list | head` ends without a message.
    if !cli.command.survives_its_reader() {
        crate::os::default_sigpipe();
    }
    let as_json = cli.command.wants_json();
    let lines = matches!(
        cli.command,
        Command::Ls(_) | Command::Find(_) | Command::Diff(_)
    );
    let result = dispatch(cli);
    let unwritten = output::end().and_then(exit::unwritten);
    match (result, unwritten) {
        (Ok(Exit::Success), Some(failure)) => {
            failure.report(false, false);
            failure.exit.into()
        }
        (Ok(exit), unwritten) => {
            if let Some(failure) = unwritten {
                failure.report(false, false);
            }
            exit.into()
        }
        (Err(failure), _) => {
            failure.report(as_json, lines);
            failure.exit.into()
        }
    }
}

/// The definition of the command line. The manual pages and the shell completions are made from it, too; they leave out
/// hidden commands.
pub fn definition() -> clap::Command {
    settings::listed_once(Cli::command())
}

/// Reads the command line. An error repeats what was written, in a harmless form.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let arguments = as_flag(arguments.into_iter().collect());
    let read = |arguments: &[OsString]| {
        let matches = definition().try_get_matches_from(arguments)?;
        Cli::from_arg_matches(&matches)
    };
    let read = |arguments: &[OsString]| {
        read(arguments).map_err(|mut error| {
            meant::improve(&mut error, &definition(), arguments);
            error
        })
    };
    read(&arguments).map_err(|error| {
        let harmless = |it: &OsString| crate::escape::harmless(&it.to_string_lossy()).into();
        let shown: Vec<OsString> = arguments.iter().map(harmless).collect();
        match shown == arguments {
            true => error,
            false => read(&shown).err().unwrap_or(error),
        }
    })
}

/// `freezerd help COMMAND` is `freezerd COMMAND --help`.
fn as_flag(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_help = |arguments: &[OsString]| arguments.get(1).is_some_and(|first| first == "help");
    if is_help(&arguments) {
        // `freezerd help help` is the help, too.
        while is_help(&arguments) {
            arguments.remove(1);
        }
        arguments.push("--help".into());
    }
    arguments
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    use crate::control::event::Command as Asked;
    match &cli.command {
        Command::Explain(args) => return explain::run(args),
        Command::Schema(args) => return schema::run(args),
        Command::Complete(args) => return Ok(complete::run(cli.settings.load(), args)),
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
        Command::New(args) => new::run(&settings, &args),
        Command::Edit(args) => edit::run(&settings, &args),
        Command::Check(args) => check::run(&settings, &args),
        Command::Next(args) => next::run(&settings, &args),
        Command::Why(args) => why::run(&settings, &args),
        Command::List(args) => list::run(&settings, &args),
        Command::Show(args) => show::run(&settings, &args),
        Command::History(args) => history::run(&settings, &args),
        Command::Log(args) => log::run(&settings, &args),
        Command::Changes(args) => changes::run(&settings, &args),
        Command::Status(args) => status::run(&settings, &args),
        Command::Start(args) => control::run(&settings, Asked::Start, &args),
        Command::Stop(args) => control::run(&settings, Asked::Stop, &args),
        Command::Abort(args) => control::run(&settings, Asked::Abort, &args),
        Command::Remove(args) => control::run(&settings, Asked::Remove, &args),
        Command::Trigger(args) => control::trigger(&settings, &args),
        Command::Snapshots(args) => snapshots::run(&settings, &args),
        Command::Restore(args) => restore::run(&settings, &args),
        Command::Drill(args) => drill::run(&settings, &args),
        Command::Ls(args) => ls::run(&settings, &args),
        Command::Find(args) => find::run(&settings, &args),
        Command::Diff(args) => diff::run(&settings, &args),
        Command::Dump(args) => dump::run(&settings, &args),
        Command::Stats(args) => stats::run(&settings, &args),
        Command::Verify(args) => verify::run(&settings, &args),
        Command::Repair(args) => repair::run(&settings, &args),
        Command::Retention(args) => retention::run(&settings, &args),
        Command::Forget(args) => forget::run(&settings, &args),
        Command::Accept(args) => accept::run(&settings, &args),
        Command::Pin(args) => pin::run(&settings, &args.chosen, true),
        Command::Unpin(args) => pin::run(&settings, &args.chosen, false),
        Command::Prune(args) => prune::run(&settings, &args),
        Command::Copy(args) => copy::run(&settings, &args),
        Command::Adopt(args) => adopt::run(&settings, &args),
        Command::Key(args) => key::run(&settings, &args),
        Command::Unlock(args) => unlock::run(&settings, &args),
        Command::State(args) => state::run(&settings, &args),
        Command::Config(args) => config::run(&settings, &args),
        Command::Storage(args) => storage::run(&settings, &args),
        Command::Notify(args) => notify::run(&settings, &args),
        Command::Cache(args) => cache::run(&settings, &args),
        // These commands returned above, before the settings were read.
        Command::Explain(_)
        | Command::Schema(_)
        | Command::Complete(_)
        | Command::Doctor(_)
        | Command::Agent => Ok(Exit::Internal),
    }
}

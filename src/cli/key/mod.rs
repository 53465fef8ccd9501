//! `freezerd key`: the keys of a container, one for each password.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::container::ContainerArgs;
use super::container::output::say;
use super::container::session::{self, Ended, print, print_json};
use super::exit::{Exit, Failure};
use super::table::Table;
use crate::agent::inspect::{self, Lock, Session, SessionError, keys};
use crate::config::Settings;
use crate::escape::harmless;
use crate::repository::error::Error;
use crate::secret::memory_file::is_one;
use crate::storage::id::Id;

mod prompt;

/// List, add and remove the keys of a container, or change its password
///
/// A container has one key for each password that opens it. All of them open the same data.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the keys; a star marks the one that the password belongs to
    #[command(after_help = "Example: freezerd key list nightly")]
    List(ListArgs),
    /// Add a key for another password
    #[command(
        after_help = "Example: freezerd key add nightly --new-password-file /etc/freezerd/second"
    )]
    Add(NewPasswordArgs),
    /// Remove a key; its password does not open the container any more
    ///
    /// The key in use cannot be removed, so one always stays. All keys open the same data: somebody who had the password may
    /// have kept what it opens. To keep them out for good, make a new container.
    #[command(after_help = "Example: freezerd key remove nightly --key 84b9adec")]
    Remove(RemoveArgs),
    /// Replace the key in use by one for a new password
    ///
    /// Afterwards, put the new password into the file that the jobs name as encrypt_pass_file. If the command is interrupted,
    /// both passwords may open the container: run it again, with the same new password.
    #[command(
        after_help = "Example: freezerd key passwd nightly --new-password-file /etc/freezerd/new"
    )]
    Passwd(NewPasswordArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    place: ContainerArgs,
    /// Print the keys as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct NewPasswordArgs {
    #[command(flatten)]
    place: ContainerArgs,
    /// Read the new password from this file or pipe; without it, the terminal asks for the password
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Print the id of the new key as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    #[command(flatten)]
    place: ContainerArgs,
    /// Remove the key whose id is ID or begins with ID
    #[arg(long, value_name = "ID")]
    key: String,
    /// Print the id of the removed key as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether the answer is JSON.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::List(args) => args.json,
            Command::Add(args) | Command::Passwd(args) => args.json,
            Command::Remove(args) => args.json,
        }
    }
}

/// Runs `freezerd key`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => {
            let container = args.place.find_container(settings)?;
            session::run(settings, &container, Lock::None, |session| {
                list(args, session)
            })
        }
        Command::Add(args) => {
            let container = args.place.find_container(settings)?;
            let password = new_password(args)?;
            session::run(settings, &container, Lock::Shared, |session| {
                let id = keys::add(session, &password)?;
                answer(args.json, "added", &id.to_string())
            })
        }
        Command::Remove(args) => {
            let container = args.place.find_container(settings)?;
            session::run(settings, &container, Lock::Exclusive, |session| {
                let id = keys::remove(session, &args.key)?;
                answer(args.json, "removed", &id.to_string())
            })
        }
        Command::Passwd(args) => {
            let container = args.place.find_container(settings)?;
            let password = new_password(args)?;
            session::run(settings, &container, Lock::Exclusive, |session| {
                let changed = keys::change_password(session, &password)?;
                if changed.was_there {
                    say(
                        "note: an earlier change was interrupted after it had added this key; it is finished now",
                    );
                }
                let file = container.pass_file.as_ref();
                if let Some(file) = file.filter(|file| !is_one(file)) {
                    say(&format!(
                        "note: the old password does not open the container any more: put the new one into {}",
                        file.display()
                    ));
                }
                tell_others(session, changed.id, &args.place.as_typed())?;
                answer(args.json, "added", &changed.id.to_string())
            })
        }
    }
}

/// Says which other passwords still open the container: somebody who changes one may not know of them.
fn tell_others(session: &Session, new: Id, place: &str) -> Result<(), SessionError> {
    for other in keys::list(session)? {
        if other.id == new {
            continue;
        }
        let about = match &other.file {
            Ok(file) => harmless(&format!(
                "made by {} on {} at {}",
                file.username, file.hostname, file.created
            )),
            Err(_) => "which cannot be read".to_owned(),
        };
        say(&format!(
            "note: the container has another key, {:.8}, {about}; if its password must not open it any more, remove it with \
             `freezerd key remove {} --key {:.8}`",
            other.id, place, other.id
        ));
    }
    Ok(())
}

/// The new password, from its file or from the terminal.
fn new_password(args: &NewPasswordArgs) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match &args.new_password_file {
        Some(file) => inspect::password_in(file, &say)
            .map_err(|error| Failure::new(Exit::NotFound, error.to_string())),
        None => {
            let password = prompt::new_password()?;
            Ok(Zeroizing::new(password.as_bytes().to_vec()))
        }
    }
}

fn answer(as_json: bool, done: &str, id: &str) -> Result<Exit, Ended> {
    match as_json {
        true => print_json(&json!({ done: id }))?,
        false => print(&format!("key {id} {done}"))?,
    }
    Ok(Exit::Success)
}

fn list(args: &ListArgs, session: &Session) -> Result<Exit, Ended> {
    let keys = keys::list(session)?;
    if args.json {
        let keys: Vec<Value> = keys.iter().map(to_json).collect();
        print_json(&json!({ "keys": keys }))?;
    } else {
        let mut table = Table::new(&["", "KEY", "USER", "HOST", "CREATED"]);
        for key in &keys {
            let mark = if key.in_use { "*" } else { " " }.to_owned();
            let id = format!("{:.8}", key.id);
            match &key.file {
                Ok(file) => table.row(vec![
                    mark,
                    id,
                    file.username.clone(),
                    file.hostname.clone(),
                    file.created.to_string(),
                ]),
                Err(_) => table.row(vec![mark, id, "cannot be read".to_owned()]),
            }
        }
        for line in table.lines() {
            print(&line)?;
        }
    }
    let unreadable: Vec<&Error> = keys
        .iter()
        .filter_map(|key| key.file.as_ref().err())
        .collect();
    match unreadable.is_empty() {
        true => Ok(Exit::Success),
        false => Ok(Exit::RunPartial),
    }
}

fn to_json(key: &keys::ListedKey) -> Value {
    let mut object = json!({"id": key.id, "in_use": key.in_use});
    match &key.file {
        Ok(file) => {
            object["user"] = file.username.as_str().into();
            object["host"] = file.hostname.as_str().into();
            object["created"] = file.created.to_string().into();
        }
        Err(error) => object["problem"] = error.to_string().into(),
    }
    object
}

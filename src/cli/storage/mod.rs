//! `freezerd storage`: the storages of `freezerd.toml`, and whether they work.

use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use super::container::output::say;
use super::exit::{Exit, Failure};
use super::table::Table;
use crate::agent::reach::Reach;
use crate::cli::output;
use crate::config::Settings;
use crate::escape::harmless;
use crate::job::action::Container;
use crate::job::storage::NamedStorage;
use crate::repository::crypto::fill_random;
use crate::storage::Storage;
use crate::storage::trial::{self, Trial};
use crate::units;

pub mod look;
pub mod words;

/// The name of the container of a trial.
const CONTAINER: &str = "freezerd-test";

/// The most files that are written at the same time.
const MOST_FILES: usize = 8;

/// List the storages of freezerd.toml, or try one out
///
/// A storage is a server that containers are on. freezerd.toml(5) says how to define one.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the storages
    #[command(after_help = "Example: freezerd storage list")]
    List(ListArgs),
    /// Write, read, list and remove files in a storage, and say what works and how fast
    ///
    /// The files are in a container of their own, freezerd-test, and are removed at the end; its empty directories stay, and so
    /// does a bucket that the test makes. What an earlier test left there is removed first. The exit code is 0 if everything works that a backup needs.
    #[command(after_help = "Example: freezerd storage test offsite\n\
                            Example: freezerd storage test bucket --container backups --size 100M")]
    Test(TestArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Print the storages as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// The name of the storage
    #[arg(value_name = "NAME")]
    name: String,
    /// Make the container freezerd-test in this one, for example in a bucket
    #[arg(long, value_name = "PLACE")]
    container: Option<String>,
    /// Write so much in all, for example 100M
    #[arg(long, value_name = "SIZE", default_value = "16M")]
    size: String,
    /// Print what was tried as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether errors are told as JSON, too.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::List(args) => args.json,
            Command::Test(args) => args.json,
        }
    }
}

/// Runs `freezerd storage`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => Ok(list(settings, args)),
        Command::Test(args) => test(settings, args),
    }
}

fn list(settings: &Settings, args: &ListArgs) -> Exit {
    if args.json {
        let storages: Vec<Value> = settings
            .storages
            .iter()
            .map(|(name, storage)| {
                let kind = storage.place.kind().word();
                json!({"name": name, "kind": kind, "place": place(storage)})
            })
            .collect();
        output::json(&json!({ "storages": storages }));
    } else if settings.storages.is_empty() {
        println!("No storages. A section [storage.NAME] in freezerd.toml defines one.");
    } else {
        let mut table = Table::new(&["STORAGE", "KIND", "PLACE"]);
        for (name, storage) in &settings.storages {
            let kind = storage.place.kind().word().to_owned();
            table.row(vec![name.clone(), kind, place(storage)]);
        }
        table.print();
    }
    Exit::Success
}

/// Where the containers are: the location of the storage itself, or its address.
pub fn place(storage: &NamedStorage) -> String {
    let address = || {
        let mut shown = storage.shown.iter();
        let endpoint = shown.find(|(key, _)| ["endpoint", "auth_url"].contains(key));
        endpoint.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    match storage.place.container("/") {
        Ok(location) => location.to_string(),
        Err(_) => address(),
    }
}

fn test(settings: &Settings, args: &TestArgs) -> Result<Exit, Failure> {
    let Some(storage) = settings.storages.get(&args.name) else {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "{}: there is no such storage; `freezerd storage list` lists them",
                harmless(&args.name)
            ),
        ));
    };
    let size = units::parse_bytes(&args.size)
        .filter(|size| *size <= 1 << 32)
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!(
                    "--size {}: write a size such as 16M, up to 4G",
                    harmless(&args.size)
                ),
            )
        })?;
    let container = container(args, storage)?;
    let files: Arc<dyn Storage> = Reach::default()
        .storage(&container)
        .map_err(|error| Failure::new(Exit::BadConfiguration, harmless(&error.to_string())))?;
    if !args.json {
        println!("Testing {}", container.location);
    }
    let count = files.traits().parallel.clamp(1, MOST_FILES);
    let mut lock = vec![0; 1024];
    let mut packs = vec![vec![0; (size / count as u64).max(1) as usize]; count];
    for content in packs.iter_mut().chain([&mut lock]) {
        fill_random(content).map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    }
    let trial = trial::run(files, lock, packs, &mut |step| {
        if !args.json {
            say(words::begins(step));
        }
    });
    if args.json {
        output::json(&words::json(&trial));
    } else {
        for line in words::lines(&trial, &settings.zone()) {
            println!("{line}");
        }
    }
    Ok(exit(&trial))
}

fn container(args: &TestArgs, storage: &NamedStorage) -> Result<Container, Failure> {
    let name = match &args.container {
        Some(above) => format!("{}/{CONTAINER}", above.trim_end_matches('/')),
        None => CONTAINER.to_owned(),
    };
    let location = storage.place.container(&name).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!(
                "the container {}: {error}; --container names the one that it is in",
                harmless(&name)
            ),
        )
    })?;
    Ok(Container {
        name,
        location,
        pass_file: None,
        connection: storage.connection.clone(),
    })
}

fn exit(trial: &Trial) -> Exit {
    match trial.is_good() {
        true => Exit::Success,
        false => Exit::RunFailed,
    }
}

//! `freezerd cache`: what is kept on this host of containers that are not on it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::container::place;
use super::exit::{Exit, Failure};
use super::logging;
use super::output;
use super::table::Table;
use crate::config::Settings;
use crate::location::Location;
use crate::storage::cache::overview::{self, CachedRepository};
use crate::storage::cache::{CacheFault, CacheStep};
use crate::units;

/// Show or clear the cache of containers that are not on this host
///
/// The cache has copies of index files, snapshots, lists of directories and the key that the password opens. Each is checked
/// before it is used, so it can be cleared at any time: the next action reads from the server what it needs. The settings
/// cache_dir and cache_size say where it is and how large it may be.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd cache\nExample: freezerd cache clear --all")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print the cache as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Remove the cache of some containers, or of all
    #[command(
        after_help = "Example: freezerd cache clear --storage offsite --container www\n\
                            Example: freezerd cache clear --all"
    )]
    Clear(ClearArgs),
}

#[derive(Debug, clap::Args)]
struct ClearArgs {
    /// Remove the cache of every container
    #[arg(long, required_unless_present = "storage", conflicts_with = "storage")]
    all: bool,
    /// Remove the cache of the container in this storage of freezerd.toml
    #[arg(long, value_name = "NAME", requires = "container")]
    storage: Option<String>,
    /// The name of the container in the storage
    #[arg(long, value_name = "PLACE", requires = "storage")]
    container: Option<String>,
    /// Print what was removed as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether errors are told as JSON, too.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            None => self.json,
            Some(Command::Clear(args)) => self.json || args.json,
        }
    }
}

/// Runs `freezerd cache`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let found = overview::overview(&settings.cache_dir).map_err(|fault| failure(&fault))?;
    let as_json = args.wants_json();
    match &args.command {
        None => show(settings, &found, as_json),
        Some(Command::Clear(clear)) => return remove(settings, &found, clear, as_json),
    }
    Ok(Exit::Success)
}

fn show(settings: &Settings, found: &[CachedRepository], as_json: bool) {
    let directory = settings.cache_dir.display();
    let size: u64 = found.iter().map(|repository| repository.size).sum();
    if as_json {
        let repositories: Vec<Value> = found.iter().map(document).collect();
        output::json(&json!({
            "directory": settings.cache_dir.to_string_lossy(),
            "limit": settings.cache_size,
            "size": size,
            "repositories": repositories,
        }));
        return;
    }
    if !found.is_empty() {
        let zone = settings.zone();
        let mut table = Table::new(&["CONTAINER", "REPOSITORY", "FILES", "SIZE", "LAST USED"]);
        for repository in found {
            table.row(vec![
                location(repository).to_owned(),
                format!("{:.8}", repository.id),
                repository.files.to_string(),
                units::bytes(repository.size),
                logging::moment(last_use(repository), &zone),
            ]);
        }
        table.print();
    }
    match settings.cache_size {
        Some(limit) => println!(
            "{} in {directory}, of at most {}",
            units::bytes(size),
            units::memory(limit)
        ),
        None => println!(
            "{} in {directory}; the cache is off (cache_size)",
            units::bytes(size)
        ),
    }
}

fn remove(
    settings: &Settings,
    found: &[CachedRepository],
    args: &ClearArgs,
    as_json: bool,
) -> Result<Exit, Failure> {
    let only = wanted(settings, args)?;
    let is_wanted = |repository: &&CachedRepository| {
        let only = only.as_ref();
        only.is_none_or(|only| repository.location == only.to_string())
    };
    let chosen: Vec<&CachedRepository> = found.iter().filter(is_wanted).collect();
    for repository in &chosen {
        overview::clear(repository).map_err(|fault| failure(&fault))?;
        if !as_json {
            let size = units::bytes(repository.size);
            println!("removed {size} of {}", location(repository));
        }
    }
    if as_json {
        let removed: Vec<Value> = chosen.iter().map(|it| document(it)).collect();
        output::json(&json!({ "removed": removed }));
    } else if chosen.is_empty() {
        println!("The cache has nothing of it.");
    }
    Ok(Exit::Success)
}

/// The container that is meant; `None`: all of them.
fn wanted(settings: &Settings, args: &ClearArgs) -> Result<Option<Location>, Failure> {
    let Some(name) = &args.container else {
        return Ok(None);
    };
    let options = place::Options {
        storage: "--storage",
        container: "--container",
    };
    let (location, _) = place::find(settings, options, args.storage.as_deref(), name)?;
    Ok(Some(location))
}

fn location(repository: &CachedRepository) -> &str {
    match repository.location.as_str() {
        "" => "an unknown container",
        location => location,
    }
}

fn last_use(repository: &CachedRepository) -> Option<DateTime<Utc>> {
    repository.last_use.map(DateTime::from)
}

fn document(repository: &CachedRepository) -> Value {
    json!({
        "id": repository.id,
        "container": repository.location,
        "files": repository.files,
        "size": repository.size,
        "last_used": last_use(repository),
        "path": repository.path.to_string_lossy(),
    })
}

fn failure(fault: &CacheFault) -> Failure {
    let is_denied = fault
        .cause
        .as_ref()
        .is_some_and(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied);
    let exit = match (is_denied, fault.step) {
        (true, _) => Exit::NotPermitted,
        (false, CacheStep::Read) => Exit::NotFound,
        (false, _) => Exit::CannotCreate,
    };
    Failure::new(exit, fault.to_string())
}

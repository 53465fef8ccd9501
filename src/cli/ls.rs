//! `freezerd ls`: what a snapshot contains.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use super::container::output::{Output, Written, say};
use super::container::session::{self, Ended, finish, ok, walked};
use super::container::snapshot::{self, SnapshotArgs};
use super::container::{ContainerOptions, entry};
use super::exit::{Exit, Failure};
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::config::Settings;
use crate::escape::shown;
use crate::inspect::choice::Chosen;
use crate::inspect::list::{Listed, list};
use crate::inspect::path::{self, PathError};
use crate::repository::indexed::Indexed;
use crate::repository::snapshot::Snapshot;
use crate::schedule::zone::Zone;

/// List the files in a snapshot
///
/// Name a job, or a container with --container. The command lists the entries of each directory that is named by its PATH,
/// and those of the directories that were backed up if there is no PATH. It reads the newest snapshot, unless --at or
/// --snapshot chooses another one. Directories that are damaged are named, and the rest is listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd ls nightly /srv/www -l\n\
                        Example: freezerd ls nightly --snapshot 84b9adec --recursive")]
pub struct Args {
    /// Use the container, the host and the backup name of this job; with --container, this is the first PATH
    #[arg(required_unless_present = "container")]
    job: Option<OsString>,
    /// List this file or directory of the snapshot
    path: Vec<OsString>,
    #[command(flatten)]
    container: ContainerOptions,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// List everything below the directories too
    #[arg(long, short)]
    recursive: bool,
    /// Print mode, owner, size and time of each entry
    #[arg(long, short)]
    long: bool,
    /// Take no lock, and wait for no other process
    #[arg(long)]
    no_lock: bool,
    /// Print one JSON object for each entry, each on a line of its own
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd ls`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let (job, paths) = args.container.split(args.job.as_ref(), &args.path);
    let place = args.container.find(settings, job.as_deref())?;
    let wanted = args.snapshot.wanted(settings)?;
    let filter = snapshot::filter(&place);
    let paths: Vec<Vec<u8>> = paths.iter().map(|it| it.as_bytes().to_vec()).collect();
    let lock = if args.no_lock {
        Lock::None
    } else {
        Lock::Shared
    };
    session::run(settings, &place.container, lock, |session| {
        let chosen = wanted.find(session, &filter)?;
        list_all(settings, args, session, &chosen, paths)
    })
}

fn list_all(
    settings: &Settings,
    args: &Args,
    session: &Session,
    chosen: &Chosen,
    paths: Vec<Vec<u8>>,
) -> Result<Exit, Ended> {
    let repository = session.index(&say)?;
    let zone = settings.zone();
    let mut output = Output::new(args.json);
    match args.json {
        true => ok(output.json(&snapshot_line(chosen)))?,
        false => say(&snapshot::describe(chosen, &zone)),
    }
    let paths = match paths.is_empty() {
        true => backed_up(&repository, &chosen.snapshot),
        false => paths,
    };
    for path in paths {
        let ended = list(
            &repository,
            chosen.snapshot.tree,
            &path,
            args.recursive,
            |listed| tell(&mut output, args.long, &zone, listed),
        );
        match ended {
            Ok(ended) => walked(ended)?,
            // The other paths are listed all the same.
            Err(PathError::Unreadable { path, error }) => ok(output.unreadable(&path, &error))?,
            Err(error) => {
                ok(output.flush())?;
                return Err(SessionError::from(error).into());
            }
        }
    }
    finish(output, session)
}

/// The snapshot itself, as the first line of JSON.
fn snapshot_line(chosen: &Chosen) -> Value {
    let snapshot = &chosen.snapshot;
    json!({"snapshot": {
        "id": chosen.id,
        "time": snapshot.time,
        "host": snapshot.hostname,
        "backup_name": chosen.backup_name(),
        "paths": snapshot.paths,
        "tags": snapshot.tags,
    }})
}

/// The paths that were backed up, as far as they are directories of the snapshot; otherwise its root.
fn backed_up(repository: &Indexed, snapshot: &Snapshot) -> Vec<Vec<u8>> {
    let paths: Vec<Vec<u8>> = snapshot
        .paths
        .iter()
        .map(|it| it.as_bytes().to_vec())
        .collect();
    let is_there = |path: &Vec<u8>| path::find(repository, snapshot.tree, path).is_ok();
    match !paths.is_empty() && paths.iter().all(is_there) {
        true => paths,
        false => vec![b"/".to_vec()],
    }
}

fn tell(output: &mut Output, long: bool, zone: &Zone, listed: Listed<'_>) -> Written {
    match listed {
        Listed::Entry {
            path,
            node,
            problem,
        } => {
            if let Some(problem) = problem {
                output.unusable(path, problem)?;
            }
            match (output.is_json(), long) {
                (true, _) => output.json(&Value::Object(entry::json(path, node))),
                (false, true) => output.text(&entry::long(path, node, zone)),
                (false, false) => output.text(&shown(path)),
            }
        }
        Listed::Unreadable { path, error, .. } => output.unreadable(path, &error),
    }
}

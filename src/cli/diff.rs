//! `freezerd diff`: what changed from one snapshot to another.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::container::ContainerOptions;
use super::container::output::{Output, Written, put_path, say};
use super::container::session::{self, Ended, finish, ok};
use super::container::snapshot::{self, Wanted};
use super::exit::{Exit, Failure};
use super::stats::data_json;
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::config::Settings;
use crate::escape::shown;
use crate::inspect::choice::{self, ChoiceError, Chosen, Filter};
use crate::inspect::diff::change::Change;
use crate::inspect::diff::live::LiveSide;
use crate::inspect::diff::side::{Only, Side, SnapshotSide};
use crate::inspect::diff::{Statistics, Told, Totals, diff};
use crate::inspect::path::{self, PathError, Target};
use crate::inspect::stats::exchanged;
use crate::repository::indexed::Indexed;
use crate::repository::node::NodeKind;
use crate::repository::snapshot::Snapshot;
use crate::storage::id::Id;
use crate::units;

/// Show what changed between two snapshots, or since a snapshot
///
/// Name a job, or a container with --container. Without a SNAPSHOT, the command compares the two newest ones; with one, it
/// compares that one with the newest one. With --live, it compares the newest snapshot, or SNAPSHOT, with the files of this
/// host as they are now.
///
/// Each line begins with a marker: `+` (the entry was added), `-` (it was removed), `M` (its content changed), `T` (its type
/// changed), `U` (only its metadata changed; shown with --metadata), or `M?` (its content changed, but its times did not:
/// the disk may have changed it).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd diff nightly\n\
                        Example: freezerd diff nightly 84b9adec latest --path /srv/www\n\
                        Example: freezerd diff nightly --live")]
pub struct Args {
    /// Use the container, the host and the backup name of this job; with --container, this is the first SNAPSHOT
    #[arg(required_unless_present = "container")]
    job: Option<OsString>,
    /// Compare this snapshot: the beginning of its id, or `latest` for the newest one
    #[arg(num_args = 0..=2)]
    snapshot: Vec<OsString>,
    #[command(flatten)]
    container: ContainerOptions,
    /// Compare only this directory; with --live, it is the same path in the snapshot and on this host
    #[arg(long, value_name = "PATH")]
    path: Option<OsString>,
    /// Compare a snapshot with the files of this host
    #[arg(long)]
    live: bool,
    /// Also show entries of which only the mode, owner, times or attributes changed
    #[arg(long)]
    metadata: bool,
    /// Also count the data that only one of the snapshots needs in the container; this reads all directories of both
    #[arg(long, conflicts_with = "live")]
    data: bool,
    /// Take no lock, and wait for no other process
    #[arg(long)]
    no_lock: bool,
    /// Print one JSON object for each change, each on a line of its own, and then the totals
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd diff`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let (job, words) = args.container.split(args.job.as_ref(), &args.snapshot);
    let words: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let most = if args.live { 1 } else { 2 };
    if words.len() > most {
        let most = units::count(most as u64, "snapshot", "snapshots");
        return Err(Failure::new(Exit::Usage, format!("name {most} at most")));
    }
    let place = args.container.find(settings, job.as_deref())?;
    let filter = snapshot::filter(&place);
    let lock = if args.no_lock {
        Lock::None
    } else {
        Lock::Shared
    };
    session::run(settings, &place.container, lock, |session| {
        let (before, after) = match args.live {
            true => {
                let word = words.first().map_or(snapshot::LATEST, String::as_str);
                let before = Wanted::named(word).find(session, &filter)?;
                (before, None)
            }
            false => {
                let (before, after) = pair(session, &filter, &words)?;
                (before, Some(after))
            }
        };
        compare(settings, args, session, &before, after.as_ref())
    })
}

/// The two snapshots that the words name.
fn pair(
    session: &Session,
    filter: &Filter,
    words: &[String],
) -> Result<(Chosen, Chosen), SessionError> {
    let find = |word: &str| Wanted::named(word).find(session, filter);
    match words {
        [before, after, ..] => Ok((find(before)?, find(after)?)),
        [before] => {
            let before = find(before)?;
            // The newest one of the same backup.
            let own = Filter {
                host: Some(before.snapshot.hostname.clone()),
                backup_name: Some(before.backup_name().to_owned()),
                paths: before.snapshot.paths.iter().map(PathBuf::from).collect(),
            };
            let filter = match filter.backup_name {
                Some(_) => filter,
                None => &own,
            };
            let latest = Wanted::named(snapshot::LATEST).find(session, filter)?;
            Ok((before, latest))
        }
        [] => {
            let mut choice = choice::of_one_backup(&session.repository, filter)?;
            snapshot::tell_unreadable(session, &choice.unreadable);
            match (choice.snapshots.pop(), choice.snapshots.pop()) {
                (Some(after), Some(before)) => Ok((before, after)),
                _ => Err(ChoiceError::FewerThanTwo {
                    filter: filter.clone(),
                }
                .into()),
            }
        }
    }
}

/// Compares with another snapshot, or with this host.
fn compare(
    settings: &Settings,
    args: &Args,
    session: &Session,
    before: &Chosen,
    after: Option<&Chosen>,
) -> Result<Exit, Ended> {
    let repository = session.index(&say)?;
    let mut output = Output::new(args.json);
    if !args.json {
        let zone = settings.zone();
        let after = match after {
            Some(after) => snapshot::describe(after, &zone),
            None => "the files of this host".to_owned(),
        };
        let before = snapshot::describe(before, &zone);
        say(&format!("from {before} to {after}"));
    }
    let mut statistics = Statistics::default();
    let mut data = None;
    for top in tops(args, &before.snapshot) {
        let (top, only) = split(&repository, before, top)?;
        let tree = directory(&repository, before, &top)?;
        let mut one: Box<dyn Side> = Box::new(SnapshotSide::new(&repository, tree));
        let mut other: Box<dyn Side> = match after {
            Some(after) => {
                let tree_after = directory(&repository, after, &top)?;
                if args.data {
                    data = Some(exchanged(&repository, tree, tree_after));
                }
                Box::new(SnapshotSide::new(&repository, tree_after))
            }
            None => {
                let path = PathBuf::from(OsString::from_vec(top.clone()));
                Box::new(LiveSide::new(&repository, path, &before.snapshot))
            }
        };
        if let Some(name) = only {
            let of = |side, name| Box::new(Only { side, name });
            one = of(one, name.clone());
            other = of(other, name);
        }
        let above: &[u8] = if top == b"/" { b"" } else { &top };
        let done = diff(&mut *one, &mut *other, |told| {
            tell(&mut output, args.metadata, above, told)
        });
        statistics = match done {
            ControlFlow::Continue(of_top) => statistics.plus(of_top),
            ControlFlow::Break(error) => return Err(Ended::Output(error)),
        };
    }
    match args.json {
        true => {
            let mut totals = totals_json(before, after, &statistics);
            if let Some((added, removed)) = data {
                totals["data_added"] = data_json(added);
                totals["data_removed"] = data_json(removed);
            }
            ok(output.json(&json!({ "totals": totals })))?;
        }
        false => {
            for line in totals(&statistics) {
                ok(output.text(&line))?;
            }
            if let Some((added, removed)) = data {
                ok(output.text(&format!(
                    "Data:    {} more in the container, {} less",
                    units::bytes(added.stored_size),
                    units::bytes(removed.stored_size)
                )))?;
            }
        }
    }
    finish(output, session)
}

/// The directories to compare: what --path names; otherwise everything, of which only the paths that were backed up are
/// of interest on this host.
fn tops(args: &Args, snapshot: &Snapshot) -> Vec<Vec<u8>> {
    let absolute = |path: &[u8]| {
        let mut whole = Vec::new();
        for name in path::names(path) {
            path::push(&mut whole, name);
        }
        match whole.is_empty() {
            true => b"/".to_vec(),
            false => whole,
        }
    };
    match &args.path {
        Some(path) => vec![absolute(path.as_bytes())],
        None if args.live => {
            let paths = snapshot.paths.iter();
            paths.map(|path| absolute(path.as_bytes())).collect()
        }
        None => vec![b"/".to_vec()],
    }
}

/// The directory to compare, and the entry in it if the path leads to something that is not a directory.
fn split(
    repository: &Indexed,
    chosen: &Chosen,
    top: Vec<u8>,
) -> Result<(Vec<u8>, Option<Vec<u8>>), SessionError> {
    match path::find(repository, chosen.snapshot.tree, &top)? {
        Target::Entry(node) if node.kind != NodeKind::Directory => {
            let mut above = top;
            above.truncate(above.len().saturating_sub(node.name.len() + 1));
            if above.is_empty() {
                above.push(b'/');
            }
            Ok((above, Some(node.name)))
        }
        _ => Ok((top, None)),
    }
}

/// The tree of the directory that is compared.
fn directory(repository: &Indexed, chosen: &Chosen, top: &[u8]) -> Result<Id, SessionError> {
    match path::find(repository, chosen.snapshot.tree, top)? {
        Target::Root(tree) => Ok(tree),
        Target::Entry(node) => match (&node.kind, node.subtree) {
            (NodeKind::Directory, Some(tree)) => Ok(tree),
            _ => Err(PathError::NotADirectory { path: top.to_vec() }.into()),
        },
    }
}

fn tell(output: &mut Output, metadata: bool, above: &[u8], told: Told<'_>) -> Written {
    let whole = |path: &[u8]| match path {
        b"/" if !above.is_empty() => above.to_vec(),
        path => [above, path].concat(),
    };
    let (path, change, node) = match told {
        Told::Changed {
            path, change, node, ..
        } => (whole(path), change, node),
        Told::Unusable { path, problem, .. } => return output.unusable(&whole(path), problem),
        Told::Unreadable { path, error, .. } => return output.unreadable(&whole(path), &error),
    };
    let only_metadata = matches!(change, Change::Modified(it) if !it.kind && !it.content);
    if only_metadata && !metadata {
        return Written::Continue(());
    }
    if output.is_json() {
        let mut object = Map::new();
        object.insert("change".into(), change.marker().into());
        put_path(&mut object, "path", &path);
        object.insert("type".into(), node.kind.word().into());
        if node.kind == NodeKind::File {
            object.insert("size".into(), node.size.into());
        }
        return output.json(&Value::Object(object));
    }
    let slash = if node.kind == NodeKind::Directory {
        "/"
    } else {
        ""
    };
    output.text(&format!("{:<4} {}{slash}", change.marker(), shown(&path)))
}

fn totals(statistics: &Statistics) -> [String; 4] {
    let line = |name: &str, totals: &Totals| {
        format!(
            "{name} {}, {}, {}, {}",
            units::count(totals.files, "file", "files"),
            units::count(totals.directories, "directory", "directories"),
            units::count(totals.others, "other entry", "other entries"),
            units::bytes(totals.bytes)
        )
    };
    [
        String::new(),
        line("Added:  ", &statistics.added),
        line("Removed:", &statistics.removed),
        format!(
            "Changed: {} in content ({}), {} in type, {} in metadata only",
            statistics.content_changed,
            units::bytes(statistics.content_changed_bytes),
            statistics.kind_changed,
            statistics.metadata_changed
        ),
    ]
}

fn totals_json(before: &Chosen, after: Option<&Chosen>, statistics: &Statistics) -> Value {
    let totals = |totals: &Totals| {
        json!({
            "files": totals.files,
            "directories": totals.directories,
            "others": totals.others,
            "bytes": totals.bytes,
        })
    };
    json!({
        "before": before.id,
        "after": after.map(|after| after.id),
        "added": totals(&statistics.added),
        "removed": totals(&statistics.removed),
        "content_changed": statistics.content_changed,
        "content_changed_bytes": statistics.content_changed_bytes,
        "type_changed": statistics.kind_changed,
        "metadata_changed": statistics.metadata_changed,
        "not_compared": statistics.not_compared,
    })
}

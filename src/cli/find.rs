//! `freezerd find`: which snapshots hold a file.

use std::ffi::OsString;

use serde_json::{Value, json};

use super::container::output::{Output, Written, say};
use super::container::session::{self, Ended, finish, walked};
use super::container::snapshot::{self, Wanted};
use super::container::{ContainerOptions, entry};
use super::exit::{Exit, Failure};
use crate::agent::inspect::{Lock, Session};
use crate::config::Settings;
use crate::escape::shown;
use crate::inspect::choice::{self, Chosen, Filter};
use crate::inspect::find::ids::{IdBeginning, IdQuery};
use crate::inspect::find::names::NameQuery;
use crate::inspect::find::{Found, Query, Search};
use crate::repository::index::Index;
use crate::repository::node::NodeKind;
use crate::repository::time::Time;
use crate::schedule::zone::Zone;

/// Find files in snapshots
///
/// Name a job, or a container with --container. Each PATTERN is a shell pattern. Without a slash, it matches the name of a
/// file or directory. With a slash at its start, it matches a whole path, and otherwise the end of a path. `**` stands for
/// any number of directories. The command searches all snapshots of the job, or those that --snapshot names. With --blob,
/// --tree or --pack, each PATTERN is the beginning of an id.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd find nightly '*.conf' --newest 2026-11-01\n\
                        Example: freezerd find --container /srv/backup /etc/passwd"
)]
pub struct Args {
    /// Use the container, the host and the backup name of this job; with --container, this is the first PATTERN
    #[arg(required_unless_present = "container")]
    job: Option<OsString>,
    /// Find what matches this shell pattern, or belongs to this id
    pattern: Vec<OsString>,
    #[command(flatten)]
    container: ContainerOptions,
    /// Search only the snapshot whose id is ID or begins with ID; `latest` is the newest one
    #[arg(long, value_name = "ID")]
    snapshot: Vec<String>,
    /// Ignore the case of letters
    #[arg(long, short)]
    ignore_case: bool,
    /// Find only entries of this type
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    kinds: Vec<Kind>,
    /// Find only entries that were modified at TIME or later, such as 2026-11-01 or 2026-11-01T03:25:00+01:00
    #[arg(long, value_name = "TIME")]
    oldest: Option<String>,
    /// Find only entries that were modified at TIME or earlier
    #[arg(long, value_name = "TIME")]
    newest: Option<String>,
    /// Find the files that contain these blobs
    #[arg(long, conflicts_with_all = ["ignore_case", "kinds", "oldest", "newest", "tree", "pack"])]
    blob: bool,
    /// Find the directories that these trees are
    #[arg(long, conflicts_with_all = ["ignore_case", "kinds", "oldest", "newest", "pack"])]
    tree: bool,
    /// Find everything that needs these packs
    #[arg(long, conflicts_with_all = ["ignore_case", "kinds", "oldest", "newest"])]
    pack: bool,
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

/// The types of entries.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    File,
    Dir,
    Symlink,
    Device,
    Fifo,
    Socket,
}

/// What is searched for, as far as it is known before the container is opened.
enum Searched {
    Names(NameQuery),
    Ids(Vec<IdBeginning>),
}

/// Runs `freezerd find`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let (job, patterns) = args.container.split(args.job.as_ref(), &args.pattern);
    let searched = searched(settings, args, &patterns)?;
    let place = args.container.find(settings, job.as_deref())?;
    let filter = snapshot::filter(&place);
    let lock = if args.no_lock {
        Lock::None
    } else {
        Lock::Shared
    };
    session::run(settings, &place.container, lock, |session| {
        search(settings, args, session, &filter, searched)
    })
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn searched(settings: &Settings, args: &Args, patterns: &[OsString]) -> Result<Searched, Failure> {
    let mut texts = Vec::new();
    for pattern in patterns {
        let text = pattern.to_str();
        texts.push(text.ok_or_else(|| usage("a pattern is not UTF-8 text".to_owned()))?);
    }
    if args.blob || args.tree || args.pack {
        let ids = texts.iter().map(|text| {
            IdBeginning::parse(text).map_err(|error| usage(format!("{text}: {error}")))
        });
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        return match ids.is_empty() {
            true => Err(usage("name the id to find, or its beginning".to_owned())),
            false => Ok(Searched::Ids(ids)),
        };
    }
    let mut query = NameQuery::new(&texts, args.ignore_case).map_err(|(place, fault)| {
        let text = texts.get(place).copied().unwrap_or_default();
        usage(format!("the pattern {text} cannot be used: {fault}"))
    })?;
    let seconds = |option, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => snapshot::time(settings, option, text).map(Some),
    };
    query.oldest = seconds("--oldest", &args.oldest)?.map(|at| Time::utc(at, 0));
    // A time without a fraction stands for the whole second.
    query.newest = seconds("--newest", &args.newest)?.map(|at| Time::utc(at, 999_999_999));
    query.kinds = args.kinds.iter().flat_map(|kind| kind.nodes()).collect();
    let without_condition = texts.is_empty()
        && query.kinds.is_empty()
        && query.oldest.is_none()
        && query.newest.is_none();
    match without_condition {
        true => Err(usage("name a pattern to find".to_owned())),
        false => Ok(Searched::Names(query)),
    }
}

impl Kind {
    fn nodes(self) -> Vec<NodeKind> {
        match self {
            Kind::File => vec![NodeKind::File],
            Kind::Dir => vec![NodeKind::Directory],
            Kind::Symlink => vec![NodeKind::Symlink],
            Kind::Device => vec![NodeKind::BlockDevice, NodeKind::CharacterDevice],
            Kind::Fifo => vec![NodeKind::Fifo],
            Kind::Socket => vec![NodeKind::Socket],
        }
    }
}

fn search(
    settings: &Settings,
    args: &Args,
    session: &Session,
    filter: &Filter,
    searched: Searched,
) -> Result<Exit, Ended> {
    let mut output = Output::new(args.json);
    let snapshots = snapshots(args, session, filter)?;
    let repository = session.index(&say)?;
    let mut search = Search::new(&repository, query(args, searched, &repository.index));
    let zone = settings.zone();
    for chosen in &snapshots {
        let ended = search.snapshot(chosen.snapshot.tree, |found| {
            tell(&mut output, args.long, &zone, chosen, found)
        });
        walked(ended)?;
    }
    finish(output, session)
}

/// The snapshots to search, oldest first. One that cannot be read may hold what is searched for.
fn snapshots(args: &Args, session: &Session, filter: &Filter) -> Result<Vec<Chosen>, Ended> {
    if args.snapshot.is_empty() {
        let choice = choice::all(&session.repository, filter)
            .map_err(crate::agent::inspect::SessionError::from)?;
        snapshot::tell_unreadable(session, &choice.unreadable);
        return Ok(choice.snapshots);
    }
    let mut chosen = Vec::new();
    for word in &args.snapshot {
        chosen.push(Wanted::named(word).find(session, filter)?);
    }
    Ok(chosen)
}

fn query(args: &Args, searched: Searched, index: &Index) -> Query {
    match searched {
        Searched::Names(query) => Query::Names(query),
        Searched::Ids(ids) if args.pack => Query::Ids(IdQuery::in_packs(index, &ids)),
        Searched::Ids(ids) if args.tree => Query::Ids(IdQuery::Trees(ids)),
        Searched::Ids(ids) => Query::Ids(IdQuery::Blobs(ids)),
    }
}

fn tell(
    output: &mut Output,
    long: bool,
    zone: &Zone,
    chosen: &Chosen,
    found: Found<'_>,
) -> Written {
    let (path, node, blob) = match found {
        Found::Unreadable { path, error, .. } => {
            let about = format!("in snapshot {}: {error}", chosen.short_id());
            return output.problem(path, "unreadable", &about);
        }
        Found::Unusable { path, problem } => {
            let about = format!("in snapshot {}: {problem}", chosen.short_id());
            return output.problem(path, "unusable", &about);
        }
        Found::Root { blob } => (&b"/"[..], None, Some(blob)),
        Found::Entry { path, node, blob } => (path, Some(node), blob),
    };
    if output.is_json() {
        let mut object = match node {
            Some(node) => entry::json(path, node),
            None => serde_json::Map::from_iter([
                ("path".to_owned(), "/".into()),
                ("type".to_owned(), "dir".into()),
            ]),
        };
        object.insert("snapshot".into(), json!(chosen.id));
        object.insert("snapshot_time".into(), json!(chosen.snapshot.time));
        if let Some(blob) = blob {
            object.insert("blob".into(), json!(blob.id));
            object.insert("blob_type".into(), blob.kind.name().into());
        }
        return output.json(&Value::Object(object));
    }
    let entry = match node {
        Some(node) if long => entry::long(path, node, zone),
        _ => shown(path),
    };
    let mut line = format!(
        "{}  {}  {entry}",
        chosen.short_id(),
        snapshot::moment(chosen, zone)
    );
    if let Some(blob) = blob {
        line.push_str(&format!("  ({blob})"));
    }
    output.text(&line)
}

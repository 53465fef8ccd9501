//! `freezerd dump`: a file of a snapshot, or a directory as a tar archive.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::container::ContainerOptions;
use super::container::output::say;
use super::container::rate::DownloadLimit;
use super::container::session::{self, Ended, damaged, print, print_json, unless_damaged};
use super::container::snapshot::{self, SnapshotArgs};
use super::exit::{Exit, Failure};
use super::output;
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::config::Settings;
use crate::escape::shown;
use crate::inspect::choice::Chosen;
use crate::inspect::dump::{self, Archived, OmissionKind};
use crate::inspect::path::{self, Target};
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind};
use crate::units;

/// Write a file of a snapshot to standard output, or a directory as a tar archive
///
/// Name a job, or a container with --container. Every byte is checked before it is written. If something is damaged, the
/// output ends there, and the command fails. The archive is in the pax format: GNU tar restores all of it with
/// `tar -x --xattrs --xattrs-include='*' --acls`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd dump nightly /srv/www/index.html > index.html\n\
                        Example: freezerd dump nightly /srv/www | tar -x -C /tmp/www"
)]
pub struct Args {
    /// Use the container, the host and the backup name of this job; with --container, this is PATH
    #[arg(required_unless_present = "container")]
    job: Option<OsString>,
    /// Write this file or directory; `/` is everything in the snapshot
    path: Option<OsString>,
    #[command(flatten)]
    container: ContainerOptions,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// Write to FILE, which gets its name only when all of it is written
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    #[command(flatten)]
    limit: DownloadLimit,
    /// Take no lock, and wait for no other process
    #[arg(long)]
    no_lock: bool,
    /// Print a summary as JSON; needs --target
    #[arg(long)]
    pub json: bool,
}

/// What was written.
struct Dumped {
    bytes: u64,
    /// `None`: it was a single file.
    archived: Option<Archived>,
}

/// Runs `freezerd dump`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let usage = |message: &str| Failure::new(Exit::Usage, message);
    let rest: Vec<OsString> = args.path.iter().cloned().collect();
    let (job, words) = args.container.split(args.job.as_ref(), &rest);
    let [path] = words.as_slice() else {
        return Err(usage(
            "name one PATH to write; `freezerd ls` lists what there is",
        ));
    };
    if args.json && args.target.is_none() {
        return Err(usage(
            "--json needs --target: standard output is for the content",
        ));
    }
    let path = path.as_bytes();
    let place = args.container.find(settings, job.as_deref())?;
    let wanted = args.snapshot.wanted(settings)?;
    let filter = snapshot::filter(&place);
    let lock = if args.no_lock {
        Lock::None
    } else {
        Lock::Shared
    };
    let reach = args
        .limit
        .reach(settings)
        .with_cache(settings.cache().as_ref());
    session::run_within(&place.container, &reach, lock, |session| {
        let chosen = wanted.find(session, &filter)?;
        let repository = session.index(&say)?;
        let found = path::find(&repository, chosen.snapshot.tree, path);
        let target = found.map_err(SessionError::from)?;
        dump::refuse_endless(&repository, path, &target).map_err(SessionError::from)?;
        let dumped = match &args.target {
            None => {
                if is_directory(&target) {
                    refuse_terminal()?;
                }
                let mut out = BufWriter::with_capacity(1 << 16, output::stdout());
                write(&repository, path, &target, &mut out)?
            }
            Some(file) => to_file(session, &repository, path, &target, file)?,
        };
        tell(args, session, &chosen, &dumped)
    })
}

fn is_directory(target: &Target) -> bool {
    match target {
        Target::Root(_) => true,
        Target::Entry(node) => node.kind == NodeKind::Directory,
    }
}

fn refuse_terminal() -> Result<(), Failure> {
    match io::stdout().is_terminal() {
        false => Ok(()),
        true => Err(Failure::new(
            Exit::Usage,
            "an archive is not for a terminal: redirect the output, or name a file with --target",
        )),
    }
}

fn write(
    repository: &Indexed,
    path: &[u8],
    target: &Target,
    out: &mut dyn Write,
) -> Result<Dumped, Ended> {
    match target {
        Target::Entry(node) if node.kind == NodeKind::File => {
            let bytes = dump::file(repository, path, node, out).map_err(SessionError::from)?;
            Ok(Dumped {
                bytes,
                archived: None,
            })
        }
        Target::Entry(node) if node.kind != NodeKind::Directory => {
            Err(not_dumped(path, node).into())
        }
        _ => {
            let archived =
                dump::archive(repository, path, target, out).map_err(SessionError::from)?;
            Ok(Dumped {
                bytes: archived.bytes,
                archived: Some(archived),
            })
        }
    }
}

fn not_dumped(path: &[u8], node: &Node) -> Failure {
    let what = match &node.kind {
        NodeKind::Symlink => format!("a symbolic link to {}", shown(&node.link_target)),
        kind => format!("of the type {}", shown(kind.word().as_bytes())),
    };
    Failure::new(
        Exit::NotFound,
        format!("{} is {what}; name a file or a directory", shown(path)),
    )
}

/// Writes to a file beside the target, and gives it its name at the end. Its owner alone can read it.
fn to_file(
    session: &Session,
    repository: &Indexed,
    path: &[u8],
    target: &Target,
    file: &Path,
) -> Result<Dumped, Ended> {
    let failed = |error: &io::Error| {
        let reason = crate::os::reason(error);
        Failure::new(
            Exit::CannotCreate,
            format!("cannot write {}: {reason}", file.display()),
        )
    };
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // An error of the file itself would show its temporary name.
    directory.metadata().map_err(|error| failed(&error))?;
    let mut unfinished =
        tempfile::NamedTempFile::new_in(directory).map_err(|error| failed(&error))?;
    session.remove_when_interrupted(Some(unfinished.path()));
    let mut out = BufWriter::with_capacity(1 << 16, unfinished.as_file_mut());
    let dumped = match write(repository, path, target, &mut out) {
        Err(Ended::Output(error)) => return Err(failed(&error).into()),
        dumped => dumped?,
    };
    drop(out);
    unfinished
        .as_file()
        .sync_all()
        .map_err(|error| failed(&error))?;
    let kept = unfinished.persist(file);
    kept.map_err(|error| failed(&error.error))?;
    session.remove_when_interrupted(None);
    Ok(dumped)
}

fn tell(args: &Args, session: &Session, chosen: &Chosen, dumped: &Dumped) -> Result<Exit, Ended> {
    let omissions = dumped.archived.iter().flat_map(|it| &it.omissions);
    for omission in omissions {
        let why = match omission.kind {
            OmissionKind::Socket => "a socket is not archived".to_owned(),
            OmissionKind::Unusable(problem) => problem.to_string(),
            OmissionKind::AttributeName => {
                "an extended attribute has a name that cannot be archived".to_owned()
            }
        };
        say(&format!("{}: {why}", shown(&omission.path)));
    }
    let problems = dumped.archived.as_ref().map_or(0, |it| it.problems);
    if let Some(file) = &args.target {
        let entries = dumped.archived.as_ref().map(|it| it.entries);
        if args.json {
            print_json(&json!({
                "snapshot": chosen.id,
                "target": file.to_string_lossy(),
                "archive": dumped.archived.is_some(),
                "entries": entries,
                "bytes": dumped.bytes,
                "problems": problems,
                "damaged": damaged(session),
            }))?;
        } else {
            print(&format!(
                "Wrote {} from snapshot {} to {}",
                units::bytes(dumped.bytes),
                chosen.short_id(),
                file.display()
            ))?;
        }
    }
    match problems {
        0 => Ok(unless_damaged(session)),
        count => {
            let count = units::count(count, "problem", "problems");
            say(&format!("the archive is incomplete: {count}"));
            Ok(Exit::RunPartial)
        }
    }
}

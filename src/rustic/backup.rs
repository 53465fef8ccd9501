//! Backs up a file tree into the repository.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustic_core::repofile::{SnapshotFile, SnapshotModification, StringList};
use rustic_core::{BackupOptions as EngineOptions, ParentOptions, RewriteOptions, SnapshotOptions};

use super::error::Error;
use super::observer::Observer;
use super::pattern::Patterns;
use super::problem::{PathFault, ProblemList, Problems};
use super::snapshot::{PARTIAL_TAG, Snapshot, SnapshotSummary};
use super::source::{self, Shared, TreeSource};
use super::{Filter, Repository};
use crate::kill_point::{self, Point};
use crate::location::Location;

/// How far a file server's clock may be behind the clock of this host.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);

/// How to back up.
#[derive(Clone, Debug, Default)]
pub struct BackupOptions {
    pub host: String,
    /// The backup's name.
    pub label: String,
    /// Tags of the snapshot.
    pub tags: Vec<String>,
    /// Files that have the size, times and inode that this snapshot (a full id) has for them are not read again.
    /// `None`: everything is read.
    pub parent: Option<String>,
    /// What to leave out.
    pub exclude: Patterns,
    /// What may be unreadable without the backup being partial.
    pub ignore_unreadable: Patterns,
}

/// What a backup did.
#[derive(Debug)]
pub struct BackupReport {
    /// The snapshot; `None` after a dry run.
    pub snapshot: Option<Snapshot>,
    pub summary: SnapshotSummary,
    /// What is missing from the snapshot, or not whole in it.
    pub problems: Problems,
    /// How many further paths could not be read and are covered by `ignore_unreadable`.
    pub ignored: u64,
}

impl Repository {
    /// Backs up a file or directory. When something could not be read, the snapshot keeps the tag `partial`, which
    /// every snapshot has until it is known to be whole.
    ///
    /// # Errors
    /// When no snapshot was made.
    pub fn backup(&self, path: &Path, options: &BackupOptions) -> Result<BackupReport, Error> {
        let started = SystemTime::now();
        let engine = self
            .engine()?
            .to_indexed_ids()
            .map_err(|error| self.failed("read the index", error))?;
        let shared = Arc::new(shared(
            path,
            options,
            &self.container.location,
            Arc::clone(&self.observer),
        ));
        let parent = ParentOptions::default()
            .force(options.parent.is_none())
            .parents(options.parent.clone().into_iter().collect::<Vec<_>>())
            // The engine reads this switch the wrong way round: when it is set, the inode is compared.
            .ignore_inode(true);
        let mut engine_options = EngineOptions::default();
        engine_options.parent_opts = parent;
        let snapshot = engine
            .archive(
                &engine_options,
                &TreeSource(Arc::clone(&shared)),
                self.new_snapshot(options)?,
                &[path.to_path_buf()],
            )
            .map_err(|error| self.failed("write the backup", error))?;
        let lost = self.verify(&shared, &snapshot);
        if lost > 0 {
            shared.problems.add(
                path,
                PathFault::LostByEngine { count: lost },
                &*self.observer,
            );
        }
        self.settle(started)?;
        kill_point::reached(Point::SnapshotSaved);
        let problems = shared.problems.take();
        let snapshot = if problems.is_empty() {
            self.confirm(engine.drop_index(), snapshot)?
        } else {
            Snapshot::from_file(&snapshot)
        };
        Ok(BackupReport {
            summary: snapshot.summary.unwrap_or_default(),
            snapshot: Some(snapshot),
            problems,
            ignored: shared.ignored.load(Ordering::Relaxed),
        })
    }

    /// Walks the source as a backup would, and opens every file but reads none. Needs no repository.
    ///
    /// # Errors
    /// None that is known: paths that cannot be read are in the report.
    pub fn rehearse_backup(
        path: &Path,
        options: &BackupOptions,
        container: &Location,
        observer: Arc<dyn Observer>,
    ) -> Result<BackupReport, Error> {
        observer.phase("scanning");
        let shared = Arc::new(shared(path, options, container, observer));
        source::rehearse(&shared).map_err(|error| Error::engine("walk the source", path, error))?;
        Ok(BackupReport {
            snapshot: None,
            summary: SnapshotSummary {
                files: shared.files.load(Ordering::Relaxed),
                bytes: shared.bytes.load(Ordering::Relaxed),
                ..SnapshotSummary::default()
            },
            problems: shared.problems.take(),
            ignored: shared.ignored.load(Ordering::Relaxed),
        })
    }

    fn new_snapshot(&self, options: &BackupOptions) -> Result<SnapshotFile, Error> {
        let mut snapshot = SnapshotOptions::default()
            .label(options.label.clone())
            .host(options.host.clone())
            .command(format!("freezerd backup {}", options.label))
            .to_snapshot()
            .map_err(|error| self.failed("describe the snapshot", error))?;
        snapshot.program_version = format!("freezerd {}", env!("CARGO_PKG_VERSION"));
        for tag in &options.tags {
            snapshot.tags.add(tag.clone());
        }
        // The tag stays until it is known that nothing is missing. So no snapshot claims to be whole when something
        // cuts the backup short.
        snapshot.tags.add(PARTIAL_TAG.to_owned());
        Ok(snapshot)
    }

    /// How many of the files that the engine got and could read are not in the snapshot.
    fn verify(&self, shared: &Shared, snapshot: &SnapshotFile) -> u64 {
        let handed_over = shared.files.load(Ordering::Relaxed);
        let unreadable = shared.lost.load(Ordering::Relaxed);
        let kept = snapshot
            .summary
            .as_ref()
            .map_or(0, |summary| summary.total_files_processed);
        handed_over.saturating_sub(unreadable).saturating_sub(kept)
    }

    /// Syncs the directories that hold new files, so that their names are on the disk too: the engine syncs only the
    /// files. Skips directories that have not changed since then, because there are hundreds.
    fn settle(&self, since: SystemTime) -> Result<(), Error> {
        let since = since - CLOCK_TOLERANCE;
        let settle = |path: &Path| {
            self.observer.pulse();
            fs::File::open(path)
                .and_then(|directory| match directory.metadata()?.modified() {
                    Ok(modified) if modified < since => Ok(()),
                    _ => directory.sync_all(),
                })
                .map_err(|error| Error::io("write down", path, error))
        };
        let data = self.directory.join("data");
        for entry in fs::read_dir(&data)
            .map_err(|error| Error::io("list", &data, error))?
            .flatten()
        {
            settle(&entry.path())?;
        }
        settle(&data)?;
        settle(&self.directory.join("index"))?;
        settle(&self.directory.join("snapshots"))
    }

    /// Removes the tag `partial` from a snapshot that turned out whole. The snapshot gets a new id by that. The engine
    /// writes the new one before it removes the old one.
    fn confirm(&self, engine: super::Engine, snapshot: SnapshotFile) -> Result<Snapshot, Error> {
        let mut tags = StringList::default();
        tags.add(PARTIAL_TAG.to_owned());
        let mut modification = SnapshotModification::default();
        modification.remove_tags = vec![tags];
        let options = RewriteOptions::default()
            .forget(true)
            .modification(modification);
        let unconfirmed = Snapshot::from_file(&snapshot);
        engine
            .rewrite_snapshots(vec![snapshot], &options)
            .map_err(|error| self.failed("confirm the snapshot", error))?;
        kill_point::reached(Point::SnapshotConfirmed);
        // The engine does not return the new id. Times have nanoseconds, so no other snapshot has this one.
        self.snapshots(&Filter {
            host: Some(unconfirmed.host.clone()),
            label: Some(unconfirmed.label.clone()),
            tag: None,
        })?
        .into_iter()
        .find(|found| found.time == unconfirmed.time && !found.partial)
        .ok_or_else(|| Error::SnapshotLost {
            id: unconfirmed.short_id().to_owned(),
        })
    }
}

fn shared(
    path: &Path,
    options: &BackupOptions,
    container: &Location,
    observer: Arc<dyn Observer>,
) -> Shared {
    Shared {
        top: path.to_path_buf(),
        exclude: options.exclude.clone(),
        ignore_unreadable: options.ignore_unreadable.clone(),
        container: container
            .local()
            .and_then(|directory| fs::metadata(directory).ok())
            .map(|metadata| (metadata.dev(), metadata.ino())),
        observer,
        problems: ProblemList::default(),
        ignored: AtomicU64::new(0),
        files: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        lost: AtomicU64::new(0),
        engine_gave_up: AtomicBool::new(false),
    }
}

//! What a backup reads: examines the sources, reads the files of patterns, and says what is left out.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::error::ActionError;
use super::super::lineage::{covers, shares_path};
use super::super::repository::{Found, Opened, identity};
use crate::inspect::path::{Target, entries, find};
use crate::job::action::Backup;
use crate::job::patterns::{Judgement, judge};
use crate::repository::blob::BlobReader;
use crate::repository::indexed::Indexed;
use crate::repository::snapshot::Snapshot as File;
use crate::source::kernel_mounts::{KernelMount, kernel_mounts};
use crate::source::patterns::{self, Patterns};
use crate::source::tree::Tree;
use crate::source::tree::reach::reaches;
use crate::source::tree::selection::{Marker, Selection};

/// The sources of a backup, as they are before it.
pub struct Sources {
    /// Sources that are directories with nothing in them.
    empty: Vec<PathBuf>,
    /// The patterns for what to leave out: those of the job, then those of files.
    exclude: Vec<String>,
    /// The devices of the sources that lie in other ones.
    nested_devices: Vec<u64>,
    /// What the kernel shows of itself below the sources.
    kernel_mounts: Vec<KernelMount>,
}

impl Sources {
    /// Examines the sources and reads the files of patterns. `tell` gets a warning for each line that is not used.
    ///
    /// # Errors
    /// When a source does not exist or cannot be read, or lies in another one that leaves it out, or a file of patterns
    /// cannot be read.
    pub fn examine(work: &Backup, tell: &dyn Fn(&str)) -> Result<Sources, ActionError> {
        let mut sources = Sources {
            empty: Vec::new(),
            exclude: work.exclude.clone(),
            nested_devices: Vec::new(),
            // Without `/proc`, there is nothing of the kernel to leave out either.
            kernel_mounts: kernel_mounts().unwrap_or_default(),
        };
        sources.kernel_mounts.retain(|mount| {
            // The kernel names mounts without links.
            let is_below = |top: &PathBuf| {
                let top = top.canonicalize().unwrap_or_else(|_| top.clone());
                mount.path.starts_with(&top) && mount.path != top
            };
            work.paths.iter().any(is_below) && !work.nested_paths.contains(&mount.path)
        });
        for path in work.paths.iter().chain(&work.nested_paths) {
            if is_empty(path)? {
                sources.empty.push(path.clone());
            }
        }
        for path in &work.nested_paths {
            sources
                .nested_devices
                .extend(fs::metadata(path).map(|about| about.dev()));
        }
        for path in &work.exclude_from {
            let lines = patterns::file::read(path).map_err(|source| ActionError::ExcludeFile {
                path: path.clone(),
                source,
            })?;
            for line in lines {
                match judge(&line.text, &work.paths) {
                    Some(Judgement::Unusable(fault)) => tell(&format!(
                        "warning: the pattern {} in line {} of {} is not used: {fault}",
                        line.text.escape_debug(),
                        line.number,
                        path.display()
                    )),
                    _ => sources.exclude.push(line.text),
                }
            }
        }
        sources.find_nested(work)?;
        Ok(sources)
    }

    /// The patterns for what to leave out: those of the job, then those of files.
    pub fn exclude(&self) -> &[String] {
        &self.exclude
    }

    /// What is backed up. The container itself is left out, and `tell` gets to know that.
    pub fn trees(&self, work: &Backup, container: Option<&Path>, tell: &dyn Fn(&str)) -> Vec<Tree> {
        // Those that lie in another one, which comes first in the list, need no name of their own.
        let mut outermost: Vec<&Path> = Vec::new();
        for mount in &self.kernel_mounts {
            if !outermost.iter().any(|path| mount.path.starts_with(path)) {
                outermost.push(&mount.path);
            }
        }
        if !outermost.is_empty() {
            let named: Vec<String> = outermost
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            tell(&format!(
                "leaving out what the kernel shows of itself in {}",
                named.join(", ")
            ));
        }
        let Some(container) = container else {
            return self.all_trees(work, None);
        };
        let left_out = identity(container);
        if left_out.is_some() && work.paths.iter().any(|top| is_below(container, top)) {
            tell(&format!(
                "leaving out {}: it is the container itself",
                container.display()
            ));
        }
        self.all_trees(work, left_out)
    }

    fn all_trees(&self, work: &Backup, left_out: Option<(u64, u64)>) -> Vec<Tree> {
        let tops = work.paths.iter();
        tops.map(|top| Tree {
            top: top.clone(),
            selection: self.selection(work, top, left_out),
        })
        .collect()
    }

    /// Looks for each source that lies in another one: a walk of that one must come to it.
    fn find_nested(&self, work: &Backup) -> Result<(), ActionError> {
        let trees = self.all_trees(work, None);
        for path in &work.nested_paths {
            for tree in &trees {
                let Ok(below) = path.strip_prefix(&tree.top) else {
                    continue;
                };
                let reached =
                    reaches(tree, below).map_err(|source| ActionError::SourceUnreadable {
                        path: path.clone(),
                        source,
                    })?;
                if !reached {
                    return Err(ActionError::SourceLeftOut {
                        path: path.clone(),
                        top: tree.top.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    fn selection(&self, work: &Backup, top: &Path, left_out: Option<(u64, u64)>) -> Selection {
        // What a job loaded with is usable in one of its sources at least.
        let patterns = |texts: &[String]| Patterns::new(top, texts).0;
        let markers = work.exclude_if_present.iter();
        let mut markers: Vec<Marker> = markers
            .filter_map(|text| Marker::parse(text).ok())
            .collect();
        if work.exclude_caches {
            markers.push(Marker::cache_directory());
        }
        Selection {
            exclude: patterns(&self.exclude),
            ignore_unreadable: patterns(&work.ignore_unreadable),
            exclude_if_present: markers,
            one_file_system: work.one_file_system,
            other_devices: self.nested_devices.clone(),
            closed_devices: self.kernel_mounts.iter().map(|it| it.device).collect(),
            larger_than: work.exclude_larger_than,
            left_out: left_out.into_iter().collect(),
            follow_links: work.dereference_symlink,
        }
    }

    /// Refuses a source that is empty now and was not before: a disk that is not mounted leaves an empty directory, and
    /// no snapshot may record that all files are gone.
    ///
    /// # Errors
    /// When there is such a source, or the index is needed and cannot be read.
    pub fn refuse_emptied(
        &self,
        work: &Backup,
        lineage: &[Found],
        opened: &Opened,
    ) -> Result<(), ActionError> {
        if work.allow_empty {
            return Ok(());
        }
        let mut index = None;
        for path in &self.empty {
            let named = std::slice::from_ref(path);
            let last = lineage
                .iter()
                .rfind(|(snapshot, ..)| shares_path(named, snapshot))
                .or_else(|| {
                    let mut around = lineage.iter();
                    around.rfind(|(snapshot, ..)| covers(snapshot, path))
                });
            let Some((snapshot, _, file)) = last else {
                continue;
            };
            let is_alone = snapshot.paths.len() == 1 && Path::new(&snapshot.paths[0]) == path;
            let files = match snapshot.summary {
                Some(summary) if is_alone => Some(summary.files),
                _ => None,
            };
            let was_empty = match files {
                Some(files) => files == 0,
                None => {
                    let index = match &mut index {
                        Some(index) => index,
                        none => none.insert(
                            Indexed::load(opened.repository.clone())
                                .map_err(|error| opened.failed("read the index", error))?,
                        ),
                    };
                    !held_entries(index, file, path)
                }
            };
            if !was_empty {
                return Err(ActionError::SourceEmptied {
                    path: path.clone(),
                    snapshot: snapshot.short_id().to_owned(),
                    time: snapshot.time,
                    files,
                });
            }
        }
        Ok(())
    }
}

/// Whether a snapshot has something at a path or in it. True where its trees cannot be read: it may be so.
fn held_entries(index: &Indexed, snapshot: &File, path: &Path) -> bool {
    use crate::inspect::path::PathError;
    let tree = match find(index, snapshot.tree, path.as_os_str().as_bytes()) {
        Ok(Target::Root(tree)) => tree,
        Ok(Target::Entry(node)) => match node.subtree {
            Some(tree) => tree,
            None => return true,
        },
        Err(PathError::NotFound { .. } | PathError::NotADirectory { .. }) => return false,
        Err(PathError::Unreadable { .. } | PathError::Unusable { .. }) => return true,
    };
    let listed = entries(index, &mut BlobReader::new(), &mut Vec::new(), tree);
    listed.map_or(true, |entries| !entries.is_empty())
}

/// Whether a path is an empty directory.
///
/// # Errors
/// When it does not exist or cannot be read.
fn is_empty(path: &Path) -> Result<bool, ActionError> {
    let failed = |source: io::Error| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => ActionError::SourceMissing { path },
            _ => ActionError::SourceUnreadable { path, source },
        }
    };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(false);
    }
    Ok(fs::read_dir(path).map_err(failed)?.next().is_none())
}

/// Whether a path lies in a directory, links followed.
fn is_below(path: &Path, directory: &Path) -> bool {
    match (path.canonicalize(), directory.canonicalize()) {
        (Ok(path), Ok(directory)) => path.starts_with(directory),
        _ => false,
    }
}

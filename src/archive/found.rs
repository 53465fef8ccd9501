//! What is in a directory: from a listing, or from the layout of the sources.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::ahead::Listed;
use super::layout::Layout;
use super::worker::{Place, Worker, lock};
use crate::source::problem::{ReadStep, SourceFault};
use crate::source::tree::entry::{Entry, Listing};
use crate::source::tree::path::{DirectoryPath, OpenDirectory};
use crate::source::tree::stat::Stat;
use crate::source::tree::{attributes, path_of};

/// A directory and what is in it.
pub(super) struct Found {
    pub path: Arc<DirectoryPath>,
    pub listing: Listing,
    /// What the entries are, by their places in the listing.
    pub places: Places,
}

pub(super) enum Places {
    /// All of one source, with the keys of the directories that were listed ahead.
    Source {
        source: usize,
        keys: HashMap<usize, usize>,
    },
    /// Each entry is a source, or leads to one.
    Layout(Vec<Layout>),
}

impl Worker<'_> {
    pub(super) fn above_sources(
        &mut self,
        path: PathBuf,
        layout: BTreeMap<Vec<u8>, Layout>,
    ) -> Found {
        let directory = DirectoryPath::top(&path, None);
        let stat = self.examine(&path);
        let mut entries = Vec::new();
        let mut layouts = Vec::new();
        for (name, layout) in layout {
            let path = path_of(path.as_os_str().as_encoded_bytes(), &name);
            if let Some(stat) = self.examine(&path) {
                entries.push(Entry {
                    name: name.into(),
                    stat,
                    closed: false,
                    followed: true,
                });
                layouts.push(layout);
            }
        }
        let mut faults = Vec::new();
        let attributes = match OpenDirectory::open(&directory, None) {
            Ok(open) => attributes::of_open(&open, &mut faults),
            // A directory that may be passed through and not listed, as `/home` may be.
            Err(_) => Vec::new(),
        };
        for fault in faults {
            self.problem(None, &directory, None, fault);
        }
        Found {
            path: directory,
            listing: Listing {
                stat: stat.unwrap_or_else(Stat::of_nothing),
                attributes,
                entries,
            },
            places: Places::Layout(layouts),
        }
    }

    fn examine(&mut self, path: &Path) -> Option<Stat> {
        match rustix::fs::stat(path) {
            Ok(stat) => Some(stat.into()),
            Err(cause) => {
                let fault = SourceFault::io(ReadStep::Examine, cause.into());
                self.shared.problems.add(path.to_owned(), fault);
                None
            }
        }
    }

    /// Lists a directory of a source. `None` when it is not a directory any more; that is a problem then. One that
    /// cannot be listed is a problem too, and is in the snapshot without entries.
    pub(super) fn list(&mut self, place: Place) -> Option<Found> {
        let Place::Source {
            source,
            path,
            key,
            stat,
            closed,
        } = place
        else {
            return None;
        };
        let listed = match key.and_then(|key| lock(&self.shared.ahead).remove(&key)) {
            Some(listed) => listed,
            None => match self.list_now(source, &path, closed) {
                Ok(listed) => listed,
                Err(fault) => {
                    let is_gone = !matches!(fault, SourceFault::Unreadable { .. });
                    self.problem(Some(source), &path, None, fault);
                    if is_gone {
                        return None;
                    }
                    Listed::without_entries(stat?)
                }
            },
        };
        for (name, fault) in listed.faults {
            self.problem(Some(source), &path, name.as_deref(), fault);
        }
        Some(Found {
            path,
            listing: listed.listing,
            places: Places::Source {
                source,
                keys: listed.below,
            },
        })
    }

    fn list_now(
        &mut self,
        source: usize,
        path: &Arc<DirectoryPath>,
        closed: bool,
    ) -> Result<Listed, SourceFault> {
        let open =
            self.open_directory(path)
                .map_err(|cause| match Errno::from_io_error(&cause) {
                    Some(Errno::NOTDIR | Errno::LOOP) => SourceFault::ChangedType,
                    _ => SourceFault::io(ReadStep::List, cause),
                })?;
        let failed = |cause| SourceFault::io(ReadStep::List, cause);
        let mut faults = Vec::new();
        let listing = if closed {
            let mut own = Vec::new();
            let attributes = attributes::of_open(&*open, &mut own);
            faults.extend(own.into_iter().map(|fault| (None, fault)));
            Listing {
                stat: Stat::of_open(&*open).map_err(failed)?,
                attributes,
                entries: Vec::new(),
            }
        } else {
            let selection = &self.shared.sources[source].selection;
            let device = self.shared.devices[source];
            self.lister
                .list(&open, selection, device, &mut faults)
                .map_err(failed)?
        };
        Ok(Listed {
            listing,
            faults,
            below: Default::default(),
        })
    }

    pub(super) fn open_directory(
        &mut self,
        path: &Arc<DirectoryPath>,
    ) -> std::io::Result<Arc<OpenDirectory>> {
        if let Some(near) = &self.near
            && Arc::ptr_eq(&near.path, path)
        {
            return Ok(Arc::clone(near));
        }
        let open = Arc::new(OpenDirectory::open(path, self.near.as_deref())?);
        self.near = Some(Arc::clone(&open));
        Ok(open)
    }
}

impl Places {
    /// The source that an entry belongs to.
    pub fn source_of(&self, place: usize) -> Option<usize> {
        match self {
            Places::Source { source, .. } => Some(*source),
            Places::Layout(layouts) => match layouts.get(place) {
                Some(Layout::Source(source)) => Some(*source),
                _ => None,
            },
        }
    }

    /// What the directory of an entry is made of.
    pub fn task(&self, above: &Arc<DirectoryPath>, place: usize, entry: &Entry) -> Place {
        let source = |source, path, key| Place::Source {
            source,
            path,
            key,
            stat: Some(entry.stat),
            closed: entry.closed,
        };
        match self {
            Places::Source { source: own, keys } => {
                source(*own, above.child(entry), keys.get(&place).copied())
            }
            Places::Layout(layouts) => {
                let path = path_of(above.to_path().as_os_str().as_encoded_bytes(), &entry.name);
                match &layouts[place] {
                    Layout::Above(layout) => Place::Above {
                        path,
                        layout: layout.clone(),
                    },
                    Layout::Source(number) => {
                        let top = DirectoryPath::top(&path, Some(entry.stat.identity()));
                        source(*number, top, Some(*number))
                    }
                }
            }
        }
    }
}

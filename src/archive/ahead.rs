//! Lists directories before the repository is open: deriving the key takes a third of a second, and the walk need not
//! wait for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::source::problem::SourceFault;
use crate::source::tree::Tree;
use crate::source::tree::directory::Lister;
use crate::source::tree::entry::Listing;
use crate::source::tree::path::{DirectoryPath, OpenDirectory};
use crate::source::tree::stat::{EntryKind, Stat};

/// How many entries are listed ahead, at most. They take about 150 bytes each.
const MOST_ENTRIES: usize = 100_000;

/// A listing and what was wrong with single entries.
pub(super) struct Listed {
    pub listing: Listing,
    pub faults: Vec<(Option<Box<[u8]>>, SourceFault)>,
    /// Directories among the entries that may be listed, too: the place in the listing, and the key in
    /// [`ListedAhead`].
    pub below: HashMap<usize, usize>,
}

impl Listed {
    /// A directory that could not be listed.
    pub fn without_entries(stat: Stat) -> Listed {
        Listed {
            listing: Listing {
                stat,
                attributes: Vec::new(),
                entries: Vec::new(),
            },
            faults: Vec::new(),
            below: HashMap::new(),
        }
    }
}

/// What the sources hold, if all of it was listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    /// Entries other than directories.
    pub files: u64,
    /// The sizes of all files.
    pub bytes: u64,
}

/// The directories that were listed, by their keys. The tops of the sources have the keys 0, 1, and so on.
pub(super) type ListedAhead = HashMap<usize, Listed>;

/// A walk of the sources that has begun.
pub struct WalkAhead {
    sources: Arc<Vec<Tree>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    listed: Arc<Mutex<(ListedAhead, Option<Total>)>>,
}

impl WalkAhead {
    /// Begins to list the sources in a thread.
    pub fn begin(sources: Vec<Tree>) -> WalkAhead {
        let mut walk = WalkAhead {
            sources: Arc::new(sources),
            end: Arc::default(),
            thread: None,
            listed: Arc::default(),
        };
        let sources = Arc::clone(&walk.sources);
        let end = Arc::clone(&walk.end);
        let listed = Arc::clone(&walk.listed);
        // Without the thread, the backup lists everything itself.
        walk.thread = std::thread::Builder::new()
            .name("walk".into())
            .spawn(move || {
                let found = list_until(&sources, &end);
                *listed.lock().unwrap_or_else(PoisonError::into_inner) = found;
            })
            .ok();
        walk
    }

    /// What is backed up, in the order in which it was given.
    pub fn sources(&self) -> &[Tree] {
        &self.sources
    }

    /// Ends the walk. Returns the sources, what was listed until now, and the total if that is everything.
    pub(super) fn finish(mut self) -> (Arc<Vec<Tree>>, ListedAhead, Option<Total>) {
        self.stop();
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let (listed, total) = std::mem::take(&mut *listed);
        (Arc::clone(&self.sources), listed, total)
    }

    fn stop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for WalkAhead {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A directory that was found and not listed.
struct Waiting {
    key: usize,
    source: usize,
    path: Arc<DirectoryPath>,
    device: u64,
}

fn list_until(sources: &[Tree], end: &AtomicBool) -> (ListedAhead, Option<Total>) {
    let mut listed = ListedAhead::new();
    let mut lister = Lister::new();
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut total = Total::default();
    let mut everything = true;
    for (source, tree) in sources.iter().enumerate().rev() {
        let Ok(about) = rustix::fs::stat(&tree.top).map(Stat::from) else {
            continue;
        };
        if about.kind() != EntryKind::Directory {
            total.add(&about);
        } else {
            waiting.push(Waiting {
                key: source,
                source,
                path: DirectoryPath::top(&tree.top, Some(about.identity())),
                device: about.device,
            });
        }
    }
    let mut next_key = sources.len();
    let mut entries = 0;
    let mut near: Option<OpenDirectory> = None;
    while let Some(directory) = waiting.pop() {
        if end.load(Ordering::Relaxed) || entries > MOST_ENTRIES {
            everything = false;
            break;
        }
        let selection = &sources[directory.source].selection;
        // What cannot be listed now is tried again by the backup, which names the problem.
        let Ok(open) = OpenDirectory::open(&directory.path, near.as_ref()) else {
            continue;
        };
        let mut faults = Vec::new();
        let list = lister.list(&open, selection, directory.device, &mut faults);
        near = Some(open);
        let Ok(listing) = list else {
            continue;
        };
        entries += listing.entries.len() + 1;
        let mut below = HashMap::new();
        let first_new = waiting.len();
        for (place, entry) in listing.entries.iter().enumerate() {
            total.add(&entry.stat);
            if entry.stat.kind() == EntryKind::Directory && !entry.closed {
                below.insert(place, next_key);
                waiting.push(Waiting {
                    key: next_key,
                    source: directory.source,
                    path: directory.path.child(entry),
                    device: directory.device,
                });
                next_key += 1;
            }
        }
        // The first one is listed next, as the backup does it.
        waiting[first_new..].reverse();
        listed.insert(
            directory.key,
            Listed {
                listing,
                faults,
                below,
            },
        );
    }
    (listed, everything.then_some(total))
}

impl Total {
    fn add(&mut self, stat: &Stat) {
        match stat.kind() {
            EntryKind::Directory => {}
            EntryKind::File => {
                self.files += 1;
                self.bytes += stat.size;
            }
            _ => self.files += 1,
        }
    }
}

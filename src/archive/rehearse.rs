//! What a backup would find, without a repository: every directory is listed and every file opened, and nothing is read.

use super::BackupObserver;
use super::report::{ProblemList, Problems};
use crate::source::problem::{ReadStep, SourceFault};
use crate::source::tree::directory::Lister;
use crate::source::tree::entry::Entry;
use crate::source::tree::path::{DirectoryPath, OpenDirectory};
use crate::source::tree::stat::{EntryKind, Stat};
use crate::source::tree::{Tree, file};

/// What a backup would find.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// Entries other than directories.
    pub files: u64,
    /// The sizes of all files.
    pub bytes: u64,
    pub problems: Problems,
    /// Further problems, which `ignore_unreadable` covers.
    pub ignored: Problems,
}

/// Goes through the sources.
pub fn rehearse(sources: &[Tree], observer: &dyn BackupObserver) -> Rehearsal {
    let mut rehearsal = Rehearsal::default();
    let problems = ProblemList::default();
    let mut lister = Lister::new();
    for source in sources {
        let stat = match rustix::fs::stat(&source.top) {
            Ok(stat) => Stat::from(stat),
            Err(cause) => {
                let fault = SourceFault::io(ReadStep::Examine, cause.into());
                problems.add(source.top.clone(), fault);
                continue;
            }
        };
        if stat.kind() != EntryKind::Directory {
            rehearsal.count(&stat, observer);
            if let Err(cause) = std::fs::File::open(&source.top) {
                problems.add(source.top.clone(), SourceFault::io(ReadStep::Open, cause));
            }
            continue;
        }
        let mut waiting = vec![DirectoryPath::top(&source.top, Some(stat.identity()))];
        let mut near: Option<OpenDirectory> = None;
        while let Some(path) = waiting.pop() {
            let mut faults = Vec::new();
            let listed = OpenDirectory::open(&path, near.as_ref()).and_then(|open| {
                let list = lister.list(&open, &source.selection, stat.device, &mut faults)?;
                Ok((open, list))
            });
            match listed {
                Ok((open, listing)) => {
                    for entry in listing.entries {
                        if entry.stat.kind() == EntryKind::Directory {
                            if !entry.closed {
                                waiting.push(path.child(&entry));
                            }
                            continue;
                        }
                        rehearsal.count(&entry.stat, observer);
                        if let Some(fault) = open_file(&open, &entry) {
                            faults.push((Some(entry.name), fault));
                        }
                    }
                    near = Some(open);
                }
                Err(cause) => faults.push((None, SourceFault::io(ReadStep::List, cause))),
            }
            for (name, fault) in faults {
                problems.add_for(&source.selection, &path, name.as_deref(), fault);
            }
        }
    }
    (rehearsal.problems, rehearsal.ignored) = problems.into_parts();
    rehearsal
}

/// Why a file cannot be opened.
fn open_file(directory: &OpenDirectory, entry: &Entry) -> Option<SourceFault> {
    if entry.stat.kind() != EntryKind::File {
        return None;
    }
    match file::open(directory, &entry.name, entry.followed) {
        Ok(Some(_)) => None,
        Ok(None) => Some(SourceFault::ChangedType),
        Err(cause) => Some(SourceFault::io(ReadStep::Open, cause)),
    }
}

impl Rehearsal {
    fn count(&mut self, stat: &Stat, observer: &dyn BackupObserver) {
        self.files += 1;
        let size = match stat.kind() {
            EntryKind::File => stat.size,
            _ => 0,
        };
        self.bytes += size;
        observer.advance(1, size);
    }
}

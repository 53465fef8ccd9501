//! Files with several names, and links, devices, FIFOs and sockets with several names: the first that is restored is the
//! file, the others become links to it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::directories::DirectoryId;
use super::entry::{Entry, LinkKey};

/// What has become of each file with several names.
#[derive(Default)]
pub struct Links(Mutex<HashMap<LinkKey, Group>>);

enum Group {
    /// The first is being restored. These wait for it.
    Pending(Vec<Entry>),
    Restored(First),
    /// The first could not be restored.
    Failed,
}

/// The name under which a file was restored first. Its directory has a hold for it, until the end.
#[derive(Clone)]
pub struct First {
    pub directory: DirectoryId,
    pub name: OsString,
    /// False in a dry run that would make the file.
    pub exists: bool,
}

/// What to do with a name of a file.
pub enum Turn {
    /// Restore the file.
    First(Entry),
    /// Nothing: it comes back when the first is restored.
    Waits,
    /// Make a link.
    Link(First, Entry),
}

/// Who is next when a file was restored, or could not be.
pub enum Next {
    Nobody,
    /// These become links.
    Link(First, Vec<Entry>),
    /// This name is the next to be tried as a file of its own.
    Try(Entry),
}

impl Links {
    /// A name of a file comes up.
    pub fn turn(&self, key: LinkKey, entry: Entry) -> Turn {
        let mut groups = self.lock();
        match groups.get_mut(&key) {
            Some(Group::Pending(waiting)) => {
                waiting.push(entry);
                Turn::Waits
            }
            Some(Group::Restored(first)) => Turn::Link(first.clone(), entry),
            Some(Group::Failed) | None => {
                groups.insert(key, Group::Pending(Vec::new()));
                Turn::First(entry)
            }
        }
    }

    /// The first was restored.
    pub fn restored(&self, key: LinkKey, first: First) -> Next {
        let mut groups = self.lock();
        match groups.get_mut(&key) {
            Some(group @ Group::Pending(_)) => {
                let next = first.clone();
                match std::mem::replace(group, Group::Restored(first)) {
                    Group::Pending(waiting) => Next::Link(next, waiting),
                    _ => Next::Nobody,
                }
            }
            _ => Next::Nobody,
        }
    }

    /// The first could not be restored.
    pub fn failed(&self, key: LinkKey) -> Next {
        let mut groups = self.lock();
        match groups.get_mut(&key) {
            Some(Group::Pending(waiting)) => match waiting.pop() {
                Some(entry) => Next::Try(entry),
                None => {
                    groups.insert(key, Group::Failed);
                    Next::Nobody
                }
            },
            _ => Next::Nobody,
        }
    }

    /// Takes out all files that were restored: their directories are released.
    pub fn take(&self) -> Vec<First> {
        let groups = std::mem::take(&mut *self.lock());
        let firsts = groups.into_values().filter_map(|group| match group {
            Group::Restored(first) => Some(first),
            _ => None,
        });
        firsts.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LinkKey, Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

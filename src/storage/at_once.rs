//! Several questions to a storage, asked at the same time where a second one costs little.

use super::error::Error;
use super::{FileKind, FileName, First, Listing, Storage};

/// The lists of these kinds, in their order.
pub(super) fn lists<S>(storage: &S, kinds: &[FileKind]) -> Result<Vec<Listing>, Error>
where
    S: Storage + ?Sized,
{
    if !storage.traits().connects_quickly {
        return kinds.iter().map(|kind| storage.list(*kind)).collect();
    }
    std::thread::scope(|scope| {
        let begin = |kind: &FileKind| {
            let kind = *kind;
            let thread = std::thread::Builder::new();
            let begun = thread.spawn_scoped(scope, move || storage.list(kind));
            (kind, begun.ok())
        };
        let begun: Vec<_> = kinds.iter().map(begin).collect();
        let ends = begun.into_iter().map(|(kind, thread)| match thread {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => storage.list(kind),
        });
        ends.collect()
    })
}

/// The config, and the list of the keys.
pub(super) fn first<S>(storage: &S, limit: u64) -> Result<First, Error>
where
    S: Storage + ?Sized,
{
    let config = || storage.read(FileName::CONFIG, limit);
    if !storage.traits().connects_quickly {
        return config().map(First::of_config);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new();
        let keys = thread.spawn_scoped(scope, || storage.list(FileKind::Key));
        let config = config();
        // What cannot be listed is asked for again when it is needed.
        let keys = keys.ok().and_then(|thread| thread.join().ok()?.ok());
        Ok(First {
            keys,
            ..First::of_config(config?)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    use super::*;
    use crate::storage::id::Id;
    use crate::storage::memory::Memory;
    use crate::storage::{Durability, Traits};

    /// Answers no request before so many are there.
    struct Meeting {
        memory: Memory,
        expected: usize,
        there: Mutex<usize>,
        all: Condvar,
    }

    impl Meeting {
        fn of(memory: &Memory, expected: usize) -> Meeting {
            Meeting {
                memory: memory.clone(),
                expected,
                there: Mutex::new(0),
                all: Condvar::new(),
            }
        }

        fn wait(&self) {
            let mut there = self.there.lock().unwrap();
            *there += 1;
            self.all.notify_all();
            let long = Duration::from_secs(60);
            let waited = self
                .all
                .wait_timeout_while(there, long, |there| *there < self.expected);
            assert!(
                !waited.unwrap().1.timed_out(),
                "the requests came one by one"
            );
        }
    }

    impl Storage for Meeting {
        fn create_layout(&self) -> Result<(), Error> {
            self.memory.create_layout()
        }

        fn list(&self, kind: FileKind) -> Result<Listing, Error> {
            self.wait();
            self.memory.list(kind)
        }

        fn size(&self, file: FileName) -> Result<u64, Error> {
            self.memory.size(file)
        }

        fn read_range(&self, file: FileName, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
            self.memory.read_range(file, at, buffer)
        }

        fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
            self.wait();
            self.memory.read(file, limit)
        }

        fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
            self.memory.write(file, content)
        }

        fn remove(&self, file: FileName) -> Result<(), Error> {
            self.memory.remove(file)
        }

        fn sync(&self) -> Result<(), Error> {
            self.memory.sync()
        }

        fn sweep(&self, age: Duration) -> Result<usize, Error> {
            self.memory.sweep(age)
        }

        fn traits(&self) -> Traits {
            self.memory.traits()
        }
    }

    #[test]
    fn lists_are_asked_for_at_the_same_time_and_come_in_their_order() {
        let memory = Memory::new();
        for kind in [FileKind::Index, FileKind::Pack] {
            let name = kind.directory().unwrap().as_bytes();
            memory
                .write(FileName::new(kind, Id::of(name)), name)
                .unwrap();
        }
        let kinds = [FileKind::Snapshot, FileKind::Pack, FileKind::Index];
        let found = Meeting::of(&memory, kinds.len()).lists(&kinds).unwrap();
        let alone = kinds.map(|kind| memory.list(kind).unwrap());
        assert_eq!(found, alone);
    }

    #[test]
    fn the_keys_are_listed_while_the_config_is_read() {
        let memory = Memory::new();
        memory.write(FileName::CONFIG, b"config").unwrap();
        let key = FileName::new(FileKind::Key, Id::of(b"key"));
        memory.write(key, b"key").unwrap();
        let first = Meeting::of(&memory, 2).read_first(99).unwrap();
        assert_eq!(first.config, b"config");
        assert_eq!(first.keys, Some(memory.list(FileKind::Key).unwrap()));
    }
}

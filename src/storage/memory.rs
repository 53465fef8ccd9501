//! A storage in memory, for tests: it counts requests, fails on request, and can lose power.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::error::{Doing, Error, ErrorKind, Place};
use super::{Durability, FileKind, FileName, Listed, Listing, Storage, Traits};

/// Files in memory. A clone is another handle to the same files.
#[derive(Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    delayed: bool,
    far: bool,
}

type Files = BTreeMap<FileName, (Arc<[u8]>, SystemTime)>;

#[derive(Default)]
struct State {
    current: Files,
    /// What a loss of power leaves.
    durable: Files,
    requests: BTreeMap<Request, usize>,
    ranges: Vec<(FileName, Range<u64>)>,
    /// Files that are there and not listed.
    hidden: BTreeSet<FileName>,
    failures: Vec<Failure>,
}

/// The requests that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    List,
    Size,
    ReadRange,
    Read,
    Write,
    Remove,
    Sync,
}

struct Failure {
    request: Request,
    /// How many requests of this kind still succeed.
    after: usize,
    kind: ErrorKind,
}

impl Memory {
    /// Every write is durable when it returns.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Writes and removals are durable after a sync only.
    pub fn delayed() -> Memory {
        Memory {
            delayed: true,
            ..Memory::default()
        }
    }

    /// The same files, as if they were away from this host.
    pub fn far(&self) -> Memory {
        Memory {
            far: true,
            ..self.clone()
        }
    }

    /// How many requests of this kind there were.
    pub fn count(&self, request: Request) -> usize {
        self.state().requests.get(&request).copied().unwrap_or(0)
    }

    /// The parts of files that were asked for, in the order of the requests.
    pub fn ranges(&self) -> Vec<(FileName, Range<u64>)> {
        self.state().ranges.clone()
    }

    /// After `after` more requests of this kind, one fails. Nothing is changed by the one that fails.
    pub fn fail(&self, request: Request, after: usize, kind: ErrorKind) {
        self.state().failures.push(Failure {
            request,
            after,
            kind,
        });
    }

    /// Takes back the failures that were asked for and did not happen.
    pub fn take_back_failures(&self) {
        self.state().failures.clear();
    }

    /// The file is not listed any more, and is there.
    pub fn hide(&self, file: FileName) {
        self.state().hidden.insert(file);
    }

    /// Everything that is not durable is lost, and everything that was not durably removed is back.
    pub fn lose_power(&self) {
        let mut state = self.state();
        state.current = state.durable.clone();
    }

    /// Replaces a file's content, as damage does.
    pub fn damage(&self, file: FileName, content: Vec<u8>) {
        let mut state = self.state();
        let entry = (Arc::from(content), SystemTime::now());
        state.current.insert(file, entry.clone());
        state.durable.insert(file, entry);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(
        &self,
        request: Request,
        doing: Doing,
        place: Place,
    ) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.state();
        *state.requests.entry(request).or_default() += 1;
        let mut failed = None;
        state.failures.retain_mut(|failure| {
            if failure.request != request {
                return true;
            }
            if failure.after == 0 && failed.is_none() {
                failed = Some(failure.kind);
                return false;
            }
            failure.after = failure.after.saturating_sub(1);
            true
        });
        match failed {
            None => Ok(state),
            Some(kind) => Err(Error {
                kind,
                doing,
                place,
                cause: None,
            }),
        }
    }

    fn content(&self, request: Request, doing: Doing, file: FileName) -> Result<Arc<[u8]>, Error> {
        self.request(request, doing, Place::File(file))?
            .current
            .get(&file)
            .map(|(content, _)| Arc::clone(content))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, doing, file))
    }
}

impl State {
    fn settle(&mut self, delayed: bool) -> Durability {
        if delayed {
            return Durability::AfterSync;
        }
        self.durable = self.current.clone();
        Durability::Durable
    }
}

impl Storage for Memory {
    fn create_layout(&self) -> Result<(), Error> {
        Ok(())
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        let state = self.request(Request::List, Doing::List, Place::Kind(kind))?;
        let files = state
            .current
            .iter()
            .filter(|(file, _)| file.kind == kind && !state.hidden.contains(file))
            .map(|(file, (content, modified))| Listed {
                id: file.id,
                size: content.len() as u64,
                modified: Some(*modified),
            })
            .collect();
        Ok(Listing {
            files,
            strays: Vec::new(),
        })
    }

    fn has_directory(&self, kind: FileKind) -> Result<Option<bool>, Error> {
        Ok(kind.directory().map(|_| true))
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        let content = self.content(Request::Size, Doing::Size, file)?;
        Ok(content.len() as u64)
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let content = self.content(Request::ReadRange, Doing::Read, file)?;
        let end = offset.saturating_add(buffer.len() as u64);
        self.state().ranges.push((file, offset..end));
        let range = usize::try_from(offset)
            .ok()
            .and_then(|start| content.get(start..start.checked_add(buffer.len())?));
        match range {
            Some(range) => buffer.copy_from_slice(range),
            None => return Err(Error::new(ErrorKind::TooShort, Doing::Read, file)),
        }
        Ok(())
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        let content = self.content(Request::Read, Doing::Read, file)?;
        if content.len() as u64 > limit {
            return Err(Error::new(ErrorKind::TooLarge, Doing::Read, file));
        }
        Ok(content.to_vec())
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        let mut state = self.request(Request::Write, Doing::Write, Place::File(file))?;
        match state.current.get(&file) {
            Some((old, _)) if **old != *content => {
                return Err(Error::new(ErrorKind::Exists, Doing::Write, file));
            }
            Some(_) => {}
            None => {
                state
                    .current
                    .insert(file, (Arc::from(content), SystemTime::now()));
            }
        }
        Ok(state.settle(self.delayed))
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        let mut state = self.request(Request::Remove, Doing::Remove, Place::File(file))?;
        if state.current.remove(&file).is_none() {
            return Err(Error::new(ErrorKind::NotFound, Doing::Remove, file));
        }
        state.settle(self.delayed);
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        let mut state = self.request(Request::Sync, Doing::Sync, Place::Path(String::new()))?;
        state.durable = state.current.clone();
        Ok(())
    }

    fn sweep(&self, _age: Duration) -> Result<usize, Error> {
        Ok(0)
    }

    fn traits(&self) -> Traits {
        Traits {
            parallel: 4,
            remote: self.far,
            listing_lags: false,
            connects_quickly: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::id::Id;

    fn pack(content: &[u8]) -> FileName {
        FileName::new(FileKind::Pack, Id::of(content))
    }

    #[test]
    fn a_loss_of_power_takes_what_was_not_synced() {
        let memory = Memory::delayed();
        memory.write(pack(b"kept"), b"kept").unwrap();
        memory.sync().unwrap();
        assert_eq!(
            memory.write(pack(b"lost"), b"lost").unwrap(),
            Durability::AfterSync
        );
        memory.remove(pack(b"kept")).unwrap();
        memory.lose_power();
        assert_eq!(memory.read(pack(b"kept"), 9).unwrap(), b"kept");
        assert_eq!(
            memory.size(pack(b"lost")).unwrap_err().kind,
            ErrorKind::NotFound
        );
    }

    #[test]
    fn the_request_that_is_to_fail_fails_once() {
        let memory = Memory::new();
        memory.fail(Request::Write, 1, ErrorKind::NoSpace);
        memory.write(pack(b"a"), b"a").unwrap();
        assert_eq!(
            memory.write(pack(b"b"), b"b").unwrap_err().kind,
            ErrorKind::NoSpace
        );
        memory.write(pack(b"b"), b"b").unwrap();
        assert_eq!(memory.count(Request::Write), 3);
    }
}

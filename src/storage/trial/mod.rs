//! Tries a storage out with files of its own: writes, reads, lists and removes them, and measures how long that takes.
//!
//! The place of the trial holds nothing else: what an earlier trial left there is removed first.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::{Doing, Error, ErrorKind};
use super::id::Id;
use super::retention::Retention;
use super::{FileKind, FileName, Storage};
pub use patience::run;

mod patience;

/// How many small requests the round trip is the median of.
const ROUND_TRIPS: usize = 5;

/// So much of a config is read, in bytes. One that is larger is there, too.
const MOST_CONFIG: u64 = 64 << 10;

/// What is tried, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Lists what is there: the first answer of the server.
    Open,
    /// Makes what the files need.
    Prepare,
    /// Writes a small file, as a lock is.
    Lock,
    /// Asks for the size of that file several times.
    RoundTrip,
    /// Writes large files, as packs are.
    Write,
    /// Reads them, and compares every byte.
    Read,
    /// Finds them in a listing.
    List,
    /// Writes other content under the name of one: the storage must refuse that.
    Keep,
    /// Removes the small file, as a lock is removed at the end of each action.
    Unlock,
    /// Removes the large files, as a prune does.
    Remove,
}

/// A step that was tried.
#[derive(Debug)]
pub struct Tried {
    pub step: Step,
    pub took: Duration,
    pub result: Result<(), Error>,
}

/// What came of a trial.
#[derive(Debug, Default)]
pub struct Trial {
    /// Up to the first one that failed. The last two are always tried.
    pub steps: Vec<Tried>,
    /// The median of small requests.
    pub round_trip: Option<Duration>,
    /// Bytes per second.
    pub upload: Option<u64>,
    /// Bytes per second.
    pub download: Option<u64>,
    /// The bucket did not exist, and the trial made it. It stays.
    pub made_bucket: bool,
    /// Until when the server keeps what was written. `None`: it can be removed, or the server does not say it.
    pub kept: Option<Retention>,
}

impl Trial {
    /// Whether everything that a backup needs works.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|tried| match &tried.result {
            Ok(()) => true,
            Err(error) => tried.step == Step::Remove && error.kind == ErrorKind::Denied,
        })
    }

    /// Whether files can be added and not removed.
    pub fn is_append_only(&self) -> bool {
        self.steps.iter().any(|tried| {
            let denied = matches!(&tried.result, Err(error) if error.kind == ErrorKind::Denied);
            tried.step == Step::Remove && denied
        })
    }
}

fn locked(trial: &Mutex<Trial>) -> MutexGuard<'_, Trial> {
    trial.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tries a storage out, and notes in `trial` what comes of it.
fn try_out(
    storage: &dyn Storage,
    lock: &[u8],
    packs: &[Vec<u8>],
    trial: &Mutex<Trial>,
    tell: &mut dyn FnMut(Step),
) {
    let small = FileName::new(FileKind::Lock, Id::of(lock));
    let name = |content: &Vec<u8>| FileName::new(FileKind::Pack, Id::of(content));
    let bytes: u64 = packs.iter().map(|content| content.len() as u64).sum();
    let mut written = false;

    let mut attempt = |step: Step, work: &mut dyn FnMut() -> Result<(), Error>| {
        tell(step);
        let began = Instant::now();
        let result = work();
        let took = began.elapsed();
        let is_done = result.is_ok();
        locked(trial).steps.push(Tried { step, took, result });
        is_done.then_some(took)
    };
    let mut first = || -> Option<()> {
        let mut lacks_bucket = false;
        attempt(Step::Open, &mut || {
            clear(storage)?;
            match read_config(storage) {
                Err(error) if error.kind == ErrorKind::NoPlace => lacks_bucket = true,
                result => result?,
            }
            Ok(())
        })?;
        attempt(Step::Prepare, &mut || storage.create_layout())?;
        locked(trial).made_bucket = lacks_bucket;
        written = true;
        attempt(Step::Lock, &mut || storage.write(small, lock).map(drop))?;
        let mut times = Vec::new();
        attempt(Step::RoundTrip, &mut || {
            for _ in 0..ROUND_TRIPS {
                let began = Instant::now();
                storage.size(small)?;
                times.push(began.elapsed());
            }
            Ok(())
        })?;
        times.sort();
        locked(trial).round_trip = times.get(ROUND_TRIPS / 2).copied();
        let took = attempt(Step::Write, &mut || {
            each(packs, &|content| {
                storage.write(name(content), content).map(drop)
            })?;
            storage.sync()
        })?;
        locked(trial).upload = rate(bytes, took);
        let kept = packs
            .first()
            .map(|content| storage.retention(name(content)));
        locked(trial).kept = kept.and_then(|kept| kept.ok().flatten());
        let took = attempt(Step::Read, &mut || {
            each(packs, &|content| {
                let file = name(content);
                match storage.read(file, content.len() as u64)? == *content {
                    true => Ok(()),
                    false => Err(Error::new(ErrorKind::Answer, Doing::Read, file)),
                }
            })
        })?;
        locked(trial).download = rate(bytes, took);
        attempt(Step::List, &mut || {
            let listed = storage.list(FileKind::Pack)?.files;
            let is_missing = |content: &&Vec<u8>| {
                let (id, size) = (Id::of(content), content.len() as u64);
                !listed.iter().any(|file| file.id == id && file.size == size)
            };
            match packs.iter().find(is_missing) {
                None => Ok(()),
                Some(content) => Err(Error::new(ErrorKind::NotFound, Doing::List, name(content))),
            }
        })?;
        attempt(Step::Keep, &mut || {
            let Some(content) = packs.first() else {
                return Ok(());
            };
            match storage.write(name(content), lock) {
                Err(error) if error.kind == ErrorKind::Exists => Ok(()),
                Err(error) => Err(error),
                Ok(_) => Err(Error::new(ErrorKind::Answer, Doing::Write, name(content))),
            }
        })?;
        Some(())
    };
    first();
    if written {
        attempt(Step::Unlock, &mut || removed(storage, small));
        attempt(Step::Remove, &mut || {
            each(packs, &|content| removed(storage, name(content)))
        });
    }
}

/// Tries whether a storage answers: lists its keys, and reads its config. Writes nothing, and it may be empty.
///
/// # Errors
/// When the storage does not answer, or gives a wrong answer. `NoPlace` when the bucket does not exist: only the answer to a
/// read says so.
pub fn look(storage: &dyn Storage) -> Result<(), Error> {
    storage.list(FileKind::Key)?;
    read_config(storage)
}

/// Reads the config, which may be missing.
fn read_config(storage: &dyn Storage) -> Result<(), Error> {
    match storage.read(FileName::CONFIG, MOST_CONFIG) {
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::TooLarge) => Ok(()),
        result => result.map(drop),
    }
}

/// Removes what an earlier trial left. What the storage does not let go stays.
fn clear(storage: &dyn Storage) -> Result<(), Error> {
    for kind in [FileKind::Lock, FileKind::Pack] {
        for file in storage.list(kind)?.files {
            match removed(storage, FileName::new(kind, file.id)) {
                Err(error) if error.kind == ErrorKind::Denied => {}
                result => result?,
            }
        }
    }
    Ok(())
}

fn removed(storage: &dyn Storage, file: FileName) -> Result<(), Error> {
    match storage.remove(file) {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Does the work for each content, all at the same time. Returns the first error.
fn each(
    contents: &[Vec<u8>],
    work: &(dyn Fn(&Vec<u8>) -> Result<(), Error> + Sync),
) -> Result<(), Error> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = contents
            .iter()
            .map(|content| {
                let thread = std::thread::Builder::new();
                thread
                    .spawn_scoped(scope, move || work(content))
                    .map_err(|_| content)
            })
            .collect();
        let mut result = Ok(());
        for thread in threads {
            let one = match thread {
                Ok(thread) => thread.join().unwrap_or(Ok(())),
                // The system gives no thread.
                Err(content) => work(content),
            };
            result = result.and(one);
        }
        result
    })
}

fn rate(bytes: u64, took: Duration) -> Option<u64> {
    let seconds = took.as_secs_f64();
    (seconds > 0.0).then(|| (bytes as f64 / seconds) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::{Memory, Request};

    fn trial(storage: &dyn Storage) -> Trial {
        let trial = Mutex::default();
        let packs = [vec![1; 1000], vec![2; 1000]];
        try_out(storage, b"lock", &packs, &trial, &mut |_| ());
        trial.into_inner().unwrap()
    }

    fn failed(trial: &Trial) -> Vec<Step> {
        let steps = trial.steps.iter();
        let failed = steps.filter(|tried| tried.result.is_err());
        failed.map(|tried| tried.step).collect()
    }

    fn is_empty(memory: &Memory) -> bool {
        FileKind::ALL
            .iter()
            .all(|kind| memory.list(*kind).unwrap().files.is_empty())
    }

    #[test]
    fn a_good_storage_passes_and_is_left_empty() {
        let memory = Memory::new();
        let left = FileName::new(FileKind::Pack, Id::of(b"of an earlier trial"));
        memory.write(left, b"of an earlier trial").unwrap();
        let trial = trial(&memory);
        assert!(trial.is_good() && !trial.is_append_only());
        assert_eq!(trial.steps.len(), 10);
        assert!(trial.round_trip.is_some() && trial.upload.is_some() && trial.download.is_some());
        assert!(is_empty(&memory));
    }

    #[test]
    fn the_first_step_that_fails_is_the_last_one_but_for_the_removal() {
        for (request, after, step) in [
            (Request::List, 0, Step::Open),
            (Request::Write, 0, Step::Lock),
            (Request::Size, 2, Step::RoundTrip),
            (Request::Write, 1, Step::Write),
            (Request::Sync, 0, Step::Write),
            (Request::Read, 0, Step::Open),
            (Request::Read, 1, Step::Read),
            (Request::List, 2, Step::List),
        ] {
            let memory = Memory::new();
            memory.fail(request, after, ErrorKind::NoSpace);
            let trial = trial(&memory);
            assert_eq!(failed(&trial), [step]);
            assert!(!trial.is_good());
            assert!(is_empty(&memory));
        }
    }

    #[test]
    fn a_look_asks_twice_and_writes_nothing() {
        let memory = Memory::new();
        look(&memory).unwrap();
        memory.write(FileName::CONFIG, b"config").unwrap();
        look(&memory).unwrap();
        assert_eq!(memory.count(Request::Write), 1);
        for request in [Request::List, Request::Read] {
            memory.fail(request, 0, ErrorKind::Unauthorized);
            let kind = look(&memory).unwrap_err().kind;
            assert_eq!(kind, ErrorKind::Unauthorized);
        }
    }

    #[test]
    fn a_storage_that_removes_locks_alone_is_append_only_and_good() {
        let memory = Memory::new();
        memory.fail(Request::Remove, 1, ErrorKind::Denied);
        let trial = trial(&memory);
        assert_eq!(failed(&trial), [Step::Remove]);
        assert!(trial.is_good() && trial.is_append_only());
        let memory = Memory::new();
        memory.fail(Request::Remove, 0, ErrorKind::Denied);
        assert!(!self::trial(&memory).is_good());
    }
}

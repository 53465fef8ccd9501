//! A repository on a server that speaks SFTP, laid out as restic lays it out.
//!
//! Calls block; the connections live in a runtime of their own. A connection on which nothing moves for too long is given
//! up. A request as a whole has no time limit, because a large file over a slow line takes its time.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::concurrency::Concurrency;
use super::error::{Doing, Error, ErrorKind, Place};
use super::leftovers::Leftovers;
use super::limit::Pace;
use super::pool::Pool;
use super::{Durability, FileKind, FileName, First, Listing, Storage, Stray, StrayKind, Traits};
use failure::Failure;
pub use key::{Key, KeyError};
pub use known_hosts::KnownHosts;
use session::Session;

mod connect;
mod directories;
mod failure;
mod first;
mod host;
mod key;
mod known_hosts;
mod layout;
mod listing;
mod login;
mod packet;
mod read;
mod receiver;
mod session;
mod write;

/// Where a repository is, and how its server is reached.
#[derive(Clone)]
pub struct Options {
    pub host: String,
    pub port: u16,
    pub user: String,
    /// The directory of the repository, as the server understands it: a relative one begins where the login begins.
    pub directory: String,
    /// Tried in this order.
    pub keys: Vec<Key>,
    /// The socket of an SSH agent, whose keys are tried, too.
    pub agent: Option<PathBuf>,
    pub password: Option<Zeroizing<String>>,
    /// The keys by which servers are known.
    pub known_hosts: Vec<KnownHosts>,
    /// The file that a message names, to add a server to.
    pub new_hosts: PathBuf,
    /// How many connections there are, beside the one for lock files.
    pub connections: Arc<Concurrency>,
    /// A connection on which nothing moves for this long is given up.
    pub stall: Duration,
    /// Every body passes through it.
    pub pace: Option<Arc<Pace>>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// The connection for lock files. It is made beside the first requests, because it takes ten ways to the server and back.
struct ForLocks {
    begun: Once,
    connecting: Mutex<Option<JoinHandle<Result<Session, Failure>>>>,
}

impl ForLocks {
    fn new() -> ForLocks {
        ForLocks {
            begun: Once::new(),
            connecting: Mutex::default(),
        }
    }

    /// Begins to connect, once.
    fn begin(&self, runtime: &Runtime, options: &Arc<Options>) {
        self.begun.call_once(|| {
            let options = Arc::clone(options);
            // It ends with the runtime, whether it has come to an end or not.
            let connecting = async move { connect::connect(&options).await };
            *self.lock() = Some(runtime.spawn(connecting));
        });
    }

    fn is_connecting(&self) -> bool {
        self.lock()
            .as_ref()
            .is_some_and(|connecting| !connecting.is_finished())
    }

    /// The connection that was begun, once.
    fn take(&self) -> Option<JoinHandle<Result<Session, Failure>>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinHandle<Result<Session, Failure>>>> {
        self.connecting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A repository on a server.
pub struct Sftp {
    options: Arc<Options>,
    pool: Pool<Session>,
    for_locks: ForLocks,
    /// Directories whose names may not be on the server's disk yet.
    unsynced: Mutex<BTreeSet<String>>,
    leftovers: Leftovers<Stray>,
    waits: AtomicUsize,
    /// Absent only while it is dropped.
    runtime: Option<Runtime>,
}

impl Sftp {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(options: Options) -> std::io::Result<Sftp> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sftp")
            .enable_all()
            .build()?;
        Ok(Sftp {
            pool: Pool::new(Arc::clone(&options.connections)),
            options: Arc::new(options),
            for_locks: ForLocks::new(),
            unsynced: Mutex::default(),
            leftovers: Leftovers::default(),
            waits: AtomicUsize::new(0),
            runtime: Some(runtime),
        })
    }

    /// How often answers were waited for until now, apart from logins. Each time costs a way to the server and back.
    pub fn waits(&self) -> usize {
        self.waits.load(Ordering::Relaxed)
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.block_on(work)),
            None => Err(Failure::lost("the storage is closed")),
        }
    }

    /// Runs requests about files of a kind on a connection.
    fn run<T>(
        &self,
        kind: FileKind,
        requests: impl AsyncFnOnce(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // A lock comes next.
        if kind == FileKind::Key {
            self.begin_for_locks();
        }
        // Until the other connection is there, nothing large can be in the way on this one.
        let of = match kind {
            FileKind::Lock if self.for_locks.is_connecting() => FileKind::Config,
            kind => kind,
        };
        let done = self.pool.with(
            of,
            || self.connect(of),
            |session| {
                let before = session.waits;
                let result = self.wait(requests(session));
                self.waits
                    .fetch_add(session.waits - before, Ordering::Relaxed);
                result?
            },
        );
        done.map_err(|failure| failure.without(self.options.password.as_slice()))
    }

    fn begin_for_locks(&self) {
        if let Some(runtime) = &self.runtime {
            self.for_locks.begin(runtime, &self.options);
        }
    }

    /// A list of this kind began at this moment, and found these.
    fn is_listed(&self, kind: FileKind, begun: Instant, strays: &[Stray]) {
        let temporaries = strays
            .iter()
            .filter(|stray| stray.kind == StrayKind::Temporary);
        self.leftovers
            .found(kind, begun, temporaries.cloned().collect());
    }

    fn connect(&self, kind: FileKind) -> Result<Session, Failure> {
        if kind == FileKind::Lock
            && let Some(begun) = self.for_locks.take()
            && let Ok(Ok(session)) = self.wait(begun)?
        {
            return Ok(session);
        }
        self.wait(connect::connect(&self.options))?
    }

    /// The path of something in the repository.
    fn path(&self, inside: &str) -> String {
        match (self.options.directory.as_str(), inside) {
            ("", "") => ".".to_owned(),
            ("", inside) => inside.to_owned(),
            (directory, "") => directory.to_owned(),
            ("/", inside) => format!("/{inside}"),
            (directory, inside) => format!("{directory}/{inside}"),
        }
    }

    fn file_path(&self, file: FileName) -> String {
        self.path(&file.to_string())
    }

    /// The name of a file is not certain to be on the server's disk. A lock need not outlive a loss of power.
    fn is_changed(&self, file: FileName) {
        if file.kind == FileKind::Lock {
            return;
        }
        let path = file.to_string();
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        self.unsynced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.path(directory));
    }
}

impl Drop for Sftp {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Storage for Sftp {
    fn create_layout(&self) -> Result<(), Error> {
        self.run(FileKind::Config, async |session| {
            layout::create(self, session).await
        })
        .map_err(|failure| failure.at(Doing::Create, Place::Path(String::new())))
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        let mut listings = self.lists(&[kind])?;
        Ok(listings.pop().unwrap_or_default())
    }

    fn lists(&self, kinds: &[FileKind]) -> Result<Vec<Listing>, Error> {
        let begun = Instant::now();
        // Those of locks have a connection of their own, and the others one together.
        let kind = kinds.first().copied().unwrap_or(FileKind::Config);
        let found = self
            .run(kind, async |session| {
                listing::lists(self, session, kinds).await
            })
            .map_err(|failure| failure.at(Doing::List, Place::Kind(kind)))?;
        let mut listings = Vec::new();
        for (kind, listing) in kinds.iter().zip(found) {
            let place = Place::Kind(*kind);
            let listing = listing.map_err(|failure| failure.at(Doing::List, place))?;
            self.is_listed(*kind, begun, &listing.strays);
            listings.push(listing.each_file_once());
        }
        Ok(listings)
    }

    fn has_directory(&self, kind: FileKind) -> Result<Option<bool>, Error> {
        let Some(name) = kind.directory() else {
            return Ok(None);
        };
        let path = self.path(name);
        let is_there = self.run(kind, async |session| {
            layout::is_there(session.ask(packet::Request::Stat { path: &path }).await?)
        });
        is_there
            .map(Some)
            .map_err(|failure| failure.at(Doing::List, Place::Kind(kind)))
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        let path = self.file_path(file);
        self.run(file.kind, async |session| read::size(session, &path).await)
            .map_err(|failure| failure.at(Doing::Size, Place::File(file)))
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.run(file.kind, async |session| {
            read::range(self, session, file, offset, buffer).await
        })
        .map_err(|failure| failure.at(Doing::Read, Place::File(file)))
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        self.run(file.kind, async |session| {
            read::whole(self, session, file, limit).await
        })
        .map_err(|failure| failure.at(Doing::Read, Place::File(file)))
    }

    fn read_first(&self, limit: u64) -> Result<First, Error> {
        let begun = Instant::now();
        let found = self
            .run(FileKind::Config, async |session| {
                self.begin_for_locks();
                first::first(self, session, limit).await
            })
            .map_err(|failure| failure.at(Doing::Read, Place::File(FileName::CONFIG)))?;
        if let Some(temporaries) = found.temporaries {
            self.is_listed(FileKind::Config, begun, &temporaries);
        }
        if let Some(keys) = &found.first.keys {
            self.is_listed(FileKind::Key, begun, &keys.strays);
        }
        Ok(found.first)
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        write::write(self, file, content)?;
        self.is_changed(file);
        Ok(Durability::AfterSync)
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        let path = self.file_path(file);
        self.run(file.kind, async |session| {
            session.order(packet::Request::Remove { path: &path }).await
        })
        .map_err(|failure| failure.at(Doing::Remove, Place::File(file)))?;
        self.is_changed(file);
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        write::sync(self).map_err(|failure| failure.at(Doing::Sync, Place::Path(String::new())))
    }

    fn sweep(&self, age: Duration) -> Result<usize, Error> {
        let mut removed = 0;
        for kind in FileKind::ALL {
            let strays = match self.leftovers.older_than(kind, age) {
                Some(strays) => strays,
                None => self.list(kind)?.strays,
            };
            if strays.is_empty() {
                continue;
            }
            removed += self
                .run(kind, async |session| {
                    write::sweep(self, session, &strays, age).await
                })
                .map_err(|failure| failure.at(Doing::Sweep, Place::Kind(kind)))?;
        }
        Ok(removed)
    }

    fn traits(&self) -> Traits {
        Traits {
            parallel: self.options.connections.most(),
            remote: true,
            listing_lags: false,
            connects_quickly: false,
        }
    }
}

/// The error of a file whose name has other content.
fn exists(file: FileName) -> Error {
    Error::new(ErrorKind::Exists, Doing::Write, file)
}

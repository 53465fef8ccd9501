//! A repository on a server that speaks FTP, plain or with TLS, laid out as restic lays it out.
//!
//! A connection carries one transfer at a time, so each request has one for itself while it runs. A connection on which
//! nothing moves for too long is given up. A request as a whole has no time limit, because a large file over a slow line
//! takes its time.
//!
//! FTP has no request that makes a file durable, and none that gives a name only if it is free.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::concurrency::Concurrency;
use super::error::{Doing, Error, ErrorKind, Place};
use super::http::{OptionsError, Trust};
use super::leftovers::Leftovers;
use super::limit::{Direction, Pace};
use super::pool::Pool;
use super::{Durability, FileKind, FileName, Listing, Storage, Traits};
use failure::Failure;
use listing::Temporary;
use session::Session;

mod connect;
mod control;
mod directory;
mod entry;
mod failure;
mod layout;
#[doc(hidden)]
pub mod lines;
mod listing;
mod passive;
mod read;
mod session;
mod stream;
mod tls;
mod write;

/// Whether the connections have TLS, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Everybody on the way can read the password.
    None,
    /// The server is asked for it before the login.
    Explicit,
    /// From the beginning.
    Implicit,
}

/// Where a repository is, and how its server is reached.
#[derive(Clone)]
pub struct Options {
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<Zeroizing<String>>,
    /// The directory of the repository: a relative one begins where the login begins.
    pub directory: String,
    pub tls: Tls,
    pub trust: Trust,
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
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// A repository on a server.
pub struct Ftp {
    options: Options,
    config: ClientConfig,
    pool: Pool<Session>,
    leftovers: Leftovers<Temporary>,
}

impl Ftp {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the certificates of the trust cannot be read.
    pub fn new(options: Options) -> Result<Ftp, OptionsError> {
        // Without TLS, nobody uses these rules, and the certificates of the system need not be there.
        let nothing = Trust::Anything;
        let trust = match options.tls {
            Tls::None => &nothing,
            Tls::Explicit | Tls::Implicit => &options.trust,
        };
        Ok(Ftp {
            config: tls::config(trust)?,
            pool: Pool::new(Arc::clone(&options.connections)),
            leftovers: Leftovers::default(),
            options,
        })
    }

    /// Runs requests about files of a kind on a connection.
    fn run<T>(
        &self,
        kind: FileKind,
        requests: impl FnOnce(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.pool.with(
            kind,
            || connect::connect(&self.options, &self.config),
            requests,
        )
    }

    /// Runs the work in as many threads as there are connections, but in no more than there are tasks.
    fn together<T: Send>(
        &self,
        tasks: usize,
        work: impl Fn() -> Result<T, Failure> + Sync,
    ) -> Result<Vec<T>, Failure> {
        let threads = self.options.connections.most().min(tasks.max(1));
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .map_while(|_| {
                    std::thread::Builder::new()
                        .name("ftp".to_owned())
                        .spawn_scoped(scope, &work)
                        .ok()
                })
                .collect();
            let mut results = vec![work()];
            for other in others {
                results.push(
                    other
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                );
            }
            results.into_iter().collect()
        })
    }

    /// Waits until so many bytes may go.
    fn pass(&self, direction: Direction, kind: FileKind, bytes: usize) {
        if let Some(pace) = &self.options.pace {
            pace.pass(direction, kind, bytes);
        }
    }
}

/// The directory and the name of a path inside the repository.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

impl Storage for Ftp {
    fn create_layout(&self) -> Result<(), Error> {
        layout::create(self)
            .map_err(|failure| failure.at(Doing::Create, Place::Path(String::new())))
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        let begun = Instant::now();
        let found = listing::list(self, kind)
            .map_err(|failure| failure.at(Doing::List, Place::Kind(kind)))?;
        self.leftovers.found(kind, begun, found.temporaries);
        Ok(found.listing.each_file_once())
    }

    fn has_directory(&self, kind: FileKind) -> Result<Option<bool>, Error> {
        let Some(name) = kind.directory() else {
            return Ok(None);
        };
        match self.run(kind, |session| directory::entries(session, name)) {
            Ok(_) => Ok(Some(true)),
            Err(failure) if failure.kind == ErrorKind::NotFound => Ok(Some(false)),
            Err(failure) => Err(failure.at(Doing::List, Place::Kind(kind))),
        }
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        self.run(file.kind, |session| read::size(session, &file.to_string()))
            .map_err(|failure| failure.at(Doing::Size, Place::File(file)))
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.run(file.kind, |session| {
            read::range(self, session, file, offset, buffer)
        })
        .map_err(|failure| failure.at(Doing::Read, Place::File(file)))
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        self.run(file.kind, |session| read::whole(self, session, file, limit))
            .map_err(|failure| failure.at(Doing::Read, Place::File(file)))
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        write::write(self, file, content)?;
        // There is no request that makes it more durable.
        Ok(Durability::Durable)
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        self.run(file.kind, |session| {
            write::delete(session, &file.to_string())
        })
        .map_err(|failure| failure.at(Doing::Remove, Place::File(file)))
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(())
    }

    fn sweep(&self, age: Duration) -> Result<usize, Error> {
        let mut removed = 0;
        for kind in FileKind::ALL {
            let failed = |failure: Failure| failure.at(Doing::Sweep, Place::Kind(kind));
            let temporaries = match self.leftovers.older_than(kind, age) {
                Some(temporaries) => temporaries,
                None => listing::list(self, kind).map_err(failed)?.temporaries,
            };
            if temporaries.is_empty() {
                continue;
            }
            removed += self
                .run(kind, |session| write::sweep(session, temporaries, age))
                .map_err(failed)?;
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

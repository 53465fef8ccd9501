//! What the program rclone reaches: it serves restic's REST protocol to this process alone.
//!
//! rclone is a child of this process. It is started when it is needed, and again when it has ended before its time.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::error::{Doing, Error, ErrorKind, Place};
use super::limit::Pace;
use super::mask::masked;
use super::rest::Rest;
use super::{Durability, FileKind, FileName, Listing, Storage, Traits};
use start::Server;
pub use start::StartError;

mod child;
mod command;
mod mask;
mod refusal;
mod socket;
mod start;

/// Gets each line that rclone writes to its log, without secrets.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// How long rclone may take until it serves. Some remotes are asked for something first.
pub const PATIENCE: Duration = Duration::from_secs(2 * 60);

/// How rclone is run.
pub struct Options {
    /// A path, or a name that is looked up in `PATH`.
    pub program: String,
    /// `None`: where rclone looks for it.
    pub config_file: Option<PathBuf>,
    /// Of an encrypted configuration.
    pub config_password: Option<Zeroizing<String>>,
    /// Further options of `rclone serve restic`.
    pub arguments: Vec<String>,
    /// The repository, as rclone names it: `REMOTE:PATH`.
    pub remote: String,
    /// The name by which its configuration knows the remote; `None`: it has no name.
    pub configured: Option<String>,
    /// Where its socket gets a directory of its own. Others may be able to write there.
    pub directory: PathBuf,
    pub connections: usize,
    /// How long it may take until it serves.
    pub patience: Duration,
    /// A connection on which nothing moves for this long is given up.
    pub stall: Duration,
    pub pace: Option<Arc<Pace>>,
}

impl Options {
    /// What is not to be told.
    fn secrets(&self) -> Vec<Zeroizing<String>> {
        let mut secrets = mask::of_environment();
        secrets.extend(self.config_password.clone());
        secrets
    }
}

/// A repository in a remote of rclone.
pub struct Rclone {
    options: Options,
    tell: Arc<Tell>,
    /// `None`: it does not run yet, or has ended.
    server: Mutex<Option<Arc<Server>>>,
    /// When the first start had waited in vain, and what rclone said last. The first requests learn of it, and do not wait
    /// for as long again, one after the other.
    silent: Mutex<Option<(Instant, String)>>,
    /// The line by which the login was refused, once rclone was asked for it.
    refusal: OnceLock<Option<String>>,
    full: Arc<refusal::FullLine>,
}

impl Rclone {
    /// Starts nothing yet.
    pub fn new(options: Options, tell: Tell) -> Rclone {
        let secrets = options.secrets();
        let full = Arc::new(refusal::FullLine::default());
        let of_log = Arc::clone(&full);
        let masking: Tell = Box::new(move |line| {
            // It may come when it already serves.
            if start::says_where(line) {
                return;
            }
            let line = masked(line, &secrets);
            of_log.look(&line);
            tell(&line);
        });
        Rclone {
            options,
            tell: Arc::new(masking),
            server: Mutex::new(None),
            silent: Mutex::new(None),
            refusal: OnceLock::new(),
            full,
        }
    }

    /// Starts rclone, so that what is wrong with it shows early.
    ///
    /// # Errors
    /// When it does not serve.
    pub fn start(&self) -> Result<(), StartError> {
        let error = match self.server() {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if let StartError::Silent { said, .. } = &error {
            *self.silent() = Some((Instant::now(), said.clone()));
        }
        Err(error)
    }

    fn silent(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process of rclone that serves, started if there is none.
    fn server(&self) -> Result<Arc<Server>, StartError> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*server {
            if !running.child.has_ended() {
                return Ok(Arc::clone(running));
            }
            (self.tell)("it has ended before its time, and is started again");
            *server = None;
        }
        let after = self.options.patience;
        if let Some((since, said)) = &*self.silent()
            && since.elapsed() < after
        {
            let said = said.clone();
            return Err(StartError::Silent { after, said });
        }
        let started = Arc::new(start::start(&self.options, &self.tell)?);
        *server = Some(Arc::clone(&started));
        Ok(started)
    }

    fn ask<T>(
        &self,
        doing: Doing,
        place: impl FnOnce() -> Place,
        request: impl FnOnce(&Rest) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.server() {
            Ok(server) => request(&server.rest).map_err(|error| self.explained(error)),
            Err(error) => Err(Error {
                kind: match error {
                    StartError::Refused { .. } => ErrorKind::Unauthorized,
                    // A second try starts it anew. What would not help was found when it was started first.
                    _ => ErrorKind::Unreachable,
                },
                doing,
                place: place(),
                cause: Some(io::Error::other(error)),
            }),
        }
    }
}

impl Rclone {
    /// The same error, or that the server refuses the login, which rclone does not tell from a fault that passes.
    fn explained(&self, error: Error) -> Error {
        if error.kind != ErrorKind::Busy {
            return error;
        }
        match self.refusal.get_or_init(|| refusal::ask(&self.options)) {
            None => error,
            Some(said) => Error {
                kind: ErrorKind::Unauthorized,
                cause: Some(io::Error::other(start::refused(said))),
                ..error
            },
        }
    }
}

impl Rclone {
    /// Explains why a write that began at `start` failed: the disk is full if rclone's log says so. rclone does not tell
    /// its clients.
    fn full_or(&self, error: Error, start: Instant) -> Error {
        // When the disk is full, rclone answers with a fault of its own, or ends the connection.
        if !matches!(error.kind, ErrorKind::Busy | ErrorKind::Unreachable) {
            return error;
        }
        match self.full.since(start) {
            None => error,
            Some(said) => Error {
                kind: ErrorKind::NoSpace,
                cause: Some(io::Error::other(format!(
                    "the server has no space left; rclone says: {said}"
                ))),
                ..error
            },
        }
    }
}

impl Storage for Rclone {
    fn create_layout(&self) -> Result<(), Error> {
        let place = || Place::Path(String::new());
        self.ask(Doing::Create, place, Rest::create_layout)
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        self.ask(Doing::List, || Place::Kind(kind), |rest| rest.list(kind))
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        self.ask(Doing::Size, || Place::File(file), |rest| rest.size(file))
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let place = || Place::File(file);
        self.ask(Doing::Read, place, |rest| {
            rest.read_range(file, offset, buffer)
        })
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        let place = || Place::File(file);
        self.ask(Doing::Read, place, |rest| rest.read(file, limit))
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        let place = || Place::File(file);
        let start = Instant::now();
        self.ask(Doing::Write, place, |rest| {
            let written = rest.write(file, content);
            written.map_err(|error| self.full_or(error, start))
        })
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        let place = || Place::File(file);
        self.ask(Doing::Remove, place, |rest| rest.remove(file))
    }

    fn sync(&self) -> Result<(), Error> {
        // It answers a write when the remote has it.
        Ok(())
    }

    fn sweep(&self, _age: Duration) -> Result<usize, Error> {
        // What an interrupted write left is the remote's, which shows only whole files.
        Ok(0)
    }

    fn traits(&self) -> Traits {
        Traits {
            parallel: self.options.connections,
            remote: true,
            listing_lags: true,
            connects_quickly: true,
        }
    }
}

//! Amazon S3, and servers that speak its protocol, in restic's layout: the key of a file is its path.
//!
//! Every request is signed in its head. A file is sent with the hash that its name is, so that the server checks what it
//! got, and with the wish that nothing is replaced, where the server knows that.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;

use super::bring_back::{Terms, Whereabouts};
use super::error::{Doing, Error, ErrorKind, Place};
use super::http::{Client, Failure, Method, Options, OptionsError};
use super::id::Id;
use super::retention::Retention;
use super::{Durability, FileKind, FileName, Listed, Listing, Storage, Traits};
use crate::location::S3Place;
use bucket::Bucket;
use credentials::{Fetch, Provider};
use listing::Pages;
use refusal::Trouble;
use request::Call;

mod bring_back;
mod bucket;
mod create;
pub mod credentials;
mod listing;
mod refusal;
mod removal;
mod request;
mod retention;
mod sign;
mod xml;

/// The region of requests that are not for a certain one.
pub const DEFAULT_REGION: &str = "us-east-1";

/// What an S3 server is asked for, besides what all servers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Of the bucket. Another one that the server names is used instead.
    pub region: String,
    /// Whether the bucket is in the path and not in the host name. `None`: it is, except for Amazon.
    pub path_style: Option<bool>,
    /// The storage class of packs with the content of files. `None`: that of the bucket.
    pub storage_class: Option<String>,
    /// For how long the bucket is to keep the files that are in use, with object lock.
    pub retains: Option<Duration>,
    /// How packs are brought back from an archive. `None`: they are not.
    pub brings_back: Option<Terms>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            region: DEFAULT_REGION.to_owned(),
            path_style: None,
            storage_class: None,
            retains: None,
            brings_back: None,
        }
    }
}

/// A repository in a bucket.
pub struct S3 {
    bucket: Bucket,
    client: Client,
    provider: Provider,
    region: Mutex<Arc<str>>,
    storage_class: Option<String>,
    retains: Option<Duration>,
    brings_back: Option<Terms>,
    /// What the server knows of a write: one of the constants below.
    knows: AtomicU8,
    parallel: usize,
}

/// Nothing besides the file.
const NOTHING: u8 = 0;
/// The hash of the file.
const HASHES: u8 = 1;
/// The hash, and that nothing is replaced.
const CONDITIONS: u8 = 2;

impl S3 {
    /// Connects to nothing yet, and fetches no credentials. `user` of the options has no meaning here.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn new(
        place: &S3Place,
        settings: Settings,
        fetch: Fetch,
        options: Options,
    ) -> Result<S3, OptionsError> {
        Ok(S3 {
            bucket: Bucket::new(place, settings.path_style),
            parallel: options.connections,
            client: Client::new(options)?,
            provider: Provider::new(fetch),
            region: Mutex::new(Arc::from(settings.region)),
            storage_class: settings.storage_class,
            retains: settings.retains,
            brings_back: settings.brings_back,
            knows: AtomicU8::new(CONDITIONS),
        })
    }

    /// The length that the server tells of a file.
    fn length(&self, file: FileName) -> Result<u64, Trouble> {
        let unknown = || Failure::answer("the server does not tell the size of the file");
        match self.send(&Call::of(Method::Head, file, &[])) {
            Ok(answer) => Ok(answer.length.ok_or_else(unknown)?),
            Err(Trouble::Refused(refusal)) if refusal.status != 404 => {
                // The answer to a HEAD does not say why. That to a GET does.
                let range = [("range", "bytes=0-0".to_owned())];
                let answer = self.send(&Call::of(Method::Get, file, &range))?;
                let whole = answer.header("content-range");
                let size = whole.and_then(|text| text.rsplit('/').next()?.parse().ok());
                answer.finish();
                Ok(size.ok_or_else(unknown)?)
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn list_config(&self) -> Result<Listing, Trouble> {
        match self.length(FileName::CONFIG) {
            Ok(size) => Ok(Listing {
                files: vec![Listed {
                    id: Id::default(),
                    size,
                    modified: None,
                }],
                strays: Vec::new(),
            }),
            Err(Trouble::Refused(refusal)) if refusal.kind() == ErrorKind::NotFound => {
                Ok(Listing::default())
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn list_directory(&self, kind: FileKind) -> Result<Listing, Trouble> {
        let prefix = self.bucket.directory(kind);
        let mut pages = Pages::new(kind, &prefix);
        loop {
            let mut query = vec![
                ("list-type", "2"),
                ("encoding-type", "url"),
                ("prefix", &prefix),
            ];
            if let Some(token) = &pages.token {
                query.push(("continuation-token", token));
            }
            let mut answer = match self.send(&Call::of_bucket(Method::Get, &query, kind)) {
                Ok(answer) => answer,
                // A place that does not exist.
                Err(Trouble::Refused(refusal))
                    if refusal.is_without_bucket() && pages.token.is_none() =>
                {
                    return Ok(pages.listing());
                }
                // An S3 server says what is missing. The bucket is the only thing that can be.
                Err(Trouble::Refused(refusal)) if refusal.is_of_no_bucket() => {
                    return Err(Failure::answer(
                        "the server does not answer as an S3 server does; check whether `kind`, `endpoint` and `path_style` \
                         are those of this server",
                    )
                    .into());
                }
                Err(trouble) => return Err(trouble),
            };
            let has_more = pages.read(&mut answer)?;
            answer.finish();
            if !has_more {
                return Ok(pages.listing().each_file_once());
            }
        }
    }

    /// Compares with what is there. `None`: there is nothing.
    fn is_same(&self, file: FileName, content: &[u8]) -> Result<Option<bool>, Error> {
        match self.read(file, content.len() as u64) {
            Ok(found) => Ok(Some(found == content)),
            Err(error) if error.kind == ErrorKind::TooLarge => Ok(Some(false)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            // It may be in an archive, where it cannot be read.
            Err(error) if error.kind == ErrorKind::Denied && self.has_hash(file, content) => {
                Ok(Some(true))
            }
            Err(error) => Err(Error {
                doing: Doing::Write,
                ..error
            }),
        }
    }

    /// Whether the server says that the file has the hash of this content.
    fn has_hash(&self, file: FileName, content: &[u8]) -> bool {
        let headers = [("x-amz-checksum-mode", "ENABLED".to_owned())];
        let Ok(answer) = self.send(&Call::of(Method::Head, file, &headers)) else {
            return false;
        };
        let hash = hash_word(Id::of(content));
        let is_same = answer.header(HASH) == Some(&hash);
        answer.finish();
        is_same
    }

    fn put(
        &self,
        file: FileName,
        content: &[u8],
        storage_class: Option<&str>,
    ) -> Result<Durability, Error> {
        let failed = |trouble: Trouble| Failure::from(trouble).at(Doing::Write, Place::File(file));
        let exists = || Error::new(ErrorKind::Exists, Doing::Write, file);
        let hash = Id::of(content);
        // A name is the hash of the content, so a file of that name has this content, or is damaged. Only then does it
        // do no harm that some servers ignore the condition, and replace what is there.
        let is_named = file.kind != FileKind::Config && hash == file.id;
        let mut knows = self.knows.load(Ordering::Relaxed);
        loop {
            if !is_named || knows < CONDITIONS {
                match self.is_same(file, content)? {
                    None => {}
                    Some(true) => return Ok(Durability::Durable),
                    Some(false) => return Err(exists()),
                }
            }
            let mut headers = Vec::new();
            if knows >= HASHES {
                headers.push((HASH, hash_word(hash)));
            }
            if knows >= CONDITIONS {
                headers.push(("if-none-match", "*".to_owned()));
            }
            if let Some(class) = storage_class {
                headers.push(("x-amz-storage-class", class.to_owned()));
            }
            let call = Call {
                body: content,
                hash: Some(hash),
                ..Call::of(Method::Put, file, &headers)
            };
            let refusal = match self.send(&call) {
                Ok(answer) => match self.refused_after_all(answer, hash).map_err(failed)? {
                    None => {
                        self.knows.fetch_min(knows, Ordering::Relaxed);
                        return Ok(Durability::Durable);
                    }
                    Some(refusal) => refusal,
                },
                Err(Trouble::Refused(refusal)) => refusal,
                Err(trouble) => return Err(failed(trouble)),
            };
            if refusal.is_of_the_head() && knows > NOTHING {
                knows -= 1;
            } else if refusal.is_conflict() {
                return match self.is_same(file, content)? {
                    Some(true) => Ok(Durability::Durable),
                    Some(false) => Err(exists()),
                    None => Err(failed(Failure::vanished(refusal.status).into())),
                };
            } else {
                return Err(failed(Trouble::Refused(refusal)));
            }
        }
    }
}

/// The server compares what it gets with this hash, and keeps it.
const HASH: &str = "x-amz-checksum-sha256";

/// A hash as the head of a request has it.
fn hash_word(hash: Id) -> String {
    base64::engine::general_purpose::STANDARD.encode(hash.0)
}

impl Storage for S3 {
    fn create_layout(&self) -> Result<(), Error> {
        let place = Place::Path(String::new());
        self.create()
            .map_err(|trouble| Failure::from(trouble).at(Doing::Create, place))
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        let listing = match kind {
            FileKind::Config => self.list_config(),
            _ => self.list_directory(kind),
        };
        listing.map_err(|trouble| Failure::from(trouble).at(Doing::List, Place::Kind(kind)))
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        self.length(file)
            .map_err(|trouble| Failure::from(trouble).at(Doing::Size, Place::File(file)))
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let too_short = || Error::new(ErrorKind::TooShort, Doing::Read, file);
        let failed = |trouble: Trouble| Failure::from(trouble).at(Doing::Read, Place::File(file));
        let Some(last) = (buffer.len() as u64).checked_sub(1) else {
            // A range of HTTP cannot be empty.
            return match self.size(file)? >= offset {
                true => Ok(()),
                false => Err(too_short()),
            };
        };
        let last = offset.checked_add(last).ok_or_else(too_short)?;
        let range = [("range", format!("bytes={offset}-{last}"))];
        let answer = self
            .send(&Call::of(Method::Get, file, &range))
            .map_err(failed)?;
        answer
            .fill(offset, buffer)
            .map_err(|failure| failed(failure.into()))
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        let failed = |trouble: Trouble| Failure::from(trouble).at(Doing::Read, Place::File(file));
        let answer = self
            .send(&Call::of(Method::Get, file, &[]))
            .map_err(failed)?;
        answer
            .whole(limit)
            .map_err(|failure| failed(failure.into()))
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        self.put(file, content, None)
    }

    fn write_data(&self, pack: Id, content: &[u8]) -> Result<Durability, Error> {
        let file = FileName::new(FileKind::Pack, pack);
        self.put(file, content, self.storage_class.as_deref())
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        self.remove_file(file)
    }

    fn may_remove_packs(&self) -> Result<(), Error> {
        self.try_removal()
    }

    fn sync(&self) -> Result<(), Error> {
        // The server answers a write when it has it.
        Ok(())
    }

    fn sweep(&self, _age: Duration) -> Result<usize, Error> {
        // A file is there as a whole or not at all.
        Ok(0)
    }

    fn retains(&self) -> Option<Duration> {
        self.retains
    }

    fn retention(&self, file: FileName) -> Result<Option<Retention>, Error> {
        self.retention_of(file)
            .map_err(|trouble| Failure::from(trouble).at(Doing::Retain, Place::File(file)))
    }

    fn retain(&self, file: FileName, retention: Retention) -> Result<(), Error> {
        self.keep(file, retention)
            .map_err(|trouble| Failure::from(trouble).at(Doing::Retain, Place::File(file)))
    }

    fn brings_back(&self) -> Option<Terms> {
        self.brings_back
    }

    fn bring_back(&self, pack: Id) -> Result<Whereabouts, Error> {
        let file = FileName::new(FileKind::Pack, pack);
        self.ask_for(file)
            .map_err(|trouble| Failure::from(trouble).at(Doing::BringBack, Place::File(file)))
    }

    fn traits(&self) -> Traits {
        Traits {
            parallel: self.parallel,
            remote: true,
            // Amazon promises it, and those that do as Amazon does.
            listing_lags: false,
            connects_quickly: true,
        }
    }
}

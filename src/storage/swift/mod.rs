//! OpenStack Swift, with Keystone version 3, in restic's layout: the name of an object is the path of the file below the
//! prefix.
//!
//! All requests share one token, which is renewed before its end, by the clock of the server, or when it is refused. A
//! refused request is then sent once more. A file is sent with its MD5, so that the server checks what it got, and with
//! the wish that nothing is replaced.
//!
//! Swift answers a write when most copies are made; lists and the other copies may lag behind. Therefore:
//! - A file that this storage wrote itself is in its lists, and one that it removed is not, whatever the server lists.
//! - A pack, an index, a snapshot or a key that is not found is asked for again for about two seconds before it counts
//!   as missing: somebody has read its name in a list or in an index. Of a config and of locks, which often do not
//!   exist, the first answer counts.
//! - What another program wrote a moment ago may be missing in a list. Locks have the same weakness there as those of
//!   `restic`.

use std::sync::Arc;
use std::time::Duration;

use md5::{Digest, Md5};

use super::error::{Doing, Error, ErrorKind, Place};
use super::http::{Client, Failure, Method, Options, OptionsError};
use super::id::Id;
use super::{Durability, FileKind, FileName, Listed, Listing, Storage, Traits};
use crate::location::{self, SwiftPlace};
pub use keystone::{Identity, Scope, Settings};
use known::Known;
use listing::Pages;
use request::Call;
use session::Session;

mod catalogue;
mod keystone;
mod known;
mod listing;
mod refusal;
mod request;
mod session;

/// The waits before a file that should be there is asked for again.
const LAG: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1000),
];

/// A body of so many bytes is sent only after the server has said that it takes it.
const LARGE: usize = 1 << 20;

/// A repository in a container.
pub struct Swift {
    client: Arc<Client>,
    session: Session,
    /// The name of the container, with percent escapes.
    container: String,
    /// What the names of objects begin with, as they are.
    prefix: String,
    known: Known,
    lag: Vec<Duration>,
    parallel: usize,
}

impl Swift {
    /// Connects to nothing yet. `user` of the options has no meaning here. `warn` is told once if tokens go over the
    /// network as they are, although Keystone is asked over TLS.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn new(
        place: &SwiftPlace,
        settings: Settings,
        options: Options,
        warn: Box<dyn Fn(&str) + Send + Sync>,
    ) -> Result<Swift, OptionsError> {
        let mut container = String::new();
        location::escape(&mut container, place.container().as_bytes(), b"");
        let parallel = options.connections;
        let client = Arc::new(Client::new(options)?);
        let asking = Arc::clone(&client);
        let has_warned = std::sync::Once::new();
        let fetch = move || {
            let token = keystone::ask(&asking, &settings)?;
            if settings.auth_url.starts_with("https:") && !token.store.starts_with("https:") {
                has_warned.call_once(|| {
                    warn(
                        "warning: the address of the object store in the catalogue of Keystone begins with http: whoever \
                         is on the way can read what is sent, and the token",
                    );
                });
            }
            Ok(token)
        };
        Ok(Swift {
            client,
            session: Session::new(Box::new(fetch)),
            container,
            prefix: place.prefix(),
            known: Known::default(),
            lag: LAG.to_vec(),
            parallel,
        })
    }

    /// The same with other waits before a file that should be there is asked for again.
    pub fn with_lag(self, lag: Vec<Duration>) -> Swift {
        Swift { lag, ..self }
    }

    /// The length that the server tells of a file.
    fn length(&self, file: FileName) -> Result<u64, Failure> {
        let answer = self.ask(Method::Head, file, &[], b"")?;
        let unknown = || Failure::answer("the server does not tell the size of the file");
        answer.length.ok_or_else(unknown)
    }

    fn list_config(&self) -> Result<Listing, Failure> {
        match self.length(FileName::CONFIG) {
            Ok(size) => Ok(Listing {
                files: vec![Listed {
                    id: Id::default(),
                    size,
                    modified: None,
                }],
                strays: Vec::new(),
            }),
            Err(failure) if failure.kind == ErrorKind::NotFound => Ok(Listing::default()),
            Err(failure) => Err(failure),
        }
    }

    /// All pages. The last one is empty: only then is it certain that nothing is missing, whatever the length of a page
    /// is on this server.
    fn list_directory(&self, kind: FileKind, directory: &str) -> Result<Listing, Failure> {
        let prefix = format!("{}{directory}/", self.prefix);
        let mut pages = Pages::new(kind, &prefix);
        loop {
            let mut target = "?format=json&prefix=".to_owned();
            location::escape(&mut target, prefix.as_bytes(), b"");
            target.push_str("&marker=");
            location::escape(&mut target, pages.marker.as_bytes(), b"");
            let mut answer = self.send(&Call {
                method: Method::Get,
                target: &target,
                headers: &[],
                body: b"",
                kind,
            })?;
            let is_first = pages.marker.is_empty();
            match answer.status {
                // Nothing, in an old way.
                204 => {}
                // A place that does not exist.
                404 if is_first => {
                    answer.finish();
                    return Ok(pages.listing());
                }
                200..=299 => {
                    if pages.read(&mut answer)? {
                        answer.finish();
                        continue;
                    }
                }
                _ => return Err(refusal::of(answer)),
            }
            answer.finish();
            return Ok(pages.listing());
        }
    }

    /// Puts right what the server lists wrongly of the files that this storage wrote or removed.
    fn put_right(&self, kind: FileKind, mut listing: Listing) -> Result<Listing, Failure> {
        for file in self.known.differences(kind, &listing) {
            let length = match self.length(file) {
                Ok(length) => Some(length),
                Err(failure) if failure.kind == ErrorKind::NotFound => None,
                Err(failure) => return Err(failure),
            };
            listing.files.retain(|listed| listed.id != file.id);
            match length {
                Some(size) => {
                    self.known.is_there(file);
                    listing.files.push(Listed {
                        id: file.id,
                        size,
                        modified: None,
                    });
                }
                None => self.known.is_removed(file),
            }
        }
        Ok(listing)
    }

    /// Makes the container if there is none.
    fn create(&self) -> Result<(), Failure> {
        for method in [Method::Head, Method::Put] {
            let answer = self.send(&Call {
                method,
                target: "",
                headers: &[],
                body: b"",
                kind: FileKind::Config,
            })?;
            match (answer.status, method) {
                (200..=299, _) => {
                    answer.finish();
                    return Ok(());
                }
                (404, Method::Head) => answer.finish(),
                _ => return Err(refusal::of(answer)),
            }
        }
        Ok(())
    }

    /// Compares with what is there. `None`: there is nothing.
    fn is_same(&self, file: FileName, content: &[u8]) -> Result<Option<bool>, Failure> {
        let found = self
            .ask(Method::Get, file, &[], b"")
            .and_then(|answer| answer.whole(content.len() as u64));
        match found {
            Ok(found) => Ok(Some(found == content)),
            Err(failure) if failure.kind == ErrorKind::TooLarge => Ok(Some(false)),
            Err(failure) if failure.kind == ErrorKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the file has this content now; false: it has another one.
    fn put(&self, file: FileName, content: &[u8]) -> Result<bool, Failure> {
        // A name is the hash of the content, so a file of that name has this content, or is damaged. Only then does it
        // do no harm that some servers ignore the condition, and replace what is there.
        let is_named = file.kind != FileKind::Config && Id::of(content) == file.id;
        if !is_named && let Some(is_same) = self.is_same(file, content)? {
            return Ok(is_same);
        }
        let hash = hex(&Md5::digest(content));
        let mut headers = vec![("etag", hash.clone()), ("if-none-match", "*".to_owned())];
        if content.len() >= LARGE {
            headers.push(("expect", "100-continue".to_owned()));
        }
        let answer = self.send(&Call {
            method: Method::Put,
            target: &self.target(file),
            headers: &headers,
            body: content,
            kind: file.kind,
        })?;
        match answer.status {
            200..=299 => {
                // The server checks what it gets, and may still store something else.
                let is_other = answer
                    .header("etag")
                    .is_some_and(|etag| differs(etag, &hash));
                answer.finish();
                match is_other {
                    true => Err(Failure::other_content()),
                    false => Ok(true),
                }
            }
            412 => {
                answer.finish();
                let is_same = self.is_same(file, content)?;
                is_same.ok_or_else(|| Failure::vanished(412))
            }
            404 => {
                answer.finish();
                let text = "there is no such container (status 404)".to_owned();
                Err(Failure::told(ErrorKind::NotFound, text))
            }
            _ => Err(refusal::of(answer)),
        }
    }

    fn get_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let too_short = || Failure::status(416);
        let Some(last) = (buffer.len() as u64).checked_sub(1) else {
            // A range of HTTP cannot be empty.
            let length = self.patiently(file, || self.length(file))?;
            return match length >= offset {
                true => Ok(()),
                false => Err(too_short()),
            };
        };
        let last = offset.checked_add(last).ok_or_else(too_short)?;
        let range = [("range", format!("bytes={offset}-{last}"))];
        self.patiently(file, || self.ask(Method::Get, file, &range, b""))?
            .fill(offset, buffer)
    }
}

impl Storage for Swift {
    fn create_layout(&self) -> Result<(), Error> {
        self.create()
            .map_err(|failure| failure.at(Doing::Create, Place::Path(String::new())))
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        let listing = match kind.directory() {
            None => self.list_config(),
            Some(directory) => self
                .list_directory(kind, directory)
                .and_then(|listing| self.put_right(kind, listing.each_file_once())),
        };
        listing.map_err(|failure| failure.at(Doing::List, Place::Kind(kind)))
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        self.patiently(file, || self.length(file))
            .map_err(|failure| failure.at(Doing::Size, Place::File(file)))
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.get_range(file, offset, buffer)
            .map_err(|failure| failure.at(Doing::Read, Place::File(file)))
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        self.patiently(file, || self.ask(Method::Get, file, &[], b""))
            .and_then(|answer| answer.whole(limit))
            .map_err(|failure| failure.at(Doing::Read, Place::File(file)))
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        match self.put(file, content) {
            Ok(true) => {
                self.known.is_there(file);
                Ok(Durability::Durable)
            }
            Ok(false) => Err(Error::new(ErrorKind::Exists, Doing::Write, file)),
            Err(failure) => Err(failure.at(Doing::Write, Place::File(file))),
        }
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        let answer = self
            .ask(Method::Delete, file, &[], b"")
            .map_err(|failure| failure.at(Doing::Remove, Place::File(file)))?;
        answer.finish();
        self.known.is_removed(file);
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        // The server answers a write when most copies are on disks.
        Ok(())
    }

    fn sweep(&self, _age: Duration) -> Result<usize, Error> {
        // A file is there as a whole or not at all.
        Ok(0)
    }

    fn traits(&self) -> Traits {
        Traits {
            parallel: self.parallel,
            remote: true,
            listing_lags: true,
            connects_quickly: true,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the `ETag` of an answer is the MD5 of other content. Some servers put it in quotes, and some have tags that are
/// no MD5.
fn differs(etag: &str, hash: &str) -> bool {
    let etag = etag.trim().trim_matches('"');
    let is_md5 = etag.len() == hash.len() && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_md5 && !etag.eq_ignore_ascii_case(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_md5_of_other_content_differs() {
        let hash = hex(&Md5::digest(b"x"));
        for etag in [
            hash.clone(),
            hash.to_uppercase(),
            format!("\"{hash}\""),
            format!("\"{hash}-2\""),
            "W/\"1\"".to_owned(),
            String::new(),
        ] {
            assert!(!differs(&etag, &hash), "{etag}");
        }
        let other = hex(&Md5::digest(b"y"));
        assert!(differs(&other, &hash));
        assert!(differs(&format!("\"{other}\""), &hash));
    }
}

//! A server that speaks restic's REST protocol, version 2 (restic's `doc/REST_backend.rst`).
//!
//! Each file of a kind lies at `TYPE/NAME` below the address of the repository, packs too.

use std::time::Duration;

use super::error::{Doing, Error, ErrorKind, Place};
use super::http::{Answer, Client, Failure, Method, Options, OptionsError, Request};
use super::id::Id;
use super::{Durability, FileKind, FileName, Listed, Listing, Storage, Traits};

#[doc(hidden)]
pub mod listing;

/// The type of a listing that has sizes.
const VERSION_2: &str = "application/vnd.x.restic.rest.v2";

/// A repository on a REST server.
pub struct Rest {
    /// Ends with a slash.
    base: String,
    client: Client,
    parallel: usize,
}

impl Rest {
    /// Connects to nothing yet. The address is an `http://` or `https://` URL, which ends with a slash.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn new(address: &str, options: Options) -> Result<Rest, OptionsError> {
        Ok(Rest {
            base: address.to_owned(),
            parallel: options.connections,
            client: Client::new(options)?,
        })
    }

    fn url(&self, file: FileName) -> String {
        match file.kind.directory() {
            None => format!("{}config", self.base),
            Some(directory) => format!("{}{directory}/{}", self.base, file.id),
        }
    }

    fn send(
        &self,
        method: Method,
        file: FileName,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<Answer, Failure> {
        let url = self.url(file);
        let answer = self.client.send(&Request {
            method,
            url: &url,
            headers,
            body,
            kind: file.kind,
        })?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(answer.refusal()),
        }
    }

    /// The length that the server tells of a file.
    fn length(&self, file: FileName) -> Result<u64, Failure> {
        let answer = self.send(Method::Head, file, &[], b"")?;
        answer
            .length
            .ok_or_else(|| Failure::answer("the server does not tell the size of the file"))
    }

    fn list_config(&self) -> Result<Listing, Error> {
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
            Err(failure) => Err(failure.at(Doing::List, Place::Kind(FileKind::Config))),
        }
    }

    fn list_directory(&self, kind: FileKind, directory: &str) -> Result<Listing, Failure> {
        let url = format!("{}{directory}/", self.base);
        let mut answer = self.client.send(&Request {
            method: Method::Get,
            url: &url,
            headers: &[("accept", VERSION_2.to_owned())],
            body: b"",
            kind,
        })?;
        match answer.status {
            200..=299 => {}
            // A directory that does not exist. rclone also says this when it cannot list it.
            404 if !answer.is_from_rclone() => {
                answer.finish();
                return Ok(Listing::default());
            }
            404 => {
                answer.finish();
                let text = "rclone cannot list the directory (status 404)".to_owned();
                return Err(Failure::told(ErrorKind::Busy, text));
            }
            _ => return Err(answer.refusal()),
        }
        if answer.content_type() != VERSION_2 {
            return Err(Failure::answer(
                "the server does not speak version 2 of restic's REST protocol",
            ));
        }
        listing::read(&mut answer, kind)
    }

    /// What to say of a write that the server refused: rest-server refuses to replace a file, whatever is in it.
    fn refused(&self, file: FileName, content: &[u8], failure: Failure) -> Result<(), Error> {
        let refused = failure.at(Doing::Write, Place::File(file));
        if refused.kind != ErrorKind::Denied {
            return Err(refused);
        }
        match self.read(file, content.len() as u64) {
            Ok(found) if found == content => Ok(()),
            Ok(_) => Err(Error::new(ErrorKind::Exists, Doing::Write, file)),
            Err(error) if error.kind == ErrorKind::TooLarge => {
                Err(Error::new(ErrorKind::Exists, Doing::Write, file))
            }
            Err(error) if error.kind.is_passing() => Err(error),
            Err(_) => Err(refused),
        }
    }
}

/// A file that exists is not found.
fn not_given() -> Failure {
    let text = "the server does not give the file, although it exists (status 404)".to_owned();
    Failure::told(ErrorKind::Busy, text)
}

impl Storage for Rest {
    fn create_layout(&self) -> Result<(), Error> {
        let url = format!("{}?create=true", self.base);
        let place = || Place::Path(String::new());
        let answer = self
            .client
            .send(&Request {
                method: Method::Post,
                url: &url,
                headers: &[],
                body: b"",
                kind: FileKind::Config,
            })
            .map_err(|failure| failure.at(Doing::Create, place()))?;
        match answer.status {
            200..=299 => {
                answer.finish();
                Ok(())
            }
            _ => Err(answer.refusal().at(Doing::Create, place())),
        }
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        match kind.directory() {
            None => self.list_config(),
            Some(directory) => self
                .list_directory(kind, directory)
                .map(Listing::each_file_once)
                .map_err(|failure| failure.at(Doing::List, Place::Kind(kind))),
        }
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        self.length(file)
            .map_err(|failure| failure.at(Doing::Size, Place::File(file)))
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let too_short = || Error::new(ErrorKind::TooShort, Doing::Read, file);
        let failed = |failure: Failure| failure.at(Doing::Read, Place::File(file));
        let Some(last) = (buffer.len() as u64).checked_sub(1) else {
            // A range of HTTP cannot be empty.
            return match self.size(file)? >= offset {
                true => Ok(()),
                false => Err(too_short()),
            };
        };
        let last = offset.checked_add(last).ok_or_else(too_short)?;
        let range = [("range", format!("bytes={offset}-{last}"))];
        let answer = match self.send(Method::Get, file, &range, b"") {
            Ok(answer) => answer,
            Err(failure) if failure.kind == ErrorKind::NotFound => {
                // rclone says this of a range beyond the end, too.
                return Err(match self.size(file)? {
                    size if size <= last => too_short(),
                    _ => failed(not_given()),
                });
            }
            Err(failure) => return Err(failed(failure)),
        };
        answer.fill(offset, buffer).map_err(failed)
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        let failed = |failure: Failure| failure.at(Doing::Read, Place::File(file));
        match self.send(Method::Get, file, &[], b"") {
            Ok(answer) => answer.whole(limit).map_err(failed),
            Err(failure) if failure.kind == ErrorKind::NotFound => {
                // rclone says this of a fault of its own, too. A file that is there can be read later.
                Err(match self.size(file) {
                    Ok(_) => failed(not_given()),
                    Err(error) if error.kind == ErrorKind::NotFound => failed(failure),
                    Err(error) => error,
                })
            }
            Err(failure) => Err(failed(failure)),
        }
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        // A name is the hash of the content, so a file of that name has this content, or is damaged. Only then does it
        // do no harm that some servers replace what is there.
        if file.kind == FileKind::Config || Id::of(content) != file.id {
            match self.read(file, content.len() as u64) {
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Ok(found) if found == content => return Ok(Durability::Durable),
                Err(error) if error.kind != ErrorKind::TooLarge => {
                    return Err(Error {
                        doing: Doing::Write,
                        ..error
                    });
                }
                Ok(_) | Err(_) => {
                    return Err(Error::new(ErrorKind::Exists, Doing::Write, file));
                }
            }
        }
        match self.send(Method::Post, file, &[], content) {
            Ok(answer) => answer.finish(),
            Err(failure) => self.refused(file, content, failure)?,
        }
        Ok(Durability::Durable)
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        let answer = self
            .send(Method::Delete, file, &[], b"")
            .map_err(|failure| failure.at(Doing::Remove, Place::File(file)))?;
        answer.finish();
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        // The server answers a write when it has it.
        Ok(())
    }

    fn sweep(&self, _age: Duration) -> Result<usize, Error> {
        // What an interrupted write left is the server's, which shows only whole files.
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

//! Writing: a temporary name, the content, the size, the final name.

use std::time::{Duration, SystemTime};

use super::super::error::{Doing, Error, ErrorKind, Place};
use super::super::id::Id;
use super::super::limit::Direction;
use super::super::{FileKind, FileName, Storage, names};
use super::directory::{be_inside, explained};
use super::entry;
use super::failure::Failure;
use super::listing::Temporary;
use super::session::Session;
use super::{Ftp, layout, read};

/// Writes the file unless the same file exists.
pub(super) fn write(ftp: &Ftp, file: FileName, content: &[u8]) -> Result<(), Error> {
    // Most servers replace the file when a name is given anew. A name is the hash of the content, so that does no harm
    // where the two belong together.
    let is_checked = file.kind == FileKind::Config || Id::of(content) != file.id;
    if is_checked {
        match compare(ftp, file, content) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let named = ftp.run(file.kind, |session| {
        send(ftp, session, file, content, is_checked)
    });
    match named {
        Ok(Named::Yes) => Ok(()),
        // The name exists, or cannot be given.
        Ok(Named::No(failure)) => match compare(ftp, file, content) {
            Err(error) if error.kind == ErrorKind::NotFound => {
                Err(failure.at(Doing::Write, Place::File(file)))
            }
            result => result,
        },
        Err(failure) => Err(failure.at(Doing::Write, Place::File(file))),
    }
}

/// Whether the file exists with this content.
fn compare(ftp: &Ftp, file: FileName, content: &[u8]) -> Result<(), Error> {
    let exists = || Error::new(ErrorKind::Exists, Doing::Write, file);
    match ftp.read(file, content.len() as u64) {
        Ok(found) if found == content => Ok(()),
        Ok(_) => Err(exists()),
        Err(error) if error.kind == ErrorKind::TooLarge => Err(exists()),
        Err(error) => Err(Error {
            doing: Doing::Write,
            ..error
        }),
    }
}

/// Whether a file got its final name. If not, it is gone.
enum Named {
    Yes,
    No(Failure),
}

fn send(
    ftp: &Ftp,
    session: &mut Session,
    file: FileName,
    content: &[u8],
    is_checked: bool,
) -> Result<Named, Failure> {
    match be_inside(session) {
        Err(failure) if failure.kind == ErrorKind::NotFound => layout::make_base(session)?,
        result => result?,
    }
    let path = file.to_string();
    let temporary =
        names::temporary(&path).map_err(|error| Failure::new(ErrorKind::Io, error.to_string()))?;
    let command = format!("STOR {temporary}");
    let pass = |bytes| ftp.pass(Direction::Up, file.kind, bytes);
    let sent = match session.send(&command, content, &pass) {
        // A directory of packs may be made when its first pack comes.
        Err(failure) if failure.is_about_path() && layout::make_above(session, &path)? => {
            session.send(&command, content, &pass)
        }
        sent => sent,
    };
    if let Err(failure) = sent {
        return Err(match session.is_broken() {
            true => failure,
            // What was begun may be what fills the disk.
            false => remove(session, &temporary, failure),
        });
    }
    match read::size(session, &temporary) {
        Ok(size) if size == content.len() as u64 => {}
        Ok(_) => {
            // Without TLS, the server takes the end of a broken connection for the end of the file.
            let failure = Failure::lost(
                "the file on the server has another size than what was sent: the connection was cut",
            );
            return Err(remove(session, &temporary, failure));
        }
        Err(failure) => return Err(remove(session, &temporary, failure)),
    }
    if is_checked {
        // Once more: somebody else may have been quicker.
        match read::size(session, &path) {
            Err(failure) if failure.kind == ErrorKind::NotFound => {}
            Err(failure) => return Err(remove(session, &temporary, failure)),
            Ok(_) => {
                let failure = Failure::new(ErrorKind::Exists, "there is a file of this name");
                return Ok(Named::No(remove(session, &temporary, failure)));
            }
        }
    }
    let named = session
        .ask(&format!("RNFR {temporary}"), &[350])
        .and_then(|_| session.ask(&format!("RNTO {path}"), &[250, 200]));
    match named {
        Ok(_) => Ok(Named::Yes),
        Err(failure) if session.is_broken() => Err(failure),
        Err(failure) => Ok(Named::No(remove(session, &temporary, failure))),
    }
}

/// Removes a file that has not become what it should. What cannot be removed now is swept later.
fn remove(session: &mut Session, temporary: &str, failure: Failure) -> Failure {
    if !session.is_broken() {
        let _ = session.ask(&format!("DELE {temporary}"), &[250, 200]);
    }
    failure
}

/// Removes a file of the repository.
pub(super) fn delete(session: &mut Session, path: &str) -> Result<(), Failure> {
    be_inside(session)?;
    match session.ask(&format!("DELE {path}"), &[250, 200]) {
        Ok(_) => Ok(()),
        Err(failure) => Err(explained(session, path, failure)?),
    }
}

/// Removes those of the temporary files that are older than `age`. Returns how many those were.
pub(super) fn sweep(
    session: &mut Session,
    temporaries: Vec<Temporary>,
    age: Duration,
) -> Result<usize, Failure> {
    let Some(before) = SystemTime::now().checked_sub(age) else {
        return Ok(0);
    };
    let mut removed = 0;
    for temporary in temporaries {
        be_inside(session)?;
        let modified = match temporary.modified {
            Some(modified) => Some(modified),
            None => modified(session, &temporary.path)?,
        };
        // One of an unknown age may be one that is written now.
        if modified.is_none_or(|it| it > before) {
            continue;
        }
        match delete(session, &temporary.path) {
            Ok(()) => removed += 1,
            // Another process was quicker, its write has ended, or it is not a file.
            Err(failure) if matches!(failure.kind, ErrorKind::NotFound | ErrorKind::NotAFile) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(removed)
}

/// When a file was written; `None` if the server does not tell it.
fn modified(session: &mut Session, path: &str) -> Result<Option<SystemTime>, Failure> {
    match session.ask(&format!("MDTM {path}"), &[213]) {
        Ok(reply) => {
            let text = String::from_utf8_lossy(&reply.text);
            Ok(entry::time(text.trim()))
        }
        Err(_) if !session.is_broken() => Ok(None),
        Err(failure) => Err(failure),
    }
}

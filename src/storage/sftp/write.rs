//! Writing: a temporary name, the content, the disk, the size, the final name.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use super::super::error::{Doing, Error, ErrorKind, Place};
use super::super::id::Id;
use super::super::limit::Direction;
use super::super::names;
use super::super::{FileKind, FileName, Storage, Stray, StrayKind};
use super::failure::Failure;
use super::layout::{self, explained};
use super::packet::{Attributes, FileType, Reply, Request};
use super::session::{Session, attributes, done, handle, unexpected};
use super::{Sftp, exists};

/// Writes the file unless the same file exists.
pub(super) fn write(sftp: &Sftp, file: FileName, content: &[u8]) -> Result<(), Error> {
    // Some servers replace the file when a name is given anew. A name is the hash of the content, so that does no harm
    // where the two belong together.
    if file.kind == FileKind::Config || Id::of(content) != file.id {
        match compare(sftp, file, content) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let named = sftp.run(file.kind, async |session| {
        send(sftp, session, file, content).await
    });
    match named {
        Ok(Named::Yes) => Ok(()),
        // The name exists, or cannot be given.
        Ok(Named::No(failure)) => match compare(sftp, file, content) {
            Err(error) if error.kind == ErrorKind::NotFound => {
                Err(failure.at(Doing::Write, Place::File(file)))
            }
            result => result,
        },
        Err(failure) => Err(failure.at(Doing::Write, Place::File(file))),
    }
}

/// Whether the file exists with this content.
fn compare(sftp: &Sftp, file: FileName, content: &[u8]) -> Result<(), Error> {
    match sftp.read(file, content.len() as u64) {
        Ok(found) if found == content => Ok(()),
        Ok(_) => Err(exists(file)),
        Err(error) if error.kind == ErrorKind::TooLarge => Err(exists(file)),
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

async fn send(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
    content: &[u8],
) -> Result<Named, Failure> {
    let path = sftp.file_path(file);
    let temporary =
        names::temporary(&path).map_err(|error| Failure::new(ErrorKind::Io, error.to_string()))?;
    let handle = match open_new(sftp, session, file, &temporary).await? {
        Err(failure) if failure.kind == ErrorKind::NotFound => {
            // A directory of packs may be made when its first pack comes.
            make_directories(sftp, session, file).await?;
            session.open(Request::OpenNew { path: &temporary }).await?
        }
        Err(failure) => return Err(explained(session, &temporary, failure).await?),
        Ok(handle) => handle,
    };
    if file.kind == FileKind::Lock && content.len() <= session.write_piece() {
        return send_lock(session, &handle, [&temporary, &path], content).await;
    }
    let named = match fill(sftp, session, file, &handle, content).await {
        Ok(()) => {
            let rename = Request::Rename {
                old: &temporary,
                new: &path,
            };
            session.order(rename).await
        }
        Err(failure) => {
            // Before the file goes: it may be what fills the disk.
            let failure = match session.is_usable() {
                true => explained(session, &temporary, failure).await?,
                false => failure,
            };
            return Err(remove(session, &temporary, failure).await?);
        }
    };
    match named {
        Ok(()) => Ok(Named::Yes),
        Err(failure) => Ok(Named::No(remove(session, &temporary, failure).await?)),
    }
}

/// Opens a new file. Where the name of such a file is made durable right after it was written, its directory is opened at
/// the same time.
async fn open_new(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
    temporary: &str,
) -> Result<Result<Vec<u8>, Failure>, Failure> {
    let directory = sftp.path(file.kind.directory().unwrap_or_default());
    let is_synced = matches!(file.kind, FileKind::Snapshot | FileKind::Index)
        && session.can_sync
        && !session.keeps(&directory);
    let beside = is_synced.then_some(Request::OpenRead { path: &directory });
    let requests = [Request::OpenNew { path: temporary }];
    let mut answers = Vec::new();
    session
        .exchange(requests.into_iter().chain(beside), |position, reply| {
            answers.push((position, reply));
            Ok(())
        })
        .await?;
    let mut opened = Err(unexpected());
    for (position, reply) in answers {
        match (position, reply) {
            (0, reply) => opened = handle(reply),
            (_, Reply::Handle(handle)) => session.keep(directory.clone(), handle),
            // A server that opens no directories as files syncs none.
            _ => {}
        }
    }
    Ok(opened)
}

/// Writes a lock to its open temporary file and names it with one question, because everybody waits for it. One that is not
/// whole is in nobody's way for longer than it takes to remove it here.
async fn send_lock(
    session: &mut Session,
    handle: &[u8],
    [temporary, path]: [&str; 2],
    content: &[u8],
) -> Result<Named, Failure> {
    let rename = Request::Rename {
        old: temporary,
        new: path,
    };
    let then = [
        Request::HandleStat { handle },
        Request::Close { handle },
        rename.clone(),
    ];
    let sync = session.can_sync.then_some(Request::Sync { handle });
    let write = Request::Write {
        handle,
        offset: 0,
        content,
    };
    let first = std::iter::once(write).chain(sync);
    let before = first.clone().count();
    let mut written = Ok(());
    let mut size = Err(unexpected());
    let mut named = Err(unexpected());
    session
        .exchange(first.chain(then), |position, reply| {
            match position.checked_sub(before) {
                Some(0) => size = attributes(reply),
                Some(2) => named = done(reply),
                _ => written = std::mem::replace(&mut written, Ok(())).and(done(reply)),
            }
            Ok(())
        })
        .await?;
    let written = written.and(size).and_then(|about| whole(about, content));
    match (written, named) {
        (Ok(()), Ok(())) => Ok(Named::Yes),
        // Not every server gives a file a name while it is open.
        (Ok(()), Err(_)) => match session.order(rename).await {
            Ok(()) => Ok(Named::Yes),
            Err(failure) => Ok(Named::No(remove(session, temporary, failure).await?)),
        },
        (Err(failure), named) => {
            let failure = explained(session, temporary, failure).await?;
            let left = if named.is_ok() { path } else { temporary };
            Err(remove(session, left, failure).await?)
        }
    }
}

/// Whether the server has all of the content.
fn whole(about: Attributes, content: &[u8]) -> Result<(), Failure> {
    match about.size {
        Some(size) if size == content.len() as u64 => Ok(()),
        Some(_) => Err(Failure::new(
            ErrorKind::Io,
            "the file on the server has another size than what was written",
        )),
        None => Err(Failure::answer(
            "the server does not tell the size of the file",
        )),
    }
}

/// Removes a file that has not become what it should. What cannot be removed now is swept later.
async fn remove(
    session: &mut Session,
    temporary: &str,
    failure: Failure,
) -> Result<Failure, Failure> {
    if !session.is_usable() {
        return Err(failure);
    }
    match session.order(Request::Remove { path: temporary }).await {
        Err(_) if !session.is_usable() => Err(failure),
        _ => Ok(failure),
    }
}

async fn make_directories(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
) -> Result<(), Failure> {
    let inside = file.to_string();
    let paths: Vec<String> = inside
        .match_indices('/')
        .map(|(at, _)| sftp.path(&inside[..at]))
        .collect();
    layout::make_with_parents(session, paths.last().unwrap_or(&sftp.path(""))).await
}

/// Writes the content to the open file, makes sure that the server has it, and closes the file. All of it is sent
/// together: a server does what concerns one file in the order in which it is asked.
async fn fill(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
    handle: &[u8],
    content: &[u8],
) -> Result<(), Failure> {
    let failed: RefCell<Option<Failure>> = RefCell::default();
    let note = |result: Result<(), Failure>| {
        if let Err(failure) = result {
            failed.borrow_mut().get_or_insert(failure);
        }
    };
    let piece = session.write_piece();
    let pieces = (0..).step_by(piece).zip(content.chunks(piece));
    let writes = pieces
        .take_while(|_| failed.borrow().is_none())
        .map(|(offset, content)| {
            if let Some(pace) = &sftp.options.pace {
                pace.pass(Direction::Up, file.kind, content.len());
            }
            Request::Write {
                handle,
                offset,
                content,
            }
        });
    let sync = session.can_sync.then_some(Request::Sync { handle });
    let ends = [
        sync,
        Some(Request::HandleStat { handle }),
        Some(Request::Close { handle }),
    ];
    let mut about = None;
    session
        .exchange(writes.chain(ends.into_iter().flatten()), |_, reply| {
            match reply {
                Reply::Attributes(found) => about = Some(found),
                reply => note(done(reply)),
            }
            Ok(())
        })
        .await?;
    if let Some(failure) = failed.into_inner() {
        return Err(failure);
    }
    whole(about.ok_or_else(unexpected)?, content)
}

/// Makes the names in all directories durable that have changed. Not every server can do it.
pub(super) fn sync(sftp: &Sftp) -> Result<(), Failure> {
    let changed = std::mem::take(
        &mut *sftp
            .unsynced
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
    );
    if changed.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = changed.iter().cloned().collect();
    let synced = sftp.run(FileKind::Config, async |session| {
        if session.can_sync {
            sync_directories(session, &paths).await?;
        }
        Ok(())
    });
    if synced.is_err() {
        sftp.unsynced
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .extend(changed);
    }
    synced
}

/// A server that opens directories as files can sync them. Others have no way to do it.
async fn sync_directories(session: &mut Session, paths: &[String]) -> Result<(), Failure> {
    for some in paths.chunks(64) {
        let mut handles = Vec::new();
        let mut closed = Vec::new();
        for path in some {
            match session.kept(path) {
                Some(handle) => handles.push(handle),
                None => closed.push(path),
            }
        }
        if !closed.is_empty() {
            let requests = closed.iter().map(|path| Request::OpenRead { path });
            session
                .exchange(requests, |_, reply| {
                    if let Reply::Handle(handle) = reply {
                        handles.push(handle);
                    }
                    Ok(())
                })
                .await?;
        }
        let requests = handles
            .iter()
            .flat_map(|handle| [Request::Sync { handle }, Request::Close { handle }]);
        session.exchange(requests, |_, _| Ok(())).await?;
    }
    Ok(())
}

/// Removes the temporary files among the strays that are older than `age`. Returns how many those were.
pub(super) async fn sweep(
    sftp: &Sftp,
    session: &mut Session,
    strays: &[Stray],
    age: Duration,
) -> Result<usize, Failure> {
    let Some(before) = SystemTime::now().checked_sub(age) else {
        return Ok(0);
    };
    let mut removed = 0;
    let temporary = |stray: &&Stray| stray.kind == StrayKind::Temporary;
    for stray in strays.iter().filter(temporary) {
        let path = sftp.path(&stray.path);
        let about = match session.about(Request::LinkStat { path: &path }).await {
            Ok(about) => about,
            // Another process was quicker, or its write has ended.
            Err(failure) if failure.kind == ErrorKind::NotFound => continue,
            Err(failure) => return Err(failure),
        };
        let modified = about
            .modified
            .map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into()));
        if about.file_type() == FileType::Directory || modified.is_none_or(|it| it > before) {
            continue;
        }
        match session.order(Request::Remove { path: &path }).await {
            Ok(()) => removed += 1,
            Err(failure) if failure.kind == ErrorKind::NotFound => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(removed)
}

//! Reading: the file is opened and asked for its size at the same time, and read in pieces that are asked for together.

use super::super::FileName;
use super::super::error::ErrorKind;
use super::super::limit::Direction;
use super::Sftp;
use super::failure::{Failure, status};
use super::packet::{Attributes, FileType, Reply, Request};
use super::session::{Session, attributes, handle, refusal, unexpected};

/// The most memory that is taken before anything has come, in bytes.
const AHEAD: u64 = 64 * 1024 * 1024;

/// The size of a regular file.
pub(super) async fn size(session: &mut Session, path: &str) -> Result<u64, Failure> {
    regular(session.about(Request::Stat { path }).await?)
}

fn regular(about: Attributes) -> Result<u64, Failure> {
    match about.file_type() {
        FileType::Regular | FileType::Unknown => about
            .size
            .ok_or_else(|| Failure::answer("the server does not tell the size of the file")),
        _ => Err(Failure::new(
            ErrorKind::NotAFile,
            "it is not a regular file",
        )),
    }
}

fn too_short() -> Failure {
    Failure::new(ErrorKind::TooShort, "the file is too short")
}

/// A file that is open for reading.
pub(super) struct Open {
    pub handle: Vec<u8>,
    pub size: u64,
}

async fn open(session: &mut Session, path: &str) -> Result<Open, Failure> {
    open_beside(session, path, [], |_, _| {}).await
}

/// Opens a file, and asks other things at the same time, whose answers `take` gets with their positions.
pub(super) async fn open_beside<'a>(
    session: &mut Session,
    path: &'a str,
    others: impl IntoIterator<Item = Request<'a>>,
    mut take: impl FnMut(usize, Reply),
) -> Result<Open, Failure> {
    let mut about = None;
    let mut opened = None;
    let requests = [Request::Stat { path }, Request::OpenRead { path }];
    session
        .exchange(requests.into_iter().chain(others), |position, reply| {
            match position {
                0 => {
                    let size = attributes(reply).and_then(regular);
                    // To open a pipe may take for ever.
                    if let Err(failure) = &size
                        && failure.kind == ErrorKind::NotAFile
                    {
                        return size.map(drop);
                    }
                    about = Some(size);
                }
                1 => opened = Some(handle(reply)),
                other => take(other - 2, reply),
            }
            Ok(())
        })
        .await?;
    let (Some(about), Some(opened)) = (about, opened) else {
        return Err(unexpected());
    };
    match (about, opened) {
        (Ok(size), Ok(handle)) => Ok(Open { handle, size }),
        (Err(failure), Ok(handle)) => {
            session.forget(&handle).await?;
            Err(failure)
        }
        (_, Err(failure)) => Err(failure),
    }
}

/// Fills the buffer with the bytes of a file from `offset` on.
pub(super) async fn range(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let path = sftp.file_path(file);
    let end = offset.checked_add(buffer.len() as u64);
    if buffer.is_empty() {
        return match size(session, &path).await? >= offset {
            true => Ok(()),
            false => Err(too_short()),
        };
    }
    let open = open(session, &path).await?;
    let read = match end {
        Some(end) if end <= open.size => {
            fill(sftp, session, file, &open.handle, offset, buffer).await
        }
        _ => Err(too_short()),
    };
    close(session, &open, read).await
}

/// The whole file, which has at most `limit` bytes.
pub(super) async fn whole(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
    limit: u64,
) -> Result<Vec<u8>, Failure> {
    let open = open(session, &sftp.file_path(file)).await?;
    let read = all(sftp, session, file, &open, limit).await;
    close(session, &open, read).await
}

pub(super) async fn all(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
    open: &Open,
    limit: u64,
) -> Result<Vec<u8>, Failure> {
    if open.size > limit {
        return Err(Failure::new(ErrorKind::TooLarge, "the file is too large"));
    }
    let mut content = Vec::new();
    // A server may say any size. Memory is taken only for what has come, and for a little more.
    while (content.len() as u64) < open.size {
        let start = content.len();
        let more = (open.size - start as u64).min(AHEAD);
        content.resize(start + usize::try_from(more).unwrap_or(0), 0);
        let buffer = &mut content[start..];
        fill(sftp, session, file, &open.handle, start as u64, buffer).await?;
    }
    Ok(content)
}

pub(super) async fn close<T>(
    session: &mut Session,
    open: &Open,
    read: Result<T, Failure>,
) -> Result<T, Failure> {
    if session.is_usable() {
        session.forget(&open.handle).await?;
    }
    read
}

/// Reads until the buffer is full. A server may answer with less than it was asked for.
async fn fill(
    sftp: &Sftp,
    session: &mut Session,
    file: FileName,
    handle: &[u8],
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let piece = session.read_piece();
    let mut wanted: Vec<(usize, usize)> = (0..buffer.len())
        .step_by(piece)
        .map(|start| (start, piece.min(buffer.len() - start)))
        .collect();
    while !wanted.is_empty() {
        let mut rest = Vec::new();
        let mut failed = None;
        let requests = wanted.iter().map(|(start, length)| {
            if let Some(pace) = &sftp.options.pace {
                pace.pass(Direction::Down, file.kind, *length);
            }
            Request::Read {
                handle,
                offset: offset.saturating_add(*start as u64),
                length: u32::try_from(*length).unwrap_or(0),
            }
        });
        session
            .exchange(requests, |position, reply| {
                let (start, length) = wanted[position];
                match reply {
                    Reply::Data(data) if data.is_empty() || data.len() > length => {
                        return Err(unexpected());
                    }
                    Reply::Data(data) => {
                        buffer[start..start + data.len()].copy_from_slice(&data);
                        if data.len() < length {
                            rest.push((start + data.len(), length - data.len()));
                        }
                    }
                    Reply::Status { code, .. } if code == status::EOF => failed = Some(too_short()),
                    reply => failed = Some(refusal(reply)),
                }
                Ok(())
            })
            .await?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        wanted = rest;
    }
    Ok(())
}

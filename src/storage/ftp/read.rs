//! Reading: the size, a range, a whole file. What comes counts only if the server confirms that it has sent it.

use super::super::FileName;
use super::super::error::ErrorKind;
use super::super::limit::Direction;
use super::directory::{be_inside, entries, explained};
use super::entry::EntryType;
use super::failure::Failure;
use super::session::{End, Session, Wants};
use super::{Ftp, split};

/// The most memory that is taken before anything has come, in bytes.
const AHEAD: u64 = 64 * 1024 * 1024;

fn too_short() -> Failure {
    Failure::new(ErrorKind::TooShort, "the file is too short")
}

/// The size of a file. `path` is inside the repository.
pub(super) fn size(session: &mut Session, path: &str) -> Result<u64, Failure> {
    be_inside(session)?;
    match session.ask(&format!("SIZE {path}"), &[213]) {
        Ok(reply) => match std::str::from_utf8(&reply.text)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        {
            // Some servers say it of directories.
            Some(0) => listed_size(session, path),
            Some(size) => Ok(size),
            None => Err(Failure::answer(
                "the server does not tell the size of the file",
            )),
        },
        Err(failure) if failure.is_unknown_command() || failure.is_about_path() => {
            listed_size(session, path)
        }
        Err(failure) => Err(failure),
    }
}

/// The size of a file, as the list of its directory has it.
fn listed_size(session: &mut Session, path: &str) -> Result<u64, Failure> {
    let (directory, name) = split(path);
    let found = entries(session, directory)?
        .into_iter()
        .find(|entry| entry.name == name.as_bytes())
        .ok_or_else(|| Failure::new(ErrorKind::NotFound, "there is no such file"))?;
    match (found.is, found.size) {
        (EntryType::File | EntryType::Unknown, Some(size)) => Ok(size),
        (EntryType::Link, _) => Err(Failure::new(
            ErrorKind::Denied,
            "the server does not tell the size of the file",
        )),
        _ => Err(Failure::new(
            ErrorKind::NotAFile,
            "it is not a regular file",
        )),
    }
}

/// Fills the buffer with the bytes of a file from `offset` on.
pub(super) fn range(
    ftp: &Ftp,
    session: &mut Session,
    file: FileName,
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let path = file.to_string();
    if buffer.is_empty() {
        return match size(session, &path)? >= offset {
            true => Ok(()),
            false => Err(too_short()),
        };
    }
    let end = offset.saturating_add(buffer.len() as u64);
    // Some servers begin at the beginning if they cannot count so far, and do not say it.
    if end > u64::from(u32::MAX) && size(session, &path)? < end {
        return Err(too_short());
    }
    be_inside(session)?;
    let mut filled = 0;
    let received = session.receive(&format!("RETR {path}"), offset, &mut |piece| {
        let length = piece.len().min(buffer.len() - filled);
        buffer[filled..filled + length].copy_from_slice(&piece[..length]);
        filled += length;
        ftp.pass(Direction::Down, file.kind, piece.len());
        Ok(match filled < buffer.len() {
            true => Wants::More,
            false => Wants::Nothing,
        })
    });
    match received {
        Ok(_) if filled == buffer.len() => Ok(()),
        // The size tells a file that ends here from one that was cut.
        Ok(_) => match size(session, &path)? < end {
            true => Err(too_short()),
            false => Err(cut()),
        },
        // The position is behind the end.
        Err(failure)
            if failure.code.is_some_and(|code| code >= 500)
                && !session.is_broken()
                && size(session, &path)? < end =>
        {
            Err(too_short())
        }
        Err(failure) => Err(explained(session, &path, failure)?),
    }
}

fn cut() -> Failure {
    Failure::lost("the server has sent less than the file has")
}

/// The whole file, which has at most `limit` bytes.
pub(super) fn whole(
    ftp: &Ftp,
    session: &mut Session,
    file: FileName,
    limit: u64,
) -> Result<Vec<u8>, Failure> {
    let path = file.to_string();
    let size = size(session, &path)?;
    let too_large = || Failure::new(ErrorKind::TooLarge, "the file is too large");
    if size > limit {
        return Err(too_large());
    }
    // A server may say any size. Memory is taken only for what has come, and for a little more.
    let mut content = Vec::with_capacity(usize::try_from(size.min(AHEAD)).unwrap_or(0));
    let received = session.receive(&format!("RETR {path}"), 0, &mut |piece| {
        ftp.pass(Direction::Down, file.kind, piece.len());
        content.extend_from_slice(piece);
        match content.len() as u64 > size {
            true => Err(Failure::lost("the server has sent more than the file has")),
            false => Ok(Wants::More),
        }
    });
    match received {
        // The size proves the end, too.
        Ok(End::Whole | End::Unproven | End::Early) if content.len() as u64 == size => Ok(content),
        Ok(_) => Err(cut()),
        Err(failure) => Err(explained(session, &path, failure)?),
    }
}

//! What lies in the directory of one kind of files. A directory that cannot be listed is an error, never an empty one.
//!
//! A server tells a hundred names or so at a time. So several directories are read together, and several answers are
//! asked for together.

use std::time::{Duration, UNIX_EPOCH};

use super::super::error::ErrorKind;
use super::super::id::Id;
use super::super::names;
use super::super::{FileKind, Listed, Listing, Stray, StrayKind};
use super::Sftp;
use super::failure::{Failure, shown, status};
use super::layout;
use super::packet::{Attributes, Entry, FileType, Reply, Request};
use super::session::{Session, attributes, refusal};

/// How many directories are open at the same time on a server that does not tell its limit.
const TOGETHER: usize = 64;

/// How many are open on one that allows more. There are so many directories of packs.
const MOST_TOGETHER: u64 = 256;

/// The most answers that are asked for at once.
const ANSWERS: usize = 128;

/// The most entries that a listing may have. 2^27 packs of 16 MiB are two exbibytes.
const MOST: usize = 1 << 27;

/// An entry and the directory that it is in, as a path inside the repository.
struct Found {
    directory: String,
    entry: Entry,
}

impl Found {
    /// The path inside the repository, if it is text. A name that is not cannot be asked about.
    fn inside(&self) -> Option<String> {
        let name = std::str::from_utf8(&self.entry.name).ok()?;
        Some(match self.directory.as_str() {
            "" => name.to_owned(),
            directory => format!("{directory}/{name}"),
        })
    }

    fn stray(&self, kind: StrayKind) -> Stray {
        let name = shown(&self.entry.name);
        let path = match self.directory.as_str() {
            "" => name,
            directory => format!("{directory}/{name}"),
        };
        Stray { path, kind }
    }
}

pub(super) async fn list(
    sftp: &Sftp,
    session: &mut Session,
    kind: FileKind,
) -> Result<Listing, Failure> {
    let mut listing = Listing::default();
    let Some(directory) = kind.directory() else {
        return list_config(sftp, session, listing).await;
    };
    let entries = entries(sftp, session, &[directory.to_owned()]).await?;
    if kind != FileKind::Pack {
        let mut named = Vec::new();
        for found in entries {
            match Id::parse_bytes(&found.entry.name) {
                Ok(id) => named.push((id, found)),
                Err(_) => listing.strays.push(no_id(&found)),
            }
        }
        examine(sftp, session, named, &mut listing).await?;
        return Ok(listing);
    }
    let directories = pack_directories(sftp, session, entries, &mut listing).await?;
    // Other connections may have files open, too.
    let together = session.most_handles.map_or(TOGETHER, |most| {
        usize::try_from(most.saturating_sub(32).clamp(1, MOST_TOGETHER)).unwrap_or(TOGETHER)
    });
    for some in directories.chunks(together) {
        let mut named = Vec::new();
        for found in self::entries(sftp, session, some).await? {
            let first = found.directory.get(found.directory.len() - 2..);
            let first = first.and_then(|first| names::first_byte(first.as_bytes()));
            match Id::parse_bytes(&found.entry.name) {
                Ok(id) if Some(id.0[0]) == first => named.push((id, found)),
                Ok(_) => listing.strays.push(found.stray(StrayKind::Misplaced)),
                Err(_) => listing.strays.push(no_id(&found)),
            }
        }
        examine(sftp, session, named, &mut listing).await?;
    }
    Ok(listing)
}

fn no_id(found: &Found) -> Stray {
    found.stray(match names::is_temporary(&found.entry.name) {
        true => StrayKind::Temporary,
        false => StrayKind::NotAnId,
    })
}

/// The config file, and what interrupted writes of it left beside it.
async fn list_config(
    sftp: &Sftp,
    session: &mut Session,
    mut listing: Listing,
) -> Result<Listing, Failure> {
    let mut named = Vec::new();
    for found in entries(sftp, session, &[String::new()]).await? {
        if found.entry.name == b"config" {
            named.push((Id::default(), found));
        } else if names::is_temporary(&found.entry.name) {
            listing.strays.push(found.stray(StrayKind::Temporary));
        }
    }
    examine(sftp, session, named, &mut listing).await?;
    Ok(listing)
}

/// The directories that hold packs, among what lies in `data`.
async fn pack_directories(
    sftp: &Sftp,
    session: &mut Session,
    entries: Vec<Found>,
    listing: &mut Listing,
) -> Result<Vec<String>, Failure> {
    let mut directories = Vec::new();
    let mut unclear = Vec::new();
    for found in entries {
        let name = &found.entry.name;
        if names::first_byte(name).is_none() {
            let kind = match Id::parse_bytes(name) {
                // A pack beside the directories, as an old layout had it, is not read.
                Ok(_) => StrayKind::Misplaced,
                Err(_) if names::is_temporary(name) => StrayKind::Temporary,
                Err(_) => StrayKind::NotAnId,
            };
            listing.strays.push(found.stray(kind));
            continue;
        }
        let Some(inside) = found.inside() else {
            continue;
        };
        match found.entry.about.file_type() {
            FileType::Directory => directories.push(inside),
            FileType::Link | FileType::Unknown => unclear.push((inside, found)),
            FileType::Regular | FileType::Other => {
                listing.strays.push(found.stray(StrayKind::NotAFile));
            }
        }
    }
    for (inside, found) in unclear {
        if found.entry.about.file_type() == FileType::Link {
            listing.strays.push(found.stray(StrayKind::Link));
        }
        let path = sftp.path(&inside);
        match session
            .about(Request::Stat { path: &path })
            .await?
            .file_type()
        {
            FileType::Directory | FileType::Unknown => directories.push(inside),
            _ => listing.strays.push(found.stray(StrayKind::NotAFile)),
        }
    }
    Ok(directories)
}

/// Files, links and other things that have the name of a file.
async fn examine(
    sftp: &Sftp,
    session: &mut Session,
    named: Vec<(Id, Found)>,
    listing: &mut Listing,
) -> Result<(), Failure> {
    let mut unclear = Vec::new();
    for (id, found) in named {
        let about = found.entry.about;
        match (about.file_type(), about.size) {
            (FileType::Regular, Some(size)) => listing.files.push(listed(id, size, about)),
            (FileType::Link, _) => {
                listing.strays.push(found.stray(StrayKind::Link));
                unclear.push((id, found));
            }
            (FileType::Regular | FileType::Unknown, _) => unclear.push((id, found)),
            (FileType::Directory | FileType::Other, size) => {
                listing.strays.push(found.stray(StrayKind::NotAFile));
                listing.files.push(listed(id, size.unwrap_or(0), about));
            }
        }
    }
    if unclear.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = unclear
        .iter()
        .map(|(_, found)| sftp.path(&found.inside().unwrap_or_default()))
        .collect();
    let mut answers: Vec<Option<Reply>> = vec![None; paths.len()];
    let requests = paths.iter().map(|path| Request::Stat { path });
    session
        .exchange(requests, |position, reply| {
            answers[position] = Some(reply);
            Ok(())
        })
        .await?;
    for ((id, found), answer) in unclear.into_iter().zip(answers) {
        let Some(answer) = answer else { continue };
        let is_link = found.entry.about.file_type() == FileType::Link;
        let about = match attributes(answer) {
            Ok(about) => about,
            // It is not absent: who reads it learns that it cannot be read.
            Err(failure) if is_link && failure.is_of_server() => Attributes::default(),
            // Removed since the directory was read, as locks are.
            Err(failure) if failure.kind == ErrorKind::NotFound => continue,
            Err(failure) => return Err(failure),
        };
        if matches!(about.file_type(), FileType::Directory | FileType::Other) {
            listing.strays.push(found.stray(StrayKind::NotAFile));
        }
        listing
            .files
            .push(listed(id, about.size.unwrap_or(0), about));
    }
    Ok(())
}

fn listed(id: Id, size: u64, about: Attributes) -> Listed {
    let modified = about
        .modified
        .and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds.into())));
    Listed { id, size, modified }
}

/// All entries of some directories, or an error. Only a directory that does not exist has none.
async fn entries(
    sftp: &Sftp,
    session: &mut Session,
    directories: &[String],
) -> Result<Vec<Found>, Failure> {
    let paths: Vec<String> = directories.iter().map(|inside| sftp.path(inside)).collect();
    let mut answers: Vec<Option<Reply>> = vec![None; paths.len()];
    let requests = paths.iter().map(|path| Request::OpenDirectory { path });
    session
        .exchange(requests, |position, reply| {
            answers[position] = Some(reply);
            Ok(())
        })
        .await?;
    let mut open: Vec<(&String, Vec<u8>)> = Vec::new();
    let mut failed = None;
    for ((inside, path), answer) in directories.iter().zip(&paths).zip(answers) {
        match answer {
            Some(Reply::Handle(handle)) => open.push((inside, handle)),
            Some(reply) => {
                let failure = refusal(reply);
                let is_absent = failure.kind == ErrorKind::NotFound
                    // A link to nowhere is not a directory that does not exist.
                    && !layout::is_there(session.ask(Request::LinkStat { path }).await?)?;
                if !is_absent {
                    failed = Some(failure);
                }
            }
            None => {}
        }
    }
    let mut found = Vec::new();
    let read = match failed {
        Some(failure) => Err(failure),
        None => read_all(session, &open, &mut found).await,
    };
    if session.is_usable() && open.len() == 1 {
        session.forget(&open[0].1).await?;
    } else if session.is_usable() {
        let requests = open.iter().map(|(_, handle)| Request::Close { handle });
        session.exchange(requests, |_, _| Ok(())).await?;
    }
    read.map(|()| found)
}

/// Reads open directories to their ends.
async fn read_all(
    session: &mut Session,
    open: &[(&String, Vec<u8>)],
    found: &mut Vec<Found>,
) -> Result<(), Failure> {
    let mut unread: Vec<usize> = (0..open.len()).collect();
    // The second answer of a small directory says that it has ended.
    let mut each = 2;
    while !unread.is_empty() {
        let mut is_at_end = vec![false; unread.len()];
        let mut failed = None;
        let requests = unread.iter().flat_map(|position| {
            let handle = &open[*position].1;
            std::iter::repeat_n(Request::ReadDirectory { handle }, each)
        });
        session
            .exchange(requests, |position, reply| {
                let nth = position / each;
                match reply {
                    Reply::Names(names) if names.is_empty() => {
                        failed = Some(Failure::answer("the server lists nothing without end"));
                    }
                    Reply::Names(names) => {
                        let names = names
                            .into_iter()
                            .filter(|entry| entry.name != b"." && entry.name != b"..");
                        found.extend(names.map(|entry| Found {
                            directory: open[unread[nth]].0.clone(),
                            entry,
                        }));
                    }
                    Reply::Status { code, .. } if code == status::EOF => is_at_end[nth] = true,
                    reply => failed = Some(refusal(reply)),
                }
                match found.len() > MOST {
                    true => Err(Failure::answer("the listing of the server is too long")),
                    false => Ok(()),
                }
            })
            .await?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        let mut at_end = is_at_end.into_iter();
        unread.retain(|_| !at_end.next().unwrap_or(true));
        // What is large is read in larger steps.
        each = (each * 2).min(16).min(ANSWERS / unread.len().max(1)).max(1);
    }
    Ok(())
}

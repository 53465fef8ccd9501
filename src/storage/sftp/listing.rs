//! What lies in the directories of some kinds of files. A directory that cannot be listed is an error, never an empty one.

use std::time::{Duration, UNIX_EPOCH};

use super::super::error::ErrorKind;
use super::super::id::Id;
use super::super::most;
use super::super::names;
use super::super::{FileKind, Listed, Listing, Stray, StrayKind};
use super::Sftp;
use super::directories::{self, Contents};
use super::failure::{Failure, shown};
use super::layout;
use super::packet::{Attributes, Entry, FileType, Reply, Request};
use super::session::{Session, attributes};

/// How many directories are open at the same time on a server that does not tell its limit.
const TOGETHER: usize = 64;

/// How many are open on one that allows more. There are so many directories of packs.
const MOST_TOGETHER: usize = 256;

/// So many handles of what a server allows are left for other things.
const SPARE: usize = 32;

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

/// The lists of these kinds, or why one cannot be had.
pub(super) async fn lists(
    sftp: &Sftp,
    session: &mut Session,
    kinds: &[FileKind],
) -> Result<Vec<Result<Listing, Failure>>, Failure> {
    let tops = kinds.iter().map(|kind| kind.directory().unwrap_or(""));
    let mut directories: Vec<String> = tops.map(str::to_owned).collect();
    // Nearly all of the directories of packs exist. So they are asked for together with the one that lists them.
    if kinds.contains(&FileKind::Pack)
        && together(session) == MOST_TOGETHER
        && kinds.len() <= SPARE / 2
    {
        directories.extend((0..=u8::MAX).map(of_packs));
    }
    let mut contents = contents(sftp, session, &directories, kinds.len()).await?;
    let mut below = contents.split_off(kinds.len());
    let mut listings = Vec::new();
    for ((kind, directory), contents) in kinds.iter().zip(directories).zip(contents) {
        let listed = async {
            let entries = present(sftp, session, &directory, contents).await?;
            let mut listing = Listing::default();
            match kind {
                FileKind::Config => config(sftp, session, entries, &mut listing).await?,
                FileKind::Pack => packs(sftp, session, entries, &mut below, &mut listing).await?,
                _ => files(sftp, session, entries, &mut listing).await?,
            }
            Ok(listing)
        };
        listings.push(listed.await);
    }
    Ok(listings)
}

/// The directory of the packs whose ids begin so.
fn of_packs(first: u8) -> String {
    format!("data/{first:02x}")
}

/// How many directories may be open at the same time. Other connections may have files open, too.
fn together(session: &Session) -> usize {
    session.most_handles().map_or(TOGETHER, |most| {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        most.saturating_sub(SPARE).clamp(1, MOST_TOGETHER)
    })
}

/// What these directories hold. The first `large` of them may well be large.
async fn contents(
    sftp: &Sftp,
    session: &mut Session,
    directories: &[String],
    large: usize,
) -> Result<Vec<Contents>, Failure> {
    let paths: Vec<String> = directories.iter().map(|inside| sftp.path(inside)).collect();
    directories::read(session, &paths, large).await
}

/// The entries of a directory. One that does not exist has none.
async fn present(
    sftp: &Sftp,
    session: &mut Session,
    directory: &str,
    contents: Contents,
) -> Result<Vec<Found>, Failure> {
    match contents {
        Ok(entries) => Ok(found(directory, entries)),
        Err(failure) => {
            let path = &sftp.path(directory);
            let is_absent = failure.kind == ErrorKind::NotFound
                // A link to nowhere is not a directory that does not exist.
                && !layout::is_there(session.ask(Request::LinkStat { path }).await?)?;
            match is_absent {
                true => Ok(Vec::new()),
                false => Err(failure),
            }
        }
    }
}

fn found(directory: &str, entries: Vec<Entry>) -> Vec<Found> {
    let found = entries.into_iter().map(|entry| Found {
        directory: directory.to_owned(),
        entry,
    });
    found.collect()
}

/// The files of a kind that has one directory.
async fn files(
    sftp: &Sftp,
    session: &mut Session,
    entries: Vec<Found>,
    listing: &mut Listing,
) -> Result<(), Failure> {
    let mut unclear = Vec::new();
    for found in entries {
        match Id::parse_bytes(&found.entry.name) {
            Ok(id) => sort(id, found, listing, &mut unclear),
            Err(_) => most::add_stray(listing, no_id(&found)),
        }
    }
    examine(sftp, session, unclear, listing).await
}

/// The list of the keys, from what their directory holds.
pub(super) async fn keys(
    sftp: &Sftp,
    session: &mut Session,
    contents: Contents,
) -> Result<Listing, Failure> {
    let directory = FileKind::Key.directory().unwrap_or_default();
    let entries = present(sftp, session, directory, contents).await?;
    let mut listing = Listing::default();
    files(sftp, session, entries, &mut listing).await?;
    Ok(listing)
}

/// The packs. Of some directories it may be known what they hold, in the order of their names.
async fn packs(
    sftp: &Sftp,
    session: &mut Session,
    entries: Vec<Found>,
    below: &mut [Contents],
    listing: &mut Listing,
) -> Result<(), Failure> {
    let mut directories = pack_directories(sftp, session, entries, listing).await?;
    let mut unclear = Vec::new();
    directories.retain(|directory| {
        let first = directory.as_bytes().get(5..).and_then(names::first_byte);
        let known = first.and_then(|first| below.get_mut(usize::from(first)));
        match (first, known) {
            (Some(first), Some(Ok(entries))) if *directory == of_packs(first) => {
                sort_packs(
                    found(directory, std::mem::take(entries)),
                    listing,
                    &mut unclear,
                );
                false
            }
            _ => true,
        }
    });
    for some in directories.chunks(together(session)) {
        let contents = contents(sftp, session, some, 0).await?;
        for (directory, contents) in some.iter().zip(contents) {
            let entries = present(sftp, session, directory, contents).await?;
            sort_packs(entries, listing, &mut unclear);
        }
    }
    examine(sftp, session, unclear, listing).await
}

fn sort_packs(entries: Vec<Found>, listing: &mut Listing, unclear: &mut Vec<(Id, Found)>) {
    for found in entries {
        let first = found.directory.get(found.directory.len() - 2..);
        let first = first.and_then(|first| names::first_byte(first.as_bytes()));
        match Id::parse_bytes(&found.entry.name) {
            Ok(id) if Some(id.0[0]) == first => sort(id, found, listing, unclear),
            Ok(_) => most::add_stray(listing, found.stray(StrayKind::Misplaced)),
            Err(_) => most::add_stray(listing, no_id(&found)),
        }
    }
}

fn no_id(found: &Found) -> Stray {
    found.stray(match names::is_temporary(&found.entry.name) {
        true => StrayKind::Temporary,
        false => StrayKind::NotAnId,
    })
}

/// The config file, and what interrupted writes of it left beside it.
async fn config(
    sftp: &Sftp,
    session: &mut Session,
    entries: Vec<Found>,
    listing: &mut Listing,
) -> Result<(), Failure> {
    let mut unclear = Vec::new();
    for found in entries {
        if found.entry.name == b"config" {
            sort(Id::default(), found, listing, &mut unclear);
        } else if names::is_temporary(&found.entry.name) {
            most::add_stray(listing, found.stray(StrayKind::Temporary));
        }
    }
    examine(sftp, session, unclear, listing).await
}

/// What interrupted writes of the config file left, among the entries of the directory of the repository.
pub(super) fn temporaries(entries: &[Entry]) -> Vec<Stray> {
    let left = entries
        .iter()
        .filter(|entry| names::is_temporary(&entry.name));
    let strays = found("", left.cloned().collect()).into_iter();
    strays
        .map(|found| found.stray(StrayKind::Temporary))
        .collect()
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
            most::add_stray(listing, found.stray(kind));
            continue;
        }
        let Some(inside) = found.inside() else {
            continue;
        };
        match found.entry.about.file_type() {
            // Two of one name would not be two directories.
            FileType::Directory if directories.contains(&inside) => {}
            FileType::Directory => directories.push(inside),
            FileType::Link | FileType::Unknown => unclear.push((inside, found)),
            FileType::Regular | FileType::Other => {
                most::add_stray(listing, found.stray(StrayKind::NotAFile));
            }
        }
    }
    for (inside, found) in unclear {
        // Two of one name would not be two directories.
        if directories.contains(&inside) {
            continue;
        }
        if found.entry.about.file_type() == FileType::Link {
            most::add_stray(listing, found.stray(StrayKind::Link));
        }
        let path = sftp.path(&inside);
        match session
            .about(Request::Stat { path: &path })
            .await?
            .file_type()
        {
            FileType::Directory | FileType::Unknown => directories.push(inside),
            _ => most::add_stray(listing, found.stray(StrayKind::NotAFile)),
        }
    }
    Ok(directories)
}

/// Lists what has the name of a file, or sets it aside if the server must be asked about it.
fn sort(id: Id, found: Found, listing: &mut Listing, unclear: &mut Vec<(Id, Found)>) {
    let about = found.entry.about;
    match (about.file_type(), about.size) {
        (FileType::Regular, Some(size)) => listing.files.push(listed(id, size, about)),
        (FileType::Link, _) => {
            most::add_stray(listing, found.stray(StrayKind::Link));
            unclear.push((id, found));
        }
        (FileType::Regular | FileType::Unknown, _) => unclear.push((id, found)),
        (FileType::Directory | FileType::Other, size) => {
            most::add_stray(listing, found.stray(StrayKind::NotAFile));
            listing.files.push(listed(id, size.unwrap_or(0), about));
        }
    }
}

/// Asks about links and other things that have the name of a file.
async fn examine(
    sftp: &Sftp,
    session: &mut Session,
    unclear: Vec<(Id, Found)>,
    listing: &mut Listing,
) -> Result<(), Failure> {
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
            most::add_stray(listing, found.stray(StrayKind::NotAFile));
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

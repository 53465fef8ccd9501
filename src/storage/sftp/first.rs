//! What is asked of a repository before it is opened: its config and what lies beside it, and the list of its keys. The
//! server gets all questions together, and once more what follows from the answers.

use super::super::limit::Direction;
use super::super::{FileKind, FileName, First, Stray};
use super::Sftp;
use super::directories::{Contents, Open};
use super::failure::Failure;
use super::listing;
use super::packet::{FileType, Reply, Request};
use super::read;
use super::session::{Session, handle};

/// The answers that are asked for at first, of each directory: one, and the one that says that it has ended.
const ANSWERS: usize = 2;

/// What was found.
pub(super) struct Found {
    pub first: First,
    /// What interrupted writes of the config left, if that is known.
    pub temporaries: Option<Vec<Stray>>,
}

pub(super) async fn first(
    sftp: &Sftp,
    session: &mut Session,
    limit: u64,
) -> Result<Found, Failure> {
    let path = sftp.file_path(FileName::CONFIG);
    let directories = ["", "keys"].map(|inside| sftp.path(inside));
    let others = directories
        .each_ref()
        .map(|path| Request::OpenDirectory { path });
    let mut contents: [Contents; 2] = [Ok(Vec::new()), Ok(Vec::new())];
    let mut open = Open::default();
    let mut handles = Vec::new();
    let config = read::open_beside(session, &path, others, |place, reply| match handle(reply) {
        Ok(handle) => handles.push((place, handle)),
        Err(failure) => contents[place] = Err(failure),
    })
    .await;
    for (place, handle) in handles {
        open.add(place, handle, ANSWERS);
    }
    let read = match &config {
        Ok(config) => content(sftp, session, config, limit, &mut open, &mut contents).await,
        Err(_) => Ok(Vec::new()),
    };
    if session.is_usable() {
        session.close_later(open.handles());
    }
    let config = config?;
    let config = read::close(session, &config, read).await?;
    let [top, keys] = contents;
    Ok(Found {
        first: First {
            config,
            // What failed is asked again when it is needed.
            keys: listing::keys(sftp, session, keys).await.ok(),
            has_snapshots: top.as_ref().ok().and_then(|top| {
                let snapshots = FileKind::Snapshot.directory()?.as_bytes();
                match top.iter().find(|entry| entry.name == snapshots) {
                    None => Some(false),
                    Some(entry) => (entry.about.file_type() == FileType::Directory).then_some(true),
                }
            }),
        },
        temporaries: top.ok().map(|top| listing::temporaries(&top)),
    })
}

/// The content of the config. Meanwhile, the directories are read.
async fn content(
    sftp: &Sftp,
    session: &mut Session,
    config: &read::Open,
    limit: u64,
    open: &mut Open,
    contents: &mut [Contents],
) -> Result<Vec<u8>, Failure> {
    let length = u32::try_from(config.size).unwrap_or(u32::MAX);
    let is_small = config.size > 0
        && config.size <= limit
        && usize::try_from(config.size).is_ok_and(|size| size <= session.read_piece());
    let question = is_small.then_some(Request::Read {
        handle: &config.handle,
        offset: 0,
        length,
    });
    let before = usize::from(is_small);
    let mut answers = Vec::new();
    session
        .exchange(question.into_iter().chain(open.questions()), |at, reply| {
            answers.push((at, reply));
            Ok(())
        })
        .await?;
    answers.sort_by_key(|(at, _)| *at);
    let mut answers = answers.into_iter().map(|(_, reply)| reply);
    let read = answers.by_ref().take(before).next();
    open.take(answers, contents)?;
    open.read(session, contents).await?;
    match read {
        Some(Reply::Data(data)) if data.len() as u64 == config.size => {
            if let Some(pace) = &sftp.options.pace {
                pace.pass(Direction::Down, FileKind::Config, data.len());
            }
            Ok(data)
        }
        // A server may answer with less than it was asked for.
        _ => read::all(sftp, session, FileName::CONFIG, config, limit).await,
    }
}

//! What directories hold: several are read together, and several answers are asked for together, because a server tells a
//! hundred names or so at a time.

use super::super::FileKind;
use super::super::most;
use super::failure::{Failure, status};
use super::packet::{Entry, Reply, Request};
use super::session::{Session, handle, refusal, unexpected};

/// The most answers that are asked for at once.
const ANSWERS: usize = 128;

/// The second answer of a small directory says that it has ended.
const SMALL: usize = 2;

/// The directory of all packs has 256 entries and two more, and then it ends.
const LARGE: usize = 4;

/// The most bytes of all names together: so many packs have those.
const MOST_BYTES: usize = 1 << 30;

/// The entries of a directory, or why they are not known. `NotFound` also says that its path is a link to nowhere.
pub(super) type Contents = Result<Vec<Entry>, Failure>;

/// Reads directories. The first `large` of them may well have more than a hundred entries.
pub(super) async fn read(
    session: &mut Session,
    paths: &[String],
    large: usize,
) -> Result<Vec<Contents>, Failure> {
    let mut opened: Vec<Contents> = Vec::new();
    let mut open = Open::default();
    let mut answers: Vec<Option<Reply>> = vec![None; paths.len()];
    let requests = paths.iter().map(|path| Request::OpenDirectory { path });
    session
        .exchange(requests, |position, reply| {
            answers[position] = Some(reply);
            Ok(())
        })
        .await?;
    for (place, answer) in answers.into_iter().enumerate() {
        let answer = answer.ok_or_else(unexpected).and_then(handle);
        opened.push(answer.map(|handle| {
            let each = if place < large { LARGE } else { SMALL };
            open.add(place, handle, each);
            Vec::new()
        }));
    }
    let mut contents = opened;
    open.read(session, &mut contents).await?;
    session.close_later(open.handles());
    Ok(contents)
}

/// Open directories that have not been read to their ends.
#[derive(Default)]
pub(super) struct Open {
    unread: Vec<Unread>,
    done: Vec<Vec<u8>>,
    count: usize,
    /// The length of all names together.
    bytes: usize,
}

struct Unread {
    /// Where its entries go.
    place: usize,
    handle: Vec<u8>,
    /// So many answers are asked for.
    each: usize,
}

impl Open {
    /// Takes a directory that was opened. Its entries go to this place among all contents.
    pub fn add(&mut self, place: usize, handle: Vec<u8>, each: usize) {
        self.unread.push(Unread {
            place,
            handle,
            each,
        });
    }

    /// The handles of what was read.
    pub fn handles(self) -> impl Iterator<Item = Vec<u8>> {
        let unread = self.unread.into_iter().map(|unread| unread.handle);
        self.done.into_iter().chain(unread)
    }

    /// The questions of the next round.
    pub fn questions(&self) -> impl Iterator<Item = Request<'_>> {
        self.unread.iter().flat_map(|unread| {
            let handle = &unread.handle;
            std::iter::repeat_n(Request::ReadDirectory { handle }, unread.each)
        })
    }

    /// Takes the answers of a round, in the order of the questions.
    pub fn take(
        &mut self,
        answers: impl IntoIterator<Item = Reply>,
        contents: &mut [Contents],
    ) -> Result<(), Failure> {
        let mut answers = answers.into_iter();
        let mut left = Vec::new();
        let mut is_too_long = false;
        for unread in std::mem::take(&mut self.unread) {
            let mut is_at_end = false;
            for reply in answers.by_ref().take(unread.each) {
                match reply {
                    Reply::Names(names) if names.is_empty() => {
                        let text = "the server lists nothing without end";
                        contents[unread.place] = Err(Failure::answer(text));
                    }
                    Reply::Names(names) => {
                        let names = names
                            .into_iter()
                            .filter(|entry| entry.name != b"." && entry.name != b"..");
                        if let Ok(entries) = &mut contents[unread.place] {
                            let before = entries.len();
                            entries.extend(names);
                            let new = &entries[before..];
                            self.count += new.len();
                            self.bytes += new.iter().map(|entry| entry.name.len()).sum::<usize>();
                            is_too_long |= entries.len() > most::IN_DIRECTORY;
                        }
                    }
                    Reply::Status { code, .. } if code == status::EOF => is_at_end = true,
                    reply => contents[unread.place] = Err(refusal(reply)),
                }
            }
            match is_at_end || contents[unread.place].is_err() {
                true => self.done.push(unread.handle),
                false => left.push(unread),
            }
        }
        // What is large is read in larger steps.
        let most = (ANSWERS / left.len().max(1)).max(1);
        for unread in &mut left {
            unread.each = (unread.each * 2).min(16).min(most);
        }
        self.unread = left;
        is_too_long |= self.count > most::entries(FileKind::Pack) || self.bytes > MOST_BYTES;
        match is_too_long {
            true => Err(Failure::answer("the listing of the server is too long")),
            false => Ok(()),
        }
    }

    /// Reads all of them to their ends.
    pub async fn read(
        &mut self,
        session: &mut Session,
        contents: &mut [Contents],
    ) -> Result<(), Failure> {
        while !self.unread.is_empty() {
            let mut answers = Vec::new();
            session
                .exchange(self.questions(), |position, reply| {
                    answers.push((position, reply));
                    Ok(())
                })
                .await?;
            answers.sort_by_key(|(position, _)| *position);
            self.take(answers.into_iter().map(|(_, reply)| reply), contents)?;
        }
        Ok(())
    }
}

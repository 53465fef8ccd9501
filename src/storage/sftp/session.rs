//! One connection: requests go out together, and their answers come back in any order.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelWriteHalf};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use super::super::pool::Connection;
use super::failure::{Failure, status};
use super::host::Client;
use super::packet::{self, Attributes, FileSystem, Reply, Request};
use super::receiver::{LIMITS, Receiver};

/// How many requests are under way on one connection. The window of the server limits the bytes.
const FLYING: usize = 128;

/// How many of them on a server that says what it takes: the lists of all directories of a repository.
const MOST_FLYING: usize = 1024;

/// So many answers may wait unread. The library stops all else on the connection when there are a hundred.
const UNREAD: usize = 16;

impl Connection for Session {
    type Failure = Failure;

    fn is_usable(&mut self) -> bool {
        Session::is_usable(self)
    }

    fn may_be_one_too_many(failure: &Failure) -> bool {
        failure.kind.is_passing()
    }
}

/// A connection on which SFTP is spoken.
pub(super) struct Session {
    ssh: Handle<Client>,
    sender: ChannelWriteHalf<Msg>,
    receiver: Receiver,
    next_id: u32,
    /// How often answers were waited for.
    pub waits: usize,
    /// A connection on which nothing moves for this long is given up.
    stall: Duration,
    /// Whether the server writes files to its disk on demand.
    pub can_sync: bool,
    can_tell_file_system: bool,
    /// What is open and read to its end. The next requests close it.
    unclosed: Vec<Vec<u8>>,
    /// Directories that are open, by their paths, so that they can be synced.
    directories: HashMap<String, Vec<u8>>,
    /// Requests are under way whose answers nobody took.
    is_broken: bool,
}

impl Session {
    /// Begins SFTP on a channel.
    pub async fn begin(
        ssh: Handle<Client>,
        channel: Channel<Msg>,
        stall: Duration,
    ) -> Result<Session, Failure> {
        timeout(stall, channel.request_subsystem(true, "sftp"))
            .await
            .map_err(|_| stalled(stall))?
            .map_err(|_| gone())?;
        let (channel, sender) = channel.split();
        let mut receiver = Receiver::new(channel);
        let refused = || Failure::answer("the server has no SFTP");
        loop {
            match timeout(stall, receiver.channel.wait()).await {
                Ok(Some(ChannelMsg::Success)) => break,
                Ok(Some(ChannelMsg::Failure)) => return Err(refused()),
                Ok(Some(ChannelMsg::Close | ChannelMsg::Eof)) => return Err(refused()),
                Ok(Some(_)) => {}
                Ok(None) => return Err(Failure::lost("the server ended the connection")),
                Err(_) => return Err(stalled(stall)),
            }
        }
        // OpenSSH lets nothing be sent before it has begun the subsystem. The library waits for that even when the
        // connection has ended, and only who reads learns of the end.
        let hello = async {
            let sent = sender.data_bytes(packet::hello()).await;
            sent.map_err(|_| gone())
        };
        let begun = async { tokio::try_join!(hello, receiver.packet()) };
        let ((), first) = timeout(stall, begun).await.map_err(|_| stalled(stall))??;
        let (version, extensions) = packet::decode_version(&receiver.bytes[first])?;
        if version < packet::VERSION {
            return Err(Failure::answer(format!(
                "the server speaks version {version} of SFTP, which is too old"
            )));
        }
        let has = |name: &[u8]| extensions.iter().any(|extension| extension == name);
        if has(b"limits@openssh.com") {
            receiver.awaits_limits = true;
            let sent = sender.data_bytes(Request::Limits.encode(LIMITS));
            let sent = timeout(stall, sent).await.map_err(|_| stalled(stall))?;
            sent.map_err(|_| gone())?;
        }
        Ok(Session {
            ssh,
            sender,
            receiver,
            next_id: LIMITS + 1,
            waits: 0,
            stall,
            can_sync: has(b"fsync@openssh.com"),
            can_tell_file_system: has(b"statvfs@openssh.com"),
            unclosed: Vec::new(),
            directories: HashMap::new(),
            is_broken: false,
        })
    }

    /// The most bytes that one request reads.
    pub fn read_piece(&self) -> usize {
        self.receiver.limits.read_piece
    }

    /// The most bytes that one request writes.
    pub fn write_piece(&self) -> usize {
        self.receiver.limits.write_piece
    }

    /// How many handles may be open, if the server has said it.
    pub fn most_handles(&self) -> Option<u64> {
        self.receiver.limits.most_handles
    }

    /// Whether another request can use the connection.
    pub fn is_usable(&self) -> bool {
        !self.is_broken && !self.ssh.is_closed()
    }

    /// Sends all requests, and gives every answer to `take` with the position of its request. After an error the
    /// connection cannot be used any more.
    pub async fn exchange<'a>(
        &mut self,
        requests: impl Iterator<Item = Request<'a>>,
        mut take: impl FnMut(usize, Reply) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let stall = self.stall;
        self.waits += 1;
        let (sender, receiver) = (&self.sender, &mut self.receiver);
        let next_id = &mut self.next_id;
        let room = Semaphore::new(match receiver.limits.most_handles {
            Some(_) => MOST_FLYING,
            None => FLYING,
        });
        let unclosed = std::mem::take(&mut self.unclosed);
        let closes = unclosed.iter().map(|handle| Request::Close { handle });
        let requests = requests
            .enumerate()
            .map(|(at, request)| (Some(at), request));
        let requests = closes.map(|close| (None, close)).chain(requests);
        // Of each request, its position. A close has none, and its answer means nothing.
        let flying: RefCell<HashMap<u32, Option<usize>>> = RefCell::default();
        let is_sent = Cell::new(false);
        let all_sent = Notify::new();
        let moved = Cell::new(0_u64);
        let send = async {
            for (position, request) in requests {
                let Ok(permit) = room.acquire().await else {
                    break;
                };
                permit.forget();
                let id = *next_id;
                *next_id = next_id.wrapping_add(1);
                flying.borrow_mut().insert(id, position);
                sender
                    .data_bytes(request.encode(id))
                    .await
                    .map_err(|_| gone())?;
                moved.set(moved.get() + 1);
            }
            is_sent.set(true);
            all_sent.notify_one();
            Ok(())
        };
        let receive = async {
            while !(is_sent.get() && flying.borrow().is_empty()) {
                let before = moved.get();
                let (id, reply) = tokio::select! {
                    biased;
                    reply = receiver.reply() => reply?,
                    () = all_sent.notified() => continue,
                    // Where nothing is under way, or something was sent, a limit takes its time.
                    () = sleep(stall) => match flying.borrow().is_empty() || moved.get() != before {
                        true => continue,
                        false => return Err(stalled(stall)),
                    },
                };
                if receiver.ignored.remove(&id) {
                    continue;
                }
                let Some(position) = flying.borrow_mut().remove(&id) else {
                    return Err(Failure::answer(
                        "the server answers a request that was not sent",
                    ));
                };
                room.add_permits(1);
                if let Some(position) = position {
                    take(position, reply)?;
                }
            }
            Ok(())
        };
        self.is_broken = true;
        tokio::try_join!(send, receive)?;
        self.is_broken = false;
        Ok(())
    }

    /// One request and its answer.
    pub async fn ask(&mut self, request: Request<'_>) -> Result<Reply, Failure> {
        let mut answer = None;
        self.exchange(std::iter::once(request), |_, reply| {
            answer = Some(reply);
            Ok(())
        })
        .await?;
        answer.ok_or_else(unexpected)
    }

    /// A request that is answered with a status.
    pub async fn order(&mut self, request: Request<'_>) -> Result<(), Failure> {
        done(self.ask(request).await?)
    }

    /// What a server says of a file.
    pub async fn about(&mut self, request: Request<'_>) -> Result<Attributes, Failure> {
        attributes(self.ask(request).await?)
    }

    /// Opens a file or a directory.
    pub async fn open(&mut self, request: Request<'_>) -> Result<Vec<u8>, Failure> {
        handle(self.ask(request).await?)
    }

    /// Closes a handle that was only read from. Nobody waits for the answer, unless there are many.
    pub async fn forget(&mut self, handle: &[u8]) -> Result<(), Failure> {
        if self.receiver.ignored.len() >= UNREAD {
            return self.ask(Request::Close { handle }).await.map(drop);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.receiver.ignored.insert(id);
        let sent = self.sender.data_bytes(Request::Close { handle }.encode(id));
        // When the server takes no more and the connection ends, nothing else ends this.
        let sent = timeout(self.stall, sent).await;
        self.is_broken |= sent.is_err();
        sent.map_err(|_| stalled(self.stall))?.map_err(|_| gone())
    }

    /// Closes handles that were only read from together with the next requests.
    pub fn close_later(&mut self, handles: impl IntoIterator<Item = Vec<u8>>) {
        self.unclosed.extend(handles);
    }

    /// Whether this directory is kept open.
    pub fn keeps(&self, directory: &str) -> bool {
        self.directories.contains_key(directory)
    }

    /// Keeps this directory open until it is synced.
    pub fn keep(&mut self, directory: String, handle: Vec<u8>) {
        self.directories.insert(directory, handle);
    }

    /// The handle of a directory that was kept open.
    pub fn kept(&mut self, directory: &str) -> Option<Vec<u8>> {
        self.directories.remove(directory)
    }

    /// What is known of the file system that a path is on; `None` if the server does not say it.
    pub async fn file_system(&mut self, path: &str) -> Result<Option<FileSystem>, Failure> {
        if !self.can_tell_file_system {
            return Ok(None);
        }
        match self.ask(Request::FileSystem { path }).await? {
            Reply::Extended(bytes) => Ok(Some(packet::decode_file_system(&bytes)?)),
            _ => Ok(None),
        }
    }
}

fn gone() -> Failure {
    Failure::lost("the connection was lost")
}

/// Nothing moved for this long.
pub(super) fn stalled(stall: Duration) -> Failure {
    Failure::lost(format!(
        "nothing moved on the connection for {} s",
        stall.as_secs()
    ))
}

/// An answer of another kind than the one that the request has.
pub(super) fn unexpected() -> Failure {
    Failure::answer("the server gives an answer of an unexpected kind")
}

/// What a status says.
pub(super) fn done(reply: Reply) -> Result<(), Failure> {
    match reply {
        Reply::Status {
            code: status::OK, ..
        } => Ok(()),
        reply => Err(refusal(reply)),
    }
}

/// The handle in an answer.
pub(super) fn handle(reply: Reply) -> Result<Vec<u8>, Failure> {
    match reply {
        Reply::Handle(handle) => Ok(handle),
        reply => Err(refusal(reply)),
    }
}

/// What an answer says of a file.
pub(super) fn attributes(reply: Reply) -> Result<Attributes, Failure> {
    match reply {
        Reply::Attributes(about) => Ok(about),
        reply => Err(refusal(reply)),
    }
}

/// Why there is another answer than the one that was asked for.
pub(super) fn refusal(reply: Reply) -> Failure {
    match reply {
        Reply::Status { code, .. } if code == status::OK => unexpected(),
        Reply::Status { code, message } => Failure::status(code, &message),
        _ => unexpected(),
    }
}

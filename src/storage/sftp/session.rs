//! One connection: requests go out together, and their answers come back in any order.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use super::super::pool::Connection;
use super::failure::{Failure, status};
use super::host::Client;
use super::packet::{self, Attributes, FileSystem, LARGEST, Reply, Request};

/// How many requests are under way on one connection. The window of the server limits the bytes.
const FLYING: usize = 128;

/// So many answers may wait unread. The library stops all else on the connection when there are a hundred.
const UNREAD: usize = 16;

/// The bytes of one read or write that every server takes.
const PIECE: usize = 32 * 1024;

/// The bytes of one read or write of a server that takes more. Still more does not make it faster.
const LARGE_PIECE: usize = 128 * 1024;

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
    /// A connection on which nothing moves for this long is given up.
    stall: Duration,
    /// Whether the server writes files to its disk on demand.
    pub can_sync: bool,
    /// The most bytes that one request reads.
    pub read_piece: usize,
    /// The most bytes that one request writes.
    pub write_piece: usize,
    /// How many handles may be open, if the server says it.
    pub most_handles: Option<u64>,
    can_tell_file_system: bool,
    /// Requests are under way whose answers nobody took.
    is_broken: bool,
}

/// The half that reads.
struct Receiver {
    channel: ChannelReadHalf,
    /// What has come of the next packets.
    bytes: Vec<u8>,
    /// Where the next packet begins.
    start: usize,
    /// Requests whose answers nobody waits for.
    ignored: HashSet<u32>,
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
        let mut receiver = Receiver {
            channel,
            bytes: Vec::new(),
            start: 0,
            ignored: HashSet::new(),
        };
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
        let mut session = Session {
            ssh,
            sender,
            receiver,
            next_id: 0,
            stall,
            can_sync: has(b"fsync@openssh.com"),
            can_tell_file_system: has(b"statvfs@openssh.com"),
            read_piece: PIECE,
            write_piece: PIECE,
            most_handles: None,
            is_broken: false,
        };
        if has(b"limits@openssh.com")
            && let Reply::Extended(limits) = session.ask(Request::Limits).await?
        {
            let limits = packet::decode_limits(&limits)?;
            session.read_piece = piece(limits.read);
            session.write_piece = piece(limits.write);
            session.most_handles = Some(limits.handles).filter(|handles| *handles > 0);
        }
        Ok(session)
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
        let (sender, receiver) = (&self.sender, &mut self.receiver);
        let next_id = &mut self.next_id;
        let room = Semaphore::new(FLYING);
        let flying: RefCell<HashMap<u32, usize>> = RefCell::default();
        let is_sent = Cell::new(false);
        let all_sent = Notify::new();
        let moved = Cell::new(0_u64);
        let send = async {
            for (position, request) in requests.enumerate() {
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
                take(position, reply)?;
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

impl Receiver {
    /// Where in the bytes the next packet is, without its length. Can be dropped while it waits: nothing is lost.
    async fn packet(&mut self) -> Result<Range<usize>, Failure> {
        loop {
            if let Some((length, rest)) = self.bytes[self.start..].split_first_chunk::<4>() {
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                if length == 0 || length > LARGEST {
                    return Err(packet::Malformed.into());
                }
                if length <= rest.len() {
                    let begin = self.start + 4;
                    self.start = begin + length;
                    return Ok(begin..self.start);
                }
            }
            self.bytes.drain(..self.start);
            self.start = 0;
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => self.bytes.extend_from_slice(&data),
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => {
                    return Err(Failure::lost("the server ended the connection"));
                }
                // What its standard error says, and changes of the window.
                Some(_) => {}
            }
        }
    }

    async fn reply(&mut self) -> Result<(u32, Reply), Failure> {
        let packet = self.packet().await?;
        Ok(packet::decode(&self.bytes[packet])?)
    }
}

/// The bytes of one request, given the most that the server takes; 0 if it has no limit.
fn piece(most: u64) -> usize {
    match usize::try_from(most) {
        Ok(0) | Err(_) => PIECE,
        Ok(most) => most.clamp(1024, LARGE_PIECE),
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

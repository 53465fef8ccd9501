//! The half of a connection that reads: bytes to packets, and what the server says of its limits.

use std::collections::HashSet;
use std::ops::Range;

use russh::{ChannelMsg, ChannelReadHalf};

use super::failure::Failure;
use super::packet::{self, LARGEST, Reply};

/// The number of the question for the limits of the server. Nobody waits for its answer.
pub(super) const LIMITS: u32 = 0;

/// The bytes of one read or write that every server takes.
const PIECE: usize = 32 * 1024;

/// The bytes of one read or write of a server that takes more. Still more does not make it faster.
const LARGE_PIECE: usize = 128 * 1024;

/// The half that reads.
pub(super) struct Receiver {
    pub channel: ChannelReadHalf,
    /// What has come of the next packets.
    pub bytes: Vec<u8>,
    /// Where the next packet begins.
    start: usize,
    /// Requests whose answers nobody waits for.
    pub ignored: HashSet<u32>,
    /// Whether the answer to [`LIMITS`] is still to come.
    pub awaits_limits: bool,
    pub limits: Limits,
}

/// What a server takes. It says so on demand, after the first requests have been sent.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub read_piece: usize,
    pub write_piece: usize,
    pub most_handles: Option<u64>,
}

impl Receiver {
    /// Nothing has come yet, and the server has said nothing of its limits.
    pub fn new(channel: ChannelReadHalf) -> Receiver {
        Receiver {
            channel,
            bytes: Vec::new(),
            start: 0,
            ignored: HashSet::new(),
            awaits_limits: false,
            limits: Limits {
                read_piece: PIECE,
                write_piece: PIECE,
                most_handles: None,
            },
        }
    }

    /// Where in the bytes the next packet is, without its length. Can be dropped while it waits: nothing is lost.
    pub async fn packet(&mut self) -> Result<Range<usize>, Failure> {
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

    /// The next answer to a request, with the request's number. What the server takes is noted on the way.
    pub async fn reply(&mut self) -> Result<(u32, Reply), Failure> {
        loop {
            let packet = self.packet().await?;
            let (id, reply) = packet::decode(&self.bytes[packet])?;
            if id != LIMITS || !std::mem::take(&mut self.awaits_limits) {
                return Ok((id, reply));
            }
            // A server may have the extension and not say its limits.
            if let Reply::Extended(limits) = reply {
                let limits = packet::decode_limits(&limits)?;
                self.limits = Limits {
                    read_piece: piece(limits.read),
                    write_piece: piece(limits.write),
                    most_handles: Some(limits.handles).filter(|handles| *handles > 0),
                };
            }
        }
    }
}

/// The bytes of one request, given the most that the server takes; 0 if it has no limit.
fn piece(most: u64) -> usize {
    match usize::try_from(most) {
        Ok(0) | Err(_) => PIECE,
        Ok(most) => most.clamp(1024, LARGE_PIECE),
    }
}

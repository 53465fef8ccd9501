//! A user who is logged in: one control connection, and one transfer of data at a time.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::super::error::ErrorKind;
use super::super::pool::Connection;
use super::Options;
use super::control::{Control, Reply};
use super::failure::{Failure, code};
use super::passive;
use super::stream::{Encryption, Stream};

/// How long a connection may take to be made.
pub(super) const CONNECT: Duration = Duration::from_secs(30);

/// A connection that nobody used for this long may be gone, and is asked first. Servers end idle ones after minutes.
const FRESH: Duration = Duration::from_secs(15);

/// How long the answer to this question may take. A new connection takes its place then.
const STILL_THERE: Duration = Duration::from_secs(10);

/// How long the reason is waited for, after the connection for the data was lost.
const REASON: Duration = Duration::from_secs(10);

/// The bytes that are read or written at once.
const PIECE: usize = 64 * 1024;

/// How the server is asked for a connection for the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passive {
    /// EPSV, which also works with IPv6.
    Extended,
    /// PASV, which older servers have.
    Plain,
}

/// How the server is asked for the entries of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// MLSD, whose form is fixed.
    Machine,
    /// LIST, with entries that begin with a dot: every directory that can be opened has two of them.
    All,
    /// LIST, on a server that does not show them.
    Plain,
}

/// What a caller wants after a piece of data has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    More,
    Nothing,
}

/// How data ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server has sent everything.
    Whole,
    /// The server confirms that it has sent everything. But the end of TLS is missing, so somebody may have cut the data.
    Unproven,
    /// The caller wanted no more.
    Early,
}

/// A session on a server.
pub(super) struct Session {
    control: Control,
    peer: IpAddr,
    encryption: Option<Encryption>,
    stall: Duration,
    /// The refusals of the server are told without it.
    password: Option<Zeroizing<String>>,
    passive: Passive,
    pub lists: Lists,
    /// The absolute path of the repository.
    pub base: String,
    /// Whether paths begin in the directory of the repository. If not, it could not be entered.
    pub is_inside: bool,
    used: Instant,
}

impl Session {
    /// A session that begins with this connection. `peer` is the address of the server.
    pub fn new(
        control: Control,
        peer: IpAddr,
        encryption: Option<Encryption>,
        options: &Options,
    ) -> Session {
        Session {
            control,
            peer,
            encryption,
            stall: options.stall,
            password: options.password.clone(),
            passive: Passive::Extended,
            lists: Lists::All,
            base: String::new(),
            is_inside: false,
            used: Instant::now(),
        }
    }

    /// Sends a command whose answer must have one of these codes.
    pub fn ask(&mut self, command: &str, accepted: &[u16]) -> Result<Reply, Failure> {
        let reply = self.control.ask(command)?;
        self.used = Instant::now();
        self.accept(reply, accepted)
    }

    fn accept(&mut self, reply: Reply, accepted: &[u16]) -> Result<Reply, Failure> {
        if accepted.contains(&reply.code) {
            return Ok(reply);
        }
        // The answer to another command. What follows would be, too.
        if reply.code < 400 {
            self.control.is_broken = true;
            return Err(Failure::lost(format!(
                "the server gives an answer that belongs to another command ({})",
                reply.code
            )));
        }
        let failure = reply.refusal(self.password.as_slice());
        if reply.code == code::NO_PROTECTION {
            if self.encryption.is_none() {
                return Err(failure.with("it wants TLS: write `kind = \"ftps\"`"));
            }
            // The sessions of TLS are used up, or the server has forgotten them. A new connection has new ones.
            self.control.is_broken = true;
            return Err(failure.of_kind(ErrorKind::Unreachable));
        }
        Err(failure)
    }

    /// Waits for the answer that ends a transfer.
    fn confirmed(&mut self) -> Result<(), Failure> {
        let reply = self.control.reply()?;
        self.used = Instant::now();
        self.accept(reply, &[226, 250]).map(drop)
    }

    /// A transfer that begins with this command. Its data begins at `offset`.
    fn begin(&mut self, command: &str, offset: u64) -> Result<Stream, Failure> {
        let socket = self.data_socket()?;
        if offset > 0 {
            self.ask(&format!("REST {offset}"), &[350])?;
        }
        self.ask(command, &[125, 150])?;
        Stream::new(socket, self.encryption.as_ref()).map_err(|error| self.broken_by(error))
    }

    fn broken_by(&mut self, error: std::io::Error) -> Failure {
        self.control.is_broken = true;
        Failure::of_data(error, self.stall)
    }

    /// A connection for data. It goes to the address that the control connection has: what a server behind a router says
    /// is wrong, and what a hostile one says leads elsewhere.
    fn data_socket(&mut self) -> Result<TcpStream, Failure> {
        let unexpected = || Failure::answer("the server does not say where its data is");
        let mut port = None;
        if self.passive == Passive::Extended {
            match self.ask("EPSV", &[229]) {
                Ok(reply) => {
                    port = Some(passive::extended_port(&reply.text).ok_or_else(unexpected)?);
                }
                Err(failure) if failure.code.is_some_and(|code| code >= 500) => {
                    self.passive = Passive::Plain;
                }
                Err(failure) => return Err(failure),
            }
        }
        let port = match port {
            Some(port) => port,
            None => {
                let reply = self.ask("PASV", &[227])?;
                passive::port_of_six(&reply.text).ok_or_else(unexpected)?
            }
        };
        let socket = TcpStream::connect_timeout(&SocketAddr::new(self.peer, port), CONNECT)
            .and_then(|socket| {
                socket.set_read_timeout(Some(self.stall))?;
                socket.set_write_timeout(Some(self.stall))?;
                Ok(socket)
            });
        socket.map_err(|error| {
            // The server waits for it.
            self.control.is_broken = true;
            Failure::lost(format!(
                "no connection for data to port {port}: {}; a firewall may close the passive ports of the server",
                crate::os::reason(&error)
            ))
        })
    }

    /// Reads a file, or a list. `take` gets the pieces.
    pub fn receive(
        &mut self,
        command: &str,
        offset: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<Wants, Failure>,
    ) -> Result<End, Failure> {
        let mut data = self.begin(command, offset)?;
        let mut buffer = vec![0; PIECE];
        let end = loop {
            let length = match data.read(&mut buffer) {
                Ok(0) => break End::Whole,
                Ok(length) => length,
                Err(error)
                    if error.kind() == std::io::ErrorKind::UnexpectedEof
                        && !is_at_handshake(&data) =>
                {
                    break End::Unproven;
                }
                Err(error) => return Err(self.reason_of(error)),
            };
            match take(&buffer[..length]) {
                Ok(Wants::More) => {}
                Ok(Wants::Nothing) => break End::Early,
                Err(failure) => {
                    self.control.is_broken = true;
                    return Err(failure);
                }
            }
        };
        drop(data);
        if end == End::Early {
            // Whether it could send the rest does not matter.
            let reply = self.control.reply();
            self.used = Instant::now();
            if reply.is_ok_and(|reply| reply.code < 200) {
                self.control.is_broken = true;
            }
        } else {
            self.confirmed()?;
        }
        Ok(end)
    }

    /// Writes a file. `pass` is called with the bytes of each piece before it goes.
    pub fn send(
        &mut self,
        command: &str,
        content: &[u8],
        pass: &dyn Fn(usize),
    ) -> Result<(), Failure> {
        let mut data = self.begin(command, 0)?;
        let mut sent = Ok(());
        for piece in content.chunks(PIECE) {
            pass(piece.len());
            sent = data.write_all(piece);
            if sent.is_err() {
                break;
            }
        }
        if let Err(error) = sent.and_then(|()| data.end_of_sending()) {
            return Err(self.reason_of(error));
        }
        let confirmed = self.confirmed();
        data.hear_out();
        confirmed
    }

    /// Why the connection for the data was lost. The server often says it on the control connection.
    fn reason_of(&mut self, error: std::io::Error) -> Failure {
        use std::io::ErrorKind::{TimedOut, WouldBlock};
        let is_stalled = matches!(error.kind(), WouldBlock | TimedOut);
        let failure = Failure::of_data(error, self.stall);
        if is_stalled || !failure.kind.is_passing() || self.control.set_stall(REASON).is_err() {
            self.control.is_broken = true;
            return failure;
        }
        let said = self.control.reply();
        self.used = Instant::now();
        match said {
            Ok(reply) if reply.code >= 400 => {
                let is_usable = self.control.set_stall(self.stall).is_ok();
                self.control.is_broken |= !is_usable;
                match self.accept(reply, &[]) {
                    Err(failure) => failure,
                    Ok(_) => failure,
                }
            }
            _ => {
                self.control.is_broken = true;
                failure
            }
        }
    }

    /// Changes to the directory of the repository. Returns whether it could be entered.
    pub fn enter(&mut self) -> Result<bool, Failure> {
        let base = self.base.clone();
        self.is_inside = false;
        self.is_inside = self.change_to(&base)?;
        Ok(self.is_inside)
    }

    /// Changes to a directory. Returns whether it could be entered.
    pub fn change_to(&mut self, path: &str) -> Result<bool, Failure> {
        match self.ask(&format!("CWD {path}"), &[250, 200]) {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_about_path() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the connection was lost, or its answers are out of step.
    pub fn is_broken(&self) -> bool {
        self.control.is_broken
    }
}

fn is_at_handshake(data: &Stream) -> bool {
    match data {
        Stream::Plain(_) => false,
        Stream::Tls(tls) => tls.conn.is_handshaking(),
    }
}

impl Connection for Session {
    type Failure = Failure;

    fn is_usable(&mut self) -> bool {
        if self.control.is_broken {
            return false;
        }
        if self.used.elapsed() < FRESH {
            return true;
        }
        let stall = self.stall;
        self.control.set_stall(STILL_THERE).is_ok()
            && self.ask("NOOP", &[200]).is_ok()
            && self.control.set_stall(stall).is_ok()
    }

    fn may_be_one_too_many(failure: &Failure) -> bool {
        // Some servers answer to one more login as to a wrong one.
        failure.kind.is_passing() || failure.kind == ErrorKind::Unauthorized
    }
}

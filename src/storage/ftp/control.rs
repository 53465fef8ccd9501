//! The control connection: a command goes out as a line, and its answer comes back as one or more lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::mask::masked;
use super::failure::{Failure, code};
use super::stream::{Encryption, Stream};

/// The most bytes of one answer, with all of its lines.
const LARGEST: u64 = 64 * 1024;

/// The answer of a server.
#[derive(Debug)]
pub(super) struct Reply {
    pub code: u16,
    /// The last line, without the code.
    pub text: Vec<u8>,
    /// The lines between the first and the last one.
    pub lines: Vec<Vec<u8>>,
}

impl Reply {
    /// The failure of this answer. Its text has none of these secrets: a server may repeat what it got.
    pub fn refusal(&self, secrets: &[Zeroizing<String>]) -> Failure {
        let text = String::from_utf8_lossy(&self.text);
        Failure::refused(self.code, masked(&text, secrets).as_bytes())
    }
}

/// A control connection.
pub(super) struct Control {
    stream: BufReader<Stream>,
    stall: Duration,
    /// The word with which the last command began. What follows may be a password.
    command: String,
    /// Nothing more can be asked: something was lost, or an answer belongs to another command.
    pub is_broken: bool,
}

impl Control {
    /// A connection on which nothing was said yet. `stall` is the time limit that its reads and writes have.
    pub fn new(stream: Stream, stall: Duration) -> Control {
        Control {
            stream: BufReader::new(stream),
            stall,
            command: String::new(),
            is_broken: false,
        }
    }

    /// The same connection, with TLS from now on.
    pub fn encrypted(self, encryption: &Encryption) -> Result<Control, Failure> {
        // Somebody on the way may have added it.
        if !self.stream.buffer().is_empty() {
            return Err(Failure::answer(
                "the server sends something before TLS begins",
            ));
        }
        let Stream::Plain(socket) = self.stream.into_inner() else {
            return Err(Failure::answer("TLS has begun already"));
        };
        Control::with_tls(socket, encryption, self.stall)
    }

    /// A connection that begins with TLS.
    pub fn with_tls(
        socket: TcpStream,
        encryption: &Encryption,
        stall: Duration,
    ) -> Result<Control, Failure> {
        let failed = |error| Failure::of_io(error, stall);
        let mut stream = Stream::new(socket, Some(encryption)).map_err(failed)?;
        stream.shake_hands().map_err(failed)?;
        Ok(Control::new(stream, stall))
    }

    /// The connection below.
    pub fn socket(&self) -> &TcpStream {
        self.stream.get_ref().socket()
    }

    /// Changes the time limit of every read and write.
    pub fn set_stall(&mut self, stall: Duration) -> Result<(), Failure> {
        self.stall = stall;
        let socket = self.socket();
        socket
            .set_read_timeout(Some(stall))
            .and_then(|()| socket.set_write_timeout(Some(stall)))
            .map_err(|error| Failure::of_io(error, stall))
    }

    /// Sends a command, and waits for its answer, whatever it is.
    pub fn ask(&mut self, command: &str) -> Result<Reply, Failure> {
        let sent = self.send(command);
        if sent.is_err() {
            self.is_broken = true;
        }
        sent?;
        self.reply()
    }

    fn send(&mut self, command: &str) -> Result<(), Failure> {
        if command.contains(['\r', '\n', '\0']) {
            return Err(Failure::answer("FTP cannot carry a text with line ends"));
        }
        self.command = command.split(' ').next().unwrap_or_default().to_owned();
        // It may be a password.
        let mut line = Zeroizing::new(Vec::with_capacity(command.len() + 2));
        line.extend_from_slice(command.as_bytes());
        line.extend_from_slice(b"\r\n");
        let stream = self.stream.get_mut();
        stream
            .write_all(&line)
            .and_then(|()| stream.flush())
            .map_err(|error| Failure::of_session(error, self.stall))
    }

    /// Waits for an answer.
    pub fn reply(&mut self) -> Result<Reply, Failure> {
        let reply = self.read_reply();
        match &reply {
            Ok(reply) if reply.code != code::NOT_AVAILABLE => {}
            _ => self.is_broken = true,
        }
        reply
    }

    fn read_reply(&mut self) -> Result<Reply, Failure> {
        let mut left = LARGEST;
        let mut line = self.line(&mut left)?;
        let (code, is_last) = head(&line).ok_or_else(|| {
            Failure::answer("the server does not speak FTP here, or speaks TLS from the beginning")
        })?;
        let mut lines = Vec::new();
        if !is_last {
            loop {
                line = self.line(&mut left)?;
                if head(&line) == Some((code, true)) {
                    break;
                }
                lines.push(line);
            }
        }
        let text = line.get(4..).unwrap_or_default().to_vec();
        Ok(Reply { code, text, lines })
    }

    /// The next line, without its end.
    fn line(&mut self, left: &mut u64) -> Result<Vec<u8>, Failure> {
        let mut line = Vec::new();
        (&mut self.stream)
            .take(*left)
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::of_answer(error, self.stall, &self.command))?;
        *left -= line.len() as u64;
        if line.pop() != Some(b'\n') {
            return Err(match *left {
                0 => Failure::answer("an answer of the server is too long"),
                _ => Failure::lost("the server ended the connection"),
            });
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }
}

/// The code at the beginning of a line, and whether the answer ends with this line.
fn head(line: &[u8]) -> Option<(u16, bool)> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) || !(b'1'..=b'6').contains(&digits[0]) {
        return None;
    }
    let code = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match line.get(3) {
        None | Some(b' ') => Some((code, true)),
        Some(b'-') => Some((code, false)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_with_a_code_of_three_digits() {
        assert_eq!(head(b"220 hello"), Some((220, true)));
        assert_eq!(head(b"220"), Some((220, true)));
        assert_eq!(head(b"211-Features:"), Some((211, false)));
        for wrong in [
            &b"SSH-2.0-x"[..],
            b"22",
            b"",
            b"2200 x",
            b"020 x",
            b"\x15\x03\x01",
        ] {
            assert_eq!(head(wrong), None, "{wrong:?}");
        }
    }
}

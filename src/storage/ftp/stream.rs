//! A connection for commands or for data: plain, or with TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// How long the end of a connection is waited for, after the server has confirmed that it has everything.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The most bytes that are read after that.
const MOST_LAST_WORDS: usize = 64 * 1024;

/// TLS for all connections of one session. They share the sessions of TLS, which some servers demand.
#[derive(Clone)]
pub(super) struct Encryption {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

/// A connection to the server. Each read and write has a time limit.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// The connection with TLS, if there is one. The handshake happens with the first byte.
    pub fn new(socket: TcpStream, encryption: Option<&Encryption>) -> io::Result<Stream> {
        let Some(Encryption { config, name }) = encryption else {
            return Ok(Stream::Plain(socket));
        };
        let connection =
            ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    /// Makes the handshake of TLS now.
    pub fn shake_hands(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(tls) => finish_handshake(tls),
        }
    }

    /// The connection below.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(tls) => tls.get_ref(),
        }
    }

    /// Says that nothing more will be sent.
    pub fn end_of_sending(&mut self) -> io::Result<()> {
        self.flush()?;
        if let Stream::Tls(tls) = self {
            // An empty file has not made it yet.
            finish_handshake(tls)?;
            tls.conn.send_close_notify();
            while tls.conn.wants_write() {
                tls.conn.write_tls(&mut tls.sock)?;
            }
        }
        self.socket().shutdown(Shutdown::Write)
    }

    /// Reads to the end. With TLS 1.3, the server has sent what resumes the session the next time.
    pub fn hear_out(&mut self) {
        if !matches!(self, Stream::Tls(_))
            || self.socket().set_read_timeout(Some(LAST_WORDS)).is_err()
        {
            return;
        }
        let mut buffer = [0; 4096];
        let mut heard = 0;
        while let Ok(length @ 1..) = self.read(&mut buffer) {
            heard += length;
            if heard > MOST_LAST_WORDS {
                return;
            }
        }
    }
}

fn finish_handshake(tls: &mut StreamOwned<ClientConnection, TcpStream>) -> io::Result<()> {
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(())
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Stream::Plain(socket) => socket.read(buffer),
                Stream::Tls(tls) => tls.read(buffer),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.write(buffer),
            Stream::Tls(tls) => tls.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.flush(),
            Stream::Tls(tls) => tls.flush(),
        }
    }
}

//! The line between a client and a server on this host: slow, cut, frozen, or away for a while with its server.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How slow a line is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A byte needs so long from one end to the other.
    pub delay: Duration,
    /// In each direction, of each connection.
    pub bytes_per_second: u32,
}

/// What happens to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All connections are reset.
    Cut,
    /// All connections stay, and nothing moves on them any more. New ones work.
    Frozen,
    /// All connections are reset, and new ones are refused for so long: the server starts again.
    Away(Duration),
}

/// The line. It ends with this value.
pub struct Line {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    port: u16,
    server: u16,
    pace: Option<Pace>,
    /// The server speaks FTP: its connections for data go through lines of their own.
    is_ftp: bool,
    connections: Vec<Connection>,
    frozen: Vec<Connection>,
    /// How many connections there were.
    count: usize,
    /// How many bytes have passed.
    passed: u64,
    /// What happens when so many have passed.
    plan: Option<(u64, Fate)>,
    /// How often something happened.
    struck: usize,
    is_away: bool,
    has_ended: bool,
}

struct Connection {
    number: usize,
    client: TcpStream,
    server: TcpStream,
    /// In how many directions it is open.
    open: usize,
}

impl Line {
    /// A line to the server at this port.
    pub fn to(server: u16) -> Line {
        Line::with(server, false)
    }

    /// A line to a server for FTP without TLS.
    pub fn to_ftp(server: u16) -> Line {
        Line::with(server, true)
    }

    fn with(server: u16, is_ftp: bool) -> Line {
        // No program gets one of these ports for a connection of its own while the line is away.
        let listener = loop {
            let port = fastrand::u16(10_000..32_000);
            if let Ok(listener) = bind(port) {
                break listener;
            }
        };
        let port = listener.local_addr().unwrap().port();
        let line = Line {
            port,
            state: Arc::new(Mutex::new(State {
                port,
                server,
                pace: None,
                is_ftp,
                connections: Vec::new(),
                frozen: Vec::new(),
                count: 0,
                passed: 0,
                plan: None,
                struck: 0,
                is_away: false,
                has_ended: false,
            })),
        };
        let state = Arc::clone(&line.state);
        std::thread::spawn(move || accept(listener, &state));
        line
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// This happens when so many more bytes have passed, in whichever direction.
    pub fn after(&self, bytes: u64, fate: Fate) {
        let mut state = self.state.lock().unwrap();
        state.plan = Some((state.passed + bytes, fate));
    }

    /// From now on, the line is so slow.
    pub fn slow_down(&self, pace: Pace) {
        self.state.lock().unwrap().pace = Some(pace);
    }

    /// How many bytes have passed.
    pub fn passed(&self) -> u64 {
        self.state.lock().unwrap().passed
    }

    /// How often something happened to the line.
    pub fn struck(&self) -> usize {
        self.state.lock().unwrap().struck
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap();
        state.has_ended = true;
        state.cut();
        drop(state);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl State {
    fn cut(&mut self) {
        for connection in self.connections.drain(..).chain(self.frozen.drain(..)) {
            reset(&connection.client);
            reset(&connection.server);
        }
    }
}

/// What waits in the buffers of the system looks to its sender as if it had arrived. So they are small.
fn bind(port: u16) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 8 * 1024)?;
    Ok(listener)
}

/// Ends a connection at once, as an operating system does for a program that has gone.
fn reset(connection: &TcpStream) {
    let _ = rustix::net::connect_unspec(connection);
}

fn accept(mut listener: TcpListener, state: &Arc<Mutex<State>>) {
    loop {
        let accepted = listener.accept();
        let locked = state.lock().unwrap();
        let (port, server) = (locked.port, locked.server);
        let (has_ended, is_away) = (locked.has_ended, locked.is_away);
        drop(locked);
        if has_ended {
            return;
        }
        if is_away {
            drop((accepted, listener));
            while state.lock().unwrap().is_away {
                std::thread::sleep(Duration::from_millis(5));
            }
            listener = bind(port).unwrap();
            continue;
        }
        let Ok((client, _)) = accepted else { continue };
        connect(client, server, state, false);
    }
}

/// Passes on what comes on a connection, until it ends.
fn connect(client: TcpStream, server: u16, state: &Arc<Mutex<State>>, is_data: bool) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
        reset(&client);
        return;
    };
    for end in [&client, &server] {
        let _ = end.set_nodelay(true);
    }
    let copy = |end: &TcpStream| end.try_clone().unwrap();
    let mut locked = state.lock().unwrap();
    let speaks_ftp = locked.is_ftp && !is_data;
    locked.count += 1;
    let number = locked.count;
    locked.connections.push(Connection {
        number,
        client: copy(&client),
        server: copy(&server),
        open: 2,
    });
    drop(locked);
    for (from, to, translates) in [
        (copy(&client), copy(&server), false),
        (server, client, speaks_ftp),
    ] {
        let state = Arc::clone(state);
        std::thread::spawn(move || pass(number, from, to, translates, &state));
    }
}

fn pass(
    number: usize,
    mut from: TcpStream,
    mut to: TcpStream,
    translates: bool,
    state: &Arc<Mutex<State>>,
) {
    let (sender, pieces) = mpsc::sync_channel::<(Option<Pace>, Instant, Vec<u8>)>(256);
    let other = from.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let mut is_free = Instant::now();
        for (pace, came, piece) in pieces {
            if let Some(pace) = pace {
                let takes = Duration::from_secs(piece.len() as u64) / pace.bytes_per_second;
                is_free = is_free.max(came + pace.delay) + takes;
                std::thread::sleep(is_free.saturating_duration_since(Instant::now()));
            }
            if to.write_all(&piece).is_err() {
                let _ = other.shutdown(Shutdown::Read);
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 4 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut piece = buffer[..length].to_vec();
        if !moves(state, length as u64, number) {
            break;
        }
        if translates {
            piece = translated(piece, state);
        }
        let pace = state.lock().unwrap().pace;
        if sender.send((pace, Instant::now(), piece)).is_err() {
            break;
        }
    }
    drop(sender);
    let _ = writer.join();
    state.lock().unwrap().connections.retain_mut(|connection| {
        connection.open -= usize::from(connection.number == number);
        connection.open > 0
    });
}

/// Counts what comes. Does what is planned for this moment, and then this piece does not arrive.
fn moves(state: &Arc<Mutex<State>>, length: u64, number: usize) -> bool {
    let mut locked = state.lock().unwrap();
    locked.passed += length;
    let fate = match locked.plan {
        Some((at, fate)) if locked.passed >= at => fate,
        _ => {
            let is_frozen = locked.frozen.iter().any(|it| it.number == number);
            if is_frozen {
                drop(locked);
                hold(state);
                return false;
            }
            return true;
        }
    };
    locked.plan = None;
    locked.struck += 1;
    match fate {
        Fate::Cut => locked.cut(),
        Fate::Frozen => {
            let moving = std::mem::take(&mut locked.connections);
            locked.frozen.extend(moving);
            drop(locked);
            hold(state);
        }
        Fate::Away(time) => {
            locked.is_away = true;
            locked.cut();
            let port = locked.port;
            drop(locked);
            let state = Arc::clone(state);
            std::thread::spawn(move || {
                // Wakes the thread that accepts.
                let _ = TcpStream::connect(("127.0.0.1", port));
                std::thread::sleep(time);
                state.lock().unwrap().is_away = false;
            });
        }
    }
    false
}

/// Keeps the connections that are frozen until the line ends.
fn hold(state: &Mutex<State>) {
    while !state.lock().unwrap().has_ended {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An answer of an FTP server. One that names a port for data names a line to it instead.
fn translated(piece: Vec<u8>, state: &Arc<Mutex<State>>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&piece).into_owned();
    let port = text.strip_prefix("229 ").and_then(|rest| {
        let port = rest.split('|').nth(3)?;
        port.parse().ok()
    });
    let Some(port) = port else { return piece };
    let listener = bind(0).unwrap();
    let own = listener.local_addr().unwrap().port();
    let state = Arc::clone(state);
    std::thread::spawn(move || {
        if let Ok((client, _)) = listener.accept() {
            connect(client, port, &state, true);
        }
    });
    format!("229 Entering Extended Passive Mode (|||{own}|)\r\n").into_bytes()
}

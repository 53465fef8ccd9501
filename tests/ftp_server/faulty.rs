//! A proxy in front of a server that breaks commands and data as networks and servers do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What happens to one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The command does not reach the server, which seems to give this answer.
    Reply(&'static str),
    /// The connection ends before the command reaches the server.
    Closed,
    /// The command is carried out, and the connection ends instead of the answer.
    AnswerLost,
    /// Nothing comes, and the connection stays.
    Silence,
    /// After so many bytes of its data, the connection for them ends.
    DataCut(usize),
    /// Only so many bytes of its data arrive, and nobody notices.
    DataShort(usize),
}

/// The proxy. It runs until the test program ends.
#[derive(Clone)]
pub struct FaultyServer {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The word of the commands that fail, and what happens to the next ones.
    faults: Vec<(&'static str, Fault)>,
    /// The words of the commands that the server does not seem to know.
    unknown: Vec<&'static str>,
    commands: Vec<String>,
    /// Connections that stay open for good.
    silent: Vec<TcpStream>,
}

impl FaultyServer {
    /// A proxy before the server at this port.
    pub fn before(server: u16) -> FaultyServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let faulty = FaultyServer {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let proxy = faulty.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let proxy = proxy.clone();
                // A connection that breaks is what this is for.
                std::thread::spawn(move || proxy.serve(client, server));
            }
        });
        faulty
    }

    /// The next command with this word has this fault. The greeting has the empty word.
    pub fn fail(&self, word: &'static str, fault: Fault) {
        self.state.lock().unwrap().faults.push((word, fault));
    }

    /// From now on, the server does not seem to know commands with this word.
    pub fn forget(&self, word: &'static str) {
        self.state.lock().unwrap().unknown.push(word);
    }

    /// How many commands with this word came.
    pub fn count(&self, word: &str) -> usize {
        let state = self.state.lock().unwrap();
        let of_word = state.commands.iter().filter(|found| *found == word);
        of_word.count()
    }

    fn fault_of(&self, word: &str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        state.commands.push(word.to_owned());
        if state.unknown.contains(&word) {
            return Some(Fault::Reply("502 not implemented"));
        }
        let at = state.faults.iter().position(|(of, _)| *of == word)?;
        Some(state.faults.remove(at).1)
    }

    fn serve(&self, client: TcpStream, server: u16) -> Option<()> {
        let server = TcpStream::connect(("127.0.0.1", server)).ok()?;
        client.set_nodelay(true).ok()?;
        server.set_nodelay(true).ok()?;
        let (mut to_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
        let (mut client, mut server) = (BufReader::new(client), BufReader::new(server));
        match self.fault_of("") {
            None => to_client.write_all(&reply(&mut server)?).ok()?,
            Some(Fault::Reply(text)) => {
                to_client.write_all(format!("{text}\r\n").as_bytes()).ok()?;
                return None;
            }
            Some(_) => {
                self.state.lock().unwrap().silent.push(to_client);
                return None;
            }
        }
        // The listener for data that the client was told of, and the port of the server behind it.
        let mut data: Option<(TcpListener, u16)> = None;
        loop {
            let mut line = String::new();
            if client.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let word = line.split_whitespace().next()?.to_owned();
            let fault = self.fault_of(&word);
            match fault {
                Some(Fault::Reply(text)) => {
                    to_client.write_all(format!("{text}\r\n").as_bytes()).ok()?;
                    continue;
                }
                Some(Fault::Closed) => return None,
                Some(Fault::Silence) => {
                    self.state.lock().unwrap().silent.push(to_client);
                    return None;
                }
                _ => {}
            }
            if matches!(word.as_str(), "STOR" | "RETR" | "LIST" | "MLSD")
                && let Some((listener, port)) = data.take()
            {
                std::thread::spawn(move || relay(&listener, port, fault));
            }
            to_server.write_all(line.as_bytes()).ok()?;
            loop {
                let mut answer = reply(&mut server)?;
                if fault == Some(Fault::AnswerLost) && answer[0] != b'1' {
                    return None;
                }
                if word == "EPSV" {
                    let text = String::from_utf8(answer).unwrap();
                    let port = text.split('|').nth(3)?.parse().ok()?;
                    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                    let own = listener.local_addr().unwrap().port();
                    data = Some((listener, port));
                    answer = format!("229 Entering Extended Passive Mode (|||{own}|)\r\n").into();
                }
                to_client.write_all(&answer).ok()?;
                if answer[0] != b'1' {
                    break;
                }
            }
        }
    }
}

/// One answer, with all of its lines.
fn reply(server: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut line = Vec::new();
        if server.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let is_last = line.get(3) == Some(&b' ') && line[..3].iter().all(u8::is_ascii_digit);
        all.extend(line);
        if is_last {
            return Some(all);
        }
    }
}

/// Passes data in both directions.
fn relay(listener: &TcpListener, port: u16, fault: Option<Fault>) -> Option<()> {
    let (client, _) = listener.accept().ok()?;
    let server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    std::thread::scope(|scope| {
        scope.spawn(|| pass(&client, &server, fault));
        scope.spawn(|| pass(&server, &client, fault));
    });
    Some(())
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, fault: Option<Fault>) {
    let mut buffer = [0; 16 * 1024];
    let mut passed = 0;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let most = match fault {
            Some(Fault::DataCut(most) | Fault::DataShort(most)) => most,
            _ => usize::MAX,
        };
        let piece = length.min(most - passed);
        passed += piece;
        if to.write_all(&buffer[..piece]).is_err() {
            break;
        }
        if piece < length && matches!(fault, Some(Fault::DataCut(_))) {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

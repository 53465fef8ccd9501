//! A proxy in front of an S3 server that keeps files in an archive, as Amazon does: a file that is sent with the class
//! `GLACIER` or `DEEP_ARCHIVE` can be read only after it was asked for, and some time later.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::rest_server::faulty::read_head;

/// A copy that does not end soon.
const LATER: &str = "Fri, 01 Jan 2100 00:00:00 GMT";

/// The proxy. It runs until the test program ends.
#[derive(Clone)]
pub struct ArchiveServer {
    /// `127.0.0.1:PORT`.
    pub authority: String,
    state: Arc<Mutex<State>>,
}

/// A request for a file in the archive.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// In lower case.
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct State {
    /// By the paths of the files.
    archived: HashMap<String, Archived>,
    wanted: Vec<Wanted>,
    /// How the next requests for files in the archive are answered, in place of what is true.
    answers: Vec<(u16, &'static str)>,
    /// The heads of all other requests, in lower case.
    heads: Vec<String>,
    /// How many reads of files in the archive were refused.
    refused: usize,
    /// Files are there as soon as they are asked for.
    is_quick: bool,
}

struct Archived {
    class: String,
    copy: Copy,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Copy {
    None,
    Coming,
    /// Until then.
    There(&'static str),
}

impl ArchiveServer {
    /// A proxy before the server at this `HOST:PORT`.
    pub fn before(server: &str) -> ArchiveServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = ArchiveServer {
            authority: listener.local_addr().unwrap().to_string(),
            state: Arc::default(),
        };
        let (own, server) = (proxy.clone(), server.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (own, server) = (own.clone(), server.clone());
                std::thread::spawn(move || own.serve(client, &server));
            }
        });
        proxy
    }

    /// How many files are in the archive, with or without a copy.
    pub fn archived(&self) -> usize {
        self.state.lock().unwrap().archived.len()
    }

    /// What was asked for, one after the other.
    pub fn wanted(&self) -> Vec<Wanted> {
        self.state.lock().unwrap().wanted.clone()
    }

    /// How many files are on their way.
    pub fn on_their_way(&self) -> usize {
        let state = self.state.lock().unwrap();
        let coming = state.archived.values();
        coming.filter(|file| file.copy == Copy::Coming).count()
    }

    /// How many requests with this method came.
    pub fn count(&self, method: &str) -> usize {
        let state = self.state.lock().unwrap();
        let method = format!("{} ", method.to_ascii_lowercase());
        let of_method = state.heads.iter().filter(|head| head.starts_with(&method));
        of_method.count()
    }

    /// How many reads of files in the archive were refused.
    pub fn refused(&self) -> usize {
        self.state.lock().unwrap().refused
    }

    /// The next request for a file in the archive gets this answer.
    pub fn answers(&self, status: u16, body: &'static str) {
        self.state.lock().unwrap().answers.push((status, body));
    }

    /// So many of the files that are on their way can be read now.
    pub fn brings_back(&self, most: usize) {
        let mut state = self.state.lock().unwrap();
        let coming = state.archived.values_mut();
        for file in coming.filter(|file| file.copy == Copy::Coming).take(most) {
            file.copy = Copy::There(LATER);
        }
    }

    /// Copies that are there end at this time.
    pub fn copies_end(&self, date: &'static str) {
        let mut state = self.state.lock().unwrap();
        for file in state.archived.values_mut() {
            if matches!(file.copy, Copy::There(_)) {
                file.copy = Copy::There(date);
            }
        }
    }

    /// The copies are gone.
    pub fn forgets(&self) {
        let mut state = self.state.lock().unwrap();
        for file in state.archived.values_mut() {
            file.copy = Copy::None;
        }
    }

    /// From now on, files can be read as soon as they are asked for.
    pub fn is_quick(&self) {
        self.state.lock().unwrap().is_quick = true;
    }

    /// One request, after which the connection ends.
    fn serve(&self, client: TcpStream, server: &str) -> std::io::Result<()> {
        let mut reader = BufReader::new(client);
        let (head, length) = read_head(&mut reader)?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let client = reader.get_mut();
        let lower = head.to_ascii_lowercase();
        let mut words = head.split(' ');
        let method = words.next().unwrap_or_default();
        let address = words.next().unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        if method == "POST" && query.starts_with("restore") {
            let body = String::from_utf8_lossy(&body).into_owned();
            let (status, body) = self.restore(path, Wanted { head: lower, body });
            return write!(
                client,
                "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        let class = lower.lines().find_map(|line| {
            let class = line.strip_prefix("x-amz-storage-class: ")?;
            Some(class.to_ascii_uppercase())
        });
        let mut more = String::new();
        {
            let mut state = self.state.lock().unwrap();
            state.heads.push(lower.clone());
            if let Some(file) = state.archived.get(path) {
                let is_there = matches!(file.copy, Copy::There(_));
                if method == "GET" && !is_there {
                    state.refused += 1;
                    let body = "<Error><Code>InvalidObjectState</Code></Error>";
                    return write!(
                        client,
                        "HTTP/1.1 403 x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    );
                }
                more = file.headers();
            }
            match (method, class.as_deref()) {
                ("PUT", Some("GLACIER" | "DEEP_ARCHIVE")) => {
                    let class = class.unwrap_or_default();
                    let copy = Copy::None;
                    let file = Archived { class, copy };
                    state.archived.insert(path.to_owned(), file);
                }
                ("DELETE", _) => drop(state.archived.remove(path)),
                _ => {}
            }
        }
        let mut upstream = TcpStream::connect(server)?;
        upstream.write_all(head.as_bytes())?;
        upstream.write_all(&body)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        let first_line = answer.windows(2).position(|part| part == b"\r\n");
        let (line, rest) = answer.split_at(first_line.map_or(0, |at| at + 2));
        client.write_all(line)?;
        client.write_all(more.as_bytes())?;
        client.write_all(rest)
    }

    /// The answer to a request for a file in the archive.
    fn restore(&self, path: &str, wanted: Wanted) -> (u16, String) {
        let mut state = self.state.lock().unwrap();
        state.wanted.push(wanted);
        if !state.answers.is_empty() {
            let (status, body) = state.answers.remove(0);
            return (status, body.to_owned());
        }
        let error = |code: &str| format!("<Error><Code>{code}</Code></Error>");
        let is_quick = state.is_quick;
        match state.archived.get_mut(path) {
            None => (403, error("InvalidObjectState")),
            Some(file) => match file.copy {
                Copy::None => {
                    file.copy = match is_quick {
                        true => Copy::There(LATER),
                        false => Copy::Coming,
                    };
                    (202, String::new())
                }
                Copy::Coming => (409, error("RestoreAlreadyInProgress")),
                Copy::There(_) => {
                    file.copy = Copy::There(LATER);
                    (200, String::new())
                }
            },
        }
    }
}

impl Archived {
    fn headers(&self) -> String {
        let class = format!("x-amz-storage-class: {}\r\n", self.class);
        let restore = match self.copy {
            Copy::None => return class,
            Copy::Coming => "ongoing-request=\"true\"".to_owned(),
            Copy::There(until) => format!("ongoing-request=\"false\", expiry-date=\"{until}\""),
        };
        format!("{class}x-amz-restore: {restore}\r\n")
    }
}

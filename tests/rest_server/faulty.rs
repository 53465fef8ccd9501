//! A proxy in front of a server that breaks requests as networks and servers do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustix::net::{AddressFamily, SocketType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request does not reach the server, which seems to answer with this status.
    Status(u16),
    /// The request does not reach the server, which seems to be rclone and to answer with 404.
    NotFoundByRclone,
    /// The connection ends before the request is read.
    Closed,
    /// The request is carried out, and the answer is lost.
    AnswerLost,
    /// The body of the answer ends after half of it.
    BodyCut,
    /// The head says that the body is ten bytes longer than it is.
    LengthLie,
    /// Nothing comes, and the connection stays.
    Silence,
    /// The answer is not HTTP.
    Nonsense,
    /// The request does not reach the server, which seems to answer with this status and this body.
    Answer(u16, &'static str),
    /// The request is carried out, and the answer names this hash of the content.
    Tagged(&'static str),
    /// The request does not reach the server. The answer is this text, which need not be HTTP.
    Raw(&'static str),
    /// The same as `Answer` without a body, and the wish to be left alone for so many seconds.
    Later(u16, u32),
}

impl Fault {
    /// Whether the request does not reach the server.
    fn is_without_server(self) -> bool {
        matches!(
            self,
            Fault::Status(_)
                | Fault::NotFoundByRclone
                | Fault::Nonsense
                | Fault::Answer(..)
                | Fault::Later(..)
                | Fault::Raw(_)
        )
    }
}

/// The proxy. It runs until the test program ends.
#[derive(Clone)]
pub struct FaultyServer {
    /// `127.0.0.1:PORT`.
    pub authority: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The method of the requests that fail, and what happens to the next ones.
    faults: Vec<(&'static str, Fault)>,
    requests: Vec<String>,
    heads: Vec<String>,
    /// How many requests are under way, and the most that were since the last call that asked.
    under_way: usize,
    most: usize,
    /// A bucket's list of files of this kind lacks the first of them.
    short: Option<&'static str>,
    /// Connections that stay open for good.
    silent: Vec<Box<dyn Send>>,
}

/// A port that refuses connections, and that nobody else gets.
pub struct ClosedPort {
    /// `127.0.0.1:PORT`.
    pub authority: String,
    socket: OwnedFd,
}

impl ClosedPort {
    /// A free port. It is bound, and nobody listens there.
    pub fn new() -> ClosedPort {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = rustix::net::getsockname(&socket).unwrap();
        let address = SocketAddr::try_from(address).unwrap();
        ClosedPort {
            authority: address.to_string(),
            socket,
        }
    }

    /// The server begins to listen there.
    pub fn open(self, server: &str) -> FaultyServer {
        rustix::net::listen(&self.socket, 64).unwrap();
        let faulty = FaultyServer {
            authority: self.authority,
            state: Arc::default(),
        };
        faulty.serve_all(TcpListener::from(self.socket), server, None);
        faulty
    }
}

impl FaultyServer {
    /// A proxy before the server at this `HOST:PORT`.
    pub fn before(server: &str) -> FaultyServer {
        FaultyServer::with(server, None)
    }

    /// A proxy with TLS before a server without it. `cert.pem` and `key.pem` are in the directory.
    pub fn with_tls(server: &str, directory: &Path) -> FaultyServer {
        let certificate = CertificateDer::from_pem_file(directory.join("cert.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(directory.join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        FaultyServer::with(server, Some(Arc::new(config)))
    }

    fn with(server: &str, tls: Option<Arc<ServerConfig>>) -> FaultyServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let faulty = FaultyServer {
            authority: listener.local_addr().unwrap().to_string(),
            state: Arc::default(),
        };
        faulty.serve_all(listener, server, tls);
        faulty
    }

    fn serve_all(&self, listener: TcpListener, server: &str, tls: Option<Arc<ServerConfig>>) {
        let (proxy, server) = (self.clone(), server.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (proxy, server, tls) = (proxy.clone(), server.clone(), tls.clone());
                // A connection that breaks is what this is for.
                std::thread::spawn(move || match tls {
                    None => proxy.serve(client, &server),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        proxy.serve(StreamOwned::new(connection, client), &server)
                    }
                });
            }
        });
    }

    /// The next request with this method has this fault.
    pub fn fail(&self, method: &'static str, fault: Fault) {
        self.state.lock().unwrap().faults.push((method, fault));
    }

    /// No more requests fail.
    pub fn recover(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// From now on, lists of a bucket lack the first file of this kind, which is there all the same.
    pub fn shorten_lists_of(&self, kind: &'static str) {
        self.state.lock().unwrap().short = Some(kind);
    }

    /// How many requests with this method came.
    pub fn count(&self, method: &str) -> usize {
        let state = self.state.lock().unwrap();
        let of_method = state.requests.iter().filter(|found| *found == method);
        of_method.count()
    }

    /// The heads of the requests with this method that came, in lower case.
    pub fn heads(&self, method: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let method = method.to_ascii_lowercase();
        let of_method = state.heads.iter().filter(|head| head.starts_with(&method));
        of_method.cloned().collect()
    }

    /// How many requests were under way at the same time, at most, since the last call.
    pub fn take_most_at_a_time(&self) -> usize {
        std::mem::take(&mut self.state.lock().unwrap().most)
    }

    /// The first lines of all requests since the last call, such as `GET /bucket/config`.
    pub fn take_requests(&self) -> Vec<String> {
        let mut state = self.state.lock().unwrap();
        state.requests.clear();
        let heads = std::mem::take(&mut state.heads);
        let first = |head: String| {
            let line = head.lines().next().unwrap_or_default();
            let words: Vec<&str> = line.split(' ').take(2).collect();
            words.join(" ")
        };
        heads.into_iter().map(first).collect()
    }

    /// A server that is too busy makes the client repeat a request, which is none more of the client's.
    fn forget(&self, head: &str) {
        let mut state = self.state.lock().unwrap();
        let lower = head.to_ascii_lowercase();
        if let Some(at) = state.heads.iter().rposition(|known| *known == lower) {
            state.heads.remove(at);
        }
    }

    fn next(&self, method: &str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        state.requests.push(method.to_owned());
        let found = state.faults.iter().position(|(of, _)| *of == method)?;
        Some(state.faults.remove(found).1)
    }

    /// One request, after which the connection ends.
    fn serve(
        &self,
        client: impl Read + Write + Send + 'static,
        server: &str,
    ) -> std::io::Result<()> {
        let mut reader = BufReader::new(client);
        let (head, length) = read_head(&mut reader)?;
        let method = head.split(' ').next().unwrap_or_default().to_owned();
        let fault = self.next(&method);
        let under_way = UnderWay::begin(&self.state, &head);
        match fault {
            Some(Fault::Closed) => return Ok(()),
            Some(Fault::Silence) => {
                self.state.lock().unwrap().silent.push(Box::new(reader));
                return Ok(());
            }
            _ => {}
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let client = reader.get_mut();
        if fault.is_some_and(Fault::is_without_server) {
            drop(under_way);
            return self.answer(client, fault);
        }
        let mut upstream = TcpStream::connect(server)?;
        upstream.write_all(head.as_bytes())?;
        upstream.write_all(&body)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        // The client may send the next request as soon as it has the answer.
        drop(under_way);
        if answer.starts_with(b"HTTP/1.1 5") {
            self.forget(&head);
        }
        let end_of_head = answer
            .windows(4)
            .position(|part| part == b"\r\n\r\n")
            .map_or(answer.len(), |at| at + 4);
        let body = answer.split_off(end_of_head);
        let short = self.state.lock().unwrap().short;
        if short.is_some_and(|kind| head.contains(&format!("{kind}%2F"))) {
            let list = without_first(&String::from_utf8_lossy(&body));
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n";
            return write!(client, "{head}Content-Length: {}\r\n\r\n{list}", list.len());
        }
        match fault {
            Some(Fault::AnswerLost) => Ok(()),
            Some(Fault::BodyCut) => {
                client.write_all(&answer)?;
                client.write_all(&body[..body.len() / 2])
            }
            Some(Fault::Tagged(hash)) => {
                let text = String::from_utf8_lossy(&answer).into_owned();
                let is_tag = |line: &&str| line.to_ascii_lowercase().starts_with("etag:");
                let tag = text.lines().find(is_tag).unwrap_or_default();
                let tagged = text.replace(tag, &format!("ETag: {hash}"));
                client.write_all(tagged.as_bytes())?;
                client.write_all(&body)
            }
            Some(Fault::LengthLie) => {
                let text = String::from_utf8_lossy(&answer).into_owned();
                let lie = format!("Content-Length: {}", body.len() + 10);
                let truth = format!("Content-Length: {}", body.len());
                client.write_all(text.replace(&truth, &lie).as_bytes())?;
                client.write_all(&body)
            }
            _ => {
                client.write_all(&answer)?;
                client.write_all(&body)
            }
        }
    }

    /// Answers in place of the server.
    fn answer(&self, client: &mut impl Write, fault: Option<Fault>) -> std::io::Result<()> {
        match fault {
            Some(Fault::Status(status)) => {
                write!(
                    client,
                    "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            }
            Some(Fault::NotFoundByRclone) => {
                client.write_all(
                    b"HTTP/1.1 404 x\r\nServer: rclone/v1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                )
            }
            Some(Fault::Answer(status, body)) => {
                write!(
                    client,
                    "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                )
            }
            Some(Fault::Later(status, seconds)) => {
                write!(
                    client,
                    "HTTP/1.1 {status} x\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\
                     Connection: close\r\n\r\n"
                )
            }
            Some(Fault::Raw(text)) => client.write_all(text.as_bytes()),
            Some(Fault::Nonsense) => client.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"),
            _ => Ok(()),
        }
    }
}

/// A list of a bucket without its first file.
fn without_first(list: &str) -> String {
    let end = "</Contents>";
    match (list.find("<Contents>"), list.find(end)) {
        (Some(from), Some(to)) => format!("{}{}", &list[..from], &list[to + end.len()..]),
        _ => list.to_owned(),
    }
}

/// A request that is under way: from when it was read until its answer goes to the client.
struct UnderWay<'s>(&'s Mutex<State>);

impl UnderWay<'_> {
    fn begin<'s>(state: &'s Mutex<State>, head: &str) -> UnderWay<'s> {
        let mut locked = state.lock().unwrap();
        locked.heads.push(head.to_ascii_lowercase());
        locked.under_way += 1;
        locked.most = locked.most.max(locked.under_way);
        UnderWay(state)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way -= 1;
    }
}

/// The head of a request, which now asks for one answer and the end, and the length of its body.
pub fn read_head(reader: &mut impl BufRead) -> std::io::Result<(String, usize)> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(number) = lower.strip_prefix("content-length:") {
            length = number.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            head.push_str("Connection: close\r\n\r\n");
            return Ok((head, length));
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
}

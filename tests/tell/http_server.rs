//! A server that speaks HTTP: it keeps what it gets, and answers as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Got {
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The names are in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What the server does with every request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The status, further lines of the head, and the body.
    Says(u16, String, String),
    /// Nothing comes, and the connection stays.
    Silence,
    /// The connection ends.
    End,
}

/// The server. It runs until the test program ends.
pub struct HttpServer {
    /// `127.0.0.1:PORT`.
    pub authority: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl HttpServer {
    /// Accepts everything.
    pub fn good() -> HttpServer {
        HttpServer::saying(200, "", "ok")
    }

    pub fn saying(status: u16, head: &str, body: &str) -> HttpServer {
        HttpServer::start(Answer::Says(status, head.to_owned(), body.to_owned()), None)
    }

    pub fn that(answer: Answer) -> HttpServer {
        HttpServer::start(answer, None)
    }

    /// Accepts everything, with TLS. `cert.pem` and `key.pem` are in the directory.
    pub fn with_tls(directory: &Path) -> HttpServer {
        let certificate = CertificateDer::from_pem_file(directory.join("cert.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(directory.join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let answer = Answer::Says(200, String::new(), "ok".to_owned());
        HttpServer::start(answer, Some(Arc::new(config)))
    }

    fn start(answer: Answer, tls: Option<Arc<ServerConfig>>) -> HttpServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, tls, kept) = (answer.clone(), tls.clone(), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream, tls, &answer, &kept));
            }
        });
        HttpServer { authority, got }
    }

    /// What has come until now.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The only request that has come.
    #[track_caller]
    pub fn only(&self) -> Got {
        let got = self.got();
        assert_eq!(got.len(), 1, "{got:?}");
        got[0].clone()
    }
}

fn serve(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    answer: &Answer,
    kept: &Mutex<Vec<Got>>,
) {
    match tls {
        None => talk(stream, answer, kept),
        Some(config) => {
            let connection = ServerConnection::new(config).unwrap();
            talk(StreamOwned::new(connection, stream), answer, kept);
        }
    }
}

fn talk<S: Read + Write>(stream: S, answer: &Answer, kept: &Mutex<Vec<Got>>) {
    let mut reader = BufReader::new(stream);
    let Some(got) = request(&mut reader) else {
        return;
    };
    kept.lock().unwrap().push(got);
    match answer {
        Answer::Says(status, head, body) => {
            let text = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n{head}\r\n{body}",
                body.len()
            );
            let _ = reader.get_mut().write_all(text.as_bytes());
            let _ = reader.get_mut().flush();
        }
        Answer::Silence => {
            // The client gives up.
            let _ = reader.read_to_end(&mut Vec::new());
        }
        Answer::End => {}
    }
}

fn request(reader: &mut impl BufRead) -> Option<Got> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got {
        method,
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}

//! HTTP for storages away from the host, and for receivers of notices: one client, limits on every read and write, and the
//! classes of failures.
//!
//! A request to a storage has no time limit as a whole, because a large file over a slow line takes its time. A connection
//! on which nothing moves for too long is given up.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use ureq::SendBody;
use ureq::http::HeaderValue;
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use zeroize::Zeroizing;

use super::FileKind;
use super::limit::{Direction, Pace};
pub use answer::Answer;
use body::Paced;
pub use failure::{Failure, Way, wanted_wait};

mod answer;
mod body;
mod failure;
mod unix;

/// How long a connection may take to be made, unless the options say something else.
const CONNECT: Duration = Duration::from_secs(30);

/// Connections that are kept for this long. Servers close idle ones, often after a minute.
const IDLE: Duration = Duration::from_secs(30);

/// The headers that hold secrets.
const SENSITIVE: &[&str] = &[
    "authorization",
    "x-gotify-key",
    "x-amz-security-token",
    "x-auth-token",
    "x-aws-ec2-metadata-token",
];

/// The certificates that are trusted.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Those that the system trusts.
    #[default]
    System,
    /// The certificates in this text, in PEM format.
    Pem(Vec<u8>),
    /// Every certificate.
    Anything,
}

/// How a server is reached.
pub struct Options {
    /// The user and the password.
    pub user: Option<(String, Zeroizing<String>)>,
    pub trust: Trust,
    /// The address of a proxy; `None`: as the environment says.
    pub proxy: Option<String>,
    /// The server is at this socket, whatever the addresses of the requests say. Then there is no proxy and no TLS.
    pub socket: Option<PathBuf>,
    /// Uses no proxy, whatever the environment says.
    pub direct: bool,
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// A connection on which nothing moves for this long is given up.
    pub stall: Duration,
    /// How long the first answer may take, if no answer has come yet; `None`: as long as the connection does not stall. Who
    /// waits for a server that takes connections and says nothing should learn of it soon.
    pub first: Option<Duration>,
    /// A request that is not answered as a whole after so long is given up; `None`: it may take any time.
    pub total: Option<Duration>,
    /// How many connections are kept open.
    pub connections: usize,
    /// Every body passes through it.
    pub pace: Option<Arc<Pace>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            user: None,
            trust: Trust::default(),
            proxy: None,
            socket: None,
            direct: false,
            connect: CONNECT,
            // A server such as rclone is silent while it tries again itself.
            stall: Duration::from_secs(5 * 60),
            first: None,
            total: None,
            connections: 5,
            pace: None,
        }
    }
}

/// Why there is no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("there is no certificate in it, or one that cannot be read")]
    Certificates,
    #[error("the user or the password has characters that HTTP cannot carry")]
    User,
    #[error("the address of the proxy cannot be used")]
    Proxy,
}

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Head,
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// The word in the request.
    pub fn word(self) -> &'static str {
        match self {
            Method::Head => "HEAD",
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// One server and one user.
pub struct Client {
    agent: ureq::Agent,
    authorization: Option<HeaderValue>,
    stall: Duration,
    first: Option<Duration>,
    has_answered: AtomicBool,
    pace: Option<Arc<Pace>>,
    /// The server is at a socket of this host.
    at_socket: bool,
}

/// One request.
pub struct Request<'a> {
    pub method: Method,
    pub url: &'a str,
    pub headers: &'a [(&'a str, String)],
    /// Of a [`Method::Post`] or [`Method::Put`].
    pub body: &'a [u8],
    /// What the bodies belong to, for the limits.
    pub kind: FileKind,
}

impl Client {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn new(options: Options) -> Result<Client, OptionsError> {
        let authorization = options.user.map(authorization).transpose()?;
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("freezerd/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls(options.trust)?)
            .timeout_resolve(Some(options.connect))
            .timeout_connect(Some(options.connect))
            .timeout_per_read(Some(options.stall))
            .timeout_per_write(Some(options.stall))
            .timeout_global(options.total)
            .max_idle_connections(options.connections + 2)
            .max_idle_connections_per_host(options.connections + 2)
            .max_idle_age(IDLE);
        if options.direct || options.socket.is_some() {
            config = config.proxy(None);
        } else if let Some(proxy) = options.proxy {
            let proxy = ureq::Proxy::new(&proxy).map_err(|_| OptionsError::Proxy)?;
            config = config.proxy(Some(proxy));
        }
        let config = config.build();
        let at_socket = options.socket.is_some();
        let agent = match options.socket {
            Some(path) => {
                ureq::Agent::with_parts(config, unix::UnixConnector::new(path), unix::NoAddress)
            }
            None => config.new_agent(),
        };
        Ok(Client {
            agent,
            authorization,
            stall: options.stall,
            first: options.first,
            has_answered: AtomicBool::new(false),
            pace: options.pace,
            at_socket,
        })
    }

    /// Sends a request, and waits for the head of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let mut built = ureq::http::Request::builder()
            .method(request.method.word())
            .uri(request.url);
        for (name, value) in request.headers {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| Failure::answer("a header has characters that HTTP cannot carry"))?;
            value.set_sensitive(SENSITIVE.contains(name));
            built = built.header(*name, value);
        }
        if let Some(authorization) = &self.authorization {
            built = built.header(AUTHORIZATION, authorization);
        }
        let sent = if matches!(request.method, Method::Post | Method::Put) {
            let mut content = Paced {
                inner: request.body,
                pace: self.pace.clone(),
                direction: Direction::Up,
                kind: request.kind,
            };
            let body = SendBody::from_reader(&mut content);
            let has_type = request
                .headers
                .iter()
                .any(|(name, _)| *name == CONTENT_TYPE.as_str());
            if !has_type {
                built = built.header(CONTENT_TYPE, "application/octet-stream");
            }
            built
                .header(CONTENT_LENGTH, request.body.len())
                .body(body)
                .map_err(ureq::Error::from)
                .and_then(|built| self.agent.run(built))
        } else {
            let first = self
                .first
                .filter(|_| !self.has_answered.load(Ordering::Relaxed));
            let built = built.body(()).map_err(ureq::Error::from);
            built.and_then(|built| {
                let request = self.agent.configure_request(built);
                self.agent.run(request.timeout_recv_response(first).build())
            })
        };
        let way = match (self.at_socket, request.url.starts_with("https:")) {
            (true, _) => Way::Socket,
            (false, true) => Way::Tls,
            (false, false) => Way::Plain,
        };
        let answer = sent.map_err(|error| Failure::of(error, self.stall, way))?;
        self.has_answered.store(true, Ordering::Relaxed);
        let (head, body) = answer.into_parts();
        let mut answer = Answer {
            status: head.status.as_u16(),
            length: None,
            headers: head.headers,
            body,
            kind: request.kind,
            stall: self.stall,
            way,
            pace: self.pace.clone(),
        };
        answer.length = answer
            .header(CONTENT_LENGTH.as_str())
            .and_then(|length| length.parse().ok());
        Ok(answer)
    }
}

fn authorization(
    (user, password): (String, Zeroizing<String>),
) -> Result<HeaderValue, OptionsError> {
    let pair = Zeroizing::new(format!("{user}:{}", *password));
    let encoded = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(&*pair));
    let text = Zeroizing::new(format!("Basic {}", *encoded));
    let mut value = HeaderValue::from_str(&text).map_err(|_| OptionsError::User)?;
    value.set_sensitive(true);
    Ok(value)
}

fn tls(trust: Trust) -> Result<TlsConfig, OptionsError> {
    let builder = TlsConfig::builder();
    let builder = match trust {
        Trust::System => builder.root_certs(RootCerts::PlatformVerifier),
        Trust::Anything => builder.disable_verification(true),
        Trust::Pem(text) => {
            let mut certificates = Vec::new();
            for item in parse_pem(&text) {
                match item {
                    Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                    Ok(_) => {}
                    Err(_) => return Err(OptionsError::Certificates),
                }
            }
            if certificates.is_empty() {
                return Err(OptionsError::Certificates);
            }
            builder.root_certs(RootCerts::new_with_certs(&certificates))
        }
    };
    Ok(builder.build())
}

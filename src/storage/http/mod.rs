//! HTTP for storages away from the host: one client, limits on every read and write, and the classes of failures.
//!
//! A request has no time limit as a whole, because a large file over a slow line takes its time. A connection on which
//! nothing moves for too long is given up.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use ureq::http::HeaderValue;
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Body, SendBody};
use zeroize::Zeroizing;

use super::FileKind;
use super::limit::{Direction, Pace};
use body::Paced;
pub use failure::Failure;

mod body;
mod failure;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(30);

/// Connections that are kept for this long. Servers close idle ones, often after a minute.
const IDLE: Duration = Duration::from_secs(30);

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
    /// A connection on which nothing moves for this long is given up.
    pub stall: Duration,
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
            // A server such as rclone is silent while it tries again itself.
            stall: Duration::from_secs(5 * 60),
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
    Delete,
}

/// One server and one user.
pub struct Client {
    agent: ureq::Agent,
    authorization: Option<HeaderValue>,
    stall: Duration,
    pace: Option<Arc<Pace>>,
}

/// One request.
pub struct Request<'a> {
    pub method: Method,
    pub url: &'a str,
    pub headers: &'a [(&'static str, String)],
    /// Of a [`Method::Post`].
    pub body: &'a [u8],
    /// What the bodies belong to, for the limits.
    pub kind: FileKind,
}

/// An answer, whose body is read as it arrives.
pub struct Answer {
    pub status: u16,
    /// In bytes, if the server says it.
    pub length: Option<u64>,
    server: Option<String>,
    content_type: Option<String>,
    body: Body,
    kind: FileKind,
    stall: Duration,
    pace: Option<Arc<Pace>>,
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
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(options.stall))
            .timeout_per_write(Some(options.stall))
            .max_idle_connections(options.connections + 2)
            .max_idle_connections_per_host(options.connections + 2)
            .max_idle_age(IDLE);
        if let Some(proxy) = options.proxy {
            let proxy = ureq::Proxy::new(&proxy).map_err(|_| OptionsError::Proxy)?;
            config = config.proxy(Some(proxy));
        }
        Ok(Client {
            agent: config.build().new_agent(),
            authorization,
            stall: options.stall,
            pace: options.pace,
        })
    }

    /// Sends a request, and waits for the head of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let method = match request.method {
            Method::Head => ureq::http::Method::HEAD,
            Method::Get => ureq::http::Method::GET,
            Method::Post => ureq::http::Method::POST,
            Method::Delete => ureq::http::Method::DELETE,
        };
        let mut built = ureq::http::Request::builder()
            .method(method)
            .uri(request.url);
        for (name, value) in request.headers {
            built = built.header(*name, value);
        }
        if let Some(authorization) = &self.authorization {
            built = built.header(AUTHORIZATION, authorization);
        }
        let sent = if request.method == Method::Post {
            let mut content = Paced {
                inner: request.body,
                pace: self.pace.clone(),
                direction: Direction::Up,
                kind: request.kind,
            };
            let body = SendBody::from_reader(&mut content);
            built
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, request.body.len())
                .body(body)
                .map_err(ureq::Error::from)
                .and_then(|built| self.agent.run(built))
        } else {
            built
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|built| self.agent.run(built))
        };
        let answer = sent.map_err(|error| Failure::of(error, self.stall))?;
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        Ok(Answer {
            status: answer.status().as_u16(),
            length: header("content-length").and_then(|length| length.parse().ok()),
            server: header("server"),
            content_type: header("content-type"),
            body: answer.into_body(),
            kind: request.kind,
            stall: self.stall,
            pace: self.pace.clone(),
        })
    }
}

impl Answer {
    /// Whether the server calls itself rclone, which has peculiar answers.
    pub fn is_from_rclone(&self) -> bool {
        self.server
            .as_deref()
            .is_some_and(|server| server.starts_with("rclone/"))
    }

    /// The type of the content without its parameters; empty if the server does not say it.
    pub fn content_type(&self) -> &str {
        let written = self.content_type.as_deref().unwrap_or_default();
        written.split(';').next().unwrap_or_default().trim()
    }

    /// The body, at the speed that the limits allow. [`Answer::body_failure`] understands an error of this reader.
    pub fn reader(&mut self) -> impl Read + '_ {
        Paced {
            inner: self.body.as_reader(),
            pace: self.pace.clone(),
            direction: Direction::Down,
            kind: self.kind,
        }
    }

    /// A failure of the body.
    pub fn body_failure(&self, error: std::io::Error) -> Failure {
        Failure::of(ureq::Error::from(error), self.stall)
    }

    /// Reads what is left of a short body, so that the connection can be used again.
    pub fn finish(mut self) {
        const LEFT: u64 = 16 * 1024;
        let _ = std::io::copy(&mut self.body.as_reader().take(LEFT), &mut std::io::sink());
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

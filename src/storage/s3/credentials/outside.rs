//! What credentials are fetched from: files of this host, and services that it asks. Tests have recorded ones.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::super::super::FileKind;
use super::super::super::http::{Client, Failure, Method, Options, OptionsError, Request, Trust};

/// No file of credentials, and no answer with them, is larger, in bytes.
const LARGEST: u64 = 1 << 20;

/// How long a service on this host or beside it may take to answer. A host that has none often gives no answer at all.
const NEAR: Duration = Duration::from_secs(2);

/// How long a service far away may take.
const FAR: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

/// What is outside of this program.
pub trait Outside: Send + Sync {
    /// The value of a variable of the environment, if it is set and not empty.
    fn variable(&self, name: &str) -> Option<String>;

    /// The content of a file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn file(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Asks a service beside this host.
    ///
    /// # Errors
    /// When there is no answer.
    fn near(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Reply, Failure>;

    /// Sends a form to a service far away.
    ///
    /// # Errors
    /// When there is no answer.
    fn far(&self, url: &str, form: &str) -> Result<Reply, Failure>;
}

/// This host and its network.
pub struct System {
    near: Client,
    far: Client,
}

impl System {
    /// Connects to nothing yet. `trust` and `proxy` are for services far away.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn new(trust: Trust, proxy: Option<String>) -> Result<System, OptionsError> {
        Ok(System {
            near: Client::new(Options {
                direct: true,
                connect: NEAR,
                stall: NEAR,
                connections: 1,
                ..Options::default()
            })?,
            far: Client::new(Options {
                trust,
                proxy,
                stall: FAR,
                connections: 1,
                ..Options::default()
            })?,
        })
    }
}

impl Outside for System {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        File::open(path)?.take(LARGEST).read_to_end(&mut content)?;
        Ok(content)
    }

    fn near(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Reply, Failure> {
        ask(&self.near, method, url, headers, b"")
    }

    fn far(&self, url: &str, form: &str) -> Result<Reply, Failure> {
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )];
        ask(&self.far, Method::Post, url, &headers, form.as_bytes())
    }
}

fn ask(
    client: &Client,
    method: Method,
    url: &str,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Result<Reply, Failure> {
    let mut answer = client.send(&Request {
        method,
        url,
        headers,
        body,
        kind: FileKind::Config,
    })?;
    let status = answer.status;
    let mut body = Vec::new();
    let read = answer.reader().take(LARGEST).read_to_end(&mut body);
    match read {
        Ok(_) => Ok(Reply { status, body }),
        Err(error) => Err(answer.body_failure(error)),
    }
}

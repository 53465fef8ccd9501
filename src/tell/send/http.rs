//! Requests of receivers: one for each message.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::error::SendError;
use crate::storage::FileKind;
use crate::storage::error::ErrorKind;
use crate::storage::http::{Answer, Client, Method, Options, Request, Trust};
use crate::tell::receiver::Receiver;
use crate::tell::secret::Secret;

/// The largest file of certificates that is read, in bytes.
const CERTIFICATES: u64 = 4 * 1024 * 1024;

/// The most of an answer that is looked at, in bytes.
const ANSWER: u64 = 64 * 1024;

/// The headers of a request. Their values may be secrets.
pub(super) type Headers<'a> = Vec<(&'a str, String)>;

/// The certificates that the receiver trusts.
pub(super) fn trust(receiver: &Receiver) -> Result<Trust, SendError> {
    let Some(path) = &receiver.ca_file else {
        return Ok(Trust::System);
    };
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(CERTIFICATES).read_to_end(&mut content))
        .map_err(|source| SendError::Certificates {
            path: path.clone(),
            source,
        })?;
    Ok(Trust::Pem(content))
}

/// Reads a secret. What is wrong with the modes of its file is told by `doctor`.
pub(super) fn read(key: &'static str, secret: &Secret) -> Result<Zeroizing<String>, SendError> {
    secret
        .read(&|_| ())
        .map_err(|source| SendError::Secret { key, source })
}

/// Reads a secret that is the address of a request.
pub(super) fn read_url(secret: &Secret) -> Result<Zeroizing<String>, SendError> {
    let url = read("url", secret)?;
    let head = url.get(..8).unwrap_or(&url).to_ascii_lowercase();
    let is_address = (head.starts_with("https://") || head.starts_with("http://"))
        && url.bytes().all(|byte| byte.is_ascii_graphic())
        && url.parse::<ureq::http::Uri>().is_ok();
    match is_address {
        true => Ok(url),
        false => Err(SendError::NotAnAddress("url")),
    }
}

/// Reads a secret that goes into a header.
pub(super) fn read_token(secret: &Secret) -> Result<Zeroizing<String>, SendError> {
    let token = read("token", secret)?;
    match token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(token),
        false => Err(SendError::Unusable {
            key: "token",
            what: "characters that no token has, such as blanks",
        }),
    }
}

/// The header that holds a token.
pub(super) fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

/// Sends JSON, which must be accepted.
pub(super) fn post(
    receiver: &Receiver,
    url: &str,
    mut headers: Headers<'_>,
    body: &Value,
) -> Result<String, SendError> {
    headers.push(("content-type", "application/json".to_owned()));
    ask(
        receiver,
        Method::Post,
        url,
        &headers,
        body.to_string().as_bytes(),
    )
}

/// Sends a request, which must be accepted. Returns the beginning of the answer.
pub(super) fn ask(
    receiver: &Receiver,
    method: Method,
    url: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> Result<String, SendError> {
    let limit = receiver.timeout;
    let options = Options {
        trust: trust(receiver)?,
        connect: limit,
        stall: limit,
        total: Some(limit),
        connections: 1,
        ..Options::default()
    };
    let client = Client::new(options).map_err(SendError::Options)?;
    let answer = client
        .send(&Request {
            method,
            url,
            headers,
            body,
            // Nothing limits the rate.
            kind: FileKind::Config,
        })
        .map_err(|failure| match failure.kind {
            ErrorKind::Unreachable if failure.is_timeout() => SendError::Silent(limit),
            ErrorKind::Unreachable => SendError::Unreachable(failure.to_string()),
            ErrorKind::Untrusted => SendError::Untrusted(failure.to_string()),
            _ => SendError::Nonsense(failure.to_string()),
        })?;
    accepted(answer)
}

/// A redirect is not followed: it may lead away from whom the secrets are for.
fn accepted(answer: Answer) -> Result<String, SendError> {
    if !(200..300).contains(&answer.status) {
        let (status, after) = (answer.status, wait(&answer));
        answer.finish();
        return Err(SendError::Status { status, after });
    }
    let body = answer.whole(ANSWER).unwrap_or_default();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

fn wait(answer: &Answer) -> Option<Duration> {
    answer.retry_after().map(|wait| wait.min(LONGEST_WAIT))
}

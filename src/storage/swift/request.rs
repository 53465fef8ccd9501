//! Sends a request with a good token, and asks a server that lags again.

use super::super::error::ErrorKind;
use super::super::http::{Answer, Failure, Method, Request};
use super::super::{FileKind, FileName};
use super::Swift;
use super::keystone::Token;
use super::refusal;
use crate::location;

/// What is asked of the object store.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub method: Method,
    /// Behind the name of the container, with percent escapes: empty, `/NAME` or `?QUERY`.
    pub target: &'a str,
    pub headers: &'a [(&'static str, String)],
    pub body: &'a [u8],
    pub kind: FileKind,
}

impl Swift {
    /// The name of a file behind that of the container.
    pub(super) fn target(&self, file: FileName) -> String {
        let mut target = "/".to_owned();
        let name = format!("{}{file}", self.prefix);
        location::escape(&mut target, name.as_bytes(), b"/");
        target
    }

    /// Sends a request with a good token, and waits for the head of the answer.
    pub(super) fn send(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let token = self.session.token()?;
        let answer = self.send_with(&token, call)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // The token has ended early, or the clocks differ.
        answer.finish();
        self.session.forget(&token);
        let token = self.session.token()?;
        self.send_with(&token, call)
    }

    fn send_with(&self, token: &Token, call: &Call<'_>) -> Result<Answer, Failure> {
        let url = format!("{}{}{}", token.store, self.container, call.target);
        let mut headers = call.headers.to_vec();
        headers.push(("x-auth-token", token.secret.to_string()));
        self.client.send(&Request {
            method: call.method,
            url: &url,
            headers: &headers,
            body: call.body,
            kind: call.kind,
        })
    }

    /// Sends a request about a file. An answer that is not a good one is a failure.
    pub(super) fn ask(
        &self,
        method: Method,
        file: FileName,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<Answer, Failure> {
        let answer = self.send(&Call {
            method,
            target: &self.target(file),
            headers,
            body,
            kind: file.kind,
        })?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(refusal::of(answer)),
        }
    }

    /// Asks for a file that should be there. A server that lags gets some time to find it.
    pub(super) fn patiently<T>(
        &self,
        file: FileName,
        request: impl Fn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let is_named = !matches!(file.kind, FileKind::Config | FileKind::Lock);
        for wait in self.lag.iter().filter(|_| is_named) {
            match request() {
                Err(failure) if failure.kind == ErrorKind::NotFound && !self.known.misses(file) => {
                    std::thread::sleep(*wait);
                }
                result => return result,
            }
        }
        let result = request();
        if let Err(failure) = &result
            && failure.kind == ErrorKind::NotFound
        {
            self.known.is_missing(file);
        }
        result
    }
}

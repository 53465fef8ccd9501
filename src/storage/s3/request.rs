//! Sends a signed request, with good credentials and to the right region.

use std::sync::{Arc, PoisonError};

use super::super::http::{Answer, Failure, Method, Request};
use super::super::id::Id;
use super::super::{FileKind, FileName};
use super::refusal::{Refusal, Trouble};
use super::sign::{self, Unsigned};
use super::{HASH, S3, hash_word};

/// What is asked.
pub(super) struct Call<'a> {
    pub method: Method,
    /// `None`: the bucket.
    pub file: Option<FileName>,
    pub query: &'a [(&'a str, &'a str)],
    pub headers: &'a [(&'static str, String)],
    pub body: &'a [u8],
    /// The hash of the body, where it is known.
    pub hash: Option<Id>,
    /// What the bodies belong to, for the limits.
    pub kind: FileKind,
}

impl<'a> Call<'a> {
    /// A request about a file, without a body.
    pub fn of(method: Method, file: FileName, headers: &'a [(&'static str, String)]) -> Call<'a> {
        Call {
            method,
            file: Some(file),
            query: &[],
            headers,
            body: b"",
            hash: None,
            kind: file.kind,
        }
    }

    /// A request about the bucket.
    pub fn of_bucket(method: Method, query: &'a [(&'a str, &'a str)], kind: FileKind) -> Call<'a> {
        Call {
            method,
            file: None,
            query,
            headers: &[],
            body: b"",
            hash: None,
            kind,
        }
    }
}

impl S3 {
    /// The refusal in an answer to a write whose status is good. Some servers learn that they have failed after they have sent
    /// the status.
    pub(super) fn refused_after_all(
        &self,
        answer: Answer,
        hash: Id,
    ) -> Result<Option<Refusal>, Trouble> {
        if answer.header(HASH).is_some_and(|it| it != hash_word(hash)) {
            return Err(Failure::other_content().into());
        }
        let refusal = Refusal::read(answer, &self.bucket.name);
        Ok((!refusal.code.is_empty()).then_some(refusal))
    }

    /// Sends a request, and waits for the head of a good answer. Credentials that have ended are fetched anew, and a
    /// region that the server names is used, once.
    pub(super) fn send(&self, call: &Call<'_>) -> Result<Answer, Trouble> {
        let query = sign::query(call.query);
        let payload = sign::hex(&call.hash.unwrap_or_else(|| Id::of(call.body)).0);
        let mut has_renewed = false;
        let mut has_moved = false;
        loop {
            let credentials = self.provider.current()?;
            let region = self.region();
            let target = match call.file {
                Some(file) => self.bucket.file(file, &region),
                None => self.bucket.top(&region),
            };
            let time = chrono::Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
            let unsigned = Unsigned {
                method: call.method.word(),
                path: &target.path,
                query: &query,
                host: &target.host,
                headers: call.headers,
                payload: &payload,
                time: &time,
                region: &region,
            };
            let answer = self.client.send(&Request {
                method: call.method,
                url: &target.url(&query),
                headers: &unsigned.sign(&credentials),
                body: call.body,
                kind: call.kind,
            })?;
            if (200..300).contains(&answer.status) {
                return Ok(answer);
            }
            let refusal = Refusal::read(answer, &self.bucket.name);
            match refusal.other_region() {
                _ if refusal.is_expired() && !has_renewed => {
                    has_renewed = true;
                    self.provider.forget(&credentials);
                }
                Some(other) if other != &*region && !has_moved => {
                    has_moved = true;
                    let other = Arc::from(other);
                    *self.region.lock().unwrap_or_else(PoisonError::into_inner) = other;
                }
                _ => return Err(Trouble::Refused(refusal)),
            }
        }
    }

    /// The region that requests are signed for.
    pub(super) fn region(&self) -> Arc<str> {
        let region = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&region)
    }
}

//! Object lock: until when a bucket keeps each version of a file.

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};

use super::super::FileName;
use super::super::error::ErrorKind;
use super::super::http::{Answer, Method};
use super::super::retention::{Mode, Retention};
use super::refusal::Trouble;
use super::request::Call;
use super::{S3, xml};

/// No answer about the bucket is longer, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The server keeps the hash of what it gets.
const HASH: &str = "x-amz-checksum-sha256";

impl S3 {
    /// Until when a file is kept. Of a file that is not kept in a bucket that keeps new ones, the beginning of time.
    pub(super) fn retention_of(&self, file: FileName) -> Result<Option<Retention>, Trouble> {
        let answer = self.send(&Call::of(Method::Head, file, &[]))?;
        if let Some(retention) = in_head(&answer) {
            return Ok(Some(retention));
        }
        let call = Call::of_bucket(Method::Get, &[("object-lock", "")], file.kind);
        let answer = match self.send(&call) {
            Ok(answer) => answer,
            // The bucket has no object lock, or the server does not know it.
            Err(Trouble::Refused(refusal)) if matches!(refusal.status, 400 | 404 | 501) => {
                return Ok(None);
            }
            Err(trouble) => return Err(trouble),
        };
        let document = answer.whole(LARGEST)?;
        let [mode] = xml::first(&document, ["Mode"]);
        Ok(mode.and_then(|mode| of_word(&mode)).map(|mode| Retention {
            until: SystemTime::UNIX_EPOCH,
            mode,
        }))
    }

    /// Keeps a file until then. One that is kept for longer stays so.
    pub(super) fn keep(&self, file: FileName, retention: Retention) -> Result<(), Trouble> {
        let mode = match retention.mode {
            Mode::Governance => "GOVERNANCE",
            Mode::Compliance => "COMPLIANCE",
        };
        let until: DateTime<Utc> = retention.until.into();
        let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{mode}</Mode>\
             <RetainUntilDate>{until}</RetainUntilDate></Retention>"
        );
        let headers = [(HASH, super::hash_word(super::Id::of(body.as_bytes())))];
        let call = Call {
            query: &[("retention", "")],
            body: body.as_bytes(),
            ..Call::of(Method::Put, file, &headers)
        };
        match self.send(&call) {
            Ok(answer) => {
                answer.finish();
                Ok(())
            }
            Err(Trouble::Refused(refusal)) if refusal.kind() == ErrorKind::Denied => {
                // The time of a file cannot be made shorter.
                let answer = self.send(&Call::of(Method::Head, file, &[]))?;
                match in_head(&answer) {
                    Some(found) if found.until >= retention.until => Ok(()),
                    _ => Err(Trouble::Refused(refusal)),
                }
            }
            Err(trouble) => Err(trouble),
        }
    }
}

/// What the head of an answer about a file says.
fn in_head(answer: &Answer) -> Option<Retention> {
    let until = answer.header("x-amz-object-lock-retain-until-date")?;
    let until = DateTime::parse_from_rfc3339(until).ok()?;
    let mode = of_word(answer.header("x-amz-object-lock-mode")?)?;
    Some(Retention {
        until: until.to_utc().into(),
        mode,
    })
}

fn of_word(word: &str) -> Option<Mode> {
    match word {
        "GOVERNANCE" => Some(Mode::Governance),
        "COMPLIANCE" => Some(Mode::Compliance),
        _ => None,
    }
}

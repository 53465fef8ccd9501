//! Brings files back from an archive: asks for a copy that can be read for some days.

use std::time::{Duration, SystemTime};

use chrono::DateTime;

use super::refusal::{Refusal, Trouble};
use super::request::Call;
use super::{HASH, S3, hash_word};
use crate::storage::FileName;
use crate::storage::bring_back::{Terms, Tier, Whereabouts};
use crate::storage::error::ErrorKind;
use crate::storage::http::{Answer, Failure, Method};
use crate::storage::id::Id;

/// A copy that ends earlier than this is kept for longer: a restore may take its time.
const SOON: Duration = Duration::from_secs(24 * 60 * 60);

/// What the head of a file says about the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    /// It can be read.
    Readable,
    /// A copy of it can be read until then, if the server says it.
    Copy(Option<SystemTime>),
    OnItsWay,
    /// In an archive, from which a copy is made for some days.
    Archived,
    /// In the archive of a class that moves files by itself. It leaves it for good.
    Asleep,
}

impl S3 {
    /// Asks for a file if it is in an archive. Asks for nothing unless the settings say how.
    pub(super) fn ask_for(&self, file: FileName) -> Result<Whereabouts, Trouble> {
        let Some(terms) = self.brings_back else {
            return Ok(Whereabouts::Readable);
        };
        let answer = self.head(file)?;
        let stored = stored(|name| answer.header(name));
        answer.finish();
        match stored {
            Stored::Readable => Ok(Whereabouts::Readable),
            Stored::OnItsWay => Ok(Whereabouts::OnItsWay),
            Stored::Copy(until) => {
                if until.is_some_and(|until| until < SystemTime::now() + SOON)
                    && let Err(trouble) = self.request(file, terms, true)
                {
                    let failure = Failure::from(trouble);
                    // It can be read now, which is what matters.
                    if failure.kind.is_passing() {
                        return Err(failure.into());
                    }
                }
                Ok(Whereabouts::Readable)
            }
            Stored::Archived => self.request(file, terms, true),
            Stored::Asleep => self.request(file, terms, false),
        }
    }

    /// The answer to a HEAD. One that refuses does not say why, and that to a GET does; credentials that have ended are
    /// fetched anew by it.
    fn head(&self, file: FileName) -> Result<Answer, Trouble> {
        match self.send(&Call::of(Method::Head, file, &[])) {
            Err(Trouble::Refused(refusal)) if refusal.status != 404 => {
                let range = [("range", "bytes=0-0".to_owned())];
                match self.send(&Call::of(Method::Get, file, &range)) {
                    Ok(answer) => answer.finish(),
                    Err(Trouble::Refused(refusal)) if is_other_state(&refusal) => {}
                    Err(trouble) => return Err(trouble),
                }
                self.send(&Call::of(Method::Head, file, &[]))
            }
            answer => answer,
        }
    }

    fn request(&self, file: FileName, terms: Terms, is_copy: bool) -> Result<Whereabouts, Trouble> {
        let body = body(terms, is_copy);
        let headers = [(HASH, hash_word(Id::of(body.as_bytes())))];
        let call = Call {
            query: &[("restore", "")],
            body: body.as_bytes(),
            ..Call::of(Method::Post, file, &headers)
        };
        let refusal = match self.send(&call) {
            Ok(answer) => {
                answer.finish();
                return Ok(Whereabouts::Asked);
            }
            Err(Trouble::Refused(refusal)) => refusal,
            Err(trouble) => return Err(trouble),
        };
        let told = |kind, text: String| Trouble::Failed(Failure::told(kind, text));
        match refusal.code.as_str() {
            "RestoreAlreadyInProgress" => Ok(Whereabouts::OnItsWay),
            // Its class needs nothing.
            _ if is_other_state(&refusal) => Ok(Whereabouts::Readable),
            "AccessDenied" => Err(told(
                ErrorKind::Denied,
                format!(
                    "the server forbids it: the credentials do not have the right s3:RestoreObject in the bucket {} \
                     (AccessDenied)",
                    self.bucket.name
                ),
            )),
            code @ ("InvalidArgument" | "MalformedXML") => Err(told(
                ErrorKind::Answer,
                format!(
                    "the server does not take the request; not every class of files has the tier `{}` (`archive_tier`) \
                     ({code})",
                    terms.tier.word()
                ),
            )),
            _ => Err(Trouble::Refused(refusal)),
        }
    }
}

/// Whether the file is not in the state in which this can be done with it.
fn is_other_state(refusal: &Refusal) -> bool {
    refusal.code == "InvalidObjectState"
}

/// What is asked for. `is_copy`: for a copy, which ends.
fn body(terms: Terms, is_copy: bool) -> String {
    let days = match is_copy {
        true => format!("<Days>{}</Days>", terms.days),
        false => String::new(),
    };
    let tier = match terms.tier {
        Tier::Standard => "Standard",
        Tier::Bulk => "Bulk",
        Tier::Expedited => "Expedited",
    };
    format!(
        "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{days}\
         <GlacierJobParameters><Tier>{tier}</Tier></GlacierJobParameters></RestoreRequest>"
    )
}

/// Where a file is, by the head of the answer to a HEAD.
fn stored<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Stored {
    if let Some(restore) = header("x-amz-restore") {
        match quoted(restore, "ongoing-request") {
            Some("true") => return Stored::OnItsWay,
            Some("false") => {
                let until = quoted(restore, "expiry-date");
                let until = until.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
                return Stored::Copy(until.map(|until| until.to_utc().into()));
            }
            _ => {}
        }
    }
    let is_asleep = header("x-amz-archive-status").is_some_and(|status| !status.is_empty());
    match header("x-amz-storage-class") {
        Some("GLACIER" | "DEEP_ARCHIVE") => Stored::Archived,
        _ if is_asleep => Stored::Asleep,
        _ => Stored::Readable,
    }
}

/// The value of `name="value"` in a header.
fn quoted<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(name)?;
    let rest = rest.trim_start().strip_prefix('=')?;
    let rest = rest.trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn stored_as(headers: &[(&str, &'static str)]) -> Stored {
        stored(|name| {
            let found = headers.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_head_of_a_file_says_whether_it_can_be_read() {
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1_356_134_400);
        let copy = "ongoing-request=\"false\", expiry-date=\"Sat, 22 Dec 2012 00:00:00 GMT\"";
        let class = "x-amz-storage-class";
        let restore = "x-amz-restore";
        for (headers, expected) in [
            (&[][..], Stored::Readable),
            (&[(class, "STANDARD_IA")], Stored::Readable),
            (&[(class, "GLACIER_IR")], Stored::Readable),
            (&[(class, "GLACIER")], Stored::Archived),
            (&[(class, "DEEP_ARCHIVE")], Stored::Archived),
            (
                &[(class, "GLACIER"), (restore, "nonsense")],
                Stored::Archived,
            ),
            (
                &[(class, "GLACIER"), (restore, "ongoing-request=\"true\"")],
                Stored::OnItsWay,
            ),
            (
                &[(class, "DEEP_ARCHIVE"), (restore, copy)],
                Stored::Copy(Some(until)),
            ),
            (
                &[(restore, "ongoing-request = \"false\", expiry-date=\"soon\"")],
                Stored::Copy(None),
            ),
            (
                &[
                    (class, "INTELLIGENT_TIERING"),
                    ("x-amz-archive-status", "ARCHIVE_ACCESS"),
                ],
                Stored::Asleep,
            ),
            (&[(class, "INTELLIGENT_TIERING")], Stored::Readable),
        ] {
            assert_eq!(stored_as(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_copy_is_asked_for_with_its_days_and_what_leaves_the_archive_for_good_without() {
        let terms = Terms {
            tier: Tier::Bulk,
            days: NonZeroU32::MIN,
        };
        let rest =
            "<GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>";
        let head = "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        assert_eq!(body(terms, true), format!("{head}<Days>1</Days>{rest}"));
        assert_eq!(body(terms, false), format!("{head}{rest}"));
    }
}

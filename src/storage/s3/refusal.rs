//! Why a server refused a request: the code in its answer, and what follows from it.

use std::io::Read;
use std::time::Duration;

use super::super::error::ErrorKind;
use super::super::http::{Answer, Failure, Way};
use super::xml;

/// No refusal is longer, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What an answer says that is not a good one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    /// What S3 calls it, such as `NoSuchBucket`. Empty if the answer has no such code.
    pub code: String,
    /// The region that the server names instead of the one in the request.
    pub region: Option<String>,
    /// What the server's clock says.
    server_time: Option<String>,
    /// A name of a bucket, for messages.
    bucket: String,
    /// How long the server wants to be left alone, if it says it.
    after: Option<Duration>,
    way: Way,
}

/// Why there is no good answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no answer at all.
    Failed(Failure),
    Refused(Refusal),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        match trouble {
            Trouble::Failed(failure) => failure,
            Trouble::Refused(refusal) => refusal.failure(),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Failed(failure)
    }
}

impl Refusal {
    /// Reads the refusal in an answer.
    pub fn read(mut answer: Answer, bucket: &str) -> Refusal {
        let mut document = Vec::new();
        // A part of it is better than nothing.
        let _ = answer.reader().take(LARGEST).read_to_end(&mut document);
        let [code, region, time] = xml::first(&document, ["Code", "Region", "ServerTime"]);
        let header = |name| answer.header(name).and_then(plain);
        Refusal {
            status: answer.status,
            code: code.as_deref().and_then(plain).unwrap_or_default(),
            region: header("x-amz-bucket-region").or(region.as_deref().and_then(plain)),
            server_time: time.as_deref().and_then(plain).or(header("date")),
            bucket: bucket.to_owned(),
            after: answer.retry_after(),
            way: answer.way,
        }
    }

    /// Whether the credentials were good, and have ended.
    pub fn is_expired(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired"
        )
    }

    /// The region in which the bucket is, if the request went to another one.
    pub fn other_region(&self) -> Option<&str> {
        let is_elsewhere = matches!(self.status, 301 | 307)
            || matches!(
                self.code.as_str(),
                "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
            )
            // The answer to a HEAD has no code.
            || (self.status == 400 && self.code.is_empty());
        self.region.as_deref().filter(|_| is_elsewhere)
    }

    /// Whether the bucket does not exist.
    pub fn is_without_bucket(&self) -> bool {
        self.code == "NoSuchBucket"
    }

    /// Whether something is missing, and the server does not say what, as a server of web pages does.
    pub fn is_of_no_bucket(&self) -> bool {
        self.status == 404 && self.code.is_empty()
    }

    /// Whether the server may have refused a part of the head that it does not know.
    pub fn is_of_the_head(&self) -> bool {
        // Backblaze and others say `InvalidArgument` of a hash.
        self.status == 501 || matches!(self.code.as_str(), "NotImplemented" | "InvalidArgument")
    }

    /// Whether there is such a file, or another request for it is under way.
    pub fn is_conflict(&self) -> bool {
        matches!(self.status, 409 | 412)
            && !matches!(
                self.code.as_str(),
                "BucketAlreadyExists" | "OperationAborted"
            )
            && !self.is_without_bucket()
    }

    /// What follows from the refusal.
    pub fn kind(&self) -> ErrorKind {
        match self.code.as_str() {
            "NoSuchBucket" => ErrorKind::NoPlace,
            "NoSuchKey" => ErrorKind::NotFound,
            "AccessDenied"
            | "AllAccessDisabled"
            | "AccountProblem"
            | "InvalidObjectState"
            | "BucketAlreadyExists"
            | "ObjectLocked" => ErrorKind::Denied,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "TokenRefreshRequired"
            | "InvalidSecurity"
            | "NotSignedUp"
            | "InvalidClientTokenId" => ErrorKind::Unauthorized,
            "RequestTimeTooSkewed" | "RequestExpired" => ErrorKind::Clock,
            "QuotaExceeded"
            | "StorageQuotaExceeded"
            | "BucketQuotaExceeded"
            | "EntityTooLarge"
            | "XMinioStorageFull"
            | "XMinioAdminBucketQuotaExceeded"
            | "InsufficientStorage"
            | "InsufficientCapacity" => ErrorKind::NoSpace,
            "SlowDown"
            | "SlowDownWrite"
            | "SlowDownRead"
            | "ServiceUnavailable"
            | "Throttling"
            | "ThrottlingException"
            | "RequestThrottled"
            | "TooManyRequests"
            | "ServerBusy" => ErrorKind::Overloaded,
            "InternalError"
            | "GlacierExpeditedRetrievalNotAvailable"
            | "RequestTimeout"
            | "OperationAborted"
            | "ConditionalRequestConflict"
            | "BadDigest"
            | "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch"
            | "IncompleteBody"
            | "XMinioServerNotInitialized" => ErrorKind::Busy,
            "InvalidRange" => ErrorKind::TooShort,
            "PreconditionFailed" => ErrorKind::Exists,
            _ => match self.status {
                412 => ErrorKind::Exists,
                status => Failure::status(status).kind,
            },
        }
    }

    /// What is told, in words.
    fn sentence(&self) -> Option<String> {
        let bucket = &self.bucket;
        Some(match self.code.as_str() {
            "NoSuchBucket" => format!("there is no bucket {bucket}"),
            "AccessDenied" => format!(
                "the server forbids it: the credentials do not have this right in the bucket {bucket}"
            ),
            "BucketAlreadyExists" => format!("the bucket {bucket} belongs to somebody else"),
            "InvalidObjectState" => {
                "the file is in an archive of the server; restore it there, and try again; with \
                 `archive_tier` in the storage, a restore asks for what it needs"
                    .to_owned()
            }
            "GlacierExpeditedRetrievalNotAvailable" => {
                "the server brings nothing back from the archive at the tier `expedited` now; another \
                 `archive_tier` is slower and does not fail"
                    .to_owned()
            }
            "InvalidAccessKeyId" | "InvalidClientTokenId" => {
                "the server does not know the access key".to_owned()
            }
            "SignatureDoesNotMatch" => {
                "the secret key does not belong to the access key".to_owned()
            }
            "InvalidToken" => "the session token is wrong, or missing".to_owned(),
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
                "the credentials have ended".to_owned()
            }
            "RequestTimeTooSkewed" | "RequestExpired" => {
                let own = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ");
                let server = self.server_time.as_deref().unwrap_or("something else");
                format!("the clock of this host says {own}, and that of the server {server}")
            }
            "SlowDown" | "ServiceUnavailable" => "the server wants fewer requests".to_owned(),
            "BadDigest"
            | "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch"
            | "IncompleteBody" => "what the server got is not what was sent".to_owned(),
            "QuotaExceeded"
            | "StorageQuotaExceeded"
            | "BucketQuotaExceeded"
            | "XMinioAdminBucketQuotaExceeded" => "the quota is used up".to_owned(),
            _ => match self.other_region() {
                Some(region) => format!(
                    "the bucket {bucket} is in the region {region}; write `region = \"{region}\"` in the storage"
                ),
                None => return None,
            },
        })
    }

    fn failure(self) -> Failure {
        let after = self.after;
        let failure = match (self.sentence(), self.code.is_empty()) {
            (Some(sentence), _) => {
                let code = match self.code.is_empty() {
                    true => format!("status {}", self.status),
                    false => self.code.clone(),
                };
                Failure::told(self.kind(), format!("{sentence} ({code})"))
            }
            (None, false) => Failure::told(
                self.kind(),
                format!(
                    "the server answers with status {} ({})",
                    self.status, self.code
                ),
            ),
            (None, true) => Failure::status_on(self.status, self.way),
        };
        failure.until_later(after)
    }
}

/// A short text of ordinary characters, which may be shown.
fn plain(text: &str) -> Option<String> {
    let is_plain = !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b" ,.:+-_".contains(&byte));
    is_plain.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, code: &str) -> (ErrorKind, String) {
        let refusal = Refusal {
            status,
            code: code.to_owned(),
            bucket: "bucket".to_owned(),
            server_time: Some("2026-11-26T00:00:00Z".to_owned()),
            region: None,
            after: None,
            way: Way::default(),
        };
        let failure = refusal.failure();
        let kind = failure.kind;
        let place = crate::storage::error::Place::Path(String::new());
        let doing = crate::storage::error::Doing::Read;
        (kind, failure.at(doing, place).to_string())
    }

    #[test]
    fn each_trouble_is_told_apart() {
        for (status, code, kind, words) in [
            (404, "NoSuchBucket", ErrorKind::NoPlace, "no bucket bucket"),
            (403, "AccessDenied", ErrorKind::Denied, "this right"),
            (
                403,
                "InvalidAccessKeyId",
                ErrorKind::Unauthorized,
                "access key",
            ),
            (
                403,
                "SignatureDoesNotMatch",
                ErrorKind::Unauthorized,
                "secret key",
            ),
            (400, "ExpiredToken", ErrorKind::Unauthorized, "have ended"),
            (
                403,
                "RequestTimeTooSkewed",
                ErrorKind::Clock,
                "2026-11-26T00:00:00Z",
            ),
            (503, "SlowDown", ErrorKind::Overloaded, "fewer requests"),
            (400, "BadDigest", ErrorKind::Busy, "not what was sent"),
            (403, "QuotaExceeded", ErrorKind::NoSpace, "quota"),
            (403, "InvalidObjectState", ErrorKind::Denied, "archive"),
            (412, "PreconditionFailed", ErrorKind::Exists, "412"),
            (416, "InvalidRange", ErrorKind::TooShort, "too short"),
            (400, "Peculiar", ErrorKind::Answer, "status 400 (Peculiar)"),
            (500, "", ErrorKind::Busy, "status 500"),
            (403, "", ErrorKind::Denied, "403"),
        ] {
            let (found, text) = told(status, code);
            assert_eq!(found, kind, "{code}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn what_a_server_says_is_shown_only_if_it_is_a_plain_word() {
        assert_eq!(plain("Thu, 26 Nov 2026 00:00:00 GMT").unwrap().len(), 29);
        for text in ["", "a\x1b[31m", "<b>", "ü", &"x".repeat(65)] {
            assert_eq!(plain(text), None);
        }
    }
}

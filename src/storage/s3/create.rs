//! Makes a bucket.

use super::refusal::Trouble;
use super::request::Call;
use super::{DEFAULT_REGION, S3};
use crate::storage::FileKind;
use crate::storage::http::Method;

impl S3 {
    /// Makes the bucket if there is none.
    pub(super) fn create(&self) -> Result<(), Trouble> {
        let query = [("list-type", "2"), ("max-keys", "1")];
        match self.send(&Call::of_bucket(Method::Get, &query, FileKind::Config)) {
            Ok(answer) => {
                answer.finish();
                return Ok(());
            }
            Err(Trouble::Refused(refusal)) if refusal.is_without_bucket() => {}
            Err(trouble) => return Err(trouble),
        }
        let region = self.region();
        let body = match &*region {
            DEFAULT_REGION => String::new(),
            region => format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        let call = Call {
            body: body.as_bytes(),
            ..Call::of_bucket(Method::Put, &[], FileKind::Config)
        };
        match self.send(&call) {
            Ok(answer) => {
                answer.finish();
                Ok(())
            }
            // Another host was faster.
            Err(Trouble::Refused(refusal)) if refusal.code == "BucketAlreadyOwnedByYou" => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}

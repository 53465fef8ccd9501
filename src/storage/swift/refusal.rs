//! Why a Swift refuses a request: the class of its status, and what is told of it.

use super::super::error::ErrorKind;
use super::super::http::{Answer, Failure};

/// The failure that an answer tells.
pub(super) fn of(answer: Answer) -> Failure {
    let status = answer.status;
    let after = answer.retry_after();
    let other = answer.of_status();
    answer.finish();
    let told = |kind, text: &str| Failure::told(kind, format!("{text} (status {status})"));
    let busy = |text: &str| told(ErrorKind::Busy, text).until_later(after);
    let overloaded = |text: &str| told(ErrorKind::Overloaded, text).until_later(after);
    match status {
        // A new token did not help.
        401 => told(
            ErrorKind::Unauthorized,
            "the object store does not accept a token that Keystone has just given; perhaps it asks another Keystone, or \
             the clocks of the servers differ",
        ),
        403 => told(
            ErrorKind::Denied,
            "the user has no right to do this in the container",
        ),
        404 => told(ErrorKind::NotFound, "there is no such file"),
        408 | 499 => busy("the server waited too long for the request"),
        409 => busy("another request changes the same file"),
        413 => told(
            ErrorKind::NoSpace,
            "the quota of the container or of the project is used up, or the file is too large for the server",
        ),
        422 => busy("the server did not get what was sent"),
        429 | 498 => overloaded("the server wants fewer requests"),
        503 => overloaded("the server has no time"),
        507 => told(ErrorKind::NoSpace, "the server has no space left"),
        _ => other.until_later(after),
    }
}

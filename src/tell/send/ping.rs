//! Pings, as healthchecks.io documents them: <https://healthchecks.io/docs/http_api/>.

use sha2::{Digest, Sha256};

use super::bodies::clipped;
use super::error::SendError;
use super::http::{ask, read_url};
use crate::storage::http::Method;
use crate::tell::channel::Ping;
use crate::tell::message::{Kind, Message};
use crate::tell::receiver::Receiver;

/// The most that the server keeps of a body, in bytes.
const BODY: usize = 100_000;

/// Sends one ping.
pub(super) fn send(check: &Ping, receiver: &Receiver, message: &Message) -> Result<(), SendError> {
    let base = read_url(&check.url)?;
    let slug = check
        .slug
        .as_ref()
        .map(|template| template.fill(message, false));
    let url = address(&base, slug.as_deref(), check.create, message);
    let body = match receiver.log {
        true => clipped(&message.body(true), BODY),
        false => String::new(),
    };
    let headers = [("content-type", "text/plain; charset=utf-8".to_owned())];
    let answer = ask(receiver, Method::Post, &url, &headers, body.as_bytes())?;
    // Pings to the address of a check have status 200 even then.
    if answer.contains("not found") {
        Err(SendError::NoCheck)
    } else if answer.contains("rate limited") {
        Err(SendError::TooMany)
    } else {
        Ok(())
    }
}

/// The address of a ping: what it tells is behind the address of the check.
fn address(base: &str, slug: Option<&str>, create: bool, message: &Message) -> String {
    let (path, query) = base.split_once('?').unwrap_or((base, ""));
    let mut url = path.trim_end_matches('/').to_owned();
    if let Some(slug) = slug {
        url.push('/');
        url.push_str(slug);
    }
    url.push_str(signal(message.kind));
    let mut parts: Vec<String> = Vec::new();
    if !query.is_empty() {
        parts.push(query.to_owned());
    }
    parts.extend(run_id(message).map(|id| format!("rid={id}")));
    if create {
        parts.push("create=1".to_owned());
    }
    match parts.is_empty() {
        true => url,
        false => format!("{url}?{}", parts.join("&")),
    }
}

/// What a kind of message means for a check.
fn signal(kind: Kind) -> &'static str {
    match kind {
        Kind::Started => "/start",
        Kind::Succeeded | Kind::Recovered => "",
        Kind::Failed
        | Kind::Partial
        | Kind::Overdue
        | Kind::Guard
        | Kind::Check
        | Kind::Drill
        | Kind::Space => "/fail",
        // It is kept, and changes nothing.
        Kind::Digest | Kind::Test => "/log",
    }
}

/// The id of the run in the form that the server wants: a UUID, the same for all messages about the run.
fn run_id(message: &Message) -> Option<String> {
    let run = message.run.as_ref()?;
    let job = message.job.as_deref().unwrap_or_default();
    let hash = Sha256::digest(format!("{}\0{job}\0{run}", message.host));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Version 8: made by a rule of our own.
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Some(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tell::message::tests::failed;

    #[test]
    fn all_pings_about_a_run_have_its_id() {
        let (mut begun, mut other) = (failed(), failed());
        begun.kind = Kind::Started;
        begun.id += 1;
        other.run = Some("43".to_owned());
        let id = run_id(&failed()).unwrap();
        assert_eq!(run_id(&begun), Some(id.clone()));
        assert_ne!(run_id(&other), Some(id.clone()));
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'8');
        other.run = None;
        assert_eq!(run_id(&other), None);
    }

    #[test]
    fn the_address_says_what_happened() {
        let mut message = failed();
        let rid = run_id(&message).unwrap();
        let base = "https://hc-ping.com/key/";
        assert_eq!(
            address(base, Some("nightly"), true, &message),
            format!("https://hc-ping.com/key/nightly/fail?rid={rid}&create=1")
        );
        message.kind = Kind::Started;
        assert_eq!(
            address("https://hc.example/uuid?x=y", None, false, &message),
            format!("https://hc.example/uuid/start?x=y&rid={rid}")
        );
        (message.kind, message.run) = (Kind::Succeeded, None);
        assert_eq!(
            address(base, None, false, &message),
            "https://hc-ping.com/key"
        );
    }
}

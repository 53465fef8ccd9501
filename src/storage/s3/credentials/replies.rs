//! Reads what services answer that give credentials. Pure.

use std::time::SystemTime;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::xml;
use super::Credentials;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Json {
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

/// The answer of a machine or a container. `None` if it has no credentials.
pub(super) fn of_role(body: &[u8]) -> Option<Credentials> {
    let json: Json = serde_json::from_slice(body).ok()?;
    if json.code.is_some_and(|code| code != "Success") {
        return None;
    }
    Some(Credentials {
        access_key: word(json.access_key_id?)?,
        secret_key: Zeroizing::new(json.secret_access_key?),
        session_token: json.token.map(Zeroizing::new),
        expires: json.expiration.as_deref().and_then(time),
    })
}

/// The answer of the security token service. `None` if it has no credentials.
pub(super) fn of_web_identity(body: &[u8]) -> Option<Credentials> {
    let names = [
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "Expiration",
    ];
    let [access_key, secret_key, token, expires] = xml::first(body, names);
    Some(Credentials {
        access_key: word(access_key?)?,
        secret_key: Zeroizing::new(secret_key?),
        session_token: Some(Zeroizing::new(token?)),
        expires: expires.as_deref().and_then(time),
    })
}

/// The code of a refusal by the security token service.
pub(super) fn refusal(body: &[u8]) -> String {
    let [code] = xml::first(body, ["Code"]);
    code.and_then(word).unwrap_or_default()
}

/// A word that may be a part of a header and of a message.
fn word(text: String) -> Option<String> {
    let is_word = !text.is_empty()
        && text.len() <= 128
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_word.then_some(text)
}

fn time(text: &str) -> Option<SystemTime> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.into())
}

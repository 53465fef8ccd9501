//! Asks Keystone, version 3, for a token, and reads what it answers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::FileKind;
use super::super::error::ErrorKind;
use super::super::http::{Answer, Client, Failure, Method, Request};
use super::catalogue::{self, Service};
use crate::location::KeystoneName;
use request::AskedScope;

mod request;

/// The longest answer of Keystone, in bytes. The catalogue of a large cloud has a hundred thousand.
const LONGEST_ANSWER: u64 = 4 << 20;

/// The longest token, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Who asks.
pub enum Identity {
    Password {
        user: String,
        domain: KeystoneName,
        password: Zeroizing<String>,
    },
    /// An application credential, which is for one project.
    Credential {
        credential: KeystoneName,
        /// The user that a name belongs to, and the domain of the user.
        user: Option<(String, KeystoneName)>,
        secret: Zeroizing<String>,
    },
}

/// What a token is asked for.
pub enum Scope {
    /// The project that the user has by default, or that the application credential is for.
    Default,
    Project {
        project: KeystoneName,
        /// Of a project that is named.
        domain: KeystoneName,
    },
    Trust(String),
}

/// What a Keystone is asked, and what of its catalogue is used.
pub struct Settings {
    /// Ends with `/v3/`.
    pub auth_url: String,
    pub identity: Identity,
    pub scope: Scope,
    /// `None`: the only one that has an object store.
    pub region: Option<String>,
    /// `public`, `internal` or `admin`.
    pub interface: String,
}

/// A token, and where it is used.
pub struct Token {
    /// The value of a header.
    pub secret: Zeroizing<String>,
    /// The address of the containers. Ends with a slash.
    pub store: String,
    /// From the moment at which it was asked for.
    pub life: Duration,
}

#[derive(Deserialize)]
struct Answered {
    token: Issued,
}

#[derive(Deserialize)]
struct Issued {
    expires_at: String,
    issued_at: Option<String>,
    project: Option<Owner>,
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Owner {
    id: String,
    #[serde(default)]
    name: String,
}

/// Asks for a token.
///
/// # Errors
/// When there is none, or when it leads to no object store.
pub(super) fn ask(client: &Client, settings: &Settings) -> Result<Token, Failure> {
    let answer = send(client, settings, request::scope(settings))?;
    match answer.status {
        200..=299 => read(answer, settings),
        status @ (429 | 503) => {
            let after = answer.retry_after();
            answer.finish();
            let text = format!("Keystone has no time (status {status})");
            Err(Failure::told(ErrorKind::Overloaded, text).until_later(after))
        }
        status => {
            let other = answer.of_status().of_part("Keystone");
            answer.finish();
            Err(refused(client, settings, status, other))
        }
    }
}

fn send(
    client: &Client,
    settings: &Settings,
    scope: Option<AskedScope<'_>>,
) -> Result<Answer, Failure> {
    let url = format!("{}auth/tokens", settings.auth_url);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json".to_owned()),
    ];
    let body = request::text(settings, scope);
    client
        .send(&Request {
            method: Method::Post,
            url: &url,
            headers: &headers,
            body: &body,
            // A request that others wait for, as they wait for locks: it never waits for its turn.
            kind: FileKind::Lock,
        })
        .map_err(|failure| failure.of_part("Keystone"))
}

/// Why Keystone gives no token; `other`, if its status does not say it. It says the same of a wrong password and of an
/// unknown project.
fn refused(client: &Client, settings: &Settings, status: u16, other: Failure) -> Failure {
    let told = |kind, text: &str| Failure::told(kind, format!("{text} (status {status})"));
    match (status, &settings.identity, &settings.scope) {
        (401, Identity::Credential { .. }, _) => told(
            ErrorKind::Unauthorized,
            "Keystone does not accept the application credential or its secret",
        ),
        (401, Identity::Password { .. }, Scope::Project { .. } | Scope::Trust(_)) => {
            let without = send(client, settings, Some(AskedScope::Unscoped {}));
            let is_known = without.is_ok_and(|answer| {
                let status = answer.status;
                answer.finish();
                (200..300).contains(&status)
            });
            match (is_known, &settings.scope) {
                (true, Scope::Trust(_)) => told(
                    ErrorKind::Unauthorized,
                    "Keystone accepts the user and the password, and does not know the trust",
                ),
                (true, _) => told(
                    ErrorKind::Unauthorized,
                    "Keystone accepts the user and the password, and does not know the project, or the user has no \
                     role in it",
                ),
                (false, _) => wrong_password(status),
            }
        }
        (401, ..) => wrong_password(status),
        (403, ..) => told(ErrorKind::Unauthorized, "Keystone refuses the user"),
        (404 | 405, ..) => told(
            ErrorKind::Answer,
            "there is no Keystone of version 3 at this address; `auth_url` often ends with `/v3`",
        ),
        (300, ..) => told(
            ErrorKind::Answer,
            "Keystone has several versions at this address; write `auth_url` with `/v3` at its end",
        ),
        _ => other,
    }
}

fn wrong_password(status: u16) -> Failure {
    Failure::told(
        ErrorKind::Unauthorized,
        format!("Keystone does not accept the user, its domain or the password (status {status})"),
    )
}

fn read(answer: Answer, settings: &Settings) -> Result<Token, Failure> {
    let strange = || Failure::answer("the answer of Keystone cannot be read");
    let secret = answer.header("x-subject-token").unwrap_or_default();
    let secret = Zeroizing::new(secret.to_owned());
    let is_usable = (1..=LONGEST_TOKEN).contains(&secret.len())
        && secret.bytes().all(|byte| byte.is_ascii_graphic());
    let now = answer.header("date").and_then(|date| {
        let parsed = DateTime::parse_from_rfc2822(date).ok()?;
        Some(parsed.with_timezone(&Utc))
    });
    let text = answer
        .whole(LONGEST_ANSWER)
        .map_err(|failure| match failure.kind {
            ErrorKind::TooLarge => strange(),
            _ => failure.of_part("Keystone"),
        })?;
    let answered: Answered = serde_json::from_slice(&text).map_err(|_| strange())?;
    let issued = answered.token;
    if !is_usable {
        return Err(strange());
    }
    check_project(&issued, settings)?;
    let store = catalogue::store(
        &issued.catalog,
        settings.region.as_deref(),
        &settings.interface,
    )?;
    let life = life(&issued.expires_at, issued.issued_at.as_deref(), now).ok_or_else(strange)?;
    Ok(Token {
        secret,
        store,
        life,
    })
}

/// Refuses a token for no project, or for another one than the storage says.
fn check_project(issued: &Issued, settings: &Settings) -> Result<(), Failure> {
    let Some(owner) = &issued.project else {
        return Err(Failure::told(
            ErrorKind::Unauthorized,
            "Keystone knows no project for the user; write `project_name` or `project_id`"
                .to_owned(),
        ));
    };
    let is_asked = match &settings.scope {
        Scope::Default | Scope::Trust(_) => true,
        Scope::Project { project, .. } => match project {
            KeystoneName::Id(id) => *id == owner.id,
            KeystoneName::Name(name) => *name == owner.name,
        },
    };
    match (is_asked, &settings.identity) {
        (true, _) => Ok(()),
        (false, Identity::Credential { .. }) => Err(Failure::told(
            ErrorKind::Unauthorized,
            "the application credential is for another project than the storage says".to_owned(),
        )),
        (false, _) => Err(Failure::answer(
            "Keystone gives a token for another project than was asked for",
        )),
    }
}

/// How long a token is good, by the clock of the server: ours may be wrong.
fn life(expires: &str, issued: Option<&str>, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let parse = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let expires = parse(expires)?.with_timezone(&Utc);
    let issued = issued.and_then(parse).map(|time| time.with_timezone(&Utc));
    let now = now.or(issued).unwrap_or_else(Utc::now);
    let life = expires.signed_duration_since(now);
    Some(life.max(TimeDelta::zero()).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_token_is_told_by_the_clock_of_the_server() {
        let at = |text| {
            Some(
                DateTime::parse_from_rfc3339(text)
                    .unwrap()
                    .with_timezone(&Utc),
            )
        };
        let expires = "2026-11-27T01:00:00.000000Z";
        let issued = Some("2026-11-27T00:00:00.000000Z");
        let seconds = Duration::from_secs;
        let now = at("2026-11-27T00:30:00Z");
        assert_eq!(life(expires, issued, now), Some(seconds(1800)));
        assert_eq!(life(expires, issued, None), Some(seconds(3600)));
        let late = at("2026-11-27T02:00:00Z");
        assert_eq!(life(expires, issued, late), Some(seconds(0)));
        assert_eq!(life("tomorrow", issued, now), None);
    }
}

//! Where credentials come from when the storage has no access key: one source after the other, until one has some.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::super::super::error::ErrorKind;
use super::super::super::http::{Failure, Method};
use super::super::sign;
use super::outside::Outside;
use super::profile::{self, Fault};
use super::{Credentials, replies};

/// The service of a machine of Amazon's.
const MACHINE: &str = "http://169.254.169.254";

/// The service of a container of Amazon's.
const CONTAINER: &str = "http://169.254.170.2";

/// The hosts that may be asked for the credentials of a container without encryption.
const NEAR_HOSTS: [&str; 6] = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::23]",
];

/// What the storage says of credentials.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The profile of the file with credentials, and no other source.
    pub profile: Option<String>,
    /// The file with credentials, and no other source.
    pub file: Option<PathBuf>,
    /// The region whose services are asked.
    pub region: String,
}

/// Fetches credentials: of the profile or the file that is wanted; otherwise of the environment, a web identity,
/// `~/.aws/credentials`, the role of the container and that of the machine, in this order.
///
/// # Errors
/// When the first source that is set up has none; `Unauthorized` when no source is set up.
pub fn fetch(wanted: &Wanted, outside: &dyn Outside) -> Result<Credentials, Failure> {
    if wanted.profile.is_some() || wanted.file.is_some() {
        return match of_file(wanted, outside)? {
            Some(credentials) => Ok(credentials),
            None => missing("the file with credentials does not exist"),
        };
    }
    if let Some(credentials) = of_environment(outside) {
        return Ok(credentials);
    }
    for source in [of_web_identity, of_file, of_container] {
        if let Some(credentials) = source(wanted, outside)? {
            return Ok(credentials);
        }
    }
    match of_machine(outside)? {
        Some(credentials) => Ok(credentials),
        None => missing(
            "the storage has no `access_key` and no `profile`, and neither the environment nor this machine has \
             credentials for S3",
        ),
    }
}

fn missing<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::told(ErrorKind::Unauthorized, text.into()))
}

fn of_environment(outside: &dyn Outside) -> Option<Credentials> {
    Some(Credentials {
        access_key: outside.variable("AWS_ACCESS_KEY_ID")?,
        secret_key: Zeroizing::new(outside.variable("AWS_SECRET_ACCESS_KEY")?),
        session_token: outside.variable("AWS_SESSION_TOKEN").map(Zeroizing::new),
        expires: None,
    })
}

/// A text file; `None` if it does not exist.
fn text(path: &Path, outside: &dyn Outside) -> Result<Option<Zeroizing<String>>, Failure> {
    let told = |reason: &str| {
        let text = format!("{} cannot be read: {reason}", path.display());
        Err(Failure::told(ErrorKind::Unauthorized, text))
    };
    match outside.file(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(Some(Zeroizing::new(text))),
        Ok(Err(_)) => told("it is not UTF-8 text"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => told(&crate::os::reason(&error)),
    }
}

fn of_file(wanted: &Wanted, outside: &dyn Outside) -> Result<Option<Credentials>, Failure> {
    let from_environment = || {
        let named = outside.variable("AWS_SHARED_CREDENTIALS_FILE");
        let home = || Some(Path::new(&outside.variable("HOME")?).join(".aws/credentials"));
        named.map(PathBuf::from).or_else(home)
    };
    let Some(path) = wanted.file.clone().or_else(from_environment) else {
        return Ok(None);
    };
    let named = wanted.profile.clone();
    let named = named.or_else(|| outside.variable("AWS_PROFILE"));
    let profile = named.as_deref().unwrap_or("default");
    let Some(content) = text(&path, outside)? else {
        return match wanted.file.is_some() || named.is_some() {
            true => missing(format!("{} does not exist", path.display())),
            false => Ok(None),
        };
    };
    let path = path.display();
    match profile::read(&content, profile) {
        Ok(credentials) => Ok(Some(credentials)),
        Err(Fault::NoProfile) if named.is_none() && wanted.file.is_none() => Ok(None),
        Err(Fault::NoProfile) => missing(format!("{path} has no profile {profile:?}")),
        Err(Fault::NoKeys) => missing(format!(
            "the profile {profile:?} in {path} has no `aws_access_key_id` and `aws_secret_access_key`; other ways to \
             get credentials are not supported in a profile"
        )),
    }
}

fn of_web_identity(wanted: &Wanted, outside: &dyn Outside) -> Result<Option<Credentials>, Failure> {
    let Some(file) = outside.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else {
        return Ok(None);
    };
    let Some(role) = outside.variable("AWS_ROLE_ARN") else {
        return missing("AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not");
    };
    let Some(token) = text(Path::new(&file), outside)? else {
        return missing(format!("{file} does not exist"));
    };
    let session = outside.variable("AWS_ROLE_SESSION_NAME");
    let session = session.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        format!("freezerd-{}", since.unwrap_or_default().as_secs())
    });
    let endpoint = outside
        .variable("AWS_ENDPOINT_URL_STS")
        .unwrap_or_else(|| format!("https://sts.{}.amazonaws.com", wanted.region));
    // In the body: addresses come into logs.
    let form = Zeroizing::new(sign::query(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", &role),
        ("RoleSessionName", &session),
        ("WebIdentityToken", token.trim()),
    ]));
    let reply = outside.far(&format!("{}/", endpoint.trim_end_matches('/')), &form)?;
    match (reply.status, replies::of_web_identity(&reply.body)) {
        (200, Some(credentials)) => Ok(Some(credentials)),
        (200, None) => Err(Failure::answer(
            "the answer of the security token service cannot be read",
        )),
        (status @ (408 | 429 | 500..), _) => Err(Failure::status(status)),
        (status, _) => missing(format!(
            "the security token service gives no credentials for the role {role} (status {status} {})",
            replies::refusal(&reply.body)
        )),
    }
}

fn of_container(_: &Wanted, outside: &dyn Outside) -> Result<Option<Credentials>, Failure> {
    let relative = outside.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let relative = relative.map(|path| format!("{CONTAINER}{path}"));
    let full = || outside.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let Some(url) = relative.or_else(full) else {
        return Ok(None);
    };
    if !is_near(&url) {
        return missing(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is not beside this one",
        );
    }
    let token = match outside.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        None => outside.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        Some(file) => match text(Path::new(&file), outside)? {
            Some(token) => Some(token.trim().to_owned()),
            None => return missing(format!("{file} does not exist")),
        },
    };
    let headers: Vec<_> = token.into_iter().map(|it| ("authorization", it)).collect();
    let reply = outside.near(Method::Get, &url, &headers)?;
    match (reply.status, replies::of_role(&reply.body)) {
        (200, Some(credentials)) => Ok(Some(credentials)),
        (status @ (408 | 429 | 500..), _) => Err(Failure::status(status)),
        (status, _) => missing(format!(
            "the role of the container has no credentials (status {status})"
        )),
    }
}

/// Whether what is asked there cannot be read by others.
fn is_near(url: &str) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let authority = url.strip_prefix("http://").unwrap_or_default();
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    NEAR_HOSTS.iter().any(|host| {
        let rest = authority.strip_prefix(host);
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
    })
}

/// The role of the machine, from version 2 of its service.
fn of_machine(outside: &dyn Outside) -> Result<Option<Credentials>, Failure> {
    let is_off = outside.variable("AWS_EC2_METADATA_DISABLED");
    if is_off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let base = outside.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let base = base.unwrap_or_else(|| MACHINE.to_owned());
    let base = base.trim_end_matches('/');
    let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds", "21600".to_owned())];
    let token = outside.near(Method::Put, &format!("{base}/latest/api/token"), &lifetime);
    let token = match token {
        Ok(reply) if reply.status == 200 => String::from_utf8(reply.body).unwrap_or_default(),
        // Nothing is there: this is no machine of Amazon's, or it may not be asked.
        Ok(_) => return Ok(None),
        Err(failure) if failure.kind == ErrorKind::Unreachable => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let headers = [("x-aws-ec2-metadata-token", token.trim().to_owned())];
    let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
    let ask = |url: &str| {
        let reply = outside.near(Method::Get, url, &headers)?;
        match reply.status {
            200 => Ok(Some(reply.body)),
            404 => Ok(None),
            status => Err(Failure::status(status)),
        }
    };
    let Some(list) = ask(&roles)? else {
        return missing("this machine has no role, which would have credentials");
    };
    let list = String::from_utf8(list).unwrap_or_default();
    let role = list.lines().next().unwrap_or_default().trim();
    let body = ask(&format!("{roles}{}", sign::escaped(role)))?;
    match body.as_deref().and_then(replies::of_role) {
        Some(credentials) => Ok(Some(credentials)),
        None => missing("the role of this machine has no credentials"),
    }
}

#[cfg(test)]
mod tests;

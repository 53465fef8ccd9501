//! OpenStack Swift: who asks Keystone, and for what. What the storage does not say comes from the environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::storage_secret::storage_secret;
use super::{http, openrc};
use zeroize::Zeroizing;

use crate::agent::connection_fault::ConnectionFault;
use crate::agent::report::log;
use crate::job::storage::{Connection, SecretSource, SwiftConnection};
use crate::location::{HttpAddress, KeystoneName, SwiftCloud, SwiftPlace};
use crate::secret::password;
use crate::storage::http::Options;
use crate::storage::limit::Pace;
use crate::storage::swift::{Identity, Scope, Settings, Swift};

/// A server answers each request, so a connection without any movement is lost.
const STALL: Duration = Duration::from_secs(2 * 60);

/// The id that Keystone gives to its first domain.
const DEFAULT_DOMAIN: &str = "default";

/// Reads a variable of the environment; `None` if it is not set, or empty.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The files of a container in Swift. Nothing is sent yet.
pub(super) fn swift(
    place: &SwiftPlace,
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
) -> Result<Swift, ConnectionFault> {
    let file = connection.swift.as_ref().and_then(|own| own.osrc.as_ref());
    let file = file.map(|path| openrc::read(path, &log)).transpose()?;
    // Not both: the file of one cloud must not be completed with the user of another.
    let environment = |name: &str| match &file {
        Some(file) => file.value(name),
        None => std::env::var(name).ok().filter(|value| !value.is_empty()),
    };
    let settings = settings(place, connection, &environment)?;
    let web = Connection {
        username: None,
        password: None,
        ca_file: connection
            .ca_file
            .clone()
            .or_else(|| environment("OS_CACERT").map(PathBuf::from)),
        ..connection.clone()
    };
    let options = Options {
        stall: connection.stall(STALL),
        ..http::options(&web, pace)?
    };
    Swift::new(place, settings, options, Box::new(log)).map_err(ConnectionFault::Options)
}

fn settings(
    place: &SwiftPlace,
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Settings, ConnectionFault> {
    let own = connection.swift.as_deref().cloned().unwrap_or_default();
    let auth_url = match place.cloud().auth_url() {
        Some(address) => address.clone(),
        None => auth_url_of(environment)?,
    };
    let domain = own
        .user_domain
        .clone()
        .or_else(|| id_or_name(environment, "OS_USER_DOMAIN"))
        .unwrap_or_else(|| KeystoneName::Id(DEFAULT_DOMAIN.to_owned()));
    let user = || {
        let user = connection.username.clone();
        user.or_else(|| environment("OS_USERNAME")).ok_or(NO_USER)
    };
    let (identity, scope) = match credential_of(&own, connection, environment)? {
        Some(credential) => {
            let key = "application_credential_secret_file";
            let variable = "OS_APPLICATION_CREDENTIAL_SECRET";
            let secret = secret_of(&own.credential_secret, key, variable, environment)?;
            let user = match &credential {
                KeystoneName::Id(_) => None,
                KeystoneName::Name(_) => Some((user()?, domain.clone())),
            };
            let identity = Identity::Credential {
                credential,
                user,
                secret,
            };
            (identity, scope_of(&own, &domain))
        }
        None => {
            let user = user()?;
            let (key, variable) = ("password_file", "OS_PASSWORD");
            let password = secret_of(&connection.password, key, variable, environment)?;
            let identity = Identity::Password {
                user,
                domain: domain.clone(),
                password,
            };
            (identity, scope_of(&completed(&own, environment), &domain))
        }
    };
    Ok(Settings {
        auth_url: auth_url.as_str().to_owned(),
        identity,
        scope,
        region: own.region.or_else(|| environment("OS_REGION_NAME")),
        interface: own
            .interface
            .or_else(|| environment("OS_INTERFACE"))
            .or_else(|| environment("OS_ENDPOINT_TYPE"))
            .map_or_else(|| "public".to_owned(), |word| short(&word)),
    })
}

const NO_USER: ConnectionFault = ConnectionFault::NotSaid {
    key: "username",
    variable: "OS_USERNAME",
};

/// The word for an interface: an older one has `URL` at its end.
fn short(word: &str) -> String {
    word.strip_suffix("URL").unwrap_or(word).to_owned()
}

fn auth_url_of(environment: Environment<'_>) -> Result<HttpAddress, ConnectionFault> {
    const VARIABLE: &str = "OS_AUTH_URL";
    let text = environment(VARIABLE).ok_or(ConnectionFault::NotSaid {
        key: "auth_url",
        variable: VARIABLE,
    })?;
    let wrong = |source| ConnectionFault::Variable {
        variable: VARIABLE,
        source,
    };
    let address = HttpAddress::parse(&text).map_err(wrong)?;
    let cloud = SwiftCloud::new(Some(address.clone()), &[], None).map_err(wrong)?;
    Ok(cloud.auth_url().cloned().unwrap_or(address))
}

/// What two variables say, of which one ends with `_ID` and one with `_NAME`.
fn id_or_name(environment: Environment<'_>, stem: &str) -> Option<KeystoneName> {
    let id = environment(&format!("{stem}_ID")).map(KeystoneName::Id);
    id.or_else(|| environment(&format!("{stem}_NAME")).map(KeystoneName::Name))
}

/// The application credential that asks, if none of what the storage says belongs to a password.
fn credential_of(
    own: &SwiftConnection,
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<Option<KeystoneName>, ConnectionFault> {
    const STEM: &str = "OS_APPLICATION_CREDENTIAL";
    let is_by_password =
        connection.username.is_some() || connection.password.is_some() || own.trust_id.is_some();
    match (&own.credential, &own.credential_secret) {
        (Some(credential), _) => Ok(Some(credential.clone())),
        (None, Some(_)) => match id_or_name(environment, STEM) {
            Some(credential) => Ok(Some(credential)),
            None => Err(ConnectionFault::NotSaid {
                key: "application_credential_id",
                variable: "OS_APPLICATION_CREDENTIAL_ID",
            }),
        },
        (None, None) if is_by_password => Ok(None),
        (None, None) => Ok(id_or_name(environment, STEM)),
    }
}

fn secret_of(
    source: &Option<SecretSource>,
    key: &'static str,
    variable: &'static str,
    environment: Environment<'_>,
) -> Result<Zeroizing<String>, ConnectionFault> {
    let stem = key.trim_end_matches("_file");
    if let Some(secret) = storage_secret(stem, source.as_ref())? {
        return Ok(secret);
    }
    password::forbid_core_files();
    let secret = environment(variable).map(Zeroizing::new);
    secret.ok_or(ConnectionFault::NotSaid { key, variable })
}

/// What the storage says of the project, and what the environment says where the storage says nothing. `OS_TENANT_NAME`
/// is an older word for a project.
fn completed(own: &SwiftConnection, environment: Environment<'_>) -> SwiftConnection {
    let mut own = own.clone();
    let domain = || id_or_name(environment, "OS_PROJECT_DOMAIN");
    own.project_domain = own.project_domain.or_else(domain);
    if own.project.is_none() && own.trust_id.is_none() {
        own.trust_id = environment("OS_TRUST_ID");
    }
    if own.project.is_none() && own.trust_id.is_none() {
        let older = || id_or_name(environment, "OS_TENANT");
        own.project = id_or_name(environment, "OS_PROJECT").or_else(older);
    }
    own
}

fn scope_of(own: &SwiftConnection, user_domain: &KeystoneName) -> Scope {
    match (&own.project, &own.trust_id) {
        (Some(project), _) => Scope::Project {
            project: project.clone(),
            domain: own.project_domain.as_ref().unwrap_or(user_domain).clone(),
        },
        (None, Some(trust)) => Scope::Trust(trust.clone()),
        (None, None) => Scope::Default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked with these variables, in a few words.
    fn asked(own: SwiftConnection, user: Option<&str>, variables: &[(&str, &str)]) -> String {
        let environment = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let connection = Connection {
            username: user.map(str::to_owned),
            // A secret that is there in every test.
            password: user.map(|_| SecretSource::Environment("PATH".to_owned())),
            swift: Some(Box::new(own)),
            ..Connection::default()
        };
        let place: SwiftPlace = "www:/".parse().unwrap();
        let settings = match settings(&place, &connection, &environment) {
            Ok(settings) => settings,
            Err(error) => return error.to_string(),
        };
        let who = match &settings.identity {
            Identity::Password { user, domain, .. } => format!("{user} of {domain:?}"),
            Identity::Credential {
                credential, user, ..
            } => format!("{credential:?} of {user:?}"),
        };
        let what = match &settings.scope {
            Scope::Default => "anything".to_owned(),
            Scope::Project { project, domain } => format!("{project:?} of {domain:?}"),
            Scope::Trust(id) => format!("trust {id}"),
        };
        format!(
            "{who} for {what} in {:?} at {} {}",
            settings.region, settings.auth_url, settings.interface
        )
    }

    const URL: (&str, &str) = ("OS_AUTH_URL", "https://h:5000");

    #[test]
    fn what_the_storage_does_not_say_comes_from_the_environment() {
        let all = [
            URL,
            ("OS_TENANT_NAME", "old"),
            ("OS_PROJECT_NAME", "p"),
            ("OS_PROJECT_DOMAIN_ID", "d"),
            ("OS_REGION_NAME", "R"),
            ("OS_ENDPOINT_TYPE", "internalURL"),
        ];
        assert_eq!(
            asked(SwiftConnection::default(), Some("u"), &all),
            "u of Id(\"default\") for Name(\"p\") of Id(\"d\") in Some(\"R\") at https://h:5000/v3/ internal"
        );
        let said = SwiftConnection {
            user_domain: Some(KeystoneName::Name("D".to_owned())),
            project: Some(KeystoneName::Id("7".to_owned())),
            region: Some("S".to_owned()),
            interface: Some("public".to_owned()),
            ..SwiftConnection::default()
        };
        assert_eq!(
            asked(said, Some("u"), &all),
            "u of Name(\"D\") for Id(\"7\") of Id(\"d\") in Some(\"S\") at https://h:5000/v3/ public"
        );
        let trust = [URL, ("OS_TRUST_ID", "t"), ("OS_PROJECT_NAME", "p")];
        assert!(
            asked(SwiftConnection::default(), Some("u"), &trust).contains("for trust t in None")
        );
    }

    #[test]
    fn an_application_credential_of_the_environment_gives_way_to_a_user_of_the_storage() {
        let variables = [
            URL,
            ("OS_APPLICATION_CREDENTIAL_ID", "c"),
            ("OS_APPLICATION_CREDENTIAL_NAME", "n"),
            ("OS_PROJECT_NAME", "p"),
        ];
        let asked = |own, user| asked(own, user, &variables);
        let told = asked(SwiftConnection::default(), None);
        assert!(told.contains("OS_APPLICATION_CREDENTIAL_SECRET"), "{told}");
        let with_secret = SwiftConnection {
            credential_secret: Some(SecretSource::Environment("PATH".to_owned())),
            ..SwiftConnection::default()
        };
        assert!(asked(with_secret, None).starts_with("Id(\"c\") of None for anything"));
        let told = asked(SwiftConnection::default(), Some("u"));
        assert!(told.starts_with("u of"), "{told}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let told = |own, user, variables: &[_]| asked(own, user, variables);
        let none = SwiftConnection::default;
        assert!(told(none(), Some("u"), &[]).contains("OS_AUTH_URL"));
        assert!(told(none(), None, &[URL]).contains("OS_USERNAME"));
        let old = [("OS_AUTH_URL", "http://h/v2.0")];
        assert!(told(none(), Some("u"), &old).contains("version 2"));
        let only_secret = SwiftConnection {
            credential_secret: Some(SecretSource::Environment("PATH".to_owned())),
            ..none()
        };
        assert!(told(only_secret, None, &[URL]).contains("OS_APPLICATION_CREDENTIAL_ID"));
    }
}

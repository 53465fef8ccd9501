//! Reads a storage in OpenStack Swift.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::fields::{Fault, Fields, fault, general};
use super::secret_keys::{APPLICATION_CREDENTIAL, PASSWORD};
use super::{Connection, Exposure, SecretSource, StoragePlace};
use crate::location::{KeystoneName, SwiftCloud};

/// How a Swift is reached, besides what all servers have. What is absent comes from the environment of the agent
/// (`OS_USERNAME` and others).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct SwiftConnection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_domain: Option<KeystoneName>,
    /// The project that a token is asked for, in `project_domain` if this is its name. With an application credential: the one that it must be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<KeystoneName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_domain: Option<KeystoneName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_id: Option<String>,
    /// An application credential, in place of a password. A name is one of the user of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<KeystoneName>,
    /// The secret of the application credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_secret: Option<SecretSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// A file with variables that take the place of the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub osrc: Option<PathBuf>,
    /// `public`, `internal` or `admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
}

/// The words for the addresses of a service.
pub const INTERFACES: [&str; 3] = ["public", "internal", "admin"];

pub(super) fn read(fields: &Fields) -> Result<(StoragePlace, Connection), Fault> {
    let username = fields.text("username")?;
    let password = fields.secret(PASSWORD)?;
    let own = SwiftConnection {
        user_domain: one_of(fields, "user_domain_id", "user_domain_name")?,
        project: one_of(fields, "project_id", "project_name")?,
        project_domain: one_of(fields, "project_domain_id", "project_domain_name")?,
        trust_id: fields.text("trust_id")?,
        credential: one_of(
            fields,
            "application_credential_id",
            "application_credential_name",
        )?,
        credential_secret: fields.secret(APPLICATION_CREDENTIAL)?,
        region: fields.text("region")?,
        osrc: fields.file_or_credential("osrc")?,
        interface: interface(fields)?,
    };
    let has_credential = own.credential.is_some() || own.credential_secret.is_some();
    if has_credential && password.is_some() {
        return general("a storage has a password or an application credential, and not both");
    }
    if has_credential && own.trust_id.is_some() {
        return fault(
            "trust_id",
            "an application credential is for its own project, and takes no `trust_id`",
        );
    }
    if own.trust_id.is_some() && own.project.is_some() {
        return fault(
            "trust_id",
            "a trust names its own project; leave out the other one",
        );
    }
    let place = SwiftCloud::new(
        fields.address("auth_url")?,
        &owner(fields)?,
        own.region.clone(),
    )
    .or_else(|error| fault("auth_url", format!("`auth_url`: {error}")))?;
    let connection = Connection {
        username,
        password,
        ca_file: fields.path("ca_file")?,
        insecure: fields.switch("insecure")?,
        proxy: fields.address("proxy")?,
        connections: fields.number("connections", 64)?,
        timeout: fields.timeout()?,
        swift: Some(Box::new(own)),
        ..Connection::default()
    };
    Ok((StoragePlace::Swift(place), connection))
}

/// What says whose containers they are: the project, or else what leads to one. Two users of a project have the same
/// containers.
fn owner(fields: &Fields) -> Result<Vec<(&'static str, String)>, Fault> {
    const PROJECT_DOMAIN: [&str; 2] = ["project_domain_id", "project_domain_name"];
    const USER: [&str; 3] = ["username", "user_domain_id", "user_domain_name"];
    let choices: [(&'static str, &[&'static str]); 6] = [
        ("project_id", &[]),
        ("project_name", &PROJECT_DOMAIN),
        ("trust_id", &[]),
        ("application_credential_id", &[]),
        ("application_credential_name", &USER),
        ("username", &USER),
    ];
    let mut owner = Vec::new();
    for (key, more) in choices {
        let Some(value) = fields.text(key)? else {
            continue;
        };
        owner.push((key, value));
        for key in more {
            if let Some(value) = fields.text(key)? {
                owner.push((*key, value));
            }
        }
        break;
    }
    if (owner.is_empty() || fields.text("auth_url")?.is_none())
        && let Some(file) = fields.text("osrc")?
    {
        // Another file may be about another cloud.
        owner.push(("osrc", file));
    }
    Ok(owner)
}

/// What one of two keys says.
fn one_of(
    fields: &Fields,
    id: &'static str,
    name: &'static str,
) -> Result<Option<KeystoneName>, Fault> {
    match (fields.text(id)?, fields.text(name)?) {
        (Some(_), Some(_)) => general(format!("a storage has one of `{id}` and `{name}`")),
        (Some(value), None) => Ok(Some(KeystoneName::Id(value))),
        (None, Some(value)) => Ok(Some(KeystoneName::Name(value))),
        (None, None) => Ok(None),
    }
}

fn interface(fields: &Fields) -> Result<Option<String>, Fault> {
    match fields.text("interface")? {
        Some(word) if !INTERFACES.contains(&word.as_str()) => fault(
            "interface",
            format!("`interface` takes one of {}", INTERFACES.join(", ")),
        ),
        word => Ok(word),
    }
}

/// What somebody on the way to Keystone can do. Where its address comes from the environment, nothing is known.
pub(super) fn exposure(cloud: &SwiftCloud, connection: &Connection) -> Option<Exposure> {
    match cloud.auth_url() {
        Some(address) if address.is_loopback() => None,
        // The password may come from the environment.
        Some(address) if !address.is_encrypted() => Some(Exposure::Password),
        _ => connection.insecure.then_some(Exposure::Server),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Exposure, NamedStorage, Value};

    fn read(keys: &[(&str, &str)]) -> Result<NamedStorage, String> {
        let kind = [("kind", "swift")];
        let values: BTreeMap<String, Value> = kind
            .iter()
            .chain(keys)
            .map(|(key, value)| ((*key).to_owned(), Value::Text((*value).to_owned())))
            .collect();
        NamedStorage::read(values).map_err(|fault| fault.message)
    }

    fn location(keys: &[(&str, &str)], container: &str) -> String {
        let storage = read(keys).unwrap();
        storage.place.container(container).unwrap().to_string()
    }

    #[test]
    fn a_storage_without_keys_is_the_one_of_the_environment() {
        assert_eq!(location(&[], "www/hosts"), "swift:www:/hosts");
        assert!(read(&[]).unwrap().place.container("/").is_err());
        let text = location(&[("osrc", "/etc/open rc")], "www");
        assert_eq!(text, "swift:www:/@?osrc=%2Fetc%2Fopen%20rc");
        let text = location(&[("osrc", "%d/rc"), ("project_id", "7")], "www");
        assert_eq!(text, "swift:www:/@?project_id=7&osrc=%25d%2Frc");
    }

    #[test]
    fn a_location_says_whose_container_it_is_and_not_who_uses_it() {
        let url = ("auth_url", "https://h:5000");
        let user = [("username", "u"), ("password_file", "/p")];
        for (keys, owner) in [
            (&[("project_name", "p")][..], "project_name=p"),
            (
                &[("project_id", "7"), ("project_domain_id", "d")],
                "project_id=7",
            ),
            (
                &[("project_name", "p"), ("project_domain_name", "D")],
                "project_name=p&project_domain_name=D",
            ),
            (&[("trust_id", "t")], "trust_id=t"),
            (&[("trust_id", "t"), ("osrc", "/rc")], "trust_id=t"),
            (&[("user_domain_id", "d")], "username=u&user_domain_id=d"),
            (
                &[("region", "R"), ("interface", "internal")],
                "username=u&region=R",
            ),
        ] {
            let keys = [&[url][..], &user, keys].concat();
            let text = format!("swift:www:/@https://h:5000/v3/?{owner}");
            assert_eq!(location(&keys, "www"), text);
        }
        let keys = [url, ("application_credential_id", "i"), ("username", "u")];
        let text = "swift:www:/@https://h:5000/v3/?application_credential_id=i";
        assert_eq!(location(&keys, "www"), text);
    }

    #[test]
    fn keys_that_do_not_go_together_are_refused() {
        for (keys, told) in [
            (&[("project_id", "a"), ("project_name", "b")][..], "one of"),
            (
                &[("user_domain_id", "a"), ("user_domain_name", "b")],
                "one of",
            ),
            (
                &[("application_credential_id", "a"), ("password_file", "/p")],
                "not both",
            ),
            (&[("trust_id", "t"), ("project_id", "a")], "own project"),
            (
                &[("trust_id", "t"), ("application_credential_id", "a")],
                "own project",
            ),
            (&[("interface", "private")], "public, internal, admin"),
            (&[("auth_url", "https://h:5000/v2.0")], "version 2"),
            (
                &[("auth_url", "https://u:canary@h:5000/")],
                "user or a password",
            ),
            (&[("endpoint", "https://h/")], "has no `endpoint`"),
            (
                &[("application_credential_secret", "canary")],
                "application_credential_secret_file",
            ),
        ] {
            let message = read(keys).unwrap_err();
            assert!(message.contains(told), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn it_is_told_who_can_read_the_password() {
        let exposure = |keys| read(keys).unwrap().exposure();
        assert_eq!(exposure(&[]), None);
        assert_eq!(exposure(&[("auth_url", "https://h")]), None);
        assert_eq!(exposure(&[("auth_url", "http://127.0.0.1:5000")]), None);
        assert_eq!(
            exposure(&[("auth_url", "http://h")]),
            Some(Exposure::Password)
        );
    }
}

//! The request for a token. Its words are Keystone's.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{Identity, Scope, Settings};
use crate::location::KeystoneName;

#[derive(Serialize)]
struct Ask<'a> {
    auth: Auth<'a>,
}

#[derive(Serialize)]
struct Auth<'a> {
    identity: Methods<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<AskedScope<'a>>,
}

#[derive(Serialize)]
struct Methods<'a> {
    methods: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Password<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_credential: Option<Credential<'a>>,
}

#[derive(Serialize)]
struct Password<'a> {
    user: User<'a>,
}

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    domain: &'a KeystoneName,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

#[derive(Serialize)]
struct Credential<'a> {
    #[serde(flatten)]
    credential: &'a KeystoneName,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User<'a>>,
    secret: &'a str,
}

/// What a token is asked for. Without it, Keystone chooses.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AskedScope<'a> {
    Unscoped {},
    Project {
        #[serde(flatten)]
        project: &'a KeystoneName,
        #[serde(skip_serializing_if = "Option::is_none")]
        domain: Option<&'a KeystoneName>,
    },
    #[serde(rename = "OS-TRUST:trust")]
    Trust {
        id: &'a str,
    },
}

/// The text of the request, which has the secret in it.
pub(super) fn text(settings: &Settings, scope: Option<AskedScope<'_>>) -> Zeroizing<Vec<u8>> {
    let identity = match &settings.identity {
        Identity::Password {
            user,
            domain,
            password,
        } => Methods {
            methods: ["password"],
            password: Some(Password {
                user: User {
                    name: user,
                    domain,
                    password: Some(password),
                },
            }),
            application_credential: None,
        },
        Identity::Credential {
            credential,
            user,
            secret,
        } => Methods {
            methods: ["application_credential"],
            password: None,
            application_credential: Some(Credential {
                credential,
                user: user.as_ref().map(|(name, domain)| User {
                    name,
                    domain,
                    password: None,
                }),
                secret,
            }),
        },
    };
    let ask = Ask {
        auth: Auth { identity, scope },
    };
    // It grows no further in most cases, so that no copies of the secret are left.
    let mut text = Zeroizing::new(Vec::with_capacity(8 * 1024));
    // Texts alone: this does not fail.
    let _ = serde_json::to_writer(&mut *text, &ask);
    text
}

/// What a token is asked for. An application credential is for one project, and Keystone takes no other.
pub(super) fn scope(settings: &Settings) -> Option<AskedScope<'_>> {
    match (&settings.identity, &settings.scope) {
        (Identity::Credential { .. }, _) | (_, Scope::Default) => None,
        (_, Scope::Project { project, domain }) => Some(AskedScope::Project {
            project,
            domain: matches!(project, KeystoneName::Name(_)).then_some(domain),
        }),
        (_, Scope::Trust(id)) => Some(AskedScope::Trust { id }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(identity: Identity, scope: Scope) -> Settings {
        Settings {
            auth_url: "http://127.0.0.1:1/v3/".to_owned(),
            identity,
            scope,
            region: None,
            interface: "public".to_owned(),
        }
    }

    fn by_password() -> Identity {
        Identity::Password {
            user: "u".to_owned(),
            domain: KeystoneName::Id("default".to_owned()),
            password: "p".to_owned().into(),
        }
    }

    fn written(settings: &Settings) -> serde_json::Value {
        serde_json::from_slice(&text(settings, scope(settings))).unwrap()
    }

    #[test]
    fn a_request_has_the_words_of_keystone() {
        let project = Scope::Project {
            project: KeystoneName::Name("web".to_owned()),
            domain: KeystoneName::Name("Default".to_owned()),
        };
        let user = json!({"name": "u", "domain": {"id": "default"}, "password": "p"});
        assert_eq!(
            written(&settings(by_password(), project)),
            json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": "web", "domain": {"name": "Default"}}},
            }})
        );
        for (scope, expected) in [
            (
                Scope::Project {
                    project: KeystoneName::Id("7".to_owned()),
                    domain: KeystoneName::Id("default".to_owned()),
                },
                json!({"project": {"id": "7"}}),
            ),
            (
                Scope::Trust("t".to_owned()),
                json!({"OS-TRUST:trust": {"id": "t"}}),
            ),
            (Scope::Default, json!(null)),
        ] {
            let text = written(&settings(by_password(), scope));
            assert_eq!(text["auth"]["scope"], expected);
        }
        let unscoped = text(
            &settings(by_password(), Scope::Default),
            Some(AskedScope::Unscoped {}),
        );
        let unscoped: serde_json::Value = serde_json::from_slice(&unscoped).unwrap();
        assert_eq!(unscoped["auth"]["scope"], json!({"unscoped": {}}));
    }

    #[test]
    fn an_application_credential_is_for_its_own_project() {
        let project = || Scope::Project {
            project: KeystoneName::Id("7".to_owned()),
            domain: KeystoneName::Id("default".to_owned()),
        };
        let by_id = Identity::Credential {
            credential: KeystoneName::Id("c".to_owned()),
            user: None,
            secret: "s".to_owned().into(),
        };
        assert_eq!(
            written(&settings(by_id, project())),
            json!({"auth": {"identity": {
                "methods": ["application_credential"],
                "application_credential": {"id": "c", "secret": "s"},
            }}})
        );
        let by_name = Identity::Credential {
            credential: KeystoneName::Name("c".to_owned()),
            user: Some(("u".to_owned(), KeystoneName::Id("d".to_owned()))),
            secret: "s".to_owned().into(),
        };
        let text = written(&settings(by_name, project()));
        assert_eq!(
            text["auth"]["identity"]["application_credential"],
            json!({"name": "c", "user": {"name": "u", "domain": {"id": "d"}}, "secret": "s"})
        );
    }
}

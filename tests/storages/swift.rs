//! What the Swift storage promises besides.

use std::time::{Duration, Instant};

use freezerd::location::KeystoneName;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::http::{Method, Options, Trust};
use freezerd::storage::swift::{Identity, Scope, Settings};
use freezerd::storage::{FileKind, Storage, StrayKind};

use crate::rest_server::faulty::FaultyServer;
use crate::support::{listed, named};
use crate::swift_server::{self, CREDENTIAL, CREDENTIAL_SECRET, PASSWORD, READER, TRUSTED, USER};
use crate::swift_support::{settings, swift, swift_as};

fn default_domain() -> KeystoneName {
    KeystoneName::Id("default".to_owned())
}

fn by_password(user: &str, password: &str) -> Identity {
    Identity::Password {
        user: user.to_owned(),
        domain: default_domain(),
        password: password.to_owned().into(),
    }
}

#[test]
fn files_lie_where_restic_looks_for_them() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let container = server.new_container();
    let storage = swift(server, &format!("{container}/a/b c"));
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    let key = named(FileKind::Key, b"key");
    storage.write(key, b"key").unwrap();
    let expected = [format!("a/b c/{pack}"), format!("a/b c/{key}")];
    assert_eq!(server.objects(&container), expected);
}

#[test]
fn names_that_are_not_ids_or_in_the_wrong_place_are_strays() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let container = server.new_container();
    let storage = swift(server, &container);
    storage.create_layout().unwrap();
    let id = "ab".repeat(32);
    for name in [
        "data/".to_owned(),
        "data/cd/README".to_owned(),
        format!("data/cd/{id}"),
        format!("data2/ab/{id}"),
    ] {
        let path = format!("{container}/{name}");
        assert_eq!(server.send(Method::Put, &path, &[], "x").0, 201);
    }
    let listing = storage.list(FileKind::Pack).unwrap();
    assert_eq!(listing.files, []);
    let strays: Vec<_> = listing.strays.iter().map(|stray| stray.kind).collect();
    assert_eq!(strays, [StrayKind::NotAnId, StrayKind::Misplaced]);
}

#[test]
fn passwords_application_credentials_and_trusts_open_a_container() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let container = server.new_container();
    let secret = || CREDENTIAL_SECRET.to_owned().into();
    let project = || Scope::Project {
        project: KeystoneName::Id(server.id("project_id")),
        domain: default_domain(),
    };
    let ways = [
        (by_password(USER, PASSWORD), project()),
        (
            by_password(TRUSTED, PASSWORD),
            Scope::Trust(server.id("trust_id")),
        ),
        (
            Identity::Credential {
                credential: KeystoneName::Id(server.id("application_credential_id")),
                user: None,
                secret: secret(),
            },
            Scope::Default,
        ),
        (
            Identity::Credential {
                credential: KeystoneName::Name(CREDENTIAL.to_owned()),
                user: Some((USER.to_owned(), default_domain())),
                secret: secret(),
            },
            project(),
        ),
    ];
    for (number, (identity, scope)) in ways.into_iter().enumerate() {
        let settings = Settings {
            identity,
            scope,
            ..settings(server)
        };
        let storage = swift_as(settings, &container, Options::default());
        storage.create_layout().unwrap();
        let content = [number as u8];
        let pack = named(FileKind::Pack, &content);
        storage.write(pack, &content).unwrap();
        assert_eq!(storage.read(pack, 1).unwrap(), content);
        assert_eq!(listed(&storage, FileKind::Pack).len(), number + 1);
    }
}

#[test]
fn it_is_told_what_keystone_does_not_accept_and_no_secret_is_repeated() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let other = |name: &str| Scope::Project {
        project: KeystoneName::Name(name.to_owned()),
        domain: default_domain(),
    };
    let good = || settings(server);
    let credential = |secret: &str| Identity::Credential {
        credential: KeystoneName::Id(server.id("application_credential_id")),
        user: None,
        secret: secret.to_owned().into(),
    };
    let with_identity = |identity| Settings { identity, ..good() };
    let unauthorized = ErrorKind::Unauthorized;
    for (settings, kind, told) in [
        (
            with_identity(by_password(USER, "wrong-canary")),
            unauthorized,
            "the user, its domain or the password",
        ),
        (
            with_identity(by_password("nobody", PASSWORD)),
            unauthorized,
            "the user, its domain or the password",
        ),
        (
            Settings {
                scope: other("nowhere"),
                ..good()
            },
            unauthorized,
            "accepts the user and the password, and does not know the project",
        ),
        (
            with_identity(by_password(TRUSTED, PASSWORD)),
            unauthorized,
            "has no role in it",
        ),
        (
            Settings {
                scope: Scope::Trust("0".repeat(32)),
                ..good()
            },
            unauthorized,
            "does not know the trust",
        ),
        (
            Settings {
                scope: Scope::Default,
                ..good()
            },
            unauthorized,
            "write `project_name`",
        ),
        (
            with_identity(credential("wrong-canary")),
            unauthorized,
            "application credential or its secret",
        ),
        (
            Settings {
                identity: credential(CREDENTIAL_SECRET),
                scope: other("nowhere"),
                ..good()
            },
            unauthorized,
            "for another project",
        ),
        (
            Settings {
                region: Some("Atlantis".to_owned()),
                ..good()
            },
            ErrorKind::Answer,
            "RegionOne",
        ),
        (
            Settings {
                interface: "secret".to_owned(),
                ..good()
            },
            ErrorKind::Answer,
            "no secret address",
        ),
        (
            Settings {
                auth_url: format!("http://{}/v3/", server.authority()),
                ..good()
            },
            ErrorKind::Answer,
            "Keystone: the server answers with status 400",
        ),
        (
            Settings {
                auth_url: "http://127.0.0.1:1/v3/".to_owned(),
                ..good()
            },
            ErrorKind::Unreachable,
            "Keystone: ",
        ),
    ] {
        let storage = swift_as(settings, "nothing", Options::default());
        let error = storage.list(FileKind::Key).unwrap_err();
        let text = format!("{error} {error:?}");
        assert_eq!(error.kind, kind, "{text}");
        assert!(text.contains(told), "{told}: {text}");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_user_who_may_only_read_is_told_so() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let container = server.new_container();
    let storage = swift(server, &container);
    storage.create_layout().unwrap();
    let pack = named(FileKind::Pack, b"pack");
    storage.write(pack, b"pack").unwrap();
    let settings = Settings {
        identity: by_password(READER, PASSWORD),
        ..settings(server)
    };
    let reader = swift_as(settings, &container, Options::default());
    assert_eq!(reader.read(pack, 9).unwrap(), b"pack");
    assert_eq!(listed(&reader, FileKind::Pack).len(), 1);
    for error in [
        reader.write(named(FileKind::Pack, b"x"), b"x").unwrap_err(),
        reader.remove(pack).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("no right"), "{error}");
    }
}

#[test]
fn a_token_that_ends_is_replaced() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let container = server.new_container();
    let settings = Settings {
        auth_url: server.auth_url_of_short_tokens(),
        ..settings(server)
    };
    let storage = swift_as(settings, &container, Options::default());
    storage.create_layout().unwrap();
    // Longer than a token is good.
    let until = Instant::now() + Duration::from_secs(6);
    let mut number = 0_u32;
    while Instant::now() < until {
        number += 1;
        let content = number.to_le_bytes();
        storage
            .write(named(FileKind::Pack, &content), &content)
            .unwrap();
    }
    assert_eq!(listed(&storage, FileKind::Pack).len(), number as usize);
}

#[test]
fn a_quota_that_is_used_up_is_no_space() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let container = server.new_container();
    let storage = swift(server, &container);
    storage.create_layout().unwrap();
    let quota = [("x-container-meta-quota-bytes", "10")];
    let (status, _) = server.send(Method::Post, &container, &quota, "");
    assert_eq!(status, 204);
    let content = b"more than ten bytes";
    let error = storage
        .write(named(FileKind::Pack, content), content)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoSpace, "{error}");
    assert!(error.to_string().contains("quota"), "{error}");
    let pack = named(FileKind::Pack, b"little");
    storage.write(pack, b"little").unwrap();
}

#[test]
fn a_container_is_made_only_where_a_repository_is_made() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let container = server.new_container();
    let storage = swift(server, &container);
    let pack = named(FileKind::Pack, b"pack");
    let error = storage.write(pack, b"pack").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("no such container"), "{error}");
    assert_eq!(listed(&storage, FileKind::Pack), []);
    assert_eq!(server.send(Method::Head, &container, &[], "").0, 404);
    storage.create_layout().unwrap();
    storage.write(pack, b"pack").unwrap();
}

#[test]
fn a_large_file_comes_back_and_is_not_sent_again() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let storage = swift(server, &server.new_container());
    storage.create_layout().unwrap();
    let content: Vec<u8> = (0..1_250_000_u32).flat_map(u32::to_le_bytes).collect();
    let pack = named(FileKind::Pack, &content);
    storage.write(pack, &content).unwrap();
    assert_eq!(storage.read(pack, 1 << 30).unwrap(), content);
    storage.write(pack, &content).unwrap();
    let error = storage.write(pack, &content[1..]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Exists);
}

#[test]
fn only_certificates_that_are_trusted_are_talked_to_in_keystone_and_in_swift() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let (of_keystone, of_swift) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for directory in [&of_keystone, &of_swift] {
        if !crate::certificate::make(directory.path()) {
            return;
        }
    }
    let auth_url = server.auth_url();
    let keystone = auth_url.split('/').nth(2).unwrap();
    let keystone = FaultyServer::with_tls(keystone, of_keystone.path());
    let store = FaultyServer::with_tls(&server.authority(), of_swift.path());
    let region = server.new_region_at(&format!("https://{}", store.authority));
    let container = server.new_container();
    let with = |trust| {
        let settings = Settings {
            auth_url: format!("https://{}/v3/", keystone.authority),
            region: Some(region.clone()),
            ..settings(server)
        };
        let options = Options {
            trust,
            ..Options::default()
        };
        swift_as(settings, &container, options)
    };
    let pem =
        |directory: &tempfile::TempDir| std::fs::read(directory.path().join("cert.pem")).unwrap();
    for trust in [Trust::System, Trust::Pem(pem(&of_swift))] {
        let error = with(trust).list(FileKind::Key).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
        // No password was sent.
        assert_eq!(keystone.count("POST"), 0);
    }
    let error = with(Trust::Pem(pem(&of_keystone))).list(FileKind::Key);
    let error = error.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
    assert_eq!(store.count("GET"), 0);
    let both = [pem(&of_keystone), pem(&of_swift)].concat();
    for (trust, content) in [(Trust::Pem(both), &b"one"[..]), (Trust::Anything, b"two")] {
        let storage = with(trust);
        storage.create_layout().unwrap();
        let pack = named(FileKind::Pack, content);
        storage.write(pack, content).unwrap();
        assert_eq!(storage.read(pack, 9).unwrap(), content);
    }
}

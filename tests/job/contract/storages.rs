//! Storages that a job describes itself, with the keys of Freezer.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use freezerd::job::action::Container;
use freezerd::job::parse;
use freezerd::job::render::{Look, render_all};
use freezerd::job::secret_text::masked;
use freezerd::job::storage::{Archive, ArchiveTier, FtpTls, SecretSource};

use super::as_backup;
use crate::support::{backup, codes, errors, host, only, read, with_action};

/// A backup with a container in this storage.
fn saved(container: &str, storage: &str) -> String {
    with_action(&format!(
        "{{\"path_to_backup\": \"/home\", \"backup_name\": \"home\", \"container\": \"{container}\", \
         \"encrypt_pass_file\": \"/etc/pass\", {storage}}}"
    ))
}

fn container(text: &str) -> Container {
    as_backup(text).container
}

#[test]
fn a_bucket_is_described_with_the_keys_of_freezer() {
    let text = saved(
        "bucket/www",
        "\"storage\": \"s3\", \"endpoint\": \"http://nas:9000\", \"access-key\": \"AK\", \"secret_key\": \"canary\", \
         \"region\": \"eu\", \"storage_class\": \"STANDARD_IA\", \"connections\": \"3\", \"insecure\": \"true\"",
    );
    let container = container(&text);
    assert_eq!(
        container.location.to_string(),
        "s3:http://nas:9000/bucket/www/"
    );
    let connection = &container.connection;
    assert!(connection.insecure);
    assert_eq!(connection.connections.map(|it| it.get()), Some(3));
    let s3 = connection.s3.as_deref().unwrap();
    assert_eq!(s3.access_key.as_deref(), Some("AK"));
    assert_eq!(s3.region.as_deref(), Some("eu"));
    let Some(SecretSource::JobFile(secret)) = &s3.secret_key else {
        panic!("{s3:?}");
    };
    assert_eq!(secret.file, Path::new("/etc/freezerd/jobs.d/nightly.json"));
    assert_eq!((secret.action, secret.key.as_str()), (0, "secret_key"));
    assert!(!format!("{container:?}").contains("canary"));
}

#[test]
fn a_bucket_says_how_packs_are_brought_back_from_an_archive() {
    let with = |more: &str| {
        let keys = format!(
            "\"storage\": \"s3\", \"access_key\": \"AK\", \"secret_key_file\": \"/k\"{more}"
        );
        saved("bucket/www", &keys)
    };
    let archive = |more: &str| container(&with(more)).connection.s3.unwrap().archive;
    assert_eq!(archive(""), None);
    let days = |days: u32| NonZeroU32::new(days).unwrap();
    let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
    assert_eq!(
        archive(", \"archive_tier\": \"standard\""),
        Some(Archive {
            tier: ArchiveTier::Standard,
            days: days(7),
            wait: hours(48),
        })
    );
    assert_eq!(
        archive(
            ", \"archive_tier\": \"bulk\", \"archive_days\": \"3\", \"archive_wait\": \"12 hours\""
        ),
        Some(Archive {
            tier: ArchiveTier::Bulk,
            days: days(3),
            wait: hours(12),
        })
    );
    for (more, code, told) in [
        (", \"archive_tier\": \"slow\"", "bad-word", "`slow`"),
        (
            ", \"archive_tier\": \"bulk\", \"archive_days\": 0",
            "out-of-range",
            "archive_days",
        ),
        (
            ", \"archive_tier\": \"bulk\", \"archive_wait\": \"0 days\"",
            "out-of-range",
            "archive_wait",
        ),
        (
            ", \"archive_days\": 3",
            "bad-storage",
            "without `archive_tier`",
        ),
        (
            ", \"archive_tier\": \"expedited\", \"storage_class\": \"DEEP_ARCHIVE\"",
            "bad-storage",
            "has no tier",
        ),
    ] {
        let parsed = read(&with(more));
        assert_eq!(errors(&parsed), [code], "{more}: {parsed:?}");
        let message = &only(&parsed, code).message;
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn a_server_with_ssh_is_described_with_the_keys_of_freezer() {
    let keys = "\"storage\": \"ssh\", \"ssh_host\": \"nas\", \"ssh_port\": \"2222\", \"ssh_username\": \"web\", \
                \"ssh_key\": \"/root/.ssh/id\"";
    for (name, location) in [
        ("/srv/backups", "sftp://web@nas:2222//srv/backups"),
        ("backups/www", "sftp://web@nas:2222/backups/www"),
    ] {
        let container = container(&saved(name, keys));
        assert_eq!(container.location.to_string(), location);
        let sftp = container.connection.sftp.unwrap();
        assert_eq!(sftp.key_file.as_deref(), Some(Path::new("/root/.ssh/id")));
    }
}

#[test]
fn a_server_with_ftp_is_described_with_the_keys_of_freezer() {
    for (storage, port, tls) in [
        ("ftp", "", None),
        ("ftps", "", Some(FtpTls::Explicit)),
        (
            "ftps",
            ", \"ftp_port\": \"2121\", \"implicit_tls\": true",
            Some(FtpTls::Implicit),
        ),
    ] {
        let keys = format!(
            "\"storage\": \"{storage}\", \"ftp_host\": \"127.0.0.1\", \"ftp_username\": \"web\", \
             \"ftp-password\": \"canary\", \"connections\": 2{port}"
        );
        for (name, place) in [
            ("/srv/backups", "/srv/backups"),
            ("backups/www", "backups/www"),
        ] {
            let text = saved(name, &keys);
            let container = container(&text);
            let at = if port.is_empty() { "" } else { ":2121" };
            assert_eq!(
                container.location.to_string(),
                format!("ftp://web@127.0.0.1{at}/{place}")
            );
            let connection = container.connection;
            assert_eq!(connection.ftp_tls, tls);
            assert_eq!(connection.connections.map(|it| it.get()), Some(2));
            let Some(SecretSource::JobFile(secret)) = &connection.password else {
                panic!("{connection:?}");
            };
            assert_eq!(secret.key, "ftp_password");
            let parsed = read(&text);
            assert_eq!(codes(&parsed), ["secret-in-file"]);
            let warning = only(&parsed, "secret-in-file");
            assert!(warning.help.as_ref().unwrap().contains("ftp_password_file"));
            assert!(!masked(&text).contains("canary"));
        }
    }
    let open = "\"storage\": \"ftp\", \"ftp_host\": \"nas\", \"ftp_username\": \"web\", \"ftp_password_env\": \"P\"";
    assert_eq!(codes(&read(&saved("www", open))), ["insecure-storage"]);
}

#[test]
fn swift_comes_from_the_environment() {
    let text = saved(
        "backups/www",
        "\"storage\": \"swift\", \"os_identity_api_version\": 3, \"region\": \"R\"",
    );
    let location = container(&text).location.to_string();
    assert!(location.starts_with("swift:backups:/www"), "{location}");
}

#[test]
fn a_secret_in_the_file_is_a_warning_that_names_the_better_key() {
    let text = saved(
        "bucket/www",
        "\"storage\": \"s3\", \"access_key\": \"AK\", \"secret_key\": \"canary\"",
    );
    let parsed = read(&text);
    assert_eq!(codes(&parsed), ["secret-in-file"]);
    let warning = only(&parsed, "secret-in-file");
    assert!(warning.help.as_ref().unwrap().contains("secret_key_file"));
    let drawn = render_all(&parsed.diagnostics, "x.json", text.as_bytes(), Look::PLAIN);
    assert!(
        drawn.contains("secret_key") && !drawn.contains("canary"),
        "{drawn}"
    );
    let job = parsed.job.unwrap();
    assert!(!format!("{job:?}").contains("canary"));
    // What is remembered is the same job.
    let again = parse(masked(&text).as_bytes(), "nightly.json", &host());
    assert_eq!(again.job.unwrap().actions, job.actions);
    let with_file = text.replace("\"secret_key\": \"canary\"", "\"secret_key_file\": \"/k\"");
    assert_eq!(codes(&read(&with_file)), [""; 0]);
}

#[test]
fn no_message_about_a_broken_file_has_its_secret() {
    for value in [
        "canary",
        "'canary'",
        "\"canary",
        "\"can\\qary\"",
        "[\"canary\"]",
        "{\"canary\": 1}",
    ] {
        let keys = format!("\"storage\": \"s3\", \"access_key\": \"AK\", \"secret_key\": {value}");
        let text = saved("bucket/www", &keys);
        let parsed = read(&text);
        assert!(parsed.job.is_none(), "{text}");
        let drawn = render_all(&parsed.diagnostics, "x.json", text.as_bytes(), Look::PLAIN);
        let told = format!("{drawn}{:?}", parsed.diagnostics);
        assert!(!told.contains("canary") && !told.contains("qary"), "{told}");
    }
}

#[test]
fn a_storage_without_a_name_does_not_stand_for_this_host() {
    let text = saved("/srv/backups", "\"storage\": \" \"");
    assert_eq!(codes(&read(&text)), ["unknown-storage"]);
    for unset in ["null", "false", "\"local\""] {
        let text = saved("/srv/backups", &format!("\"storage\": {unset}"));
        let place = container(&text).location;
        assert_eq!(place.to_string(), "/srv/backups");
    }
}

#[test]
fn keys_that_do_not_describe_the_storage_are_refused_with_the_mend() {
    for (storage, told) in [
        ("\"secret_key_file\": \"/k\"", "add `\"storage\": \"s3\"`"),
        (
            "\"storage\": \"local\", \"ssh_host\": \"nas\"",
            "`\"storage\": \"sftp\"`",
        ),
        (
            "\"storage\": \"s3\", \"ssh_host\": \"nas\"",
            "correct `storage`",
        ),
        (
            "\"storage\": \"s3\", \"access_key\": \"AK\"",
            "secret_key_file",
        ),
        ("\"storage\": \"ssh\"", "`ssh_host` is missing"),
        (
            "\"storage\": \"ssh\"",
            "write for example `\"ssh_host\": \"backup.example\"`",
        ),
        (
            "\"storage\": \"ssh\", \"ssh_host\": \"nas\"",
            "`ssh_username` is missing",
        ),
        (
            "\"storage\": \"ssh\", \"ssh_host\": \"nas\", \"ssh_username\": \"u\", \"ssh_password\": \"canary\", \
             \"ssh_password_env\": \"P\"",
            "one of `ssh_password_file`",
        ),
        (
            "\"storage\": \"ftp\", \"ftp_username\": \"u\"",
            "`ftp_host` is missing write for example `\"ftp_host\": \"backup.example\"`",
        ),
        (
            "\"storage\": \"ftps\", \"ftp_host\": \"nas\"",
            "`ftp_username`",
        ),
        (
            "\"ftp_host\": \"nas\"",
            "add `\"storage\": \"ftp\"` or `\"storage\": \"ftps\"`",
        ),
        (
            "\"storage\": \"ftp\", \"ftp_host\": \"nas\", \"ftp_username\": \"u\", \"ca_file\": \"/c\"",
            "correct `storage`",
        ),
        (
            "\"storage\": \"s3\", \"endpoint\": \"nas:9000\"",
            "https://",
        ),
        (
            "\"storage\": \"s3\", \"endpoint\": \"https://nas/path\"",
            "has no path",
        ),
    ] {
        let is_described = storage.contains("\"s3\"") || storage.contains("\"ssh\"");
        let container = if is_described { "bucket/www" } else { "www" };
        let parsed = read(&saved(container, storage));
        assert_eq!(errors(&parsed), ["bad-storage"], "{storage}: {parsed:?}");
        let fault = only(&parsed, "bad-storage");
        let text = format!(
            "{} {}",
            fault.message,
            fault.help.as_deref().unwrap_or_default()
        );
        assert!(text.contains(told), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
    let escaped = "\"storage\": \"s3\", \"access_key\": \"AK\", \"secret\\u005fkey\": \"canary\"";
    assert_eq!(
        errors(&read(&saved("bucket/www", escaped))),
        ["bad-storage"]
    );
    let parsed = read(&backup(
        "\"proxy\": \"http://proxy:3128\", \"insecure\": true",
    ));
    assert_eq!(codes(&parsed), ["no-effect", "no-effect"]);
}

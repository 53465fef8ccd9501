//! The sections `[storage.NAME]` of `freezerd.toml`, and the jobs that name them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::{Host, backup, someday};

const GOOD: &str = "\
concurrent_jobs = 1

[storage.offsite]
kind = \"rest\"
endpoint = \"https://Backup.example:443/web1\"
username = \"web1\"
password_file = \"%d/offsite\"
connections = 3

[storage.nearby]
kind = \"rest\"
endpoint = \"http://localhost:8000\"
username = \"x\"
password_command = \"echo secret-in-a-command\"
";

fn with(host: &Host, storage: &str, container: &str) -> String {
    let mut action = backup(&host.path("source"), &host.path("container"));
    action["freezer_action"]["storage"] = json!(storage);
    action["freezer_action"]["container"] = json!(container);
    action["freezer_action"]["encrypt_pass_file"] = json!("/etc/pass");
    host.put("save", someday(vec![action]));
    let ran = host.freezerd(&["check", "--no-trust"]);
    ran.stdout() + &ran.stderr()
}

#[test]
fn config_show_lists_storages_without_secrets() {
    let host = Host::new();
    host.file("freezerd.toml", GOOD);
    let shown = host.json(&["config", "show"]);
    let offsite = &shown["storages"]["offsite"];
    assert_eq!(
        offsite["keys"],
        json!({
            "kind": "rest", "endpoint": "https://Backup.example:443/web1", "username": "web1",
            "password_file": "%d/offsite", "connections": "3",
        })
    );
    assert_eq!(offsite["origin"]["line"], 3);
    let text = host.freezerd(&["config", "show"]).exits(0).stdout();
    assert!(text.contains("Storage nearby ("), "{text}");
    assert!(text.contains("endpoint = http://localhost:8000"), "{text}");
    assert!(!text.contains("secret-in-a-command"), "{text}");
    assert!(!shown.to_string().contains("secret-in-a-command"));
}

#[test]
fn every_mistake_in_a_storage_names_its_line_and_the_mend() {
    let host = Host::new();
    let head = "# freezerd\n[storage.offsite]\n";
    let good = "kind = \"rest\"\nendpoint = \"https://h/\"\n";
    for (section, line, says) in [
        (
            String::new(),
            2,
            "`kind` is missing; the kinds are: ftp, ftps, rclone, rest",
        ),
        (
            "kind = \"azure\"\n".into(),
            3,
            "does not support the kind \"azure\"; it supports: ftp, ftps, rclone, rest",
        ),
        ("kind = \"resst\"\n".into(), 3, "is not a kind of storage"),
        ("kind = \"local\"\n".into(), 3, "needs no storage"),
        ("kind = \"rest\"\n".into(), 2, "`endpoint` is missing"),
        (
            "kind = \"rest\"\nendpoint = \"h:8000\"\n".into(),
            4,
            "must begin with https://",
        ),
        ("kind = \"rest\"\nendpoint = 5\n".into(), 4, "takes a text"),
        (
            format!("{good}usrname = \"x\"\n"),
            5,
            "did you mean \"username\"?",
        ),
        (
            format!("{good}password_file = \"pass\"\nusername = \"x\"\n"),
            5,
            "absolute path",
        ),
        (
            format!("{good}password_file = \"%d/\"\nusername = \"x\"\n"),
            5,
            "name of the credential",
        ),
        (
            format!("{good}password_env = \"X\"\n"),
            2,
            "needs a `username`",
        ),
        (format!("{good}username = \"a:b\"\n"), 5, "colon"),
        (
            format!("{good}username = \"x\"\npassword_env = \"X\"\npassword_command = \"y\"\n"),
            2,
            "one of `password_file`",
        ),
        (
            format!("{good}password_command = []\nusername = \"x\"\n"),
            5,
            "list of words",
        ),
        (
            "kind = \"s3\"\nbucket = \"x\"\n".into(),
            4,
            "name of a bucket",
        ),
        (
            "kind = \"s3\"\nsecret_key = \"hunter2-in-the-file\"\n".into(),
            4,
            "secret_key_file",
        ),
        (
            "kind = \"s3\"\narchive_tier = \"slow\"\n".into(),
            4,
            "\"standard\", \"bulk\" or \"expedited\"",
        ),
        (
            "kind = \"s3\"\narchive_days = 3\n".into(),
            4,
            "does nothing without `archive_tier`",
        ),
        (
            "kind = \"s3\"\narchive_wait = \"1 day\"\n".into(),
            4,
            "does nothing without `archive_tier`",
        ),
        (
            "kind = \"s3\"\narchive_tier = \"bulk\"\narchive_days = 0\n".into(),
            5,
            "from 1 to 36500",
        ),
        (
            "kind = \"s3\"\narchive_tier = \"bulk\"\narchive_wait = \"0 days\"\n".into(),
            5,
            "takes a duration such as \"12 hours\"",
        ),
        (
            "kind = \"s3\"\nstorage_class = \"DEEP_ARCHIVE\"\narchive_tier = \"expedited\"\n"
                .into(),
            5,
            "has no tier \"expedited\"",
        ),
        (
            format!("{good}archive_tier = \"bulk\"\n"),
            5,
            "has no `archive_tier`",
        ),
        (
            "kind = \"swift\"\nauth_url = \"https://h/v2.0\"\n".into(),
            4,
            "version 2 of Keystone",
        ),
        (
            "kind = \"swift\"\napplication_credential_secret = \"hunter2-in-the-file\"\n".into(),
            4,
            "application_credential_secret_file",
        ),
        (format!("{good}connections = 0\n"), 5, "from 1 to 64"),
        (format!("{good}insecure = \"yes\"\n"), 5, "true or false"),
        (
            format!("{good}proxy = \"proxy:3128\"\n"),
            5,
            "must begin with https://",
        ),
        (
            format!("{good}password = \"hunter2-in-the-file\"\n"),
            5,
            "password_file",
        ),
        (
            format!("{good}conections = 3\n"),
            5,
            "did you mean \"connections\"?",
        ),
        (
            format!("{good}\ncache_size = \"1 GB\"\n"),
            6,
            "`cache_size` is a setting, and no key of a storage; a setting stands above the first section",
        ),
    ] {
        host.file("freezerd.toml", &format!("{head}{section}"));
        let ran = host.freezerd(&["config", "show"]).exits(78);
        let told = ran.stderr();
        assert!(told.contains(says), "{section}: {told}");
        let place = format!("freezerd.toml:{line}: the storage offsite");
        assert!(told.contains(&place), "{section}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    for (text, says) in [
        ("[storage.s3]\nkind = \"rest\"\n", "needs a name"),
        ("[storage.\"my nas\"]\nkind = \"rest\"\n", "needs a name"),
        ("storage = 5\n", "[storage.NAME]"),
        ("[storage]\noffsite = 5\n", "where you choose the name"),
    ] {
        host.file("freezerd.toml", text);
        let told = host.freezerd(&["config", "show"]).exits(78).stderr();
        assert!(told.contains(says), "{text}: {told}");
    }
}

#[test]
fn a_job_names_a_storage_and_a_container_in_it() {
    let host = Host::new();
    host.file(
        "freezerd.toml",
        &format!("{GOOD}[storage.amazon]\nkind = \"s3\"\n[storage.cloud]\nkind = \"swift\"\n"),
    );
    host.file("source/file", "x");
    for (storage, container, says) in [
        ("amazon", "bucket/www", ""),
        ("amazon", "bucket", ""),
        ("amazon", "x", "name the `bucket` in the storage"),
        ("amazon", "/", "name the `bucket` in the storage"),
        ("cloud", "container/www", ""),
        ("cloud", "container", ""),
        ("cloud", "/", "write `CONTAINER` or `CONTAINER/www`"),
        ("cloud", "a:b/c", "write `CONTAINER` or `CONTAINER/www`"),
        ("cloud", "a/../b", "bad-container"),
        ("offsite", "www", ""),
        ("offsite", "hosts/www", ""),
        ("offsite", "/", ""),
        ("nearby", "www", ""),
        ("offsite", "/srv/backups", "bad-container"),
        ("offsite", "a/../b", "bad-container"),
        ("ofsite", "www", "did you mean `offsite`?"),
        ("elsewhere", "www", "local, amazon, cloud, nearby, offsite"),
        ("rest", "www", "kind of storage"),
        ("s3", "www/x", ""),
        ("s3", "x", "no bucket"),
        ("rclone", "www", "kind of storage"),
        ("azure", "www", "unsupported-storage"),
    ] {
        let told = with(&host, storage, container);
        match says {
            "" => assert!(
                !told.contains("error") && !told.contains("warning"),
                "{told}"
            ),
            _ => assert!(told.contains(says), "{storage} {container}: {told}"),
        }
    }
}

#[test]
fn check_warns_where_others_can_read_the_password_of_a_storage() {
    let host = Host::new();
    host.file("source/file", "x");
    let storage = |more: &str| {
        format!(
            "[storage.offsite]\nkind = \"rest\"\nusername = \"x\"\npassword_env = \"X\"\n{more}\n"
        )
    };
    for (more, warned) in [
        ("endpoint = \"http://backup.example/\"", true),
        (
            "endpoint = \"https://backup.example/\"\ninsecure = true",
            true,
        ),
        ("endpoint = \"https://backup.example/\"", false),
        ("endpoint = \"http://127.0.0.1:8000/\"", false),
    ] {
        host.file("freezerd.toml", &storage(more));
        let told = with(&host, "offsite", "www");
        assert_eq!(told.contains("insecure-storage"), warned, "{told}");
    }
}

#[test]
fn an_error_about_a_secret_of_a_storage_names_its_key_and_its_file() {
    let host = Host::new();
    host.file("pass", "good\n");
    host.file("bad", "\n");
    let empty = host.path("bad").display().to_string();
    for (section, says) in [
        (
            "kind = \"rest\"\nendpoint = \"http://127.0.0.1:9\"\nusername = \"x\"\npassword_file = \"/no/such/file\"\n"
                .to_owned(),
            "`password` of the storage: the file /no/such/file cannot be read".to_owned(),
        ),
        (
            format!(
                "kind = \"s3\"\nendpoint = \"http://127.0.0.1:9\"\nbucket = \"backups\"\naccess_key = \"a\"\nsecret_key_file = \"{empty}\"\n"
            ),
            format!("`secret_key` of the storage: the file {empty} is empty"),
        ),
        (
            "kind = \"rest\"\nendpoint = \"http://127.0.0.1:9\"\nusername = \"x\"\npassword_env = \"NO_SUCH\"\n".to_owned(),
            "`password` of the storage: the variable NO_SUCH of the environment".to_owned(),
        ),
    ] {
        host.file("freezerd.toml", &format!("[storage.offsite]\n{section}"));
        let pass = host.path("pass").display().to_string();
        let ran = host.freezerd(&[
            "snapshots", "--storage", "offsite", "--container", "c", "--encrypt-pass-file", &pass,
        ]);
        assert!(ran.stderr().contains(&says), "{says}: {}", ran.stderr());
        assert!(!ran.stderr().contains("pass file"), "{}", ran.stderr());
    }
}

#[test]
fn check_and_doctor_name_a_secret_of_a_storage_that_is_missing_or_that_everybody_can_read() {
    let host = Host::new();
    let sections = ["missing", "open", "closed", "key"].map(|name| {
        let file = host.path(name).display().to_string();
        match name {
            "key" => format!(
                "[storage.key]\nkind = \"sftp\"\nhost = \"127.0.0.1\"\nport = 9\nusername = \"x\"\ndirectory = \"d\"\n\
                 key_file = \"{file}\"\n"
            ),
            name => format!(
                "[storage.{name}]\nkind = \"rest\"\nendpoint = \"http://127.0.0.1:9/{name}\"\nusername = \"x\"\n\
                 password_file = \"{file}\"\n"
            ),
        }
    });
    host.file("freezerd.toml", &sections.join(""));
    for (name, mode) in [("open", 0o644), ("closed", 0o600), ("key", 0o644)] {
        host.file(name, "secret\n");
        fs::set_permissions(host.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let said = host.freezerd(&["check"]).exits(0).stdout();
    for (storage, words) in [
        ("missing", "`password_file`: the file "),
        ("open", "everybody can read "),
        ("key", "everybody can read "),
    ] {
        let warned = format!("warning: the storage {storage}: {words}");
        assert!(said.contains(&warned), "{warned}: {said}");
    }
    assert!(!said.contains("the storage closed"), "{said}");
    host.freezerd(&["check", "--strict"]).exits(65);
    let found = host.json(&["check"])["storages"].clone();
    assert_eq!(found.as_array().unwrap().len(), 3, "{found}");
    assert_eq!(found[1]["storage"], "missing");
    let document = host.json(&["doctor", "--no-containers"]);
    let findings = document["findings"].as_array().unwrap().iter();
    let mut of_secrets: Vec<(String, &str)> = findings
        .filter(|it| it["check"] == "password")
        .map(|it| {
            let subject = it["subject"].as_str().unwrap();
            let name = subject.rsplit('/').next().unwrap().to_owned();
            (name, it["level"].as_str().unwrap())
        })
        .collect();
    of_secrets.sort();
    let expected = [
        ("key", "warning"),
        ("missing", "error"),
        ("open", "warning"),
    ];
    assert_eq!(
        of_secrets,
        expected.map(|(name, level)| (name.to_owned(), level))
    );
}

//! Jobs with a container in a real Swift, with Keystone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Host, now};
use crate::restic_support::{PASSWORD as REPOSITORY_PASSWORD, Restic, restics};
use crate::secrets::{command_lines, files_with};
use crate::site::{action, files, host, restored, saved};
use crate::swift_server::{
    self, CREDENTIAL_SECRET, PASSWORD, PROJECT, READER, REGION, Server, USER,
};

/// The storage `offsite`, with these keys besides the address of Keystone.
fn define(host: &Host, server: &Server, more: &str) {
    define_in(host, server, REGION, more);
}

/// The same in another region.
pub fn define_in(host: &Host, server: &Server, region: &str, more: &str) {
    let address = server.auth_url();
    host.file(
        "freezerd.toml",
        &format!(
            "[storage.offsite]\nkind = \"swift\"\nauth_url = \"{address}\"\nregion = \"{region}\"\n{more}\n"
        ),
    );
}

pub fn by_password(host: &Host, user: &str) -> String {
    let file = host.file("server-pass", &format!("{PASSWORD}\n"));
    format!(
        "username = \"{user}\"\nproject_name = \"{PROJECT}\"\npassword_file = \"{}\"",
        file.display()
    )
}

fn by_credential(host: &Host, server: &Server) -> String {
    let file = host.file("server-secret", &format!("{CREDENTIAL_SECRET}\n"));
    format!(
        "application_credential_id = \"{}\"\napplication_credential_secret_file = \"{}\"",
        server.id("application_credential_id"),
        file.display()
    )
}

/// The action in this container.
fn at(container: &str, mut action: Value) -> Value {
    action["freezer_action"]["container"] = json!(container);
    action
}

/// A name for a job that no other test has.
pub fn place(server: &Server) -> String {
    format!("{}/web 1", server.new_container())
}

/// The place as `restic` names it.
pub fn for_restic(place: &str) -> String {
    format!("swift:{}", place.replacen('/', ":/", 1))
}

/// Runs a job with these actions, and returns the log.
#[track_caller]
fn run(host: &Host, name: &str, actions: Vec<Value>) -> String {
    host.put(name, now(actions));
    host.once().exits(0);
    host.freezerd(&["log", name]).exits(0).stdout()
}

/// Runs a backup that fails, and returns the log.
#[track_caller]
fn fails(host: &Host, place: &str) -> String {
    host.put("save", now(vec![at(place, saved(host))]));
    host.once().exits(1);
    host.freezerd(&["log", "save"]).exits(0).stdout()
}

#[track_caller]
fn restic(restic: &Restic, server: &Server, repository: &str, arguments: &[&str]) -> String {
    let ran = restic
        .command(Path::new(repository), REPOSITORY_PASSWORD)
        .envs(server.for_restic())
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success(),
        "{:?} {arguments:?}: {error}",
        restic.0
    );
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Both versions of restic find nothing wrong in the container, and see this many snapshots.
#[track_caller]
fn assert_clean_for_restic(server: &Server, repository: &str, snapshots: usize) {
    for version in restics() {
        restic(&version, server, repository, &["check", "--read-data"]);
        let listed = restic(&version, server, repository, &["snapshots", "--json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.len(), snapshots);
    }
}

#[test]
fn backup_restore_check_and_removal_work_in_swift_and_restic_reads_it() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let place = place(server);
    let repository = for_restic(&place);
    define(&host, server, &by_password(&host, USER));
    let log = run(&host, "first", vec![at(&place, saved(&host))]);
    let created = format!("created a repository in {repository}@http://127.0.0.1:");
    assert!(log.contains(&created), "{log}");
    assert_clean_for_restic(server, &repository, 1);

    host.file("source/letter", "Dear reader, once more");
    define(&host, server, &by_credential(&host, server));
    let mut actions = vec![
        saved(&host),
        restored(&host),
        action(&host, json!({"action": "check", "read_data": true})),
        action(&host, json!({"action": "info"})),
    ];
    actions = actions.into_iter().map(|one| at(&place, one)).collect();
    let log = run(&host, "second", actions);
    assert!(log.contains("2 snapshots in the container swift:"), "{log}");
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    assert_clean_for_restic(server, &repository, 2);

    let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
    run(&host, "third", vec![at(&place, action(&host, removal))]);
    assert_clean_for_restic(server, &repository, 1);
    for version in restics() {
        let locks = restic(
            &version,
            server,
            &repository,
            &["list", "locks", "--no-lock"],
        );
        assert_eq!(locks, "");
    }
}

#[test]
fn freezerd_restores_and_prunes_what_restic_backed_up_to_swift() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let Some(version) = restics().pop() else {
        return;
    };
    let host = host("http://unused/", "");
    let place = place(server);
    let repository = for_restic(&place);
    define(&host, server, &by_password(&host, USER));
    restic(&version, server, &repository, &["init"]);
    let source = host.path("source");
    let path = source.to_str().unwrap();
    restic(
        &version,
        server,
        &repository,
        &["backup", "--host", "other", path],
    );
    let in_storage = |words: &[&str]| {
        let pass = host.path("pass").display().to_string();
        let mut all = words.to_vec();
        all.extend(["--storage", "offsite", "--container", &place]);
        all.extend(["--encrypt-pass-file", &pass]);
        host.freezerd(&all).exits(0).stdout()
    };
    let listed: Value = serde_json::from_str(&in_storage(&["snapshots", "--json"])).unwrap();
    let id = listed["snapshots"][0]["id"].as_str().unwrap();
    let target = host.path("target");
    let to = target.to_str().unwrap();
    in_storage(&["restore", "--to", to, "--snapshot", id]);
    assert_eq!(files(&source), files(&target));
    run(&host, "save", vec![at(&place, saved(&host))]);
    assert_clean_for_restic(server, &repository, 2);
    in_storage(&["prune"]);
    assert_clean_for_restic(server, &repository, 2);
}

#[test]
fn storage_test_says_what_swift_can_do() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    define(&host, server, &by_password(&host, USER));
    let place = place(server);
    let words = ["storage", "test", "offsite", "--size", "1M", "--json"];
    let tested = host.freezerd(&[&words[..], &["--container", &place]].concat());
    let report = tested.exits(0).json();
    assert_eq!(report["good"], json!(true), "{report:#}");
    let container = place.split('/').next().unwrap();
    assert_eq!(server.objects(container), [""; 0]);
    define(&host, server, &by_password(&host, READER));
    let tested = host.freezerd(&[&words[..], &["--container", &place]].concat());
    let report = tested.exits(1).json();
    assert_eq!(report["good"], json!(false), "{report:#}");
    assert!(report.to_string().contains("no right"), "{report:#}");
}

#[test]
fn what_the_storage_does_not_say_comes_from_the_environment() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let mut host = host("http://unused/", "");
    for (name, value) in server.for_restic() {
        host = host.env(name, &value);
    }
    host.file("freezerd.toml", "[storage.offsite]\nkind = \"swift\"\n");
    let place = place(server);
    let log = run(&host, "save", vec![at(&place, saved(&host))]);
    let created = format!("created a repository in {}\n", for_restic(&place));
    assert!(log.contains(&created), "{log}");
    assert_clean_for_restic(server, &for_restic(&place), 1);
}

#[test]
fn it_is_told_what_is_wrong_and_what_to_write() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let place = place(server);
    let good = by_password(&host, USER);
    for (keys, told) in [
        (
            good.replace(PROJECT, "nowhere"),
            "does not know the project",
        ),
        (
            good.replace(USER, "nobody"),
            "does not accept the user, its domain or the password",
        ),
        (
            format!("{good}\ninterface = \"admin\"\nuser_domain_name = \"nowhere\""),
            "does not accept the user, its domain or the password",
        ),
        (by_password(&host, READER), "no right to do this"),
        (
            format!("username = \"{USER}\""),
            "neither `password_file` of the storage nor OS_PASSWORD",
        ),
        (
            format!("application_credential_name = \"x\"\nusername = \"{USER}\""),
            "neither `application_credential_secret_file` of the storage",
        ),
    ] {
        define(&host, server, &keys);
        let log = fails(&host, &place);
        assert!(log.contains(told), "{told}: {log}");
        let run = &host.history("save")[0];
        let attempts = host.attempts(run["run"].as_u64().unwrap());
        let end = format!("{:?}", attempts.last().unwrap());
        assert!(end.contains("FailedForGood"), "{end}");
    }
    let text = host.file("freezerd.toml", "[storage.offsite]\nkind = \"swift\"\n");
    assert!(text.exists());
    let log = fails(&host, &place);
    assert!(
        log.contains("neither `auth_url` of the storage nor OS_AUTH_URL"),
        "{log}"
    );
}

#[test]
fn passwords_and_secrets_are_in_no_argument_no_log_no_message_and_not_in_the_ledger() {
    let Some(server) = swift_server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let place = place(server);
    for (name, keys) in [
        ("password", by_password(&host, USER)),
        ("credential", by_credential(&host, server)),
    ] {
        define(&host, server, &keys);
        let mut slow = at(&place, saved(&host));
        slow["freezer_action"]["log_file"] = json!(host.path("state/action.log"));
        slow["freezer_action"]["upload_limit"] = json!("2K");
        host.put(name, now(vec![slow, at(&place, restored(&host))]));
        let daemon = host.start();
        crate::harness::eventually("the agent is there", || {
            command_lines().iter().any(|line| line.contains("agent"))
        });
        for line in command_lines() {
            assert!(!line.contains(PASSWORD), "{line}");
            assert!(!line.contains(CREDENTIAL_SECRET), "{line}");
        }
        daemon.run_of(name);
        let mut told = daemon.log();
        drop(daemon);
        for words in [
            &["log", name][..],
            &["show", name, "--json"],
            &["config", "show"],
            &["config", "show", "--json"],
            &["history", "--json"],
            &["state", "export"],
            &["doctor"],
            &["snapshots", name],
            &["check"],
        ] {
            let ran = host.freezerd(words);
            told += &(ran.stdout() + &ran.stderr());
        }
        // The beginning of every token.
        for secret in [PASSWORD, CREDENTIAL_SECRET, "gAAAA"] {
            assert!(!told.contains(secret), "{told}");
            assert!(files_with(&host.path("state"), secret).is_empty());
        }
        assert!(told.contains("server-"), "the place of the secret is told");
    }
}

#[test]
fn a_file_with_the_variables_of_the_cloud_is_read_without_a_shell_and_its_password_stays_there() {
    let Some(server) = swift_server::start() else {
        return;
    };
    // Nothing of the environment is used beside the file.
    let host = host("http://127.0.0.1:1/", "").env("OS_PROJECT_NAME", "another");
    host.file("freezerd.toml", "");
    let marker = host.path("marker");
    let openrc = host.file(
        "openrc",
        &format!(
            "#!/bin/sh\nexport OS_AUTH_URL={}\nexport OS_REGION_NAME=\"{REGION}\" # the only one\n\
             OS_USERNAME='{USER}'\nexport OS_PROJECT_NAME={PROJECT}\nexport OS_PASSWORD=\"{PASSWORD}\"\n\
             touch {}; # {PASSWORD}\n",
            server.auth_url(),
            marker.display()
        ),
    );
    fs::set_permissions(&openrc, fs::Permissions::from_mode(0o600)).unwrap();
    let place = place(server);
    let with_keys = |mut action: Value| {
        let keys = &mut action["freezer_action"];
        keys["storage"] = json!("swift");
        keys["osrc"] = json!(openrc);
        at(&place, action)
    };
    let actions = vec![with_keys(saved(&host)), with_keys(restored(&host))];
    let mut told = run(&host, "save", actions);
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    assert!(told.contains("line 7 is not an assignment"), "{told}");
    assert!(!marker.exists());

    let toml = format!(
        "[storage.offsite]\nkind = \"swift\"\nosrc = \"{}\"\n",
        openrc.display()
    );
    host.file("freezerd.toml", &toml);
    let here = ["--storage", "offsite", "--container", &place];
    let pass = host.path("pass");
    let listing = ["ls", "--encrypt-pass-file", pass.to_str().unwrap()];
    let listing = [&listing[..], &here].concat();
    let listed = host.freezerd(&listing).exits(0);
    assert!(listed.stdout().contains("letter"), "{}", listed.stdout());
    for words in [
        &["check"][..],
        &["check", "--effective"],
        &["show", "save", "--json"],
        &["history", "--json"],
        &["config", "show"],
        &["snapshots", "save"],
        &["state", "export"],
        &listing,
    ] {
        let ran = host.freezerd(words);
        told += &(ran.stdout() + &ran.stderr());
    }
    assert!(!told.contains(PASSWORD), "{told}");
    let found = files_with(&host.path("state"), PASSWORD);
    assert_eq!(found, [""; 0].map(PathBuf::from));

    fs::remove_file(&openrc).unwrap();
    let error = host.freezerd(&listing).exits(66).stderr();
    assert!(error.contains("`osrc` of the storage"), "{error}");
    fs::write(
        &openrc,
        "export OS_AUTH_URL=https://127.0.0.1:1/v3\nexport OS_USERNAME=u\n",
    )
    .unwrap();
    let error = host.freezerd(&listing).exits(66).stderr();
    assert!(error.contains("OS_PASSWORD"), "{error}");
}

//! Jobs with a container in a bucket of a real S3 server.

use serde_json::{Value, json};

use crate::bucket::{assert_clean_for_restic, define, for_restic, in_bucket, keys, restic};
use crate::harness::{Host, Ran, eventually, now};
use crate::rest_server::faulty::{Fault, FaultyServer};
use crate::restic_support::restics;
use crate::s3_server::{ACCESS_KEY, HOST, SECRET_KEY, Server};
use crate::secrets::{command_lines, files_with};
use crate::site::{action, files, host, restored, saved};

/// Runs a job with these actions, and returns the log.
#[track_caller]
fn run(host: &Host, name: &str, actions: Vec<Value>) -> String {
    host.put(name, now(actions));
    host.once().exits(0);
    host.freezerd(&["log", name]).exits(0).stdout()
}

/// Runs a job that fails, and returns the log.
#[track_caller]
fn fails(host: &Host) -> String {
    host.put("save", now(vec![saved(host)]));
    host.once().exits(1);
    host.freezerd(&["log", "save"]).exits(0).stdout()
}

#[test]
fn backup_restore_check_and_removal_work_in_a_bucket_and_restic_reads_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let bucket = in_bucket(&host, &server);
    let repository = for_restic(&server, &bucket);
    let log = run(&host, "first", vec![saved(&host)]);
    assert!(
        log.contains("created a repository in s3:http://127.0.0.1:"),
        "{log}"
    );
    assert_clean_for_restic(&repository, 1);

    host.file("source/letter", "Dear reader, once more");
    let actions = vec![
        saved(&host),
        restored(&host),
        action(&host, json!({"action": "check", "read_data": true})),
        action(&host, json!({"action": "info"})),
    ];
    let log = run(&host, "second", actions);
    assert!(log.contains("2 snapshots in the container s3:"), "{log}");
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    assert_clean_for_restic(&repository, 2);

    let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
    run(&host, "third", vec![action(&host, removal)]);
    assert_clean_for_restic(&repository, 1);
    for version in restics() {
        assert_eq!(
            restic(&version, &repository, &["list", "locks", "--no-lock"]),
            ""
        );
    }
}

#[test]
fn freezerd_restores_what_restic_backed_up_to_the_bucket() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let bucket = in_bucket(&host, &server);
    let repository = for_restic(&server, &bucket);
    let Some(version) = restics().pop() else {
        return;
    };
    restic(&version, &repository, &["init"]);
    let source = host.path("source");
    let path = source.to_str().unwrap();
    restic(&version, &repository, &["backup", "--host", "other", path]);
    let listed = in_storage(&host, &["snapshots", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let id = listed["snapshots"][0]["id"].as_str().unwrap();
    let target = host.path("target");
    let to = target.to_str().unwrap();
    in_storage(&host, &["restore", "--to", to, "--snapshot", id]);
    assert_eq!(files(&source), files(&target));
    run(&host, "save", vec![saved(&host)]);
    assert_clean_for_restic(&repository, 2);
    in_storage(&host, &["prune"]);
    assert_clean_for_restic(&repository, 2);
}

/// What a command on the container of the storage prints.
#[track_caller]
fn in_storage(host: &Host, words: &[&str]) -> String {
    command(host, words).exits(0).stdout()
}

/// Runs a command on the container of the storage.
fn command(host: &Host, words: &[&str]) -> Ran {
    let pass = host.path("pass").display().to_string();
    let place = [
        "--storage",
        "offsite",
        "--container",
        crate::site::CONTAINER,
        "--encrypt-pass-file",
        &pass,
    ];
    host.freezerd(&[words, &place[..]].concat())
}

#[test]
fn the_secret_key_is_in_no_argument_no_log_no_message_and_not_in_the_ledger() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let bucket = in_bucket(&host, &server);
    let mut action = saved(&host);
    action["freezer_action"]["log_file"] = json!(host.path("state/action.log"));
    // Slow enough to be looked at.
    action["freezer_action"]["upload_limit"] = json!("1K");
    host.put("save", now(vec![action, restored(&host)]));
    let daemon = host.start();
    eventually("the agent works", || {
        command_lines().iter().any(|line| line.contains("agent"))
    });
    for line in command_lines() {
        assert!(!line.contains(SECRET_KEY), "{line}");
    }
    daemon.run_of("save");
    let mut told = daemon.log();
    drop(daemon);
    // A wrong one, which the server refuses, and a right that is missing.
    host.file("secret-key", &format!("not-{SECRET_KEY}\n"));
    host.put("wrong", now(vec![saved(&host)]));
    let ran = host.once();
    told += &(ran.stdout() + &ran.stderr());
    for words in [
        &["log", "save"][..],
        &["log", "wrong"],
        &["show", "save", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["history", "--json"],
        &["state", "export"],
        &["doctor"],
        &["snapshots", "wrong"],
        &["check"],
    ] {
        let ran = host.freezerd(words);
        told += &(ran.stdout() + &ran.stderr());
    }
    assert!(!told.contains(SECRET_KEY), "{told}");
    // No signature is told either.
    assert!(
        !told.contains("Signature=") && !told.contains("X-Amz-"),
        "{told}"
    );
    let found = files_with(&host.path("state"), SECRET_KEY);
    assert!(found.is_empty(), "{found:?}");
    assert!(
        told.contains("the secret key does not belong to the access key"),
        "{told}"
    );
    assert!(told.contains(&bucket));
}

#[test]
fn the_keys_come_from_a_file_a_command_the_environment_or_a_profile() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "")
        .env("OFFSITE_SECRET", SECRET_KEY)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    let bucket = in_bucket(&host, &server);
    let file = host.path("secret-key").display().to_string();
    let of_key = |line: &str| format!("access_key = \"{ACCESS_KEY}\"\n{line}");
    let profile = format!(
        "[default]\naws_access_key_id = AKWRONG\naws_secret_access_key = x\n[offsite]\n\
         aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    );
    let profile = host.file("aws", &profile).display().to_string();
    for (number, lines) in [
        of_key(&format!("secret_key_file = \"{file}\"")),
        of_key("secret_key_env = \"OFFSITE_SECRET\""),
        of_key(&format!("secret_key_command = [\"cat\", \"{file}\"]")),
        format!("credentials_file = \"{profile}\"\nprofile = \"offsite\""),
        String::new(),
    ]
    .into_iter()
    .enumerate()
    {
        define(&host, &server.endpoint(), &bucket, &lines);
        let name = format!("save{number}");
        host.put(&name, now(vec![saved(&host)]));
        host.once().exits(0);
        let state = host.state(&name);
        assert!(state.ends_with("success"), "{lines}: {state}");
    }
}

#[test]
fn the_role_of_a_machine_or_of_a_container_is_enough() {
    let Some(server) = Server::start() else {
        return;
    };
    let role = format!(
        r#"{{"Code": "Success", "AccessKeyId": "{ACCESS_KEY}", "SecretAccessKey": "{SECRET_KEY}",
        "Expiration": "2100-01-01T00:00:00Z"}}"#
    );
    let role: &'static str = Box::leak(role.into_boxed_str());
    // The service beside the host, which answers what these services answer.
    let service = FaultyServer::before(&server.authority);
    let address = format!("http://{}", service.authority);
    let bucket = server.new_bucket();
    let on = |variable: &str, value: &str| {
        let host = host("http://unused/", "").env(variable, value);
        define(&host, &server.endpoint(), &bucket, "");
        host
    };
    let machine = on("AWS_EC2_METADATA_SERVICE_ENDPOINT", &address);
    service.fail("PUT", Fault::Answer(200, "token"));
    service.fail("GET", Fault::Answer(200, "backup\n"));
    service.fail("GET", Fault::Answer(200, role));
    run(&machine, "save", vec![saved(&machine)]);
    let asked = service.heads("GET");
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[1].starts_with("get /latest/meta-data/iam/security-credentials/backup "));
    assert!(asked[1].contains("x-aws-ec2-metadata-token: token"));
    let container = on(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        &format!("{address}/role"),
    );
    service.fail("GET", Fault::Answer(200, role));
    run(&container, "save", vec![saved(&container)]);
    assert_clean_for_restic(&for_restic(&server, &bucket), 2);

    let identity = on("AWS_WEB_IDENTITY_TOKEN_FILE", "/dev/null")
        .env("AWS_ROLE_ARN", "arn:aws:iam::1:role/backup")
        .env("AWS_ENDPOINT_URL_STS", &address);
    let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
    // The first two requests to the bucket are made at the same time, and each may ask for credentials.
    for _ in 0..2 {
        service.fail("POST", Fault::Answer(400, refusal));
    }
    let log = fails(&identity);
    assert!(log.contains("InvalidIdentityToken"), "{log}");
    let nothing = on("AWS_EC2_METADATA_DISABLED", "true");
    let log = fails(&nothing);
    assert!(log.contains("the storage has no `access_key`"), "{log}");
}

#[test]
fn what_is_wrong_is_told_with_the_key_that_mends_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let bucket = in_bucket(&host, &server);
    let absent = host.path("absent").display().to_string();
    for (lines, words) in [
        (
            format!("access_key = \"AKNOBODY\"\nsecret_key_file = \"{absent}\""),
            "absent",
        ),
        (
            format!(
                "access_key = \"AKNOBODY\"\nsecret_key_file = \"{}\"",
                host.path("pass").display()
            ),
            "the server does not know the access key",
        ),
        (
            format!("credentials_file = \"{absent}\""),
            "absent does not exist",
        ),
    ] {
        define(&host, &server.endpoint(), &bucket, &lines);
        let log = fails(&host);
        assert!(log.contains(words), "{log}");
    }
    // Only a backup makes a bucket.
    define(
        &host,
        &server.endpoint(),
        &server.new_bucket(),
        &keys(&host),
    );
    host.put("restore", now(vec![restored(&host)]));
    host.once().exits(1);
    let log = host.freezerd(&["log", "restore"]).exits(0).stdout();
    assert!(log.contains("there is no bucket bucket-"), "{log}");
    host.delete("restore");
    let at_once = format!("{}\nnetwork_wait = \"off\"", keys(&host));
    define(&host, "http://127.0.0.1:1/", &bucket, &at_once);
    let log = fails(&host);
    assert!(log.contains("trying again"), "{log}");
    let Some(certificate) = &server.certificate else {
        return;
    };
    let endpoint = format!("https://{}/", server.tls_authority);
    define(&host, &endpoint, &bucket, &keys(&host));
    let log = fails(&host);
    assert!(log.contains("certificate"), "{log}");
    let trusted = format!("{}\nca_file = \"{}\"", keys(&host), certificate.display());
    define(&host, &endpoint, &bucket, &trusted);
    run(&host, "save", vec![saved(&host)]);
}

#[test]
fn a_backup_goes_on_through_faults_of_the_network() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let bucket = in_bucket(&host, &server);
    let proxy = FaultyServer::before(&server.authority);
    define(
        &host,
        &format!("http://{}/", proxy.authority),
        &bucket,
        &keys(&host),
    );
    for (method, fault) in [
        ("HEAD", Fault::Closed),
        ("PUT", Fault::Closed),
        ("PUT", Fault::AnswerLost),
        (
            "PUT",
            Fault::Answer(503, "<Error><Code>SlowDown</Code></Error>"),
        ),
        ("GET", Fault::BodyCut),
        ("DELETE", Fault::AnswerLost),
    ] {
        proxy.fail(method, fault);
    }
    let log = run(&host, "save", vec![saved(&host)]);
    assert!(log.matches("trying again").count() >= 5, "{log}");
    assert_clean_for_restic(&for_restic(&server, &bucket), 1);
}

#[test]
fn a_host_that_may_only_add_makes_backups_and_cannot_forget() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host("http://unused/", "");
    let bucket = in_bucket(&host, &server);
    run(&host, "first", vec![saved(&host)]);
    let keys = keys(&host).replace(ACCESS_KEY, HOST);
    define(&host, &server.endpoint(), &bucket, &keys);
    host.file("source/letter", "Dear reader, once more");
    run(&host, "second", vec![saved(&host)]);
    let repository = for_restic(&server, &bucket);
    assert_clean_for_restic(&repository, 2);
    let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
    host.put("third", now(vec![action(&host, removal)]));
    host.once().exits(1);
    let log = host.freezerd(&["log", "third"]).exits(0).stdout();
    assert!(
        log.contains("do not have this right in the bucket"),
        "{log}"
    );
    assert_clean_for_restic(&repository, 2);
    in_storage(&host, &["unlock"]);

    // Another host forgets a snapshot. This one does not copy what a prune could then remove.
    let Some(version) = restics().pop() else {
        return;
    };
    let forget = ["forget", "--keep-last", "1", "--group-by", "host"];
    restic(&version, &repository, &forget);
    let packs = || restic(&version, &repository, &["list", "packs", "--no-lock"]);
    let before = packs();
    let said = command(&host, &["prune", "--max-unused", "0"])
        .exits(77)
        .stderr();
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(packs(), before);
}

//! The form in which each type of receiver gets the test message, on a real connection.

use serde_json::json;

use crate::http_server::{Got, HttpServer};
use crate::{CANARY, accepts, with};

/// Sends to a server that accepts everything, and returns the first request of both. `{server}` is its address.
#[track_caller]
fn got(toml: &str) -> Got {
    let server = HttpServer::good();
    let host = with("");
    let secret = host.file("secret", &format!("http://{}/{CANARY}\n", server.authority));
    let token = host.file("token", &format!("{CANARY}\n"));
    let toml = toml
        .replace("{server}", &format!("http://{}", server.authority))
        .replace("{secret}", &secret.display().to_string())
        .replace("{token}", &token.display().to_string());
    host.file("freezerd.toml", &format!("[notify.r]\n{toml}"));
    accepts(&host);
    let got = server.got();
    assert_eq!(got.len(), 2, "{got:?}");
    got[0].clone()
}

#[test]
fn a_webhook_gets_the_documented_json_with_a_key_for_doubles() {
    let got = got(
        "type = \"webhook\"\nurl_file = \"{secret}\"\ntoken_file = \"{token}\"\nheaders = [\"X-Team: backup\"]\n",
    );
    assert_eq!(
        (got.method.as_str(), got.path.as_str()),
        ("POST", "/canary-8Zq3")
    );
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.header("authorization"), Some("Bearer canary-8Zq3"));
    assert_eq!(got.header("x-team"), Some("backup"));
    let document = got.json();
    assert_eq!(got.header("idempotency-key"), document["id"].as_str());
    assert_eq!(document["version"], 1);
    assert_eq!(document["kind"], "test");
    assert_eq!(document["severity"], "info");
    assert_eq!(document["job"], json!(null));
    assert!(
        document["subject"]
            .as_str()
            .unwrap()
            .starts_with("Test message")
    );
    assert!(document.get("log").is_none());
}

#[test]
fn a_webhook_sends_a_body_of_ones_own() {
    let json = got(
        "type = \"webhook\"\nurl_file = \"{secret}\"\nmethod = \"PUT\"\nbody = '{\"t\": \"{subject}\", \"k\": {\"x\": \"{kind}\"}}'\n",
    );
    assert_eq!(json.method, "PUT");
    assert_eq!(json.json()["k"]["x"], "test");
    let form = got(
        "type = \"webhook\"\nurl_file = \"{secret}\"\ncontent_type = \"application/x-www-form-urlencoded\"\nbody = \"m={subject}&k={kind}\"\n",
    );
    assert!(
        form.body.starts_with("m=Test%20message%20from%20freezerd"),
        "{}",
        form.body
    );
    assert!(form.body.ends_with("&k=test"));
    assert_eq!(
        form.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let asked = got("type = \"webhook\"\nurl_file = \"{secret}\"\nmethod = \"GET\"\n");
    assert_eq!((asked.method.as_str(), asked.body.as_str()), ("GET", ""));
}

#[test]
fn ntfy_and_gotify_get_a_title_a_text_and_a_priority() {
    let ntfy =
        got("type = \"ntfy\"\nurl = \"{server}\"\ntopic = \"backups\"\ntoken_file = \"{token}\"\n");
    assert_eq!((ntfy.method.as_str(), ntfy.path.as_str()), ("POST", "/"));
    assert_eq!(ntfy.header("authorization"), Some("Bearer canary-8Zq3"));
    assert_eq!(ntfy.json()["topic"], "backups");
    assert_eq!(ntfy.json()["priority"], 2);
    assert!(
        ntfy.json()["title"]
            .as_str()
            .unwrap()
            .starts_with("Test message")
    );
    let gotify = got("type = \"gotify\"\nurl = \"{server}/push\"\ntoken_file = \"{token}\"\n");
    assert_eq!(gotify.path, "/push/message");
    assert_eq!(gotify.header("x-gotify-key"), Some("canary-8Zq3"));
    assert_eq!(gotify.json()["priority"], 2);
    assert!(
        gotify.json()["message"]
            .as_str()
            .unwrap()
            .contains("receiver r")
    );
}

#[test]
fn chats_get_a_message_in_their_form() {
    let slack = got("type = \"slack\"\nurl_file = \"{secret}\"\n");
    assert!(
        slack.json()["text"]
            .as_str()
            .unwrap()
            .starts_with("*Test message")
    );
    let discord = got("type = \"discord\"\nurl_file = \"{secret}\"\n");
    assert_eq!(discord.path, "/canary-8Zq3?wait=true");
    assert_eq!(discord.json()["allowed_mentions"], json!({"parse": []}));
    let teams = got("type = \"teams\"\nurl_file = \"{secret}\"\n");
    let card = &teams.json()["attachments"][0];
    assert_eq!(
        card["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    assert_eq!(card["content"]["type"], "AdaptiveCard");
    let matrix = got(
        "type = \"matrix\"\nhomeserver = \"{server}\"\nroom = \"!a/b:example\"\ntoken_file = \"{token}\"\n",
    );
    assert_eq!(matrix.method, "PUT");
    let begin = "/_matrix/client/v3/rooms/%21a%2Fb%3Aexample/send/m.room.message/";
    assert!(matrix.path.starts_with(begin), "{}", matrix.path);
    assert_eq!(matrix.json()["msgtype"], "m.text");
}

#[test]
fn a_ping_of_a_test_changes_nothing_at_the_server() {
    let one = got("type = \"ping\"\nurl_file = \"{secret}\"\n");
    assert_eq!(
        (one.path.as_str(), one.body.as_str()),
        ("/canary-8Zq3/log", "")
    );
    let slug = got(
        "type = \"ping\"\nurl_file = \"{secret}\"\nslug = \"web-{job}\"\ncreate = true\nlog = true\n",
    );
    assert_eq!(slug.path, "/canary-8Zq3/web-freezerd/log?create=1");
    assert!(slug.body.contains("Nothing has happened"), "{}", slug.body);
}

#[test]
fn a_secret_comes_from_a_command_from_the_environment_or_from_the_credentials_of_the_service() {
    let server = HttpServer::good();
    let url = format!("http://{}/{CANARY}", server.authority);
    for key in [
        format!("url_command = [\"printf\", \"%s\", \"{url}\"]"),
        format!("url_command = \"echo {url}\""),
        "url_env = \"HOOK\"".to_owned(),
        "url_file = \"%d/hook\"".to_owned(),
        format!("url = \"{url}\""),
    ] {
        let host = with(&format!("[notify.r]\ntype = \"slack\"\n{key}\n")).env("HOOK", &url);
        let credential = host.file("credentials/hook", &url);
        let directory = credential.parent().unwrap().display().to_string();
        let host = host.env("CREDENTIALS_DIRECTORY", &directory);
        accepts(&host);
        let shown = host.freezerd(&["config", "show"]).exits(0).stdout();
        assert!(!shown.contains(CANARY), "{key}: {shown}");
        assert!(!host.json(&["config", "show"]).to_string().contains(CANARY));
    }
    assert!(server.got().iter().all(|got| got.path == "/canary-8Zq3"));
    assert_eq!(server.got().len(), 10);
}

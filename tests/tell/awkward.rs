//! Messages with text from the world: what is long, not ASCII, or looks like a header, arrives as text, and once more under
//! the same name.

use std::collections::BTreeMap;

use chrono::DateTime;
use freezerd::job::storage::Value;
use freezerd::tell::message::{Kind, Message};
use freezerd::tell::receiver::Receiver;
use freezerd::tell::send::send;

use crate::http_server::HttpServer;
use crate::smtp_server::{SmtpServer, Way, header};

fn awkward() -> Message {
    Message {
        id: 17,
        at: DateTime::parse_from_rfc3339("2026-11-27T02:31:00+01:00").unwrap(),
        host: "wéb1\r\nX-Evil: host".to_owned(),
        job: Some("nächtlich \"1\"".to_owned()),
        run: Some("42".to_owned()),
        kind: Kind::Failed,
        subject: format!(
            "Fehler: \u{1f4a5}\r\nBcc: victim@example.org {}",
            "ü".repeat(600)
        ),
        text: format!(
            ".\r\n.\nline\n{}\nend \u{202e} \0 <b>&",
            "long ".repeat(3000)
        ),
        log: Some("secret log line\n".to_owned()),
    }
}

fn receiver(keys: &[(&str, &str)]) -> Receiver {
    let values: BTreeMap<String, Value> = keys
        .iter()
        .map(|(key, value)| {
            let value = match value.parse() {
                Ok(number) => Value::Number(number),
                Err(_) => Value::Text((*value).to_owned()),
            };
            ((*key).to_owned(), value)
        })
        .collect();
    Receiver::read("r", values).unwrap()
}

fn deliver(receiver: &Receiver, message: &Message) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(send(receiver, message)).unwrap();
}

#[test]
fn a_mail_has_the_text_of_an_awkward_message_and_no_header_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = SmtpServer::start(Way::Plain, directory.path()) else {
        return;
    };
    let port = server.port.to_string();
    let receiver = receiver(&[
        ("type", "mail"),
        ("host", "127.0.0.1"),
        ("port", &port),
        ("tls", "none"),
        ("from", "freezerd@web1.example"),
        ("to", "admin@example.org"),
    ]);
    deliver(&receiver, &awkward());
    deliver(&receiver, &awkward());
    let (mail, again) = (server.mail(), server.mail());
    assert_eq!(header(&mail, "Message-ID"), header(&again, "Message-ID"));
    assert_eq!(mail["recipients"], serde_json::json!(["admin@example.org"]));
    assert_eq!(mail["defects"], serde_json::json!([]), "{mail}");
    assert_eq!(header(&mail, "Bcc"), None);
    assert_eq!(header(&mail, "X-Evil"), None);
    let subject = header(&mail, "Subject").unwrap();
    assert!(
        subject.starts_with("Fehler: \u{1f4a5}  Bcc: victim@example.org ü"),
        "{subject}"
    );
    assert!(subject.ends_with('…'), "{subject}");
    let body = mail["body"].as_str().unwrap().replace("\r\n", "\n");
    assert!(body.starts_with(".\n.\nline\nlong long"), "{}", &body[..40]);
    assert!(body.contains("end \u{202e} \0 <b>&"), "the end of the text");
    assert!(!body.contains("secret log line"));
}

#[test]
fn every_server_gets_an_awkward_message_as_text_and_the_same_name_again() {
    let server = HttpServer::good();
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, format!("http://{}/hook", server.authority)).unwrap();
    let (url, file) = (
        format!("http://{}", server.authority),
        secret.display().to_string(),
    );
    for keys in [
        &[("type", "webhook"), ("url_file", &*file)][..],
        &[("type", "slack"), ("url_file", &*file)],
        &[("type", "discord"), ("url_file", &*file)],
        &[("type", "teams"), ("url_file", &*file)],
        &[("type", "ntfy"), ("url", &*url), ("topic", "t")],
        &[("type", "gotify"), ("url", &*url), ("token", "t")],
        &[
            ("type", "matrix"),
            ("homeserver", &*url),
            ("room", "!r:h"),
            ("token", "t"),
        ],
        &[
            ("type", "ping"),
            ("url_file", &*file),
            ("slug", "{host}-{job}"),
        ],
    ] {
        let before = server.got().len();
        deliver(&receiver(keys), &awkward());
        deliver(&receiver(keys), &awkward());
        let got = &server.got()[before..];
        assert_eq!(got.len(), 2, "{keys:?}");
        assert_eq!(got[0].path, got[1].path, "{keys:?}");
        assert_eq!(got[0].body, got[1].body, "{keys:?}");
        assert_eq!(got[0].header("x-evil"), None);
        assert!(!got[0].body.contains("secret log line"));
        if !got[0].body.is_empty() {
            got[0].json();
        }
    }
    let ping = server.got().pop().unwrap();
    assert!(
        ping.path
            .starts_with("/hook/w-b1--x-evil--host-n-chtlich--1-/fail?rid="),
        "{}",
        ping.path
    );
}

#[test]
fn a_receiver_that_wants_the_log_gets_it() {
    let server = HttpServer::good();
    let url = format!("http://{}/hook", server.authority);
    let mut receiver = receiver(&[("type", "ping"), ("url", &url)]);
    receiver.log = true;
    let mut message = awkward();
    message.log = Some("line of the log\n".repeat(20_000));
    deliver(&receiver, &message);
    let got = server.only();
    assert!(got.body.contains("line of the log"));
    assert!(got.body.len() <= 100_000, "{}", got.body.len());
}

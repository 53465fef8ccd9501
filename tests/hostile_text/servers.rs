//! What servers answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;

use serde_json::json;

use crate::harness::{Host, backup, now};
use crate::judge::{HOSTILE, judge};

/// A server that gives every request this answer, until the test ends. Returns its authority.
fn answering(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else {
                return;
            };
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(&answer);
            let _ = connection.shutdown(Shutdown::Write);
        }
    });
    authority
}

fn http(status: &str, body: &str) -> Vec<u8> {
    let about = "Content-Type: application/xml";
    format!(
        "HTTP/1.1 {status}\r\n{about}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

#[test]
fn what_a_server_answers_is_harmless_in_the_log_and_in_commands() {
    let one_line = HOSTILE.replace(['\n', '\r'], " ");
    let xml = format!("<Error><Code>{HOSTILE}</Code><Message>{HOSTILE}</Message></Error>");
    for answer in [
        http(&format!("403 {one_line}"), HOSTILE),
        http("403 Forbidden", &xml),
        http("404 Not Found", &xml),
        http("200 OK", HOSTILE),
        format!("SSH-2.0-{one_line}\r\n").into(),
        format!("220 {one_line}\r\n530 {one_line}\r\n").into(),
        HOSTILE.into(),
    ] {
        let authority = answering(answer.clone());
        for container in [
            format!("rest:http://{authority}/x"),
            format!("s3:http://{authority}/bucket/x"),
            format!("sftp://nobody@{authority}/x"),
            format!("ftp://nobody@{authority}/x"),
        ] {
            let host = Host::new()
                .env("AWS_ACCESS_KEY_ID", "key")
                .env("AWS_SECRET_ACCESS_KEY", "secret")
                .env("FREEZERD_STALL_TIMEOUT", "5 seconds");
            let source = host.file("source/file", "content");
            let mut save = backup(source.parent().unwrap(), &host.path("container"));
            save["freezer_action"]["container"] = json!(container);
            save["timeout"] = json!(2);
            host.put("j", now(vec![save]));
            let what = format!("{container} {:?}", String::from_utf8_lossy(&answer));
            judge(&what, &host.freezerd(&["run", "--once"]));
            for words in [
                ["log", "j"],
                ["show", "j"],
                ["why", "j"],
                ["list", "--json"],
            ] {
                judge(&what, &host.freezerd(&words));
            }
        }
    }
}

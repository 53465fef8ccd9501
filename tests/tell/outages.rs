//! What is told when a server that speaks HTTP does not accept a message.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};

use crate::harness::Host;
use crate::http_server::{Answer, HttpServer};
use crate::{CANARY, accepts, certificate, fails, with};

/// Types of receivers whose address is that of the server, with what each needs.
const TYPES: [&str; 8] = [
    "type = \"webhook\"\nurl_file = \"{secret}\"\n",
    "type = \"slack\"\nurl_file = \"{secret}\"\n",
    "type = \"discord\"\nurl_file = \"{secret}\"\n",
    "type = \"teams\"\nurl_file = \"{secret}\"\n",
    "type = \"ping\"\nurl_file = \"{secret}\"\n",
    "type = \"ntfy\"\nurl = \"{server}\"\ntopic = \"t\"\ntoken_file = \"{token}\"\n",
    "type = \"gotify\"\nurl = \"{server}\"\ntoken_file = \"{token}\"\n",
    "type = \"matrix\"\nhomeserver = \"{server}\"\nroom = \"!r:h\"\ntoken_file = \"{token}\"\n",
];

/// A host with a receiver at this address.
fn host_of(toml: &str, server: &str) -> Host {
    let host = with("");
    let secret = host.file("secret", &format!("{server}/{CANARY}"));
    let token = host.file("token", CANARY);
    let toml = toml
        .replace("{server}", server)
        .replace("{secret}", &secret.display().to_string())
        .replace("{token}", &token.display().to_string());
    host.file("freezerd.toml", &format!("[notify.r]\n{toml}"));
    host
}

fn plain(server: &HttpServer) -> String {
    format!("http://{}", server.authority)
}

#[test]
fn each_status_of_a_server_has_its_class_for_every_type() {
    for (status, head, class, says) in [
        (429, "retry-after: 7\r\n", "temporary", "fewer messages"),
        (500, "", "temporary", "fault of its own"),
        (
            503,
            "retry-after: 9999999\r\n",
            "temporary",
            "fault of its own",
        ),
        (400, "", "permanent", "refuses the message (status 400)"),
        (401, "", "permanent", "does not accept the token"),
        (404, "", "permanent", "does not have this address"),
    ] {
        let server = HttpServer::saying(status, head, "no");
        for toml in TYPES {
            let one = fails(&host_of(toml, &plain(&server)), class, says);
            let wait = &one["error"]["retry_after"];
            match status {
                429 => assert_eq!(*wait, 7, "{one}"),
                503 => assert_eq!(*wait, 86400, "{one}"),
                _ => assert!(wait.is_null(), "{one}"),
            }
        }
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let other = HttpServer::good();
    let head = format!("location: http://{}/{CANARY}\r\n", other.authority);
    for status in [301, 302, 307, 308] {
        let server = HttpServer::saying(status, &head, "");
        for toml in TYPES {
            fails(&host_of(toml, &plain(&server)), "permanent", "elsewhere");
        }
    }
    assert!(other.got().is_empty(), "{:?}", other.got());
}

#[test]
fn a_server_that_refuses_connections_may_answer_later() {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = SocketAddr::try_from(rustix::net::getsockname(&socket).unwrap()).unwrap();
    for toml in TYPES {
        fails(
            &host_of(toml, &format!("http://{address}")),
            "temporary",
            "efused",
        );
    }
}

#[test]
fn a_server_that_is_silent_or_hangs_up_is_given_up() {
    let silent = HttpServer::that(Answer::Silence);
    let gone = HttpServer::that(Answer::End);
    for toml in [TYPES[0], TYPES[4], TYPES[7]] {
        let toml = format!("{toml}timeout = \"1 second\"\n");
        let host = host_of(&toml, &plain(&silent));
        fails(&host, "temporary", "not answered within 1 s");
        let host = host_of(&toml, &plain(&gone));
        fails(&host, "temporary", "");
    }
}

/// A server that says this, and then one letter after the other without an end.
fn dripping(first: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut next = first.as_bytes();
                while client.write_all(next).is_ok() {
                    next = b"x";
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    address
}

#[test]
fn the_time_limit_is_one_for_the_whole_answer() {
    let address = dripping("HTTP/1.1 200 OK\r\nx: ");
    let toml = format!("{}timeout = \"1 second\"\n", TYPES[0]);
    let host = host_of(&toml, &format!("http://{address}"));
    fails(&host, "temporary", "not answered within 1 s");
    let port = dripping("220-").port();
    let host = with(&format!(
        "[notify.r]\ntype = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"a@b\"\n\
         to = \"c@d\"\ntimeout = \"1 second\"\n"
    ));
    fails(&host, "temporary", "not answered within 1 s");
}

#[test]
fn nothing_is_sent_to_a_server_whose_certificate_is_not_trusted() {
    let directory = tempfile::tempdir().unwrap();
    if !certificate::make(directory.path()) {
        return;
    }
    let server = HttpServer::with_tls(directory.path());
    let address = format!("https://{}", server.authority);
    for toml in TYPES {
        fails(&host_of(toml, &address), "temporary", "certificate");
    }
    assert!(server.got().is_empty());
    let certificate = directory.path().join("cert.pem").display().to_string();
    for toml in TYPES {
        accepts(&host_of(
            &format!("{toml}ca_file = \"{certificate}\"\n"),
            &address,
        ));
    }
    let host = host_of(
        &format!("{}ca_file = \"/no/such/file\"\n", TYPES[0]),
        &address,
    );
    fails(&host, "misconfigured", "/no/such/file");
    let empty = host.file("empty.pem", "");
    let toml = format!("{}ca_file = \"{}\"\n", TYPES[0], empty.display());
    fails(
        &host_of(&toml, &address),
        "misconfigured",
        "no certificate in it",
    );
}

#[test]
fn a_ping_that_is_not_counted_is_no_success() {
    let unknown = HttpServer::saying(200, "", "OK (not found)");
    fails(
        &host_of(TYPES[4], &plain(&unknown)),
        "permanent",
        "no check",
    );
    let busy = HttpServer::saying(200, "", "OK (rate limited)");
    fails(
        &host_of(TYPES[4], &plain(&busy)),
        "temporary",
        "fewer pings",
    );
    let card = HttpServer::saying(
        200,
        "",
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
    );
    fails(&host_of(TYPES[3], &plain(&card)), "temporary", "429");
}

#[test]
fn a_secret_that_is_missing_or_wrong_is_named_by_its_place() {
    let server = HttpServer::good();
    let host = host_of(TYPES[1], &plain(&server));
    for (content, says) in [
        (CANARY, "no address that begins with https://"),
        (
            "ftp://canary-8Zq3/x",
            "no address that begins with https://",
        ),
        (
            "http://127.0.0.1/a b canary-8Zq3",
            "no address that begins with https://",
        ),
        ("http:///canary-8Zq3", ""),
        ("", "is empty"),
    ] {
        host.file("secret", content);
        fails(&host, "misconfigured", says);
    }
    std::fs::remove_file(host.path("secret")).unwrap();
    fails(&host, "misconfigured", "No such file or directory");
    let host = host_of(TYPES[6], &plain(&server));
    host.file("token", "canary-8Zq3\r\nx: y");
    fails(&host, "misconfigured", "`token`");
    assert!(server.got().is_empty());
}

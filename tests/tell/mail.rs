//! Mail: servers with STARTTLS and logins, and the program `sendmail`.

use std::os::unix::fs::PermissionsExt;

use crate::harness::Host;
use crate::smtp_server::{SmtpServer, Way, header};
use crate::{CANARY, accepts, certificate, fails, tried, with};

/// A host with a receiver at this server. The certificate is that of the server.
fn host_of(server: &SmtpServer, more: &str) -> Host {
    let host = with("");
    let password = host.file("password", &format!("{CANARY}\n"));
    host.file(
        "freezerd.toml",
        &format!(
            "[notify.r]\ntype = \"mail\"\nhost = \"localhost\"\nport = {}\nfrom = \"Bäckups <freezerd@web1.example>\"\n{}",
            server.port,
            more.replace("{password}", &password.display().to_string())
        ),
    );
    host
}

/// The login and the certificate.
fn login(directory: &tempfile::TempDir) -> String {
    format!(
        "username = \"web1\"\npassword_file = \"{{password}}\"\nca_file = \"{}/cert.pem\"\n",
        directory.path().display()
    )
}

/// A server with a certificate; `None` where something is missing.
fn server(way: Way) -> Option<(SmtpServer, tempfile::TempDir)> {
    let directory = tempfile::tempdir().unwrap();
    if !certificate::make(directory.path()) {
        return None;
    }
    Some((SmtpServer::start(way, directory.path())?, directory))
}

#[test]
fn a_mail_arrives_encrypted_after_a_login_and_says_that_no_program_shall_answer() {
    for (way, tls) in [(Way::Starttls, "starttls"), (Way::Tls, "tls")] {
        let Some((server, directory)) = server(way) else {
            return;
        };
        let more = format!(
            "{}tls = \"{tls}\"\nto = [\"admin@example.org\", \"Zweite <second@example.org>\"]\n",
            login(&directory)
        );
        accepts(&host_of(&server, &more));
        let mail = server.mail();
        assert_eq!(mail["encrypted"], true, "{mail}");
        assert_eq!(mail["user"], "web1", "{mail}");
        assert_eq!(mail["sender"], "freezerd@web1.example");
        assert_eq!(
            mail["recipients"],
            serde_json::json!(["admin@example.org", "second@example.org"])
        );
        assert_eq!(mail["defects"], serde_json::json!([]), "{mail}");
        assert_eq!(
            header(&mail, "From"),
            Some("Bäckups <freezerd@web1.example>")
        );
        assert_eq!(header(&mail, "Auto-Submitted"), Some("auto-generated"));
        assert_eq!(header(&mail, "X-Freezerd-Kind"), Some("test"));
        assert!(
            header(&mail, "Subject")
                .unwrap()
                .starts_with("Test message")
        );
        assert!(
            header(&mail, "Message-ID")
                .unwrap()
                .ends_with("@web1.example>")
        );
        assert!(
            mail["body"]
                .as_str()
                .unwrap()
                .contains("the receiver r of freezerd")
        );
    }
}

#[test]
fn a_server_on_this_host_needs_neither_tls_nor_a_login() {
    let Some((server, _directory)) = server(Way::Plain) else {
        return;
    };
    accepts(&host_of(
        &server,
        "tls = \"none\"\nto = \"admin@example.org\"\n",
    ));
    let mail = server.mail();
    assert_eq!(mail["encrypted"], false);
    assert_eq!(mail["user"], serde_json::Value::Null);
}

#[test]
fn a_wrong_password_and_a_refused_address_say_so() {
    let Some((server, directory)) = server(Way::Starttls) else {
        return;
    };
    let good = login(&directory) + "tls = \"starttls\"\n";
    let host = host_of(&server, &format!("{good}to = \"refused@example.org\"\n"));
    fails(&host, "permanent", "550 5.1.1 there is no such user here");
    let host = host_of(
        &server,
        &format!("{good}to = [\"a@example.org\", \"later@example.org\"]\n"),
    );
    fails(&host, "temporary", "451 4.3.0 try again later");
    let host = host_of(&server, &format!("{good}to = \"a@example.org\"\n"));
    host.file("password", "wrong");
    let one = fails(&host, "permanent", "535");
    assert!(
        one["error"]["advice"]
            .as_str()
            .unwrap()
            .contains("password"),
        "{one}"
    );
    assert!(
        server.is_empty(),
        "a mail that was refused for one is sent to nobody"
    );
}

#[test]
fn nothing_is_sent_to_a_server_that_cannot_be_trusted_or_does_not_encrypt() {
    let Some((encrypted, _directory)) = server(Way::Starttls) else {
        return;
    };
    let login = "username = \"web1\"\npassword_file = \"{password}\"\nto = \"a@example.org\"\n";
    let starttls = format!("{login}tls = \"starttls\"\n");
    fails(&host_of(&encrypted, &starttls), "temporary", "certificate");
    let Some((plain, _other)) = server(Way::Plain) else {
        return;
    };
    let one = fails(&host_of(&plain, &starttls), "permanent", "no STARTTLS");
    assert!(
        one["error"]["advice"].as_str().unwrap().contains("tls = "),
        "{one}"
    );
    fails(&host_of(&plain, login), "permanent", "does not speak TLS");
    assert!(encrypted.is_empty() && plain.is_empty());
}

#[test]
fn a_silent_mail_server_is_given_up() {
    let Some((server, _directory)) = server(Way::Silent) else {
        return;
    };
    for tls in ["none", "starttls", "tls"] {
        let more = format!("tls = \"{tls}\"\nto = \"a@example.org\"\ntimeout = \"1 second\"\n");
        fails(
            &host_of(&server, &more),
            "temporary",
            "not answered within 1 s",
        );
    }
}

#[test]
fn sendmail_gets_the_mail_and_the_addresses() {
    let host = with("");
    let program = host.file(
        "sendmail",
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > arguments\ncat > mail\n[ ! -e refuse ] || { echo 'no such user' >&2; exit 67; }\n",
    );
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    host.file(
        "freezerd.toml",
        &format!(
            "[notify.r]\ntype = \"sendmail\"\nprogram = \"{}\"\nfrom = \"freezerd@web1.example\"\nto = [\"root@localhost\"]\n",
            program.display()
        ),
    );
    accepts(&host);
    assert_eq!(
        host.read("work/arguments"),
        "-i\n-f\nfreezerd@web1.example\n--\nroot@localhost\n"
    );
    let mail = host.read("work/mail");
    assert!(
        mail.contains("To: root@localhost\r\n") && mail.contains("\r\n\r\n"),
        "{mail}"
    );
    host.file("work/refuse", "");
    fails(&host, "permanent", "no such user");
    std::fs::remove_file(program).unwrap();
    fails(
        &host,
        "misconfigured",
        "cannot be run: No such file or directory",
    );
    assert_eq!(tried(&host)["type"], "sendmail");
}

use super::*;

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G2sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";

fn key(line: &str) -> PublicKey {
    parse(&format!("host {line}")).unwrap().key
}

fn known(content: &str, host: &str, port: u16) -> Known {
    let file = KnownHosts {
        path: "/known_hosts".into(),
        content: content.to_owned(),
    };
    Known::find(&[file], host, port)
}

#[track_caller]
fn judged(content: &str, host: &str, port: u16, expected: &Verdict) {
    let verdict = known(content, host, port).judge(&key(ED25519));
    assert_eq!(&verdict, expected, "{content}");
}

fn changed(line: usize) -> Verdict {
    Verdict::Changed {
        file: "/known_hosts".into(),
        line,
    }
}

#[test]
fn a_host_is_known_by_its_name_its_port_a_wildcard_or_a_hash() {
    // Made with `ssh-keygen -H`.
    let hashed = "|1|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak=";
    for (names, host, port) in [
        ("host", "host", 22),
        ("HOST", "host", 22),
        ("host", "Host", 22),
        ("other,host", "host", 22),
        ("[host]:2222", "host", 2222),
        // As ssh does it, a key without a port makes it known, too.
        ("host", "host", 2222),
        ("*.example", "a.b.example", 22),
        ("h?st", "host", 22),
        ("*", "host", 22),
        ("[*.example]:*", "a.example", 2222),
        ("!other,*", "host", 22),
        (hashed, "example.com", 22),
        ("192.0.2.7", "192.0.2.7", 22),
        ("[::1]:2222", "::1", 2222),
    ] {
        judged(&format!("{names} {ED25519}"), host, port, &Verdict::Known);
        judged(
            &format!("# a note\n\n  {names}\t {ED25519} comment\n"),
            host,
            port,
            &Verdict::Known,
        );
    }
}

#[test]
fn a_host_that_no_line_names_is_unknown() {
    for (line, host, port) in [
        ("", "host", 22),
        ("other", "host", 22),
        ("hosts", "host", 22),
        ("[host]:2222", "host", 22),
        ("[host]:2222", "host", 2223),
        ("!host,*", "host", 22),
        ("*,!h*", "host", 22),
        ("#host", "host", 22),
        ("|1|nonsense|", "host", 22),
        ("|1|", "host", 22),
    ] {
        judged(&format!("{line} {ED25519}"), host, port, &Verdict::Unknown);
    }
}

#[test]
fn lines_that_cannot_be_read_do_not_matter() {
    for line in [
        "host",
        "host ssh-ed25519",
        "host ssh-ed25519 !!!",
        "host ssh-ed25519 AAAA",
        "host ssh-unknown AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G2sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X",
        "host ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G2sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X",
        "@revoked",
        "@unknown host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G2sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X",
        "\u{fffd}\u{0}",
    ] {
        judged(line, "host", 22, &Verdict::Unknown);
        let both = format!("{line}\nhost {ED25519}");
        judged(&both, "host", 22, &Verdict::Known);
    }
    let authority = format!("@cert-authority * {OTHER}");
    judged(&authority, "host", 22, &Verdict::Unknown);
}

#[test]
fn another_key_is_an_alarm_that_names_the_line() {
    judged(&format!("host {OTHER}"), "host", 22, &changed(1));
    judged(
        &format!("# old\nhost {ECDSA}\nhost {OTHER}"),
        "host",
        22,
        &changed(3),
    );
    // A server that suddenly has none of its keys is not the same server.
    judged(&format!("host {ECDSA}"), "host", 22, &changed(1));
    // One of several keys is enough.
    let several = format!("host {OTHER}\nhost {ECDSA}\nhost {ED25519}");
    judged(&several, "host", 22, &Verdict::Known);
    // A line about another server of the same host says nothing.
    judged(&format!("host {OTHER}"), "host", 2222, &Verdict::Unknown);
}

#[test]
fn a_revoked_key_is_refused_wherever_else_it_is() {
    let revoked = Verdict::Revoked {
        file: "/known_hosts".into(),
        line: 2,
    };
    let content = format!("host {ED25519}\n@revoked * {ED25519}");
    judged(&content, "host", 22, &revoked);
    let other = format!("host {ED25519}\n@revoked * {OTHER}");
    judged(&other, "host", 22, &Verdict::Known);
    let only = format!("@revoked host {OTHER}");
    judged(&only, "host", 22, &Verdict::Unknown);
}

#[test]
fn the_kinds_of_keys_that_are_known_are_asked_for_first() {
    let all = russh::Preferred::DEFAULT.key;
    let first = |content: &str| known(content, "host", 22).algorithms(&all)[0].clone();
    assert_eq!(first(""), all[0]);
    assert_eq!(
        first(&format!("host {ECDSA}")).as_str(),
        "ecdsa-sha2-nistp256"
    );
    let order = known(&format!("host {ECDSA}"), "host", 22).algorithms(&all);
    assert_eq!(order.len(), all.len() - 1, "all but SHA-1");
}

#[test]
fn the_command_that_accepts_a_host_has_its_port() {
    let file = Path::new("/root/.ssh/known_hosts");
    assert_eq!(
        accepting_command("host", 22, file),
        "ssh-keyscan host >> /root/.ssh/known_hosts"
    );
    assert_eq!(
        accepting_command("::1", 2222, file),
        "ssh-keyscan -p 2222 ::1 >> /root/.ssh/known_hosts"
    );
}

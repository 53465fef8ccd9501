//! The sections `[notify.NAME]` of `freezerd.toml`.

use freezerd::tell::kind::ReceiverKind;
use freezerd::tell::message::Kind;
use freezerd::tell::send::program::VARIABLES;
use freezerd::tell::template::PLACEHOLDERS;
use serde_json::json;

use crate::harness::Host;
use crate::{CANARY, with};

#[test]
fn config_show_lists_receivers_without_secrets() {
    let host = with(
        "[notify.chat]\ntype = \"slack\"\nurl = \"https://hooks.example/canary-8Zq3\"\nevents = [\"failed\", \"partial\"]\n\
         [notify.pager]\ntype = \"webhook\"\nurl_command = \"echo canary-8Zq3\"\nheaders = [\"X-Key: canary-8Zq3\"]\n\
         body = '{\"a\": \"canary-8Zq3\"}'\n\
         [notify.push]\ntype = \"ntfy\"\nurl = \"https://ntfy.example\"\ntopic = \"backups\"\ntoken = \"canary-8Zq3\"\nlog = true\n",
    );
    let shown = host.json(&["config", "show"]);
    assert!(!shown.to_string().contains(CANARY), "{shown}");
    assert_eq!(
        shown["receivers"]["chat"]["keys"],
        json!({"type": "slack", "events": "failed, partial", "url": "(in this file)"})
    );
    assert_eq!(shown["receivers"]["chat"]["origin"]["line"], 1);
    assert_eq!(
        shown["receivers"]["pager"]["keys"]["url_command"],
        "(a command)"
    );
    assert_eq!(
        shown["receivers"]["push"]["keys"]["token"],
        "(in this file)"
    );
    assert_eq!(shown["receivers"]["push"]["keys"]["topic"], "backups");
    let text = host.freezerd(&["config", "show"]).exits(0).stdout();
    assert!(text.contains("Receiver chat ("), "{text}");
    assert!(!text.contains(CANARY), "{text}");
}

#[test]
fn every_mistake_in_a_receiver_names_its_line_and_the_mend() {
    let host = Host::new();
    let mail = "type = \"mail\"\nhost = \"h\"\nfrom = \"a@b\"\nto = \"c@d\"\n";
    let hook = "type = \"webhook\"\nurl_file = \"/u\"\n";
    let ping = "type = \"ping\"\nurl_file = \"/u\"\n";
    for (section, line, says) in [
        (
            String::new(),
            2,
            "`type` is missing; the types are: mail, sendmail",
        ),
        ("kind = \"mail\"\n".into(), 3, "did you mean \"type\"?"),
        ("type = \"mial\"\n".into(), 3, "is not a type of receiver"),
        ("type = 5\n".into(), 2, "`type` is missing"),
        ("type = \"mail\"\n".into(), 2, "`host` is missing"),
        ("type = \"slack\"\n".into(), 2, "it needs `url_file`"),
        (
            "type = \"slack\"\nurl_fil = \"/x\"\n".into(),
            4,
            "did you mean \"url_file\"?",
        ),
        (
            "type = \"slack\"\nurl_file = \"x\"\n".into(),
            4,
            "absolute path",
        ),
        (
            "type = \"slack\"\nurl_file = \"%d/\"\n".into(),
            4,
            "name of the credential",
        ),
        (
            "type = \"slack\"\nurl_file = \"/x\"\nurl = \"https://hunter2\"\n".into(),
            2,
            "one of `url_file`",
        ),
        (
            "type = \"slack\"\nurl_file = \"/x\"\ntopic = \"t\"\n".into(),
            5,
            "of the type \"slack\" has no `topic`",
        ),
        (
            format!("{mail}events = [\"fail\"]\n"),
            7,
            "the kinds are: failed, partial",
        ),
        (format!("{mail}events = []\n"), 7, "gets nothing"),
        (
            format!("{mail}quiet_hours = \"22-7\"\n"),
            7,
            "\"22:00-07:00\"",
        ),
        (format!("{mail}digest = \"08:00\"\n"), 7, "\"daily 08:00\""),
        (format!("{mail}repeat = \"often\"\n"), 7, "\"6 hours\""),
        (
            format!("{mail}timeout = \"1 hours\"\n"),
            7,
            "\"10 minutes\"",
        ),
        (format!("{mail}log = \"yes\"\n"), 7, "true or false"),
        (format!("{mail}port = 0\n"), 7, "from 1 to 65535"),
        (format!("{mail}tls = \"ssl\"\n"), 7, "\"starttls\""),
        (
            format!("{mail}password = \"hunter2\"\n"),
            2,
            "needs a `username`",
        ),
        (format!("{mail}username = \"x\"\n"), 2, "needs a password"),
        (
            format!("{mail}username = \"x\"\npassword = \"hunter2\"\ntls = \"none\"\n"),
            9,
            "could read the password",
        ),
        (
            "type = \"mail\"\nhost = \"h\"\nfrom = \"root\"\nto = \"c@d\"\n".into(),
            5,
            "takes an address",
        ),
        (
            "type = \"mail\"\nhost = \"h\"\nfrom = \"a@b\"\nto = [\"c\"]\n".into(),
            6,
            "takes addresses",
        ),
        (
            "type = \"mail\"\nhost = \"h\"\nfrom = \"a@b\\nBcc: x@y\"\nto = \"c@d\"\n".into(),
            5,
            "takes a text",
        ),
        (format!("{hook}method = \"POKE\"\n"), 5, "\"POST\""),
        (
            format!("{hook}body = '{{subjct}}'\n"),
            5,
            "there is no `{subjct}`",
        ),
        (
            format!("{hook}body = '{{\"a\": {{job}}}}'\n"),
            5,
            "between quotation marks",
        ),
        (
            format!("{hook}content_type = \"text/plain\"\n"),
            5,
            "needs a `body`",
        ),
        (
            format!("{hook}headers = [\"nothing\"]\n"),
            5,
            "\"X-Team: backup\"",
        ),
        (
            format!("{hook}headers = [\"Authorization: x\"]\n"),
            5,
            "keys of the token",
        ),
        (format!("{ping}create = true\n"), 5, "`slug`"),
        (format!("{ping}slug = \"My job\"\n"), 5, "small letters"),
        (
            "type = \"ntfy\"\ntopic = \"a b\"\n".into(),
            4,
            "at most 64 letters",
        ),
        (
            "type = \"gotify\"\nurl = \"push.example\"\n".into(),
            4,
            "must begin with https://",
        ),
        (
            "type = \"matrix\"\nhomeserver = \"https://h\"\nroom = \"#r:h\"\ntoken_file = \"/t\"\n"
                .into(),
            5,
            "begins with `!`",
        ),
        (
            "type = \"ntfy\"\ntopik = \"a\"\n".into(),
            4,
            "did you mean \"topic\"?",
        ),
        (
            "type = \"ntfy\"\ntopic = \"a\"\njobs-dir = \"/j\"\n".into(),
            5,
            "`jobs_dir` is a setting, and no key of a receiver",
        ),
        (
            "type = \"command\"\ncommand = []\n".into(),
            2,
            "`command` is missing",
        ),
    ] {
        host.file(
            "freezerd.toml",
            &format!("# freezerd\n[notify.ops]\n{section}"),
        );
        let told = host.freezerd(&["config", "show"]).exits(78).stderr();
        assert!(told.contains(says), "{section}: {told}");
        let place = format!("freezerd.toml:{line}: the receiver ops: ");
        assert!(told.contains(&place), "{section}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    for (text, says) in [
        ("[notify.\"my ops\"]\ntype = \"mail\"\n", "needs a name"),
        ("notify = 5\n", "[notify.NAME]"),
        ("[notify]\nops = 5\n", "write `[notify.NAME]`"),
    ] {
        host.file("freezerd.toml", text);
        let told = host.freezerd(&["config", "show"]).exits(78).stderr();
        assert!(told.contains(says), "{text}: {told}");
    }
}

#[test]
fn check_and_doctor_name_a_receiver_that_cannot_work_or_is_not_safe() {
    let host = with(
        "[notify.chat]\ntype = \"slack\"\nurl_file = \"/no/such/secret\"\n\
         [notify.good]\ntype = \"command\"\ncommand = [\"/bin/true\"]\n\
         [notify.open]\ntype = \"webhook\"\nurl = \"http://hooks.example/canary-8Zq3\"\n\
         [notify.post]\ntype = \"sendmail\"\nprogram = \"/no/such/sendmail\"\nfrom = \"a@b\"\nto = \"c@d\"\n",
    );
    let said = host.freezerd(&["check"]).exits(0).stdout();
    for words in [
        "the receiver chat: `url`: the file /no/such/secret cannot be read",
        "freezerd.toml:1",
        "the receiver open: `url` holds a secret",
        "the receiver open: what is sent is not encrypted",
        "the receiver post: the program /no/such/sendmail: No such file",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(
        !said.contains("receiver good") && !said.contains(CANARY),
        "{said}"
    );
    host.freezerd(&["check", "--strict"]).exits(65);
    let found = host.json(&["check"])["receivers"].clone();
    assert_eq!(found.as_array().unwrap().len(), 4, "{found}");
    assert_eq!(found[0]["receiver"], "chat");
    let document = host.json(&["doctor", "--no-containers"]);
    let findings = document["findings"].as_array().unwrap();
    let of = |name: &str| -> Vec<&str> {
        let own = findings.iter();
        own.filter(|it| it["check"] == "receiver" && it["subject"] == name)
            .map(|it| it["level"].as_str().unwrap())
            .collect()
    };
    assert_eq!(of("chat"), ["error"]);
    assert_eq!(of("good"), ["ok"]);
    assert_eq!(of("open"), ["warning", "warning"]);
    assert_eq!(of("post"), ["error"]);
}

#[test]
fn only_receivers_that_exist_are_tried() {
    let host = with("");
    let told = host.freezerd(&["notify", "--test"]).exits(66).stderr();
    assert!(told.contains("[notify.NAME]"), "{told}");
    let one =
        "type = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"echo $FREEZERD_NOTICE_KIND >> ";
    let host = with(&format!("[notify.a]\n{one}a\"]\n[notify.b]\n{one}b\"]\n"));
    let told = host
        .freezerd(&["notify", "--test", "a", "c"])
        .exits(66)
        .stderr();
    assert!(
        told.contains("c: there is no such receiver; freezerd.toml has a, b"),
        "{told}"
    );
    assert!(
        !host.path("work/a").exists(),
        "nothing is sent if a name is wrong"
    );
    host.freezerd(&["notify", "--test", "b"]).exits(0);
    assert!(!host.path("work/a").exists());
    let all = host.json(&["notify", "--test"]);
    assert_eq!(all["receivers"].as_array().unwrap().len(), 2, "{all}");
    assert_eq!(
        (host.read("work/a"), host.read("work/b")),
        ("test\n".into(), "test\ntest\n".into())
    );
    // Without --test, it lists messages, and no daemon has made one.
    host.freezerd(&["notify"]).exits(66);
    let names = host.freezerd(&["complete", "receivers"]).exits(0).stdout();
    assert_eq!(names, "a\tcommand\nb\tcommand\n");
}

/// The blocks of TOML in a page that define receivers.
fn examples(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let blocks = text.split("```toml\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .filter(|block| block.contains("[notify."))
        .collect()
}

#[test]
fn every_example_of_a_receiver_in_the_pages_is_valid() {
    let all = [examples("docs/notices.md"), examples("docs/settings.md")].concat();
    assert!(all.len() >= 7, "{}", all.len());
    let host = Host::new();
    for example in all {
        host.file("freezerd.toml", &example);
        let shown = host.freezerd(&["config", "show"]).exits(0).stdout();
        assert!(shown.contains("Receiver "), "{example}");
    }
}

#[test]
fn the_page_on_notices_names_every_kind_placeholder_and_variable() {
    let page = std::fs::read_to_string("docs/notices.md").unwrap();
    for kind in Kind::ALL {
        assert!(page.contains(&format!("`{}`", kind.word())), "{kind:?}");
    }
    for placeholder in PLACEHOLDERS {
        let written = format!("`{{{}}}`", placeholder.name);
        assert!(page.contains(&written), "{written}");
    }
    for (name, about) in VARIABLES {
        assert!(page.contains(&format!("| `{name}` | {about} |")), "{name}");
    }
    for kind in ReceiverKind::ALL {
        let word = kind.word();
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}

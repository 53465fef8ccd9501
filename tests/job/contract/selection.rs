//! What a backup reads, and what it leaves out.

use std::path::{Path, PathBuf};

use freezerd::job::action::Work;

use super::as_backup;
use crate::support::*;

/// A backup of these sources, as JSON.
fn of(sources: &str, more: &str) -> String {
    backup(more).replace("\"/home\"", sources)
}

#[test]
fn a_backup_takes_one_source_or_several() {
    assert_eq!(as_backup(&backup("")).paths, [Path::new("/home")]);
    let several = of("[\"/srv/www\", \"/etc/\", \"/home/./ada/../bob\"]", "");
    let found = as_backup(&several);
    assert_eq!(
        found.paths,
        ["/etc", "/home/bob", "/srv/www"].map(PathBuf::from)
    );
    assert_eq!(codes(&read(&several)), Vec::<&str>::new());
    assert_eq!(
        job(&several).actions[0].action.work.about(),
        "/etc, /home/bob, /srv/www → /srv/backups"
    );
    for (bad, code) in [
        ("[]", "wrong-type"),
        ("[1]", "wrong-type"),
        ("[\"\"]", "wrong-type"),
        ("[\"/a\", \"~/b\"]", "unexpanded-path"),
        ("{}", "wrong-type"),
    ] {
        assert_eq!(errors(&read(&of(bad, ""))), [code], "{bad}");
    }
    assert_eq!(errors(&read(&of("null", ""))), ["missing-key"]);
}

#[test]
fn a_source_that_is_there_twice_or_lies_in_another_one_is_named() {
    let text = of("[\"/opt\", \"/etc\", \"/opt/www\", \"/etc\"]", "");
    let parsed = read(&text);
    assert_eq!(codes(&parsed), ["nested-source"; 2]);
    let messages: Vec<(&str, &str)> = parsed
        .diagnostics
        .iter()
        .map(|it| (pointed(&text, it), it.message.as_str()))
        .collect();
    assert_eq!(
        messages,
        [
            ("\"/opt/www\"", "`/opt/www` lies in `/opt`"),
            ("\"/etc\"", "`/etc` is there twice"),
        ]
    );
    let found = as_backup(&text);
    assert_eq!(found.paths, ["/etc", "/opt"].map(PathBuf::from));
    assert_eq!(found.nested_paths, [Path::new("/opt/www")]);
    // Named and left out at the same time: nobody can want both.
    for (exclude, code) in [("www", "excluded-source"), ("/db", "nested-source")] {
        let text = of(
            "[\"/opt\", \"/opt/www\"]",
            &format!("\"exclude\": \"{exclude}\""),
        );
        assert!(codes(&read(&text)).contains(&code), "{exclude}");
        assert_eq!(errors(&read(&text)).len(), usize::from(exclude == "www"));
    }
}

#[test]
fn a_container_in_any_of_the_sources_is_reported_there() {
    let text = of("[\"/etc\", \"/srv\"]", "");
    let parsed = read(&text);
    let fault = only(&parsed, "container-in-source");
    assert_eq!(pointed(&text, fault), "\"/srv\"");
    // Only a pattern that leaves the container out says that its writer knows.
    let with = |exclude: &str| of("\"/\"", &format!("\"exclude\": [{exclude}]"));
    let warned = |text: &str| codes(&read(text)).contains(&"container-in-source");
    assert!(warned(&with("\"/tmp/\", \"*.tmp\"")));
}

#[test]
fn the_keys_that_leave_something_out_are_read() {
    let found = as_backup(&backup(
        "\"exclude-from\": \"/etc/freezerd/exclude\", \"exclude_if_present\": [\".nobackup\", \"TAG:begin: x\"], \
         \"exclude_caches\": \"true\", \"one_file_system\": true, \"exclude_larger_than\": \"1.5 GiB\"",
    ));
    assert_eq!(found.exclude_from, [Path::new("/etc/freezerd/exclude")]);
    assert_eq!(found.exclude_if_present, [".nobackup", "TAG:begin: x"]);
    assert!(found.exclude_caches && found.one_file_system);
    assert_eq!(found.exclude_larger_than, Some(3 << 29));
    let plain = as_backup(&backup("\"exclude_larger_than\": null"));
    assert!(!plain.exclude_caches && !plain.one_file_system);
    assert_eq!(plain.exclude_larger_than, None);
    assert_eq!(plain.exclude_from, Vec::<PathBuf>::new());
}

#[test]
fn a_size_is_a_number_of_bytes_or_a_text() {
    let size = |written: &str| {
        as_backup(&backup(&format!("\"exclude_larger_than\": {written}"))).exclude_larger_than
    };
    for (written, bytes) in [
        ("\"100M\"", 100 << 20),
        ("\"100 MB\"", 100_000_000),
        ("5", 5),
        ("1e3", 1000),
        ("\"2048\"", 2048),
    ] {
        assert_eq!(size(written), Some(bytes), "{written}");
    }
    for (bad, code) in [
        ("0", "out-of-range"),
        ("-1", "wrong-type"),
        ("\"many\"", "wrong-type"),
        ("[]", "wrong-type"),
        ("true", "wrong-type"),
    ] {
        let text = backup(&format!("\"exclude_larger_than\": {bad}"));
        assert_eq!(errors(&read(&text)), [code], "{bad}");
    }
}

#[test]
fn a_marker_is_the_name_of_a_file() {
    for bad in ["a/b", ":x", "..", "a\\u0000"] {
        let text = backup(&format!("\"exclude_if_present\": [\"ok\", \"{bad}\"]"));
        assert_eq!(errors(&read(&text)), ["bad-marker"], "{bad}");
    }
}

#[test]
fn a_pattern_that_can_match_nothing_is_an_error_at_its_place() {
    for key in ["exclude", "ignore_unreadable"] {
        for bad in ["[a", "#x", "/", "a//b", "../x", "/home", "a\\\\"] {
            let text = backup(&format!("\"{key}\": [\"*.log\", \"{bad}\"]"));
            let parsed = read(&text);
            assert_eq!(errors(&parsed), ["bad-pattern"], "{key} {bad}");
            let fault = only(&parsed, "bad-pattern");
            assert_eq!(pointed(&text, fault), format!("\"{bad}\""));
        }
    }
    // It matches in one of the sources.
    let text = of("[\"/home\", \"/srv\"]", "\"exclude\": \"/home\"");
    assert_eq!(codes(&read(&text)), ["container-in-source"]);
}

#[test]
fn a_pattern_of_another_language_is_a_warning() {
    for doubtful in [
        "*.tmp,*.bak",
        "~/private",
        "$HOME/x",
        "*.{jpg,png}",
        "/home2/../x",
        "cache/*.tmp",
    ] {
        let text = backup(&format!("\"exclude\": \"{doubtful}\""));
        let parsed = read(&text);
        let expected = match doubtful {
            // No path has this name.
            "/home2/../x" => "bad-pattern",
            _ => "doubtful-pattern",
        };
        assert_eq!(codes(&parsed), [expected], "{doubtful}");
    }
    for usual in [
        "*.log",
        "!audit.log",
        "cache/",
        "/ada/cache",
        "/home/ada/*.tmp",
        "**/cache/*.tmp",
        "\\\\#x",
    ] {
        let text = backup(&format!("\"exclude\": \"{usual}\""));
        assert_eq!(codes(&read(&text)), Vec::<&str>::new(), "{usual}");
    }
}

#[test]
fn freezers_words_for_links_are_read_and_hard_says_that_it_has_no_effect() {
    for (written, follows, warned) in [
        ("\"soft\"", true, false),
        ("\"all\"", true, false),
        ("\"none\"", false, false),
        ("\"hard\"", false, true),
    ] {
        let text = backup(&format!("\"dereference_symlink\": {written}"));
        assert_eq!(as_backup(&text).dereference_symlink, follows, "{written}");
        let parsed = read(&text);
        assert_eq!(codes(&parsed), vec!["no-effect"; usize::from(warned)]);
    }
}

#[test]
fn one_source_stands_alone_in_a_request_and_several_are_a_list() {
    let written = |text: &str| {
        let work = Work::Backup(as_backup(text));
        let json = serde_json::to_value(&work).expect("JSON");
        assert_eq!(
            serde_json::from_value::<Work>(json.clone()).expect("work"),
            work
        );
        json["backup"]["path"].clone()
    };
    assert_eq!(written(&backup("")), "/home");
    assert_eq!(
        written(&of("[\"/b\", \"/a\"]", "\"exclude_caches\": true")),
        serde_json::json!(["/a", "/b"])
    );
}

#[test]
fn a_backup_of_the_whole_server_that_leaves_out_no_directory_at_its_top_is_a_warning() {
    let job = |more: &str| {
        with_action(&format!(
            r#"{{"path_to_backup": ["/", "/boot"], "backup_name": "all", "container": "backup", "storage": "local", "encrypt_pass_file": "/etc/pass"{more}}}"#
        ))
    };
    let warned = |text: &str| {
        let parsed = read(text);
        assert!(parsed.job.is_some(), "{text}");
        parsed
            .diagnostics
            .iter()
            .any(|it| it.code == "whole-server")
    };
    assert!(warned(&job("")));
    for too_little in [
        r#", "one_file_system": false"#,
        r#", "exclude": ["*.tmp"]"#,
        r#", "exclude_caches": true"#,
    ] {
        assert!(warned(&job(too_little)), "{too_little}");
    }
    for enough in [
        r#", "one_file_system": true"#,
        r#", "exclude": "/tmp/""#,
        r#", "exclude": "mnt""#,
        r#", "exclude_if_present": ".nobackup""#,
    ] {
        assert!(!warned(&job(enough)), "{enough}");
    }
    assert!(!warned(&job("").replace(r#"["/", "/boot"]"#, r#""/home""#)));
}

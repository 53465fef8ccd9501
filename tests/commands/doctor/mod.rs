//! `freezerd doctor`: every fault of an installation is a finding with its correction, and never a crash.

mod containers;
mod host;
mod installation;
mod jobs;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Host, backup, once};

/// The findings of the doctor. Their JSON was checked against the documentation.
struct Visit {
    code: i32,
    findings: Vec<Value>,
}

impl Visit {
    #[track_caller]
    fn to(host: &Host, arguments: &[&str]) -> Visit {
        let mut all = vec!["doctor", "--json"];
        all.extend(arguments);
        let ran = host.freezerd(&all);
        let told = ran.json();
        let findings = told["findings"].as_array().expect("findings").clone();
        let levels = ["ok", "info", "warning", "error"];
        let mut worst = 0;
        for finding in &findings {
            let level = levels.iter().position(|level| finding["level"] == *level);
            let level = level.unwrap_or_else(|| panic!("{finding}"));
            worst = worst.max(level);
            for key in ["check", "subject", "message"] {
                assert!(finding[key].is_string(), "{finding}");
            }
            assert!(
                level < 2 || finding["help"].is_string(),
                "a fault without a correction: {finding}"
            );
        }
        assert_eq!(told["worst"], levels[worst]);
        assert_eq!(ran.code(), [0, 0, 4, 5][worst], "{told:#}");
        assert_eq!(ran.stderr(), "", "everything is a finding");
        Visit {
            code: ran.code(),
            findings,
        }
    }

    /// The findings of a check about subjects with this end, each as `level: message`.
    fn about(&self, check: &str, subject: &str) -> Vec<String> {
        self.findings
            .iter()
            .filter(|finding| {
                let text = finding["subject"].as_str().expect("a subject");
                finding["check"] == check && text.ends_with(subject)
            })
            .map(|finding| {
                let word = |key: &str| finding[key].as_str().expect("a word").to_owned();
                format!("{}: {}", word("level"), word("message"))
            })
            .collect()
    }

    #[track_caller]
    fn says(&self, check: &str, subject: &str, start: &str) {
        let found = self.about(check, subject);
        assert!(
            found.iter().any(|line| line.starts_with(start)),
            "no {start:?} about {check} {subject} in {:#?}",
            self.findings
        );
    }

    /// The errors of this installation. A full disk of the test machine does not count.
    fn errors(&self) -> Vec<&Value> {
        self.findings
            .iter()
            .filter(|finding| finding["level"] == "error" && finding["check"] != "space")
            .collect()
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

/// A host that has made one backup of a directory, with a password.
fn backed_up() -> Host {
    let host = Host::new();
    host.file("data/file", "content");
    let pass = host.file("pass", "secret\n");
    mode(&pass, 0o600);
    let mut action = backup(&host.path("data"), &host.path("container"));
    action["freezer_action"]["encrypt_pass_file"] = json!(pass);
    host.put("www", once(vec![action]));
    host.once().exits(0);
    host
}

//! Every kind of work can be written with the keys that it requires, and keeps its word on the way to the agent.

use freezerd::job::action::Work;
use freezerd::job::keys::{ACTION_KEYS, one_of};
use freezerd::job::kind::WorkKind;
use freezerd::job::parse;

use crate::support::{errors, host};

/// The work of an action with the word of the kind and with its required keys, at the values that the help shows.
fn smallest(kind: WorkKind) -> Work {
    let mut keys = vec![format!("\"action\": \"{}\"", kind.word())];
    for key in ACTION_KEYS.iter().filter(|key| key.required.has(kind)) {
        keys.push(format!("\"{}\": {}", key.name, key.example));
    }
    if let Some(choice) = one_of(kind).first() {
        keys.push(format!("\"{choice}\": 30"));
    }
    let text = format!(
        "{{\"job_actions\": [{{\"freezer_action\": {{{}}}}}]}}",
        keys.join(", ")
    );
    let parsed = parse(text.as_bytes(), "job.json", &host());
    assert!(
        errors(&parsed).is_empty(),
        "{text}: {:?}",
        parsed.diagnostics
    );
    parsed.job.expect("a job").actions[0].action.work.clone()
}

#[test]
fn every_word_is_read_as_its_own_kind_and_sent_under_its_own_word() {
    for kind in WorkKind::ALL.iter().copied() {
        let work = smallest(kind);
        assert_eq!(work.kind(), kind);
        let sent = serde_json::to_value(&work).unwrap();
        let words: Vec<&String> = sent.as_object().unwrap().keys().collect();
        assert_eq!(words, [kind.word()]);
    }
}

#[test]
fn every_kind_has_the_container_and_the_access_of_its_row() {
    for kind in WorkKind::ALL.iter().copied() {
        let work = smallest(kind);
        assert_eq!(work.container().map(|(_, access)| access), kind.access());
    }
}

#[test]
fn an_unknown_word_is_an_error_and_never_a_backup() {
    let text = r#"{"job_actions": [{"freezer_action": {"action": "excec", "path_to_backup": "/home",
        "container": "/srv/backups", "backup_name": "home"}}]}"#;
    let parsed = parse(text.as_bytes(), "job.json", &host());
    assert_eq!(errors(&parsed), ["bad-word"]);
    assert!(parsed.job.is_none());
}

//! A job as it is in effect, each value with where it came from.

use freezerd::job::{EffectiveValue, ValueOrigin, effective_values};
use serde_json::json;

use crate::support::host;

const TEXT: &str = r#"{
  "action_defaults": {"container": "box", "max-cpu-priority": true, "restore_abs_path": "/r"},
  "job_actions": [{
    "freezer_action": {
      "src_file": "data",
      "backup_name": "home",
      "container": null,
      "hostname": false
    },
    "max_retry_interval": "5"
  }],
  "job_schedule": {"schedule_interval": "1 days"}
}"#;

fn view() -> Vec<EffectiveValue> {
    effective_values(TEXT.as_bytes(), "job_nightly.json", &host()).expect("the job loads")
}

#[track_caller]
fn value(path: &str) -> EffectiveValue {
    let view = view();
    match view.iter().find(|it| it.path == path) {
        Some(found) => found.clone(),
        None => panic!(
            "no {path} in {:#?}",
            view.iter().map(|it| &it.path).collect::<Vec<_>>()
        ),
    }
}

#[test]
fn each_value_says_where_it_came_from() {
    let id = value("job_id");
    assert_eq!(
        (id.value, id.origin),
        (json!("nightly"), ValueOrigin::FileName)
    );
    let path = value("job_actions[0].freezer_action.path_to_backup");
    assert_eq!(path.value, json!("data"));
    assert_eq!(path.resolved.as_deref(), Some("/var/lib/freezerd/data"));
    assert_eq!(
        path.origin,
        ValueOrigin::File {
            alias: Some("src_file".to_owned())
        }
    );
    assert_eq!(path.line, Some(5));
    let container = value("job_actions[0].freezer_action.container");
    assert_eq!((container.value, container.line), (json!("box"), Some(2)));
    assert_eq!(container.resolved.as_deref(), Some("/srv/containers/box"));
    assert_eq!(
        container.origin,
        ValueOrigin::ActionDefaults { alias: None }
    );
    let priority = value("job_actions[0].freezer_action.max_priority");
    assert_eq!(
        (priority.value, priority.origin),
        (
            json!(true),
            ValueOrigin::ActionDefaults {
                alias: Some("max-cpu-priority".to_owned())
            }
        )
    );
    let action = value("job_actions[0].freezer_action.action");
    assert_eq!(
        (action.value, action.origin, action.line),
        (json!("backup"), ValueOrigin::Default, None)
    );
    let wait = value("job_actions[0].max_retries_interval");
    assert_eq!(
        (wait.value, wait.origin),
        (
            json!("5"),
            ValueOrigin::File {
                alias: Some("max_retry_interval".to_owned())
            }
        )
    );
    assert_eq!(value("job_actions[0].max_retries").value, json!(0));
    assert_eq!(
        value("job_schedule.schedule_interval").origin,
        ValueOrigin::File { alias: None }
    );
    assert_eq!(value("job_schedule.schedule_catch_up").value, json!("once"));
    // A default for another kind of action is not in effect.
    assert!(
        view()
            .iter()
            .all(|it| !it.path.ends_with("restore_abs_path"))
    );
}

#[test]
fn a_file_with_errors_has_no_effect() {
    assert_eq!(effective_values(b"{", "a.json", &host()), None);
}

#[test]
fn the_windows_of_a_limit_are_said_in_words() {
    let text = r#"{"job_actions": [{"freezer_action": {"action": "info", "container": "/c",
        "upload_limit": ["mon-fri 08:00-18:00 2M", "20M"], "download_limit": "10M"}}]}"#;
    let view = effective_values(text.as_bytes(), "limits.json", &host()).expect("the job loads");
    let resolved = |key: &str| {
        let mut values = view.iter().filter(|it| it.path.ends_with(key));
        values.next().expect("the key is there").resolved.clone()
    };
    assert_eq!(
        resolved("upload_limit").as_deref(),
        Some("2 MiB/s on mon-fri from 08:00 to 18:00, else 20 MiB/s")
    );
    assert_eq!(resolved("download_limit"), None);
}

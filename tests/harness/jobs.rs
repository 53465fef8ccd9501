//! Actions and job files for the tests.

use std::path::Path;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

/// A backup action.
pub fn backup(path: &Path, container: &Path) -> Value {
    json!({"freezer_action": {
        "action": "backup", "path_to_backup": path, "backup_name": "data", "container": container,
    }})
}

/// A restore action.
pub fn restore(container: &Path, target: &Path) -> Value {
    json!({"freezer_action": {
        "action": "restore", "restore_abs_path": target, "backup_name": "data", "container": container,
    }})
}

/// An action that runs a shell command.
pub fn exec(command: &str) -> Value {
    json!({"freezer_action": {"action": "exec", "command": command}})
}

/// A job that runs these actions once.
pub fn once(actions: Vec<Value>) -> Value {
    json!({"job_actions": actions})
}

/// A job that is due once, now.
pub fn now(actions: Vec<Value>) -> Value {
    let date = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({"job_actions": actions, "job_schedule": {"schedule_date": date}})
}

/// A job that runs these actions at an interval.
pub fn every(interval: &str, actions: Vec<Value>) -> Value {
    json!({"job_actions": actions, "job_schedule": {"schedule_interval": interval}})
}

/// A job that runs these actions at an hour that never comes during a test.
pub fn someday(actions: Vec<Value>) -> Value {
    json!({"job_actions": actions, "job_schedule": {"schedule_date": "2999-01-01T00:00:00"}})
}

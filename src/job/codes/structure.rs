//! Faults of keys: unknown, missing, in the wrong place, given twice, or only known to Freezer.

use super::Example::{Action, File, Words};
use super::codes;

codes! {
    UNKNOWN_KEY, "unknown-key", schema: true,
        "There is no such key.",
        "If a misspelt key were ignored, the job would not do what its file says. For your own remarks, use keys that \
         begin with `x-` or `_`.",
        Action(r#"{"action": "exec", "comand": "sync"}"#, r#"{"action": "exec", "command": "sync"}"#);
    MISPLACED_KEY, "misplaced-key", schema: true,
        "The key belongs in another object.",
        "The key exists, but not here. `freezer_action` says what to do, the keys beside it say how often to try, and \
         `job_schedule` says when.",
        File(
            r#"{"job_actions": [], "schedule_interval": "1 day"}"#,
            r#"{"job_actions": [], "job_schedule": {"schedule_interval": "1 day"}}"#
        );
    OTHER_ACTIONS_KEY, "other-actions-key", schema: true,
        "The key belongs to another kind of action.",
        "Each kind of action has keys of its own. A key of another kind shows that the action is probably not the intended one.",
        Action(
            r#"{"action": "exec", "command": "sync", "path_to_backup": "/home"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    MISSING_KEY, "missing-key", schema: true,
        "A key that the action needs is missing.",
        "The help line names the key and its purpose. `action_defaults` can give it to all actions of the job.",
        Action(r#"{"action": "exec"}"#, r#"{"action": "exec", "command": "sync"}"#);
    DUPLICATE_KEY, "duplicate-key", schema: false,
        "A key is given twice, with the same value.",
        "This is harmless until one of the two is changed. In keys, `-` and `_` are the same, and old names such as \
         `src_file` stand for the new ones.",
        Action(
            r#"{"action": "exec", "command": "sync", "command": "sync"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    CONFLICTING_KEYS, "conflicting-keys", schema: false,
        "Two keys contradict each other.",
        "The same setting is given twice with different values, and freezerd cannot know which one you mean. In keys, `-` \
         and `_` are the same, and old names such as `src_file` stand for the new ones.",
        Action(
            r#"{"action": "exec", "command": "sync", "max-priority": true, "max_cpu_priority": false}"#,
            r#"{"action": "exec", "command": "sync", "max_priority": true}"#
        );
    OPENSTACK_KEY, "openstack-key", schema: true,
        "The key or mode belongs to a service of OpenStack.",
        "Freezer backs up machines, volumes and images of a cloud. This program backs up the files of the host that it \
         runs on. It does not use such a service.",
        Action(
            r#"{"action": "exec", "command": "sync", "nova_inst_id": "4f1c"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    UNSUPPORTED_KEY, "unsupported-key", schema: true,
        "This version does not have what the key asks for.",
        "Without it, the job would not do what its file says, so the job is refused. If the job is right without it, \
         remove the key or set it to `null`.",
        Action(
            r#"{"action": "exec", "command": "sync", "snapshot": true}"#,
            r#"{"action": "exec", "command": "sync", "snapshot": false}"#
        );
    NO_EFFECT, "no-effect", schema: false,
        "The key has no effect here.",
        "The key is accepted and does nothing: Freezer has it, and there is nothing like it here, or the other keys or its own \
         value leave it nothing to do. The help line says what happens instead.",
        Action(
            r#"{"action": "exec", "command": "sync", "engine_name": "tar"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    UNUSED_DEFAULT, "unused-default", schema: false,
        "A default applies to no action of the job.",
        "`action_defaults` has a key that no action of this job accepts, so the key does nothing.",
        File(
            r#"{"action_defaults": {"overwrite": true}, "job_actions": [{"freezer_action": {"action": "exec", "command": "sync"}}]}"#,
            r#"{"job_actions": [{"freezer_action": {"action": "exec", "command": "sync"}}]}"#
        );
    TOO_MANY_ACTIONS, "too-many-actions", schema: true,
        "The job has more than 1,000 actions.",
        "Actions of one job run one after the other. Split the job: the parts can run at the same time.",
        Words("a job of 1,001 actions", "two jobs");
    NO_ACTIONS, "no-actions", schema: false,
        "The job has no actions.",
        "It would run on its schedule and do nothing.",
        File(
            r#"{"job_actions": []}"#,
            r#"{"job_actions": [{"freezer_action": {"action": "exec", "command": "sync"}}]}"#
        );
    INTERNAL, "internal-fault", schema: false,
        "The program cannot say what is wrong.",
        "This is a bug in freezerd. Please report it, with the file.",
        Words("a file that freezerd cannot check", "a report");
}

//! Faults of keys: unknown, missing, misplaced, doubled, or foreign.

use super::Example::{Action, File, Words};
use super::codes;

codes! {
    UNKNOWN_KEY, "unknown-key", schema: true,
        "There is no such key.",
        "A key that is misspelt would otherwise be ignored, and the job would do something else than it says. For \
         remarks of your own use keys that begin with `x-` or `_`.",
        Action(r#"{"action": "exec", "comand": "sync"}"#, r#"{"action": "exec", "command": "sync"}"#);
    MISPLACED_KEY, "misplaced-key", schema: true,
        "The key belongs into another object.",
        "The key exists, but not here: what is to be done stands in `freezer_action`, how hard it is tried beside it, \
         and when in `job_schedule`.",
        File(
            r#"{"job_actions": [], "schedule_interval": "1 days"}"#,
            r#"{"job_actions": [], "job_schedule": {"schedule_interval": "1 days"}}"#
        );
    OTHER_ACTIONS_KEY, "other-actions-key", schema: true,
        "The key belongs to another kind of action.",
        "Each kind of action has keys of its own. A key of another kind shows that the action is not what was meant.",
        Action(
            r#"{"action": "exec", "command": "sync", "path_to_backup": "/home"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    MISSING_KEY, "missing-key", schema: true,
        "A key is missing that the action cannot do without.",
        "The help line says which key, and what it is for. `action_defaults` can give it to all actions of the job.",
        Action(r#"{"action": "exec"}"#, r#"{"action": "exec", "command": "sync"}"#);
    DUPLICATE_KEY, "duplicate-key", schema: false,
        "A key is given twice, with the same value.",
        "That is harmless until one of the two is changed. Remember that `-` and `_` are the same, and that old names \
         such as `src_file` mean the new ones.",
        Action(
            r#"{"action": "exec", "command": "sync", "command": "sync"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    CONFLICTING_KEYS, "conflicting-keys", schema: false,
        "Two keys contradict each other.",
        "The same thing is said twice, differently, and which one is meant cannot be told. `-` and `_` in keys are the \
         same, and old names such as `src_file` mean the new ones.",
        Action(
            r#"{"action": "exec", "command": "sync", "max-priority": true, "max_cpu_priority": false}"#,
            r#"{"action": "exec", "command": "sync", "max_priority": true}"#
        );
    OPENSTACK_KEY, "openstack-key", schema: true,
        "The key or mode belongs to a service of OpenStack.",
        "Freezer backs up machines, volumes and images of a cloud. This program backs up the files of the host that it \
         runs on, and talks to no such service.",
        Action(
            r#"{"action": "exec", "command": "sync", "nova_inst_id": "4f1c"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    UNSUPPORTED_KEY, "unsupported-key", schema: true,
        "This version does not have what the key asks for.",
        "The job would be done without it, which is not what was asked for, so it is refused. Remove the key, or set \
         it to `null`, if the job is right without it.",
        Action(
            r#"{"action": "exec", "command": "sync", "snapshot": true}"#,
            r#"{"action": "exec", "command": "sync", "snapshot": false}"#
        );
    NO_EFFECT, "no-effect", schema: false,
        "The key has no effect here.",
        "Freezer has it, and a file that was written for Freezer loads with it, but there is nothing for it to do. The \
         help line says what happens instead.",
        Action(
            r#"{"action": "exec", "command": "sync", "engine_name": "tar"}"#,
            r#"{"action": "exec", "command": "sync"}"#
        );
    UNUSED_DEFAULT, "unused-default", schema: false,
        "A default is for no action of the job.",
        "`action_defaults` has a key that no kind of action in this job takes, so it does nothing.",
        File(
            r#"{"action_defaults": {"overwrite": true}, "job_actions": [{"freezer_action": {"action": "exec", "command": "sync"}}]}"#,
            r#"{"job_actions": [{"freezer_action": {"action": "exec", "command": "sync"}}]}"#
        );
    TOO_MANY_ACTIONS, "too-many-actions", schema: true,
        "The job has more than 1,000 actions.",
        "Actions of one job run one after the other. Split the job; the parts can run at the same time.",
        Words("a job of 1,001 actions", "two jobs");
    NO_ACTIONS, "no-actions", schema: false,
        "The job has no actions.",
        "It would be on its schedule and do nothing.",
        File(
            r#"{"job_actions": []}"#,
            r#"{"job_actions": [{"freezer_action": {"action": "exec", "command": "sync"}}]}"#
        );
    INTERNAL, "internal-fault", schema: false,
        "The program failed to say what is wrong.",
        "This is a fault of freezerd's own. Please report it, with the file.",
        Words("a file that freezerd cannot judge", "a report");
}

//! Faults of values.

use super::Example::{Action, File, Words};
use super::codes;

codes! {
    WRONG_TYPE, "wrong-type", schema: true,
        "The value is of the wrong kind.",
        "Numbers may be texts and texts numbers, `null` and `false` leave a key unset, and flags may be `\"true\"`. \
         Anything else has to be what the key takes.",
        Action(
            r#"{"action": "exec", "command": "sync", "dry_run": "maybe"}"#,
            r#"{"action": "exec", "command": "sync", "dry_run": true}"#
        );
    BAD_WORD, "bad-word", schema: true,
        "The value is none of the words that the key takes.",
        "The help line lists them, or says which one was likely meant.",
        Action(r#"{"action": "excec", "command": "sync"}"#, r#"{"action": "exec", "command": "sync"}"#);
    OUT_OF_RANGE, "out-of-range", schema: false,
        "The number is too small or too large.",
        "A timeout of 0 would end every attempt at once, and an age of 0 days would remove all snapshots but one; both \
         are what \"off\" looks like elsewhere. To switch something off, leave the key out.",
        Action(
            r#"{"action": "exec", "command": "sync", "timeout": 0}"#,
            r#"{"action": "exec", "command": "sync", "timeout": 3600}"#
        );
    BAD_JOB_ID, "bad-job-id", schema: true,
        "The job's id has characters that an id may not have.",
        "An id is typed on command lines and becomes part of file names: letters, digits, `_` and `-`.",
        File(r#"{"job_id": "nightly run", "job_actions": []}"#, r#"{"job_id": "nightly-run", "job_actions": []}"#);
    BAD_NAME, "bad-name", schema: false,
        "The name cannot be used.",
        "A backup's or a host's name is any text of up to 255 bytes, without control characters and without blanks at \
         its ends: they would be invisible in lists, and impossible to type again.",
        Action(
            r#"{"action": "exec", "command": "sync", "hostname": " db1"}"#,
            r#"{"action": "exec", "command": "sync", "hostname": "db1"}"#
        );
    LITERAL_BRACES, "literal-braces", schema: false,
        "A word in braces is not filled in.",
        "Freezer fills `{mode}`, `{container}` and a few more into a backup's name. Here a name is taken as it is \
         written, because snapshots are found by it.",
        Action(
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "{mode}_home"}"#,
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "fs_home"}"#
        );
    BAD_COMMAND, "bad-command", schema: true,
        "The command cannot be run.",
        "A command is a text for the shell, or a list whose first word is the program and whose other words are its \
         arguments, each a text.",
        Action(r#"{"action": "exec", "command": []}"#, r#"{"action": "exec", "command": ["/usr/bin/sync"]}"#);
    RELATIVE_PATH, "relative-path", schema: false,
        "The path is relative.",
        "It is taken from the daemon's working directory, which is not where you edit the file. Write paths in full.",
        Action(
            r#"{"action": "exec", "command": "sync", "log_file": "sync.log"}"#,
            r#"{"action": "exec", "command": "sync", "log_file": "/var/log/sync.log"}"#
        );
    UNEXPANDED_PATH, "unexpanded-path", schema: false,
        "The path begins with `~` or a variable.",
        "Those are a shell's, and no shell reads this path: a directory with that very name would be looked for.",
        Action(
            r#"{"action": "exec", "command": "sync", "log_file": "~/sync.log"}"#,
            r#"{"action": "exec", "command": "sync", "log_file": "/home/ada/sync.log"}"#
        );
    BAD_PATH, "bad-path", schema: false,
        "The path cannot be one of this host.",
        "It is a path of Windows, or holds a NUL byte, or begins with `%d/`, which stands for a credential of the \
         service (`LoadCredential=` in its unit), and goes on with what cannot be one's name.",
        Action(
            r#"{"action": "exec", "command": "sync", "log_file": "C:\\logs\\sync.log"}"#,
            r#"{"action": "exec", "command": "sync", "log_file": "/var/log/sync.log"}"#
        );
    BAD_CONTAINER, "bad-container", schema: false,
        "The container is neither a name nor an absolute path.",
        "A name is a directory right below the configured container root. A name with slashes, as object stores have \
         them, would put one repository into another; write an absolute path if that is what you want.",
        Action(
            r#"{"path_to_backup": "/home", "container": "hosts/db1", "backup_name": "home"}"#,
            r#"{"path_to_backup": "/home", "container": "hosts_db1", "backup_name": "home"}"#
        );
    UNSUPPORTED_STORAGE, "unsupported-storage", schema: true,
        "This version does not have the storage.",
        "It has `local`: a directory of this host, which may be a mounted one. Unlike in Freezer that is the default.",
        Action(
            r#"{"path_to_backup": "/home", "container": "backups", "backup_name": "home", "storage": "swift"}"#,
            r#"{"path_to_backup": "/home", "container": "backups", "backup_name": "home", "storage": "local"}"#
        );
    UNSUPPORTED_MODE, "unsupported-mode", schema: true,
        "This version does not have the mode.",
        "It backs up files. Dump a database with an `exec` action first, and back up the dump.",
        Action(
            r#"{"path_to_backup": "/var/lib/mysql", "container": "/srv/backups", "backup_name": "db", "mode": "mysql"}"#,
            r#"{"path_to_backup": "/var/backups/mysql", "container": "/srv/backups", "backup_name": "db", "mode": "fs"}"#
        );
    EXEC_DISABLED, "exec-disabled", schema: false,
        "This host runs no commands for jobs.",
        "The daemon was started with `disable_exec`, so that whoever can write job files cannot run commands as its \
         user.",
        Words("an action `exec` on a host with `disable_exec`", "remove the action, or ask whoever runs the daemon");
    CONTAINER_IN_SOURCE, "container-in-source", schema: false,
        "The container lies inside of what is backed up.",
        "Every backup would then hold all earlier ones and grow without end. Leave the container out with `exclude`, \
         or keep it elsewhere.",
        Action(
            r#"{"path_to_backup": "/srv", "container": "/srv/backups", "backup_name": "srv"}"#,
            r#"{"path_to_backup": "/srv", "container": "/srv/backups", "backup_name": "srv", "exclude": "/srv/backups"}"#
        );
    RESTORE_INTO_CONTAINER, "restore-into-container", schema: false,
        "The restore would damage its own container.",
        "With `overwrite` the target becomes what the snapshot holds, and nothing else stays in it. A container inside \
         of the target would be gone, and one that is the target would be written into.",
        Action(
            r#"{"action": "restore", "restore_abs_path": "/", "overwrite": true, "container": "/srv/backups", "backup_name": "all"}"#,
            r#"{"action": "restore", "restore_abs_path": "/srv/restored", "overwrite": true, "container": "/srv/backups", "backup_name": "all"}"#
        );
    UNENCRYPTED_CONTAINER, "unencrypted-container", schema: false,
        "The container has no password.",
        "Without `encrypt_pass_file` the password is empty: the repository has its usual form, but whoever can read \
         its files can read the backups. That is fine on a disk that is encrypted as a whole.",
        Action(
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home"}"#,
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "encrypt_pass_file": "/etc/freezerd/password"}"#
        );
    SECRET_IN_FILE, "secret-in-file", schema: false,
        "A secret seems to stand in the file.",
        "Job files are read by many, copied into version control and shown in lists. Keep secrets in files of their \
         own, which only their user can read.",
        Action(
            r#"{"action": "exec", "command": "PGPASSWORD=hunter2 pg_dumpall -f /var/backups/all.sql"}"#,
            r#"{"action": "exec", "command": "PGPASSFILE=/etc/freezerd/pgpass pg_dumpall -f /var/backups/all.sql"}"#
        );
}

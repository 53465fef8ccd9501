//! Faults of values: a wrong type, a wrong word, a path or a name that cannot be used.

use super::Example::{Action, File, Words};
use super::codes;

codes! {
    WRONG_TYPE, "wrong-type", schema: true,
        "The value has the wrong type.",
        "A number may be written as a text and a text as a number. `null` and `false` leave a key unset. A flag may be \
         `\"true\"`. Everything else must have the type that the key accepts.",
        Action(
            r#"{"action": "exec", "command": "sync", "dry_run": "maybe"}"#,
            r#"{"action": "exec", "command": "sync", "dry_run": true}"#
        );
    BAD_WORD, "bad-word", schema: true,
        "The value is not one of the words that the key accepts.",
        "The help line lists them, or suggests the one that you probably mean.",
        Action(r#"{"action": "excec", "command": "sync"}"#, r#"{"action": "exec", "command": "sync"}"#);
    OUT_OF_RANGE, "out-of-range", schema: false,
        "The number is too small or too large.",
        "A timeout of 0 would end every attempt at once, and an age of 0 days would remove all snapshots but one. In \
         other programs, 0 often means \"off\". Here, leave the key out to switch something off.",
        Action(
            r#"{"action": "exec", "command": "sync", "timeout": 0}"#,
            r#"{"action": "exec", "command": "sync", "timeout": 3600}"#
        );
    BAD_RATE_WINDOW, "bad-rate-window", schema: false,
        "A window of a limit is wrong, or it is never used.",
        "A limit is one rate, or a list of windows: days, times and a rate, as `mon-fri 08:00-18:00 2M`. The days, the times or \
         both may be absent. The first window that holds decides, so a window is never used if those before it hold at all of \
         its times.",
        Action(
            r#"{"action": "info", "container": "/srv/backup", "upload_limit": ["20M", "mon-fri 08:00-18:00 2M"]}"#,
            r#"{"action": "info", "container": "/srv/backup", "upload_limit": ["mon-fri 08:00-18:00 2M", "20M"]}"#
        );
    BAD_JOB_ID, "bad-job-id", schema: true,
        "The job's id has characters that are not allowed.",
        "An id is typed on command lines and becomes part of file names. It has only letters, digits, `_` and `-`.",
        File(r#"{"job_id": "nightly run", "job_actions": []}"#, r#"{"job_id": "nightly-run", "job_actions": []}"#);
    BAD_NAME, "bad-name", schema: false,
        "The name cannot be used.",
        "The name of a backup or a host is a text of at most 255 bytes, without control characters and without blanks at \
         its ends: they would be invisible in lists and hard to type.",
        Action(
            r#"{"action": "exec", "command": "sync", "hostname": " db1"}"#,
            r#"{"action": "exec", "command": "sync", "hostname": "db1"}"#
        );
    LITERAL_BRACES, "literal-braces", schema: false,
        "A word in braces is not replaced.",
        "Freezer replaces `{mode}`, `{container}` and a few more in a backup's name. freezerd uses a name as it is \
         written, because it finds snapshots by this name.",
        Action(
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "{mode}_home"}"#,
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "fs_home"}"#
        );
    BAD_COMMAND, "bad-command", schema: true,
        "The command cannot be run.",
        "A command is a text for the shell, or a list of texts: the program and its arguments.",
        Action(r#"{"action": "exec", "command": []}"#, r#"{"action": "exec", "command": ["/usr/bin/sync"]}"#);
    RELATIVE_PATH, "relative-path", schema: false,
        "The path is relative.",
        "It starts at the daemon's working directory, not at the directory of the job file. Write absolute paths.",
        Action(
            r#"{"action": "exec", "command": "sync", "log_file": "sync.log"}"#,
            r#"{"action": "exec", "command": "sync", "log_file": "/var/log/sync.log"}"#
        );
    UNEXPANDED_PATH, "unexpanded-path", schema: false,
        "The path begins with `~` or a variable.",
        "Only a shell replaces them, and no shell reads this path. freezerd would look for a directory with this literal \
         name.",
        Action(
            r#"{"action": "exec", "command": "sync", "log_file": "~/sync.log"}"#,
            r#"{"action": "exec", "command": "sync", "log_file": "/home/ada/sync.log"}"#
        );
    BAD_PATH, "bad-path", schema: false,
        "The path is not possible on this host.",
        "It is a Windows path, or it has a NUL byte, or it begins with `%d/` and continues with something that is not \
         the name of a credential. `%d/NAME` is a credential of the service (`LoadCredential=` in its unit).",
        Action(
            r#"{"action": "exec", "command": "sync", "log_file": "C:\\logs\\sync.log"}"#,
            r#"{"action": "exec", "command": "sync", "log_file": "/var/log/sync.log"}"#
        );
    BAD_CONTAINER, "bad-container", schema: false,
        "The container is neither a name nor an absolute path.",
        "A name is a directory directly below the configured container root. A name with slashes, as in object stores, \
         would put one repository into another. If you want that, write an absolute path.",
        Action(
            r#"{"path_to_backup": "/home", "container": "hosts/db1", "backup_name": "home"}"#,
            r#"{"path_to_backup": "/home", "container": "hosts_db1", "backup_name": "home"}"#
        );
    UNSUPPORTED_STORAGE, "unsupported-storage", schema: true,
        "This version does not support the storage.",
        "It supports `local`: a directory of this host, which may be a mounted one. This is the default, unlike in \
         Freezer. It also supports servers, which `freezerd.toml` defines by name.",
        Action(
            r#"{"path_to_backup": "/home", "container": "backups", "backup_name": "home", "storage": "azure"}"#,
            r#"{"path_to_backup": "/home", "container": "backups", "backup_name": "home", "storage": "local"}"#
        );
    UNKNOWN_STORAGE, "unknown-storage", schema: false,
        "There is no storage of this name.",
        "`storage` is `local`, or the name of a storage that `freezerd.toml` defines in a section `[storage.NAME]`. The \
         daemon reads `freezerd.toml` at its start. `freezerd config show` lists the storages.",
        Action(
            r#"{"path_to_backup": "/home", "container": "backups", "backup_name": "home", "storage": "locl"}"#,
            r#"{"path_to_backup": "/home", "container": "backups", "backup_name": "home", "storage": "local"}"#
        );
    BAD_STORAGE, "bad-storage", schema: false,
        "The keys of the action do not describe a storage.",
        "An action can describe its storage itself, with the keys of Freezer: `\"storage\": \"s3\"` with `endpoint`, \
         `access_key` and `secret_key_file`; `ssh` with `ssh_host`, `ssh_username` and `ssh_key`; `swift`, which the \
         environment of the service describes (`OS_AUTH_URL` and others). Or `storage` names a storage that `freezerd.toml` \
         defines; then the action has none of these keys.",
        Action(
            r#"{"path_to_backup": "/home", "container": "backups/home", "backup_name": "home", "storage": "s3", "ssh_host": "nas"}"#,
            r#"{"path_to_backup": "/home", "container": "backups/home", "backup_name": "home", "storage": "s3", "access_key": "AK", "secret_key_file": "/etc/freezerd/s3"}"#
        );
    INSECURE_STORAGE, "insecure-storage", schema: false,
        "Others can read the password of the storage, or change what it answers.",
        "With `http://`, everybody on the way to the server sees the user and the password, and may then change or remove \
         the backups. With `insecure`, everybody on the way can pretend to be the server. The data itself is encrypted \
         with the password of the container in both cases.",
        Words("`endpoint = \"http://backup.example:8000/\"` with a password", "`endpoint = \"https://backup.example:8000/\"`, and `ca_file` for a certificate of your own");
    UNSUPPORTED_MODE, "unsupported-mode", schema: true,
        "This version does not support the mode.",
        "It backs up files. Dump a database with an `exec` action first, and back up the dump.",
        Action(
            r#"{"path_to_backup": "/var/lib/mysql", "container": "/srv/backups", "backup_name": "db", "mode": "mysql"}"#,
            r#"{"path_to_backup": "/var/backups/mysql", "container": "/srv/backups", "backup_name": "db", "mode": "fs"}"#
        );
    EXEC_DISABLED, "exec-disabled", schema: false,
        "This host does not run commands of jobs.",
        "The daemon was started with `disable_exec`: users who can write job files cannot run commands as the daemon's \
         user.",
        Words("an action `exec` on a host with `disable_exec`", "remove the action, or ask the administrator");
    CONTAINER_IN_SOURCE, "container-in-source", schema: false,
        "The container is inside the directory that is backed up.",
        "The backup leaves the container out. But a disk that fails takes the files and their backups. Choose a \
         container on another disk, or exclude it with `exclude` if that is what you want. A directory in the container \
         cannot be backed up to it.",
        Action(
            r#"{"path_to_backup": "/srv", "container": "/srv/backups", "backup_name": "srv"}"#,
            r#"{"path_to_backup": "/srv", "container": "/srv/backups", "backup_name": "srv", "exclude": "/srv/backups"}"#
        );
    RESTORE_INTO_CONTAINER, "restore-into-container", schema: false,
        "The restore would damage its own container.",
        "The target must not be inside the container. With `delete_extra`, the container must not be inside the target \
         either, because the restore would delete it.",
        Action(
            r#"{"action": "restore", "restore_abs_path": "/", "delete_extra": true, "container": "/srv/backups", "backup_name": "all"}"#,
            r#"{"action": "restore", "restore_abs_path": "/srv/restored", "delete_extra": true, "container": "/srv/backups", "backup_name": "all"}"#
        );
    UNENCRYPTED_CONTAINER, "unencrypted-container", schema: false,
        "The container has no password.",
        "Without `encrypt_pass_file` the password is empty: the repository has its usual format, but every user who can \
         read its files can read the backups. This is acceptable on an encrypted disk.",
        Action(
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home"}"#,
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "encrypt_pass_file": "/etc/freezerd/password"}"#
        );
    SECRET_IN_FILE, "secret-in-file", schema: false,
        "The file seems to contain a secret.",
        "Job files are read by several people, copied into version control and shown in lists. Keep secrets in separate \
         files that only their user can read.",
        Action(
            r#"{"action": "exec", "command": "PGPASSWORD=hunter2 pg_dumpall -f /var/backups/all.sql"}"#,
            r#"{"action": "exec", "command": "PGPASSFILE=/etc/freezerd/pgpass pg_dumpall -f /var/backups/all.sql"}"#
        );
    HIDDEN_FAILURE, "hidden-failure", schema: false,
        "A shell hides the failure of a command in a pipeline.",
        "`/bin/sh` reports only whether the last command of a pipeline succeeded. If a dump fails and `gzip` compresses the \
         little that came, the action is a success. With the option `pipefail`, bash reports the failure of every command.",
        Action(
            r#"{"action": "exec", "command": "pg_dump shop | gzip > /srv/shop.gz"}"#,
            r#"{"action": "exec", "command": ["bash", "-o", "pipefail", "-c", "pg_dump shop | gzip > /srv/shop.gz"]}"#
        );
    NO_SHELL, "no-shell", schema: false,
        "A list of words has signs that only a shell understands.",
        "A list is a program and its arguments, and no shell reads them: `|` and `>` are arguments like others, and a whole \
         command line in one word is the name of a program that does not exist. `/bin/sh` runs a command that is one text.",
        Action(
            r#"{"action": "exec", "command": ["mysqldump", "shop", ">", "/srv/shop.sql"]}"#,
            r#"{"action": "exec", "command": "mysqldump shop > /srv/shop.sql"}"#
        );
    UNKNOWN_RECEIVER, "unknown-receiver", schema: false,
        "`notify` names a receiver that does not exist.",
        "The receivers are the sections `[notify.NAME]` of `freezerd.toml`. Nobody is told in the place of one that is not \
         there.",
        Words("`\"notify\": [\"admin\"]`, for a section `[notify.admins]`", "`\"notify\": [\"admins\"]`");
}

//! Faults of what a backup selects: sources, patterns, markers.

use super::Example::{Action, Words};
use super::codes;

codes! {
    BAD_PATTERN, "bad-pattern", schema: false,
        "The pattern can match nothing.",
        "Patterns are those of `.gitignore` files. This one is not complete, or is empty or a comment, or names the \
         source itself. In a list, `\\\\#` begins a pattern for a name that begins with `#`.",
        Action(
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "exclude": "[0-9"}"#,
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "exclude": "[0-9]*"}"#
        );
    DOUBTFUL_PATTERN, "doubtful-pattern", schema: false,
        "The pattern probably does not mean what you want.",
        "Patterns are those of `.gitignore` files. A comma, a blank or another sign between patterns is a part of \
         a name, and so is what other programs write before a pattern: `re:`, `pp:`, `- `. `~`, variables and braces have no special \
         meaning. A pattern with a slash at its beginning or in its middle matches from the top of the source only: \
         write `**/cache/*.tmp` to match at any depth, and `/cache/*.tmp` for the top. `*` does not match a slash. \
         `freezerd check --left-out` FILE shows what a backup leaves out.",
        Action(
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "exclude": "*.tmp,*.bak"}"#,
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "exclude": ["*.tmp", "*.bak"]}"#
        );
    WHOLE_SERVER, "whole-server", schema: false,
        "The backup takes everything on the server.",
        "A backup of `/` goes into every disk and every network share that is mounted, and takes temporary files and \
         caches. It never goes into the kernel's own file systems, such as `/proc`. `one_file_system` keeps it on the file \
         system of `/`; patterns in `exclude` that begin with a slash leave out single directories. The example `whole-server.json` shows it.",
        Action(
            r#"{"path_to_backup": "/", "container": "/mnt/backup", "backup_name": "server"}"#,
            r#"{"path_to_backup": "/", "container": "/mnt/backup", "backup_name": "server", "one_file_system": true, "exclude": ["/tmp/", "/mnt/backup/"]}"#
        );
    DOUBTFUL_SOURCE, "doubtful-source", schema: false,
        "The source does not exist, and looks like several paths, or like a pattern.",
        "`path_to_backup` is one path or a list of paths. `*`, commas and blanks in it are parts of a name. A backup of a \
         path that does not exist fails.",
        Words("`\"path_to_backup\": \"/srv/www,/etc\"`", "`\"path_to_backup\": [\"/srv/www\", \"/etc\"]`");
    BAD_MARKER, "bad-marker", schema: false,
        "The marker cannot be the name of a file.",
        "A marker is the name of a file, without a directory. After a colon, it may have the text with which the file \
         must begin.",
        Action(
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "exclude_if_present": "cache/.nobackup"}"#,
            r#"{"path_to_backup": "/home", "container": "/srv/backups", "backup_name": "home", "exclude_if_present": ".nobackup"}"#
        );
    NESTED_SOURCE, "nested-source", schema: false,
        "A source is there twice, or lies in another source.",
        "It is backed up once, as a part of the other one, with the same rules for what to leave out. It must exist all \
         the same. With `one_file_system`, the file system that it is on is backed up too.",
        Action(
            r#"{"path_to_backup": ["/home", "/home/ada"], "container": "/srv/backups", "backup_name": "home"}"#,
            r#"{"path_to_backup": ["/home", "/etc"], "container": "/srv/backups", "backup_name": "home"}"#
        );
    EXCLUDED_SOURCE, "excluded-source", schema: false,
        "A source lies in another source, and `exclude` leaves it out.",
        "What lies in a directory that is left out stays out. Change the patterns, or back up the source in an action of \
         its own.",
        Action(
            r#"{"path_to_backup": ["/srv", "/srv/cache/keep"], "container": "/mnt/backups", "backup_name": "srv", "exclude": "cache"}"#,
            r#"{"path_to_backup": ["/srv", "/home"], "container": "/mnt/backups", "backup_name": "srv", "exclude": "cache"}"#
        );
    EXCLUDE_FILE, "exclude-file", schema: false,
        "A file of `exclude_from` cannot be used, or has patterns that cannot.",
        "Each backup reads the file. If the file cannot be read then, the backup fails before it writes anything: it does \
         not back up what the file would leave out. A line with a pattern that can match nothing is not used.",
        Words("`exclude_from` names a file that does not exist", "create the file, or remove its name");
}

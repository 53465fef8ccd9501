//! Faults of files themselves, as of their owner and mode, and faults that only several files together have.

use super::Example::Words;
use super::codes;

codes! {
    NOT_A_FILE, "not-a-file", schema: false,
        "The name is a directory, a pipe or a device.",
        "Only regular files are read. Reading a pipe could wait for ever, and a device has no end.",
        Words("mkfifo /etc/freezerd/jobs.d/nightly.json", "rm /etc/freezerd/jobs.d/nightly.json");
    SYMBOLIC_LINK, "symbolic-link", schema: false,
        "The name is a symbolic link.",
        "Links are not followed: the jobs directory does not show who may write to the file that a link points to. Put \
         the file itself there.",
        Words("ln -s ~ada/nightly.json /etc/freezerd/jobs.d/", "cp ~ada/nightly.json /etc/freezerd/jobs.d/");
    UNTRUSTED_OWNER, "untrusted-owner", schema: false,
        "The file or directory belongs to an untrusted user.",
        "The owner of a job file decides what the daemon does, with the daemon's rights. So the file must belong to root, \
         to the user that the daemon runs as, or to a user named in `trusted_owners`.",
        Words("a file that ada owns, and a daemon that runs as root", "chown root /etc/freezerd/jobs.d/nightly.json");
    UNTRUSTED_MODE, "untrusted-mode", schema: false,
        "Others may write to the file or directory.",
        "A user who can write a job file decides what the daemon does, with the daemon's rights. The same holds for a \
         directory: a user who can write to it can replace its files.",
        Words("-rw-rw-rw- nightly.json", "chmod go-w /etc/freezerd/jobs.d/nightly.json");
    GROUP_WRITABLE, "group-writable", schema: false,
        "Your own group may write to the file or directory.",
        "Many systems give each user a private group, so this is accepted as long as the group has no other member.",
        Words("-rw-rw-r-- ada ada nightly.json", "chmod g-w nightly.json");
    HARD_LINK, "hard-link", schema: false,
        "The file has a second name.",
        "A hard link is a second name for the same file, perhaps in a directory that others may write to. The file is \
         read anyway, because only its owner can change its content. A copy would be clearer.",
        Words("ln ~ada/nightly.json /etc/freezerd/jobs.d/", "cp ~ada/nightly.json /etc/freezerd/jobs.d/");
    UNREADABLE, "unreadable", schema: false,
        "The file or directory cannot be read.",
        "The daemon's user may not read it, or reading failed.",
        Words("a file of mode 0000, and a daemon that does not run as root", "chmod u+r nightly.json");
    STILL_CHANGING, "still-changing", schema: false,
        "The file changed while it was read.",
        "Another program is still writing to it. freezerd reads the file again shortly after the last change. You need \
         to do something only if this message stays.",
        Words("a program that rewrites the file again and again", "write to another name, then rename the file");
    DUPLICATE_JOB_ID, "duplicate-job-id", schema: false,
        "Two files have the same job id.",
        "The file that was loaded first keeps the id, and this one is not loaded. Often the reason is a copy of a file in \
         the jobs directory: a copy named `nightly.json~` or `.nightly.json` would be ignored.",
        Words("a.json and b.json, both with \"job_id\": \"nightly\"", "change one of them, or remove the file");
    DAEMON_DISAGREES, "daemon-disagrees", schema: false,
        "The file is valid for this command, and the daemon has it as invalid.",
        "The daemon runs with other settings: it reads `freezerd.toml` when it starts. After a change there, such as a new \
         storage, restart it.",
        Words("a storage that was added to `freezerd.toml` after the start", "systemctl restart freezerd");
    SHARED_BACKUP, "shared-backup", schema: false,
        "Two actions back up the same path to the same place under the same name.",
        "Their snapshots cannot be distinguished, and each action takes the other's snapshots as parents. If you do not \
         want that, one of the two jobs is probably an unfinished copy of the other.",
        Words("two jobs that back up /home to `backups` as `home`", "remove one, or give it another name");
    SHARED_NAME, "shared-name", schema: false,
        "One name stands for the backups of several paths.",
        "The snapshots are told apart by their paths, so nothing is lost. But a restore by the name alone is refused: it \
         needs `path_to_backup`. A name of its own for each backup is clearer.",
        Words("two actions that back up /home and /etc to `backups` as `nightly`", "name them `home` and `etc`");
    LONELY_ADMIN, "lonely-admin", schema: false,
        "An `admin` action removes snapshots that no job here makes.",
        "No backup in this directory has its container, host and backup name. One of the three may be misspelt, and \
         then nothing is ever removed.",
        Words("a backup named `home`, and an `admin` for `hone`", "write the same names in both");
    UNSAFE_LOG_FILE, "unsafe-log-file", schema: false,
        "Another user could choose the file to which a log is appended.",
        "Who may write to a directory on the way to the `log_file` can put a link there, and the log would then be appended \
         to the file that the link points to. The runs go on, and `freezerd log` shows their log. Nothing is appended to \
         the `log_file` until each directory on the way belongs to root or the daemon's user, and nobody else may write to \
         it, or it has the sticky bit like `/tmp`. The file itself must not be a link.",
        Words("a `log_file` in the home directory of a user, in a job of root", "`/var/log/home.log`");
}

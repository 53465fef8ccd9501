//! Texts that a manual page and a reference in `docs/` have in common.

/// What a list of patterns is.
pub const PATTERNS: &str = "The patterns of `exclude`, `exclude_from`, `ignore_unreadable`, `restore_include` and \
     `restore_exclude` are those of `gitignore`(5). They are about paths below a source, and each source has all patterns. \
     In a restore, the source is the directory whose content goes into the target. The last pattern that matches a path \
     decides.";

/// The forms of a pattern, each with its meaning.
pub const PATTERN_FORMS: [(&str, &str); 5] = [
    (
        "*.log",
        "A pattern without a slash matches the name of a file or directory, at any depth. `*` stands for any number of \
         characters, `?` for one, `[a-z]` for one of a class, `[!a-z]` for one that is not of it. None of them stands for \
         a slash.",
    ),
    (
        "cache/",
        "With a slash at its end, it matches only directories.",
    ),
    (
        "/cache, a/b",
        "With a slash at its beginning or in its middle, it matches from the top of the source only. It may begin with \
         the absolute path of the source.",
    ),
    (
        "**/a/b, a/**/b, a/**",
        "`**` stands for any number of directories. `a/**` matches everything in `a`, but not `a`.",
    ),
    (
        "!keep.log",
        "What matches is kept, although an earlier pattern leaves it out. What lies in a directory that is left out stays \
         out.",
    ),
];

/// What else there is to know about patterns.
pub const MORE_OF_PATTERNS: &str = "A backslash takes the next character as it is; in JSON, a backslash is written twice. \
     Commas, braces, `~` and variables have no special meaning. `freezerd check` refuses a pattern that can match nothing, \
     and warns of patterns that look like those of another language. `freezerd check --left-out` FILE lists what the \
     backups of a file leave out, and why.";

/// What a limit on the bytes a second is.
pub const LIMITS: &str = "`upload_limit` and `download_limit` take one rate for all times, or a list of windows. A window is a \
     text: days, times and a rate, of which the days, the times or both may be absent. The first window of the list that \
     holds decides. Outside of all windows, the rate is not limited. An action that runs while one window ends and another begins has \
     the new rate within a second. The clock is that of the job's zone (`schedule_timezone`, else the setting `timezone`). \
     A limit of the action comes before that of its storage, which comes before that of the settings.";

/// What the rules of retention mean, a paragraph each.
pub const RETENTION: [&str; 5] = [
    "The keys `keep_…` say which snapshots stay. A snapshot stays if one of them keeps it, or if it is not older than \
     `remove_older_than` or `remove_from_date` say; the others are removed. They mean what the options `--keep-…` of \
     `restic forget` mean. A rule by number goes back from the newest snapshot and counts only periods that have one, so \
     that a host that was off loses nothing. If fewer periods have one than the rule keeps, the oldest snapshot stays too. A \
     rule by time (`keep_within_…`) goes back from the newest snapshot, and not from today.",
    "Days, weeks and months are those of the zone in which the snapshot was written: the zone of its job \
     (`schedule_timezone`, else the setting `timezone`).",
    "The rules apply to each lineage by itself: the snapshots of one host, backup name and list of paths. They count partial \
     snapshots, and then the whole ones alone, so that a partial one never takes the place of a whole one.",
    "These always stay: of each path the newest snapshot and the newest whole one; those that \
     drills of jobs have restored with success (of each drill the newest, and beside a sample or a partial snapshot the newest \
     one of which it restored all files, or that is whole); snapshots that are pinned (`freezerd pin`); snapshots whose time has not come yet; and \
     all of them as long as the clock of the host is in doubt. `freezerd forget --dry-run` shows each snapshot with the reason why it stays.",
    "A guard raises an alarm when a new snapshot looks as if its source were damaged: `shrink_guard`, which is on unless it is \
     `false`, and `churn_guard`. It compares with snapshots of the same paths and the same rules for what is left out. The backup \
     is a success, and its snapshot is kept and gets the tag `guard:shrink` or `guard:churn`. No snapshot of the lineage is \
     removed then, until `freezerd accept RUN`. The log, `freezerd doctor` and `freezerd snapshots` show it. Fewer than 20 files, \
     and less than 1 MiB, raise no alarm.",
];

/// The parts of a window, each with its meaning.
pub const WINDOW_PARTS: [(&str, &str); 3] = [
    (
        "mon-fri, sat,sun",
        "The days, in the words of `schedule_day_of_week`. Without them, the window holds on every day.",
    ),
    (
        "08:00-18:00, 22:00-06:00",
        "The times. A window that ends earlier than it begins goes over midnight, and its night belongs to the day on \
         which it begins. `24:00` is the end of the day. Without times, it holds the whole day.",
    ),
    ("2M, off", "The rate. `off`, 0 and -1 are no limit."),
];

/// What a command of an action `exec` finds around it.
pub const ENVIRONMENT: &str = "A command has the environment of the daemon, and these variables. Its standard input is \
     empty. What it prints goes into the log of the run.";

/// How a job says that it has failed.
pub const NOTIFICATION: &str = "A `mandatory` action at the end of a job runs even after a failure, and can tell somebody. \
     This one sends the log of a run that has failed by mail:";

/// A job that sends a mail when it has failed.
pub const NOTIFY: &str = include_str!("../examples/notify.json");

/// What a job does, and how a file of it is read.
pub const DESCRIPTION: [&str; 5] = [
    "A job says what freezerd does, and when: it backs up, restores, removes old snapshots, checks a repository, or runs a \
     command. A job is one JSON object in one file of the jobs directory: the job itself, or an object `{\"job\": {...}}` \
     that contains it. The keys are those of OpenStack Freezer's jobs.",
    "The name of a job file ends in `.json` or `.conf`. freezerd ignores subdirectories, and files whose names begin with a \
     dot or end in `~`, `.tmp`, `.swp`, `.dpkg-*`, `.rpmsave`, `.rpmnew` or `.rpmorig`. To replace a file safely, write the \
     new content to a temporary file in the same directory, and then rename it.",
    "Adding, changing, renaming or deleting a file takes effect at once. If a file becomes invalid, its job stays on \
     schedule with the last good content, and no other job is affected; `freezerd list` shows the file as invalid, with its \
     faults. Before you put a file in place, `freezerd check` FILE shows its faults, and `freezerd next --job` FILE shows \
     when the job would run.",
    "The directory and each file must belong to root or to the user that freezerd runs as, and nobody else may have \
     permission to write to them. freezerd refuses links, FIFOs and devices. `trusted_owners` in `freezerd.toml`(5) names \
     further owners.",
    "In a key, `-` and `_` are the same. A number may be written as a text, and a text as a number. `null` unsets a key. \
     Keys that begin with `x-` or `_` are remarks. An unknown key is an error. A file has 1 MiB at most, and a job has 1000 \
     actions at most.",
];

/// What a schedule means.
pub const SCHEDULE: [&str; 5] = [
    "A schedule is of one kind. Keys of two kinds in one file are an error. Without a schedule, the job runs once, about two \
     seconds after freezerd first sees its file. With `schedule_date`, it runs once, at that time. With \
     `schedule_interval`, it runs again and again, with that much elapsed time between two starts. With any of \
     `schedule_year` to `schedule_second`, it runs at times of the wall clock.",
    "The job runs at the times that match all given fields. A field that is not given matches every value if it is larger \
     than the smallest given field, and only its first value if it is smaller. For example, `schedule_hour` alone means \
     that hour of every day, at minute 0.",
    "A field takes `*`, `*/n`, `a`, `a-b`, `a/n`, `a-b/n`, and lists of these with commas.",
    "Times are in the time zone of the job, or else of the host. If a time does not exist on a day, because the clock goes \
     forward, the job runs later by the length of the gap. If a time comes twice, because the clock goes back, the job runs \
     the first time.",
    "If occurrences were missed because the host was off or suspended, or because freezerd did not run, one run catches up \
     for all of them, unless `schedule_catch_up` says otherwise. If an occurrence becomes due while the job still runs, \
     freezerd skips it and records that.",
];

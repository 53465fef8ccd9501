//! Words of other backup programs, and what a job of freezerd has in their place: one table for all objects of a file.

use super::object::Object;
use crate::job::kind::WorkKind;

/// What a foreign word means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// One of these keys: the first one that the object, and the kind of work, has.
    Keys(&'static [&'static str]),
    /// A time, which the value names in another language.
    Time,
    /// What to do instead, as a clause.
    Instead(&'static str),
}

/// Words with one meaning. A word that ends in `*` stands for all words that begin so.
struct Habit {
    /// With blanks between them.
    words: &'static str,
    meaning: Meaning,
}

const fn keys(words: &'static str, keys: &'static [&'static str]) -> Habit {
    Habit {
        words,
        meaning: Meaning::Keys(keys),
    }
}

const fn instead(words: &'static str, text: &'static str) -> Habit {
    Habit {
        words,
        meaning: Meaning::Instead(text),
    }
}

/// The habits. The first row that has a word counts.
static HABITS: &[Habit] = &[
    keys(
        "repository repositories repo restic_repository destination dest borg_repository vault",
        &["container"],
    ),
    keys(
        "target to restore_to restore_path",
        &["restore_abs_path", "container"],
    ),
    keys(
        "password_file passfile pass_file key_file keyfile passphrase_file repository_password_file",
        &["encrypt_pass_file"],
    ),
    instead(
        "password encrypt_password passphrase encryption_passphrase encryption_password repo_password repository_password \
         restic_password borg_passphrase",
        "write the password into a file that only its user can read, and name that file: `\"encrypt_pass_file\": \"/etc/freezerd/password\"`",
    ),
    instead(
        "password_command encryption_passcommand passcommand passphrase_command",
        "the password of a container is in a file, `encrypt_pass_file`, which may be a credential of the service: `\"%d/NAME\"`",
    ),
    keys(
        "source sources source_directories source_directory source_dir source_paths paths path \
         directories directory dirs dir folders folder files backup_paths backup_path backup_source src \
         from",
        &["path_to_backup", "restore_from_path"],
    ),
    keys("include includes", &["restore_include", "path_to_backup"]),
    keys(
        "exclude_patterns exclude_pattern excludes excluded ignore ignores exclude_paths",
        &["exclude", "restore_exclude"],
    ),
    instead(
        "iexclude iexclude_patterns",
        "the key is `exclude` here, and it tells capitals from small letters: write `[Tt]humbs.db` for both",
    ),
    keys(
        "exclude_file exclude_files exclude_list excludes_file patterns_from",
        &["exclude_from"],
    ),
    keys(
        "follow_symlinks follow dereference",
        &["dereference_symlink"],
    ),
    keys("one_fs xdev one_filesystem", &["one_file_system"]),
    keys(
        "retention_days retention_period retention_time keep_days expire expire_after expiration \
         remove_all_older_than older_than",
        &["remove_older_than"],
    ),
    keys(
        "retention retention_policy forget_policy keep_policy",
        &["keep", "remove_older_than"],
    ),
    instead(
        "keep_*",
        "the rules are `keep_last`, `keep_hourly`, `keep_daily`, `keep_weekly`, `keep_monthly`, `keep_quarterly`, \
         `keep_yearly`, `keep_within` and `keep_tags`",
    ),
    instead(
        "forget auto_prune compact cleanup",
        "`remove_older_than` in a backup or in an action `admin` removes old snapshots, and `prune` says when their space is freed",
    ),
    instead(
        "check checks check_before check_after verify_after check_last",
        "add an action of its own: `\"action\": \"check\"`, with `read_data` for the content",
    ),
    keys(
        "name label archive_name archive_name_format snapshot_name archive",
        &["backup_name", "job_id"],
    ),
    keys("id title", &["job_id", "backup_name"]),
    keys("comment notes remark", &["description"]),
    keys("host machine client", &["hostname", "client_id"]),
    instead(
        "tag tags",
        "a snapshot has the tags of its run; `backup_name` is the name by which you find it",
    ),
    instead(
        "before_* pre_* run_before* on_start",
        "add an action before this one: `{\"freezer_action\": {\"action\": \"exec\", \"command\": \"…\"}}`. If it fails, those after it \
         do not run",
    ),
    instead(
        "after_* post_* run_after* run_finally on_error on_failure on_success hooks",
        "add an action `exec` after this one, with `\"mandatory\": true` beside `freezer_action`. It runs even after a failure, and \
         `FREEZERD_RESULT` tells it the result",
    ),
    keys(
        "notifications notification healthchecks mail email receivers",
        &["notify"],
    ),
    keys("cmd script run exec shell program commands", &["command"]),
    keys("type operation task kind", &["action"]),
    keys("actions steps tasks jobs backups", &["job_actions"]),
    keys(
        "limit_upload upload_rate_limit remote_rate_limit bwlimit rate_limit max_upload",
        &["upload_limit"],
    ),
    keys("limit_download max_download", &["download_limit"]),
    keys("compression_level compress", &["compression"]),
    keys(
        "max_attempts attempts retry retry_count max_retry",
        &["max_retries"],
    ),
    keys(
        "retry_wait retry_delay retry_interval retry_after",
        &["max_retries_interval"],
    ),
    instead(
        "retry_lock lock_wait lock_timeout schedule_lock_wait",
        "an action waits by itself for a container that another one uses, for up to six hours",
    ),
    instead(
        "nice ionice priority ionice_class ionice_level",
        "actions run at a low priority; `\"max_priority\": true` raises it",
    ),
    instead(
        "enabled disabled active enable disable paused",
        "to take a job off its schedule, write `\"status\": \"stop\"` in `job_schedule`, or run `freezerd stop`",
    ),
    keys("tz timezone time_zone", &["schedule_timezone"]),
    keys(
        "every frequency period interval repeat",
        &["schedule_interval"],
    ),
    keys(
        "weekday weekdays dow days_of_week day_of_week",
        &["schedule_day_of_week"],
    ),
    keys(
        "jitter random_delay randomized_delay randomizeddelaysec randomized_delay_sec",
        &["schedule_jitter"],
    ),
    keys(
        "catch_up persistent misfire_grace_time ignore_missed",
        &["schedule_catch_up"],
    ),
    Habit {
        words: "schedule cron crontab cron_expression schedule_cron oncalendar on_calendar time at run_at \
         daily_at when start_time backup_time",
        meaning: Meaning::Time,
    },
];

/// What an unknown key means. `-` and `_`, and capitals and small letters, are the same.
pub fn habit(written: &str) -> Option<Meaning> {
    let name = written.to_lowercase().replace(['-', ' ', '.'], "_");
    let is = |word: &str| match word.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == word,
    };
    HABITS
        .iter()
        .find(|habit| habit.words.split_whitespace().any(is))
        .map(|habit| habit.meaning)
}

impl Meaning {
    /// The key that is meant in an object, for a kind of work where that is known, and the object that has it. A key of the
    /// object itself comes first.
    pub fn key(self, object: Object, kind: Option<WorkKind>) -> Option<(&'static str, Object)> {
        let Meaning::Keys(names) = self else {
            return None;
        };
        let fits = |object: Object, name: &str| {
            object.find(name).is_some_and(|key| {
                object != Object::Action || kind.is_none_or(|kind| key.kinds.has(kind))
            })
        };
        let others = Object::ALL.into_iter().filter(|other| *other != object);
        std::iter::once(object).chain(others).find_map(|object| {
            let name = names.iter().find(|name| fits(object, name))?;
            Some((*name, object))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_habit_leads_to_a_key_that_exists_and_no_word_is_a_key_of_its_own_object() {
        for habit in HABITS {
            if let Meaning::Keys(names) = habit.meaning {
                for name in names {
                    assert!(
                        Object::ALL.iter().any(|object| object.find(name).is_some()),
                        "{name}"
                    );
                }
            }
            for word in habit.words.split_whitespace() {
                // In `keep`, tags are those of snapshots.
                for object in Object::ALL.into_iter().filter(|it| *it != Object::Keep) {
                    assert!(object.find(word).is_none(), "{word} is a key");
                }
            }
        }
    }

    #[test]
    fn a_word_stands_in_one_row_only() {
        let mut words: Vec<&str> = HABITS
            .iter()
            .flat_map(|habit| habit.words.split_whitespace())
            .collect();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
    }
}

//! The keys outside of `freezer_action`.

use super::{Key, Place, Shape, Standing, Works};

const ALL: Works = Works::ALL;

const STATUSES: &[(&str, &str)] = &[
    ("stop", "not on its schedule"),
    ("scheduled", "on its schedule"),
    ("running", "a run is going on"),
    ("aborting", "a run is being ended"),
    ("removed", "taken off for good"),
    ("completed", "the same as `stop`"),
];

const EVENTS: &[(&str, &str)] = &[
    (
        "stop",
        "finish a run that is going on, then leave the schedule",
    ),
    ("start", "go back on the schedule"),
    (
        "abort",
        "end a run that is going on, then leave the schedule",
    ),
    ("remove", "finish a run that is going on, then be gone"),
];

const RESULTS: &[(&str, &str)] = &[
    ("success", "every action succeeded"),
    ("fail", "an action failed"),
    ("aborted", "the run was aborted"),
];

const fn kept(name: &'static str, about: &'static str) -> Key {
    Key::new(name, Shape::Anything, ALL, about).standing(Standing::Kept)
}

const fn scheduled(name: &'static str, about: &'static str) -> Key {
    Key::new(name, Shape::Schedule, ALL, about)
}

/// The keys of the job itself.
pub const DOCUMENT_KEYS: &[Key] = &[
    Key::new(
        "job_id",
        Shape::JobId,
        ALL,
        "The job's name: letters, digits, `_` and `-`. Without it the file's name serves, less its ending and a \
         leading `job_`.",
    ),
    Key::new(
        "client_id",
        Shape::Text,
        ALL,
        "The only host that runs this job. Without it every host does that has the file.",
    ),
    Key::new("description", Shape::Text, ALL, "A line for people."),
    Key::new(
        "action_defaults",
        Shape::Object(Place::Action),
        ALL,
        "Keys that every `freezer_action` of this job has unless it says otherwise.",
    ),
    Key::new(
        "job_actions",
        Shape::Actions,
        ALL,
        "What is done, in this order.",
    )
    .aliases(&["job_action"])
    .required(ALL),
    Key::new(
        "job_schedule",
        Shape::Object(Place::Schedule),
        ALL,
        "When it is done. Without it: once, right after the file is first seen.",
    ),
    kept(
        "user_id",
        "Freezer's owner of the job. Kept, without effect.",
    ),
    kept(
        "project_id",
        "The owner's OpenStack project. Kept, without effect.",
    ),
    kept(
        "session_id",
        "Freezer's group of jobs that start together. Kept, without effect.",
    ),
    kept(
        "session_tag",
        "The number of the session's last start. Kept, without effect.",
    ),
    kept("session_name", "The session's name. Kept, without effect."),
    kept(
        "user_credentials",
        "Credentials for OpenStack. Kept, without effect.",
    ),
];

/// The keys of an entry of `job_actions`.
pub const ENTRY_KEYS: &[Key] = &[
    Key::new(
        "freezer_action",
        Shape::Object(Place::Action),
        ALL,
        "The action.",
    )
    .required(ALL),
    Key::new(
        "mandatory",
        Shape::Flag,
        ALL,
        "Run this action even though an earlier one failed.",
    )
    .default("false"),
    Key::new(
        "max_retries",
        Shape::Number {
            least: 0.0,
            most: 1_000_000.0,
            whole: true,
            unit: "attempts",
        },
        ALL,
        "How many more attempts are made after the first one failed.",
    )
    .aliases(&["retries"])
    .default("0"),
    Key::new(
        "max_retries_interval",
        Shape::Number {
            least: 0.0,
            most: 31_536_000.0,
            whole: false,
            unit: "seconds",
        },
        ALL,
        "The wait between two attempts, in seconds.",
    )
    .aliases(&["max_retry_interval"])
    .default("60"),
    Key::new(
        "timeout",
        Shape::Number {
            least: 1.0,
            most: 315_360_000.0,
            whole: false,
            unit: "seconds",
        },
        ALL,
        "An attempt that takes longer than so many seconds is ended, and has failed.",
    ),
    Key::new(
        "stall_timeout",
        Shape::Number {
            least: 0.0,
            most: 315_360_000.0,
            whole: false,
            unit: "seconds",
        },
        ALL,
        "An attempt that shows no progress for so many seconds is ended, and has failed. Of a command its output counts, \
         of everything else what it reads, writes or begins; waiting for a container does not count against it. 0: \
         never. Without it: as the daemon's `stall_timeout` says.",
    ),
    kept(
        "exit_status",
        "How the action ended when Freezer last ran it. Kept, without effect.",
    ),
    kept(
        "action_id",
        "The action's id in Freezer's API. Kept, without effect.",
    ),
    kept(
        "user_id",
        "The action's owner in Freezer's API. Kept, without effect.",
    ),
    kept(
        "project_id",
        "The owner's OpenStack project. Kept, without effect.",
    ),
];

/// The keys of `job_schedule`.
pub const SCHEDULE_KEYS: &[Key] = &[
    scheduled("schedule_date", "Run once, at this moment: `2026-06-02T16:20:00`, in the job's zone unless it names another.")
        .aliases(&["schedule_time"]),
    scheduled("schedule_interval", "Run every so often: `continuous`, or a number and a unit, as `1 days` or `30 minutes`."),
    scheduled("schedule_start_date", "No run of an interval or a calendar before this moment; an interval counts from here."),
    scheduled("schedule_end_date", "No run of an interval or a calendar after this moment."),
    scheduled("schedule_year", "The years: four digits, lists and ranges."),
    scheduled("schedule_month", "The months: 1 to 12 or jan to dec, lists, ranges and steps."),
    scheduled("schedule_day", "The days of the month: 1 to 31, `last`, `2nd fri`, or names of weekdays."),
    scheduled("schedule_week", "The weeks of the year after ISO 8601: 1 to 53."),
    scheduled("schedule_day_of_week", "The weekdays: 0 (Monday) to 6, or mon to sun."),
    scheduled("schedule_hour", "The hours: 0 to 23."),
    scheduled("schedule_minute", "The minutes: 0 to 59."),
    scheduled("schedule_second", "The seconds: 0 to 59."),
    scheduled("schedule_timezone", "The zone that this job's times are in, as `Europe/Berlin`. Without it: the host's."),
    scheduled(
        "schedule_catch_up",
        "What is done about runs that were missed: `once` (one run for all of them), `skip`, or a duration such as \
         `6 hours`: one run, if it is no later than that.",
    )
    .default("\"once\""),
    scheduled("schedule_jitter", "Start later by up to this duration: by how much is fixed for each host and job."),
    Key::new("status", Shape::Words(STATUSES), ALL, "Where the job starts from when this content is first seen."),
    Key::new("event", Shape::Words(EVENTS), ALL, "What is to happen to the job, once, when this content is first seen."),
    Key::new("result", Shape::Words(RESULTS), ALL, "How the last run went before this content was first seen."),
    Key::new("time_created", Shape::Timestamp, ALL, "When the job was made, in seconds since 1970."),
    Key::new("time_started", Shape::Timestamp, ALL, "When its last run started, in seconds since 1970."),
    Key::new("time_ended", Shape::Timestamp, ALL, "When its last run ended, in seconds since 1970; 0 while it runs."),
    kept("current_pid", "The process that Freezer ran the job in. Kept, without effect."),
];

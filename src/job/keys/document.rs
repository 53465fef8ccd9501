//! The keys outside of `freezer_action`: those of the job, of an entry and of the schedule.

use super::key::{Key, Support};
use super::object::Object;
use super::shape::{Bounds, Shape};
use crate::job::kind::WorkKinds;
use crate::job::state::{Event, JobResult, Status};
use crate::job::words::words;

const ALL: WorkKinds = WorkKinds::ALL;

const STATUSES: [(&str, &str); Status::WORDS.len()] = words(Status::WORDS);
const EVENTS: [(&str, &str); Event::WORDS.len()] = words(Event::WORDS);
const RESULTS: [(&str, &str); JobResult::WORDS.len()] = words(JobResult::WORDS);

const fn kept(name: &'static str, about: &'static str) -> Key {
    Key::new(name, Shape::Anything, ALL, about).support(Support::Kept)
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
        "The name of the job: letters, digits, `_` and `-`. Default: the name of the file without its ending and \
         without a `job_` at its beginning.",
    )
    .example("\"nightly\""),
    Key::new(
        "client_id",
        Shape::Text,
        ALL,
        "The only host that runs this job. Default: every host that has the file.",
    )
    .example("\"web1\""),
    Key::new("description", Shape::Text, ALL, "A line for the reader.")
    .example("\"The home directories, every night\""),
    Key::new(
        "action_defaults",
        Shape::Object(Object::Action),
        ALL,
        "Keys for every `freezer_action` of this job that does not set them itself.",
    )
    .example("{\"container\": \"main\"}"),
    Key::new(
        "job_actions",
        Shape::Actions,
        ALL,
        "The actions, in the order in which they run.",
    )
    .aliases(&["job_action"])
    .required(ALL, "[{\"freezer_action\": {…}}]"),
    Key::new(
        "job_schedule",
        Shape::Object(Object::Schedule),
        ALL,
        "When the job runs. Default: once, right after the file is first seen.",
    )
    .example("{\"schedule_hour\": \"3\"}"),
    Key::new(
        "max_age",
        Shape::Duration,
        ALL,
        "How old the last success of the job may become, as a number and a unit. A job that has not succeeded for longer \
         is overdue: `list`, `status`, `doctor` and the metrics say so. A `partial` run and a run with `dry_run` are not \
         successes. Before the first success, the time counts from when freezerd first saw the job.",
    )
    .example("\"26 hours\""),
    Key::new(
        "notify",
        Shape::Receivers,
        ALL,
        "Who is told of this job: the names of receivers in `freezerd.toml`, or `false` for nobody. Default: all of them.",
    )
    .example("[\"admins\"]"),
    kept(
        "user_id",
        "The owner of the job in Freezer. Kept, without effect.",
    ),
    kept(
        "project_id",
        "The OpenStack project of the owner. Kept, without effect.",
    ),
    kept(
        "session_id",
        "A group of jobs that Freezer starts together. Kept, without effect.",
    ),
    kept(
        "session_tag",
        "The number of the last start of the session. Kept, without effect.",
    ),
    kept(
        "session_name",
        "The name of the session. Kept, without effect.",
    ),
    kept(
        "user_credentials",
        "Credentials for OpenStack. Kept, without effect.",
    ),
];

/// The keys of an entry of `job_actions`.
pub const ENTRY_KEYS: &[Key] = &[
    Key::new(
        "freezer_action",
        Shape::Object(Object::Action),
        ALL,
        "The action.",
    )
    .required(ALL, "{…}"),
    Key::new(
        "mandatory",
        Shape::Flag,
        ALL,
        "Run this action even if an earlier one failed or was aborted. A second abort ends it, too.",
    )
    .example("true")
    .default("false"),
    Key::new(
        "max_retries",
        Shape::Number(Bounds {
            least: 0.0,
            most: 1_000_000.0,
            whole: true,
            unit: "attempts",
        }),
        ALL,
        "How many more attempts follow when the first one fails.",
    )
    .example("3")
    .aliases(&["retries"])
    .default("0"),
    Key::new(
        "max_retries_interval",
        Shape::Number(Bounds {
            least: 0.0,
            most: 31_536_000.0,
            whole: false,
            unit: "seconds",
        }),
        ALL,
        "The wait between two attempts, in seconds.",
    )
    .example("300")
    .aliases(&["max_retry_interval"])
    .default("60"),
    Key::new(
        "timeout",
        Shape::Number(Bounds {
            least: 1.0,
            most: 315_360_000.0,
            whole: false,
            unit: "seconds",
        }),
        ALL,
        "An attempt that takes more than this number of seconds is ended, and fails.",
    )
    .example("7200"),
    Key::new(
        "stall_timeout",
        Shape::Number(Bounds {
            least: 0.0,
            most: 315_360_000.0,
            whole: false,
            unit: "seconds",
        }),
        ALL,
        "An attempt that shows no progress for this number of seconds is ended, and fails. The progress of a command is \
         its output. The progress of other actions is what they read, write or begin. The time in which an action waits \
         for a container does not count. 0: no limit. Default: the `stall_timeout` of the daemon.",
    )
    .example("1800"),
    kept(
        "exit_status",
        "How the action ended when Freezer last ran it. Kept, without effect.",
    ),
    kept(
        "action_id",
        "The id of the action in the API of Freezer. Kept, without effect.",
    ),
    kept(
        "user_id",
        "The owner of the action in the API of Freezer. Kept, without effect.",
    ),
    kept(
        "project_id",
        "The OpenStack project of the owner. Kept, without effect.",
    ),
];

/// The keys of `job_schedule`.
pub const SCHEDULE_KEYS: &[Key] = &[
    scheduled("schedule_date", "Run once, at this moment: `2026-06-02T16:20:00`, in the zone of the job unless the value names another.")
    .example("\"2027-06-02T16:20:00\"")
        .aliases(&["schedule_time"]),
    scheduled("schedule_interval", "Run at this interval: `continuous`, or a number and a unit, for example `1 day` or `30 minutes`.")
    .example("\"6 hours\""),
    scheduled("schedule_start_date", "An interval or a calendar starts at this moment. The interval counts from it.")
    .example("\"2027-01-01T02:00:00\""),
    scheduled("schedule_end_date", "An interval or a calendar ends at this moment.")
    .example("\"2027-12-31T23:59:59\""),
    scheduled("schedule_year", "The years: four digits, lists and ranges.")
    .example("\"2027-2030\""),
    scheduled("schedule_month", "The months: 1 to 12 or jan to dec, lists, ranges and steps.")
    .example("\"1,7\""),
    scheduled("schedule_day", "The days of the month: 1 to 31, `last`, `2nd fri`, or names of weekdays.")
    .example("\"last\""),
    scheduled("schedule_week", "The weeks of the year according to ISO 8601: 1 to 53.")
    .example("\"*/2\""),
    scheduled("schedule_day_of_week", "The weekdays: 0 (Monday) to 6, or mon to sun.")
    .example("\"mon-fri\""),
    scheduled("schedule_hour", "The hours: 0 to 23.")
    .example("\"3\""),
    scheduled("schedule_minute", "The minutes: 0 to 59.")
    .example("\"*/15\""),
    scheduled("schedule_second", "The seconds: 0 to 59.")
    .example("\"30\""),
    scheduled("schedule_timezone", "The time zone of this job, for example `Europe/Berlin`. Default: the zone of the host.")
    .example("\"Europe/Berlin\""),
    scheduled(
        "schedule_catch_up",
        "What happens after runs were missed: `once` (one run for all of them), `skip`, or a duration such as `6 hours` \
         (one run, if it is not later than that).",
    )
    .example("\"6 hours\"")
    .default("\"once\""),
    scheduled("schedule_jitter", "Delay the start by up to this duration. The delay is fixed for each host and job.")
    .example("\"20 minutes\""),
    Key::new("status", Shape::Words(&STATUSES), ALL, "The state that the job starts from when this content is first seen.")
    .example("\"stop\""),
    Key::new("event", Shape::Words(&EVENTS), ALL, "What happens to the job, once, when this content is first seen.")
    .example("\"start\""),
    Key::new("result", Shape::Words(&RESULTS), ALL, "How the last run ended before this content was first seen.")
    .example("\"success\""),
    Key::new("time_created", Shape::Timestamp, ALL, "When the job was created, in seconds since 1970.")
    .example("1767225600"),
    Key::new("time_started", Shape::Timestamp, ALL, "When its last run started, in seconds since 1970.")
    .example("1767225600"),
    Key::new("time_ended", Shape::Timestamp, ALL, "When its last run ended, in seconds since 1970; 0 while it runs.")
    .example("1767229200"),
    kept("current_pid", "The process in which Freezer ran the job. Kept, without effect."),
];

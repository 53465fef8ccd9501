//! The job file for the answers of a user: a pure function.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::schedule::fault::Field;
use crate::schedule::habits;

/// What the new job does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub name: String,
    /// Absolute paths; at least one.
    pub paths: Vec<PathBuf>,
    pub exclude: Vec<String>,
    pub container: String,
    /// `None`: the container is on this host.
    pub storage: Option<String>,
    pub password_file: PathBuf,
    /// Hour and minute. `None`: the job runs at an interval.
    pub at: Option<(u32, u32)>,
    /// Weekdays, as `schedule_day_of_week` takes them. `None`: every day.
    pub days: Option<String>,
    /// As `schedule_interval` takes it.
    pub every: Option<String>,
    /// The age in days at which snapshots are removed. `None`: they stay.
    pub keep: Option<u32>,
}

/// What a backup of `/` leaves out: other disks that are mounted for a while, and temporary files.
const OF_A_WHOLE_SERVER: [&str; 5] = ["/mnt/*", "/media/*", "/run/*", "/tmp/*", "/var/tmp/*"];

impl Answers {
    /// Whether everything on the server is backed up.
    pub fn is_whole_server(&self) -> bool {
        self.paths.iter().any(|path| path == Path::new("/"))
    }
}

/// Returns the text of the job file.
pub fn document(answers: &Answers) -> String {
    let mut action = Map::new();
    let mut set = |key: &str, value: Value| action.insert(key.to_owned(), value);
    set("action", json!("backup"));
    let paths: Vec<String> = answers
        .paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    set(
        "path_to_backup",
        match paths.as_slice() {
            [path] => json!(path),
            several => json!(several),
        },
    );
    set("backup_name", json!(answers.name));
    set("container", json!(answers.container));
    if let Some(storage) = &answers.storage {
        set("storage", json!(storage));
    }
    set("encrypt_pass_file", json!(answers.password_file));
    let mut exclude: Vec<&str> = match answers.is_whole_server() {
        true => OF_A_WHOLE_SERVER.to_vec(),
        false => Vec::new(),
    };
    exclude.extend(answers.exclude.iter().map(String::as_str));
    if !exclude.is_empty() {
        set("exclude", json!(exclude));
    }
    set("exclude_caches", json!(true));
    if let Some(days) = answers.keep {
        set("remove_older_than", json!(days));
    }
    let mut schedule = Map::new();
    if let Some(every) = &answers.every {
        schedule.insert("schedule_interval".to_owned(), json!(every));
    }
    if let Some(days) = &answers.days {
        schedule.insert("schedule_day_of_week".to_owned(), json!(days));
    }
    if let Some((hour, minute)) = answers.at {
        schedule.insert("schedule_hour".to_owned(), json!(hour.to_string()));
        schedule.insert("schedule_minute".to_owned(), json!(minute.to_string()));
    }
    let job = json!({
        "job_actions": [{"freezer_action": action, "max_retries": 3}],
        "job_schedule": schedule,
    });
    format!("{job:#}\n")
}

/// A name for the job, from the first path: `etc` for `/etc`, `root` for `/`. What a name cannot have becomes a `-`. Where
/// nothing is left, the directory above gives the name: `srv` for `/srv/ü`.
pub fn name_of(paths: &[PathBuf]) -> String {
    let Some(path) = paths.first().filter(|path| path.file_name().is_some()) else {
        return "root".to_owned();
    };
    let mut names = path.ancestors().filter_map(|it| fitting(it.file_name()?));
    names.next().unwrap_or_else(|| "backup".to_owned())
}

/// Whether the name says the same as the first path.
pub fn is_plain_name_of(name: &str, paths: &[PathBuf]) -> bool {
    let last = paths.first().and_then(|path| path.file_name());
    last.is_none_or(|last| last == name)
}

/// What is left of a name of a file in the name of a job.
fn fitting(name: &OsStr) -> Option<String> {
    let fit = |it: char| match it {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => it,
        _ => '-',
    };
    let name: String = name.to_string_lossy().chars().map(fit).collect();
    let name = name.trim_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Reads a time of day in any form that has a translation: `3:25`, `3am`, `25 3 * * *`.
///
/// # Errors
/// When the text is not a time of day. The error says what to write.
pub fn time_of_day(text: &str) -> Result<(u32, u32), String> {
    let fields = habits::translated(text).unwrap_or_default();
    let value = |wanted| {
        let mut fields = fields.iter();
        fields.find_map(|(field, value)| (*field == wanted).then_some(value.as_str()))
    };
    let number = |value: Option<&str>| value.and_then(|value| value.parse::<u32>().ok());
    // An hour without a minute is a full hour.
    let minute = number(value(Field::Minute).or(Some("0")));
    let time = number(value(Field::Hour)).zip(minute);
    let has_only = |known: &[Field]| fields.iter().all(|(field, _)| known.contains(field));
    let wrong = |help: String| Err(format!("{text:?} is not a time of day: {help}"));
    match (time, value(Field::Interval), value(Field::DayOfWeek)) {
        (Some(time), ..) if has_only(&[Field::Hour, Field::Minute]) => Ok(time),
        (_, Some(interval), _) => wrong(format!("`--every '{interval}'` runs the job so often")),
        (Some((hour, minute)), _, Some(days))
            if has_only(&[Field::Hour, Field::Minute, Field::DayOfWeek]) =>
        {
            wrong(format!("write `--days {days} --at {hour:02}:{minute:02}`"))
        }
        _ => wrong("write the hour and the minute, such as 03:25".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_gets_the_name_of_its_first_path() {
        for (path, name, is_plain) in [
            ("/etc", "etc", true),
            ("/", "root", true),
            ("/srv/my shop", "my-shop", false),
            ("/srv/ä", "srv", false),
            ("/srv/ä/ö", "srv", false),
            ("/srv/grün", "gr-n", false),
            ("/ü", "backup", false),
        ] {
            let paths = [PathBuf::from(path)];
            assert_eq!(name_of(&paths), name);
            assert_eq!(is_plain_name_of(name, &paths), is_plain, "{path}");
        }
    }

    #[test]
    fn a_time_of_day_has_an_hour_and_may_have_a_minute() {
        for (text, time) in [
            ("03:25", (3, 25)),
            (" 23:59 ", (23, 59)),
            ("3am", (3, 0)),
            ("3:25 PM", (15, 25)),
            ("midnight", (0, 0)),
            ("25 3 * * *", (3, 25)),
        ] {
            assert_eq!(time_of_day(text), Ok(time), "{text}");
        }
        for (text, help) in [
            ("24:00", "such as 03:25"),
            ("3", "such as 03:25"),
            ("3:60", "such as 03:25"),
            ("3:25:30", "such as 03:25"),
            ("3:5pm ish", "such as 03:25"),
            ("+3:10", "such as 03:25"),
            ("hourly", "such as 03:25"),
            ("*/15 3 * * *", "such as 03:25"),
            ("@monthly", "such as 03:25"),
            ("", "such as 03:25"),
            ("6h", "`--every '6 hours'`"),
            ("Mon..Fri 05:00", "`--days mon-fri --at 05:00`"),
            ("25 3 * * 1-5", "`--days mon-fri --at 03:25`"),
        ] {
            let wrong = time_of_day(text).unwrap_err();
            assert!(wrong.contains(help), "{text}: {wrong}");
        }
    }
}

//! The job file for the answers of a user: a pure function.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

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

/// A name for the job, from the first path: `etc` for `/etc`, `root` for `/`.
pub fn name_of(paths: &[PathBuf]) -> String {
    let last = paths.first().and_then(|path| path.file_name());
    let name: String = last
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
        .chars()
        .map(|it| match it {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => it,
            _ => '-',
        })
        .collect();
    match name.trim_matches('-') {
        "" => "root".to_owned(),
        name => name.to_owned(),
    }
}

/// Reads a time of day, as `3:25`. `None`: it is not one.
pub fn time_of_day(text: &str) -> Option<(u32, u32)> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str, most: u32| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        let number: u32 = digits.then(|| text.parse().ok()).flatten()?;
        (number <= most).then_some(number)
    };
    Some((number(hour, 23)?, number(minute, 59)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_gets_the_name_of_its_first_path() {
        for (path, name) in [
            ("/etc", "etc"),
            ("/", "root"),
            ("/srv/my shop", "my-shop"),
            ("/srv/ä", "root"),
        ] {
            assert_eq!(name_of(&[path.into()]), name);
        }
    }

    #[test]
    fn a_time_of_day_has_an_hour_and_a_minute() {
        assert_eq!(time_of_day("03:25"), Some((3, 25)));
        assert_eq!(time_of_day(" 23:59 "), Some((23, 59)));
        for wrong in ["24:00", "3", "3:60", "3:5pm", "+3:10", "", ":"] {
            assert_eq!(time_of_day(wrong), None, "{wrong}");
        }
    }
}

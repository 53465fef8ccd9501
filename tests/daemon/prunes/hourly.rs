//! A host with an hourly backup, and a clock that a test sets.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Clock, Host, every};

/// A host with an hourly backup that keeps one snapshot. Its source has 400 KB that stay, and 4 KB that change.
pub struct Hourly {
    clock: Clock,
    pub now: DateTime<Utc>,
    runs: u64,
}

/// Bytes that zstd cannot make smaller.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| byte()).collect()
}

impl Hourly {
    /// `None`: the clock cannot be set here.
    pub fn new(keys: &Value, settings: &[(&str, &str)]) -> Option<Hourly> {
        let now = "2040-06-04T00:30:00Z".parse().expect("an instant");
        let mut clock = Clock::at(now)?;
        for (name, value) in settings {
            clock.host = clock.host.env(name, value);
        }
        let host = &clock.host;
        fs::create_dir(host.path("source")).expect("a directory");
        fs::write(host.path("source/base"), noise(0, 400_000)).expect("a file");
        host.file("pass", "secret");
        let mut job = every("1 hours", vec![action(host, keys)]);
        job["job_schedule"]["schedule_timezone"] = json!("Asia/Tokyo");
        host.put("www", job);
        host.once();
        let runs = 0;
        Some(Hourly { clock, now, runs })
    }

    pub fn host(&self) -> &Host {
        &self.clock.host
    }

    /// Lets so much time pass.
    pub fn wait(&mut self, time: TimeDelta) {
        self.now += time;
        self.clock.set(self.now);
    }

    /// Makes a run that is due, so much later, and returns its log.
    pub fn run(&mut self, later: TimeDelta) -> String {
        self.wait(later);
        self.change();
        self.host().once().exits(0);
        self.log()
    }

    pub fn change(&mut self) {
        self.runs += 1;
        let file = self.host().path("source/new");
        fs::write(file, noise(self.runs, 4000)).expect("a file");
    }

    /// The log of the newest run.
    pub fn log(&self) -> String {
        self.host().freezerd(&["log", "www"]).exits(0).stdout()
    }

    /// What `restic check` says: nothing is missing, and nothing is broken.
    pub fn check(&self) {
        let ran = Command::new("restic")
            .args(["--no-cache", "check", "--read-data", "--repo"])
            .arg(self.host().path("container"))
            .arg("--password-file")
            .arg(self.host().path("pass"))
            .output();
        match ran {
            Ok(ran) => assert!(ran.status.success(), "{ran:?}"),
            Err(error) => println!("SKIPPED: restic: {error}"),
        }
    }

    /// What the only container of the job knows of its prunes, as `why` says it, and the sentence on it.
    pub fn why(&self) -> (Value, String) {
        let why = self.host().json(&["why", "www"]);
        let sentences = why["next"].as_array().expect("sentences").iter();
        let place = self.host().path("container").display().to_string();
        let mut sentences = sentences.filter_map(|it| it.as_str());
        let sentence = sentences.find(|it| it.contains(&place));
        let [prune] = why["prunes"].as_array().expect("a list").as_slice() else {
            panic!("{why:#}")
        };
        (prune.clone(), sentence.unwrap_or_default().to_owned())
    }

    pub fn snapshots(&self) -> usize {
        fs::read_dir(self.host().path("container/snapshots"))
            .expect("the snapshots")
            .count()
    }

    /// The bytes of all packs.
    pub fn size(&self) -> u64 {
        size(&self.host().path("container/data"))
    }
}

fn size(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).expect("a directory");
    let sizes = entries.map(|entry| {
        let entry = entry.expect("an entry");
        match entry.file_type().expect("a type").is_dir() {
            true => size(&entry.path()),
            false => entry.metadata().expect("a file").len(),
        }
    });
    sizes.sum()
}

/// The backup, with more keys.
pub fn action(host: &Host, keys: &Value) -> Value {
    let mut action = json!({
        "action": "backup", "path_to_backup": host.path("source"), "backup_name": "www",
        "container": host.path("container"), "encrypt_pass_file": host.path("pass"), "keep_last": 1,
    });
    let keys = keys.as_object().expect("an object").clone();
    action.as_object_mut().expect("an object").extend(keys);
    json!({ "freezer_action": action })
}

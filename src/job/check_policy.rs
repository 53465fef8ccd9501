//! The checks that nobody has to write: each container that a backup goes to is checked, unless a job of the host checks
//! it. Such a check is a job like others, with a document of its own. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::decode::{self, Fields};
use super::encoding::text;
use super::json::{self, Value};
use super::keys::Object;
use super::kind::WorkKind;
use super::parse::{action_nodes, job_node, object};
use super::share::ReadData;
use super::values::ValueReader;
use super::window::Window;
use super::{Host, derived_id, entry};
use crate::location::Location;

/// How the containers of a host are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckPolicy {
    pub every: Every,
    pub data: DataWithin,
    pub window: Window,
}

/// How often the structure is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    Day,
    Week,
    Month,
}

/// Within which time all data is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataWithin {
    /// Within [`DataWithin::BY_ITSELF`], where reading costs nothing.
    Auto,
    Never,
    Time(Duration),
}

/// A check that the policy makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingCheck {
    /// In the place of the name of a file. No job file has such a name.
    pub name: String,
    pub job_id: String,
    /// The document of the job.
    pub document: Vec<u8>,
}

/// What the name of such a check begins with.
const NAME: &str = "(a check that the settings ask for: ";

/// Whether this stands in the place of the name of a file, for a check of the policy.
pub fn is_standing_check(file: &str) -> bool {
    file.starts_with(NAME)
}

impl DataWithin {
    /// For containers on this host and on servers that are paid for by the month.
    pub const BY_ITSELF: Duration = Duration::from_secs(90 * 24 * 60 * 60);
}

impl Every {
    /// The longest time between two checks.
    pub fn longest(self) -> Duration {
        let days = match self {
            Every::Day => 1,
            Every::Week => 7,
            Every::Month => 31,
        };
        Duration::from_secs(days * 24 * 60 * 60)
    }
}

/// The checks of the containers that these jobs back up to. A job is the name of its file and its content.
pub fn standing_checks<'a>(
    policy: CheckPolicy,
    jobs: impl Iterator<Item = (&'a str, &'a [u8])>,
    host: &Host,
) -> Vec<StandingCheck> {
    let mut containers = BTreeMap::new();
    let mut checked = BTreeSet::new();
    for (file, bytes) in jobs {
        read(file, bytes, host, &mut containers, &mut checked);
    }
    containers.retain(|location, _| !checked.contains(location));
    let mut checks: Vec<StandingCheck> = Vec::new();
    for (location, keys) in containers {
        checks.push(check(policy, &location, keys));
    }
    checks
}

/// Adds the containers of a job's backups, each with the keys that name it, and those that it checks itself.
fn read(
    file: &str,
    bytes: &[u8],
    host: &Host,
    containers: &mut BTreeMap<Location, Map<String, Json>>,
    checked: &mut BTreeSet<Location>,
) {
    let mut values = ValueReader::new(host, file);
    let Some(text) = text(bytes, &mut values) else {
        return;
    };
    let document = json::read(&text);
    let Some(node) = document
        .root
        .as_ref()
        .and_then(|root| job_node(root, &mut values))
    else {
        return;
    };
    let fields = decode::fields(node, Object::Job, None, &mut values.diagnostics);
    let defaults = object(&fields, "action_defaults", Object::Action, &mut values);
    for node in action_nodes(&fields, &mut values) {
        let Some(entry) = entry::entry(node, &defaults, &mut values) else {
            continue;
        };
        match entry.kind {
            Some(WorkKind::Backup) => {
                add(&entry.action, &mut values, containers);
                let targets = entry.action.set("targets");
                if let Some(Value::List(nodes)) = targets.map(|field| &field.node.value) {
                    for node in nodes {
                        let target =
                            decode::fields(node, Object::Target, None, &mut values.diagnostics);
                        add(&target, &mut values, containers);
                    }
                }
            }
            Some(WorkKind::Check) => {
                checked.extend(values.container(&entry.action).map(|it| it.location));
            }
            _ => {}
        }
    }
}

/// Adds the container that the fields name. Of several backups to it, the first counts.
fn add(
    fields: &Fields<'_>,
    values: &mut ValueReader<'_>,
    containers: &mut BTreeMap<Location, Map<String, Json>>,
) {
    let Some(container) = values.container(fields) else {
        return;
    };
    let names_it = |name: &str| matches!(name, "storage" | "container" | "encrypt_pass_file");
    let keys = fields
        .iter()
        .filter(|field| names_it(field.key.name) || field.key.of_storage.is_some())
        .map(|field| (field.key.name.to_owned(), field.node.to_json()))
        .collect();
    containers.entry(container.location).or_insert(keys);
}

fn check(policy: CheckPolicy, location: &Location, mut keys: Map<String, Json>) -> StandingCheck {
    let place = location.to_string();
    let hash = Sha256::digest(place.as_bytes());
    // The path without what all paths have, and a part of the hash, because two may look the same without it.
    let stem = derived_id(place.trim_matches('/'));
    let stem: String = stem.chars().take(100).collect();
    let job_id = format!("check-{stem}-{:02x}{:02x}", hash[0], hash[1]);
    let parts = parts(policy, location);
    keys.insert("action".to_owned(), json!("check"));
    // The first backup may be weeks away.
    keys.insert("allow_missing".to_owned(), json!(true));
    match parts {
        None => {}
        Some(1) => drop(keys.insert("read_data".to_owned(), json!(true))),
        Some(parts) => drop(keys.insert("read_data_parts".to_owned(), json!(parts))),
    }
    let document = json!({
        "job_id": job_id,
        "description": "A check that the settings check_every and check_data_within ask for",
        "job_schedule": schedule(policy, &hash),
        "job_actions": [{"freezer_action": keys}],
    });
    StandingCheck {
        name: format!("{NAME}{place})"),
        job_id,
        document: document.to_string().into_bytes(),
    }
}

/// Into how many parts the data is divided, so that all of it is read in time; `None`: it is not read.
fn parts(policy: CheckPolicy, location: &Location) -> Option<u32> {
    let within = match (policy.data, location) {
        (DataWithin::Never, _) => return None,
        (DataWithin::Time(time), _) => time,
        // The traffic may have a price.
        (DataWithin::Auto, Location::S3(_) | Location::Swift(_) | Location::Rclone(_)) => {
            return None;
        }
        (
            DataWithin::Auto,
            Location::Local(_) | Location::Sftp(_) | Location::Ftp(_) | Location::Rest(_),
        ) => DataWithin::BY_ITSELF,
    };
    let parts = within.as_secs() / policy.every.longest().as_secs();
    // The settings refuse a time that is shorter than the period. A number that is too large is the nearest that is possible.
    let parts = u32::try_from(parts).unwrap_or(ReadData::MOST_PARTS);
    Some(parts.clamp(1, ReadData::MOST_PARTS))
}

/// One start in each period. Containers differ in the day, and hosts and containers in the time within the window.
fn schedule(policy: CheckPolicy, hash: &[u8]) -> Json {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let Window { start, length } = policy.window;
    let mut schedule = json!({
        "schedule_hour": (start / 60).to_string(),
        "schedule_minute": (start % 60).to_string(),
        // The end of the window is not in it.
        "schedule_jitter": format!("{} seconds", u64::from(length) * 60 - 1),
    });
    match policy.every {
        Every::Day => {}
        Every::Week => schedule["schedule_day_of_week"] = json!(DAYS[usize::from(hash[2] % 7)]),
        Every::Month => schedule["schedule_day"] = json!((hash[2] % 28 + 1).to_string()),
    }
    schedule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::action::Work;
    use crate::job::parse;
    use crate::samples;
    use crate::schedule::zone::Zone;

    const POLICY: CheckPolicy = CheckPolicy {
        every: Every::Week,
        data: DataWithin::Auto,
        window: Window {
            start: 60,
            length: 240,
        },
    };

    fn utc_host() -> Host {
        samples::host(Zone::utc())
    }

    fn checks(policy: CheckPolicy, jobs: &[Json]) -> Vec<StandingCheck> {
        let bytes: Vec<Vec<u8>> = jobs.iter().map(|it| it.to_string().into_bytes()).collect();
        let jobs = bytes.iter().map(|bytes| ("a.json", bytes.as_slice()));
        standing_checks(policy, jobs, &utc_host())
    }

    fn backup(container: &str) -> Json {
        json!({"job_actions": [{"freezer_action": {
            "action": "backup", "path_to_backup": "/srv", "backup_name": "srv", "container": container,
            "encrypt_pass_file": "/etc/pass", "exclude": ["x"],
        }}]})
    }

    fn document(check: &StandingCheck) -> Json {
        serde_json::from_slice(&check.document).unwrap()
    }

    #[test]
    fn each_container_of_a_backup_has_one_check_with_its_password() {
        let mut second = backup("/mnt/usb");
        second["job_actions"][0]["freezer_action"]["targets"] =
            json!([{"container": "/mnt/third", "encrypt_pass_file": "/etc/other"}]);
        let checks = checks(POLICY, &[backup("/backup"), backup("/backup"), second]);
        assert_eq!(checks.len(), 3);
        for check in &checks {
            let parsed = parse(&check.document, &check.name, &utc_host());
            assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
            let job = parsed.job.unwrap();
            assert_eq!(job.id, check.job_id);
            let Work::Check(work) = &job.actions[0].action.work else {
                panic!("{job:?}");
            };
            assert_eq!(work.read_data, ReadData::Rolling { rolling: 12 });
            let third = work.container.location == Location::Local("/mnt/third".into());
            let pass_file = if third { "/etc/other" } else { "/etc/pass" };
            assert_eq!(
                work.container.pass_file.as_deref().unwrap().to_str(),
                Some(pass_file)
            );
        }
        assert_eq!(
            document(&checks[0])["job_actions"][0]["freezer_action"]["container"],
            "/backup"
        );
        assert!(checks[0].job_id.starts_with("check-backup-"), "{checks:?}");
    }

    #[test]
    fn a_container_that_a_job_checks_has_no_other_check() {
        let own = json!({"job_actions": [{"freezer_action": {"action": "check", "container": "/backup"}}]});
        assert_eq!(checks(POLICY, &[backup("/backup"), own]), []);
        let restore = json!({"job_actions": [{"freezer_action": {
            "action": "restore", "backup_name": "srv", "restore_abs_path": "/t", "container": "/other"}}]});
        assert_eq!(checks(POLICY, &[restore]), []);
    }

    #[test]
    fn all_data_is_read_in_time_whatever_the_period() {
        for (every, data, expected) in [
            (Every::Week, DataWithin::Never, json!({})),
            (Every::Day, DataWithin::Auto, json!({"read_data_parts": 90})),
            (
                Every::Month,
                DataWithin::Auto,
                json!({"read_data_parts": 2}),
            ),
            (
                Every::Week,
                DataWithin::Time(Duration::from_secs(13 * 86_400)),
                json!({"read_data": true}),
            ),
            (
                Every::Day,
                DataWithin::Time(Duration::from_secs(86_400 * 36_500)),
                json!({"read_data_parts": 1000}),
            ),
        ] {
            let policy = CheckPolicy {
                every,
                data,
                ..POLICY
            };
            let made = document(&checks(policy, &[backup("/backup")])[0]);
            let action = &made["job_actions"][0]["freezer_action"];
            for key in ["read_data", "read_data_parts"] {
                assert_eq!(action.get(key), expected.get(key), "{policy:?}");
            }
        }
    }
}

//! Records and requests as version 0.1.0 wrote them, when the place of a container was a plain path. They are read as
//! before, and written byte for byte the same.

use std::collections::BTreeSet;
use std::path::Path;

use freezerd::job::action::Work;
use freezerd::location::Location;
use freezerd::protocol::Request;
use freezerd::record::{JobRecord, RunRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn local(path: &str) -> Location {
    Location::Local(path.into())
}

/// Reads what an earlier version wrote, and checks that this version writes the same.
fn read<T: Serialize + DeserializeOwned>(name: &str) -> T {
    let file = Path::new("tests/data/records").join(name);
    let text = std::fs::read_to_string(file).expect("a record");
    let value: T = serde_json::from_str(&text).expect("it is read");
    let written = serde_json::to_string(&value).expect("it is written");
    assert_eq!(written, text.trim_end());
    value
}

#[test]
fn a_row_that_names_a_container_by_its_path_is_read_and_written_as_before() {
    let row: RunRecord = read("run.json");
    assert_eq!(row.actions[0].container, Some(local("/srv/ü b")));
    assert_eq!(row.actions[1].container, None);
}

#[test]
fn a_job_that_remembers_containers_by_their_paths_is_read_and_written_as_before() {
    let job: JobRecord = read("job.json");
    let containers = ["/srv/ü b", "/srv/a/c", "/srv/a-b"].map(local);
    assert_eq!(job.past.containers, BTreeSet::from(containers));
}

#[test]
fn a_request_that_names_a_container_by_its_path_is_read_and_written_as_before() {
    let request: Request = read("request.json");
    let (container, _) = request.action.work.container().expect("a container");
    assert_eq!(container.location, local("/srv/ü b"));
}

#[test]
fn a_backup_of_one_path_is_read_and_written_as_before_there_could_be_several() {
    let request: Request = read("backup-request.json");
    let Work::Backup(backup) = request.action.work else {
        panic!("not a backup");
    };
    assert_eq!(backup.paths, [Path::new("/home/ü")]);
    assert!(!backup.exclude_caches && backup.nested_paths.is_empty());
}

//! Which file is which job, decided without a file system.

mod job_support;

use std::collections::BTreeMap;
use std::sync::Arc;

use freezerd::intake::{Catalog, FileChange, FileState, Remembered, Stamp};
use freezerd::job::Host;
use job_support::host;

fn catalog() -> Catalog {
    Catalog::new(host(), "db1", BTreeMap::new())
}

fn stamp(number: u64) -> Stamp {
    Stamp {
        device: 1,
        inode: number,
        size: number,
        modified: i128::from(number),
        changed: i128::from(number),
    }
}

/// A job of that id whose command tells it from others.
fn content(id: &str, command: &str) -> String {
    let id = if id.is_empty() {
        String::new()
    } else {
        format!("\"job_id\": \"{id}\", ")
    };
    format!(
        "{{{id}\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"{command}\"}}}}]}}"
    )
}

fn file(name: &str, text: &str) -> (String, FileState) {
    let bytes: Arc<[u8]> = Arc::from(text.as_bytes());
    (
        name.to_owned(),
        FileState::Content {
            stamp: stamp(text.len() as u64),
            bytes,
            warnings: Vec::new(),
        },
    )
}

fn gone(name: &str) -> (String, FileState) {
    (name.to_owned(), FileState::Gone)
}

/// The changes as lines: `loaded FILE JOB COMMAND`, `invalid FILE JOB kept CODES`, …
fn lines(changes: &[FileChange]) -> Vec<String> {
    changes
        .iter()
        .map(|change| match change {
            FileChange::Loaded {
                file, job, bytes, ..
            } => {
                let text = String::from_utf8_lossy(bytes);
                let command = text
                    .split("\"command\": \"")
                    .nth(1)
                    .and_then(|it| it.split('"').next())
                    .unwrap_or("");
                format!("loaded {file} {} {command}", job.id)
            }
            FileChange::Invalid {
                file,
                job_id,
                kept,
                diagnostics,
                ..
            } => {
                let codes: Vec<&str> = diagnostics
                    .iter()
                    .filter(|it| it.is_error())
                    .map(|it| it.code.as_str())
                    .collect();
                format!(
                    "invalid {file} {} kept={} {}",
                    job_id.as_deref().unwrap_or("?"),
                    kept.as_deref().unwrap_or("-"),
                    codes.join(",")
                )
            }
            FileChange::Foreign {
                file,
                job_id,
                client_id,
                ..
            } => format!("foreign {file} {job_id} {client_id}"),
            FileChange::Gone { job_id, file } => format!("gone {job_id} {file}"),
            FileChange::FileGone { file } => format!("file-gone {file}"),
        })
        .collect()
}

#[track_caller]
fn expect(catalog: &mut Catalog, changes: Vec<(String, FileState)>, expected: &[&str]) {
    assert_eq!(lines(&catalog.update(changes)), expected);
}

#[test]
fn a_new_file_is_a_job_and_a_deleted_one_is_gone() {
    let mut catalog = catalog();
    expect(
        &mut catalog,
        vec![file("nightly.json", &content("", "a"))],
        &["loaded nightly.json nightly a"],
    );
    assert_eq!(catalog.owner("nightly"), Some("nightly.json"));
    expect(
        &mut catalog,
        vec![file("nightly.json", &content("", "b"))],
        &["loaded nightly.json nightly b"],
    );
    expect(
        &mut catalog,
        vec![gone("nightly.json")],
        &["file-gone nightly.json", "gone nightly nightly.json"],
    );
    assert_eq!(catalog.jobs().count(), 0);
    expect(
        &mut catalog,
        vec![gone("nightly.json"), gone("other.json")],
        &[],
    );
}

#[test]
fn a_file_that_is_only_touched_changes_nothing() {
    let mut catalog = catalog();
    let text = content("a", "x");
    catalog.update(vec![file("a.json", &text)]);
    let touched = FileState::Content {
        bytes: Arc::from(text.as_bytes()),
        stamp: stamp(99_999),
        warnings: Vec::new(),
    };
    expect(&mut catalog, vec![("a.json".to_owned(), touched)], &[]);
    assert!(catalog.is_current("a.json", Some(&stamp(99_999))));
    assert!(!catalog.is_current("a.json", Some(&stamp(1))) && !catalog.is_current("b.json", None));
}

#[test]
fn a_bad_file_hurts_only_itself_and_keeps_its_last_good_version() {
    let mut catalog = catalog();
    catalog.update(vec![
        file("a.json", &content("a", "1")),
        file("b.json", &content("b", "1")),
    ]);
    expect(
        &mut catalog,
        vec![file("a.json", "{")],
        &["invalid a.json a kept=a unexpected-end"],
    );
    assert_eq!(catalog.jobs().count(), 2);
    expect(
        &mut catalog,
        vec![file("a.json", "{\"job_id\": \"z\"}")],
        &["invalid a.json z kept=a missing-key"],
    );
    let refused = FileState::Refused {
        stamp: None,
        diagnostics: vec![],
    };
    expect(
        &mut catalog,
        vec![("a.json".to_owned(), refused)],
        &["invalid a.json a kept=a "],
    );
    // Mended to what it was: that is news, because it was shown as invalid.
    expect(
        &mut catalog,
        vec![file("a.json", &content("a", "1"))],
        &["loaded a.json a 1"],
    );
    expect(
        &mut catalog,
        vec![file("a.json", "["), gone("b.json")],
        &[
            "invalid a.json a kept=a unexpected-end",
            "file-gone b.json",
            "gone b b.json",
        ],
    );
    expect(
        &mut catalog,
        vec![gone("a.json")],
        &["file-gone a.json", "gone a a.json"],
    );
    // A file that never was good has nothing to keep.
    expect(
        &mut catalog,
        vec![file("c.json", "[")],
        &["invalid c.json ? kept=- unexpected-end"],
    );
    expect(&mut catalog, vec![gone("c.json")], &["file-gone c.json"]);
}

#[test]
fn of_two_files_with_one_id_the_first_keeps_it() {
    let mut catalog = catalog();
    catalog.update(vec![file("m.json", &content("a", "m"))]);
    let changes = catalog.update(vec![file("b.json", &content("a", "b"))]);
    assert_eq!(
        lines(&changes),
        ["invalid b.json a kept=- duplicate-job-id"]
    );
    let FileChange::Invalid { diagnostics, .. } = &changes[0] else {
        panic!()
    };
    assert!(
        diagnostics[0].message.contains("`m.json`"),
        "{diagnostics:?}"
    );
    assert!(diagnostics[0].span.is_some());
    // Read together, the first by name has it.
    expect(
        &mut catalog,
        vec![
            file("z.json", &content("q", "z")),
            file("y.json", &content("q", "y")),
        ],
        &[
            "loaded y.json q y",
            "invalid z.json q kept=- duplicate-job-id",
        ],
    );
    // An id that comes from the name counts as well.
    let changes = catalog.update(vec![file("q.json", &content("", "n"))]);
    assert_eq!(
        lines(&changes),
        ["invalid q.json q kept=- duplicate-job-id"]
    );
    let FileChange::Invalid { diagnostics, .. } = &changes[0] else {
        panic!()
    };
    assert!(
        diagnostics[0]
            .help
            .as_deref()
            .is_some_and(|it| it.contains("from the file's name"))
    );
}

#[test]
fn a_duplicate_takes_over_when_the_owner_goes() {
    let mut catalog = catalog();
    catalog.update(vec![file("a.json", &content("x", "a"))]);
    catalog.update(vec![file("c.json", &content("x", "c"))]);
    catalog.update(vec![file("b.json", &content("x", "b"))]);
    // The one that has waited longest; the other is told who is in its way now.
    expect(
        &mut catalog,
        vec![gone("a.json")],
        &[
            "file-gone a.json",
            "loaded c.json x c",
            "invalid b.json x kept=- duplicate-job-id",
        ],
    );
    expect(
        &mut catalog,
        vec![file("c.json", &content("y", "c"))],
        &["loaded b.json x b", "loaded c.json y c"],
    );
}

#[test]
fn a_rename_keeps_the_job() {
    let mut catalog = catalog();
    catalog.update(vec![file("a.json", &content("x", "1"))]);
    expect(
        &mut catalog,
        vec![gone("a.json"), file("b.json", &content("x", "1"))],
        &["file-gone a.json", "loaded b.json x 1"],
    );
    assert_eq!(catalog.owner("x"), Some("b.json"));
    // The new name first, the end of the old one later.
    expect(
        &mut catalog,
        vec![file("c.json", &content("x", "1"))],
        &["invalid c.json x kept=- duplicate-job-id"],
    );
    expect(
        &mut catalog,
        vec![gone("b.json")],
        &["file-gone b.json", "loaded c.json x 1"],
    );
    for _ in 0..1_000 {
        catalog.update(vec![gone("c.json"), file("d.json", &content("x", "1"))]);
        let changes = catalog.update(vec![gone("d.json"), file("c.json", &content("x", "1"))]);
        assert!(
            changes
                .iter()
                .all(|it| !matches!(it, FileChange::Gone { .. }))
        );
    }
    // A job whose id comes from its name is another one under another name.
    catalog.update(vec![file("n.json", &content("", "1"))]);
    expect(
        &mut catalog,
        vec![gone("n.json"), file("o.json", &content("", "1"))],
        &["file-gone n.json", "loaded o.json o 1", "gone n n.json"],
    );
}

#[test]
fn two_files_can_swap_their_contents() {
    let mut catalog = catalog();
    catalog.update(vec![
        file("a.json", &content("x", "1")),
        file("b.json", &content("y", "2")),
    ]);
    expect(
        &mut catalog,
        vec![
            file("a.json", &content("y", "2")),
            file("b.json", &content("x", "1")),
        ],
        &["loaded a.json y 2", "loaded b.json x 1"],
    );
}

#[test]
fn a_file_that_is_edited_to_an_id_that_is_taken_keeps_its_own_job() {
    let mut catalog = catalog();
    catalog.update(vec![
        file("a.json", &content("x", "1")),
        file("b.json", &content("y", "2")),
    ]);
    expect(
        &mut catalog,
        vec![file("a.json", &content("y", "1"))],
        &["invalid a.json y kept=x duplicate-job-id"],
    );
    assert_eq!(catalog.owner("x"), Some("a.json"));
    expect(
        &mut catalog,
        vec![gone("b.json")],
        &["loaded a.json y 1", "file-gone b.json", "gone x a.json"],
    );
}

#[test]
fn a_file_that_is_edited_to_another_id_is_another_job() {
    let mut catalog = catalog();
    catalog.update(vec![file("a.json", &content("x", "1"))]);
    expect(
        &mut catalog,
        vec![file("a.json", &content("y", "1"))],
        &["loaded a.json y 1", "gone x a.json"],
    );
}

#[test]
fn jobs_of_other_hosts_are_foreign() {
    let mut catalog = catalog();
    let foreign = |client: &str| {
        content("x", "1").replacen('{', &format!("{{\"client_id\": \"{client}\", "), 1)
    };
    expect(
        &mut catalog,
        vec![file("a.json", &foreign("db2"))],
        &["foreign a.json x db2"],
    );
    assert_eq!(catalog.jobs().count(), 0);
    // Two hosts may each have a job of that id.
    expect(
        &mut catalog,
        vec![file("b.json", &foreign("db1"))],
        &["loaded b.json x 1"],
    );
    expect(
        &mut catalog,
        vec![file("b.json", &foreign("db3"))],
        &["foreign b.json x db3", "gone x b.json"],
    );
    expect(
        &mut catalog,
        vec![gone("b.json"), gone("a.json")],
        &["file-gone a.json", "file-gone b.json"],
    );
}

#[test]
fn a_file_that_changes_while_it_is_read_stays_as_it_was() {
    let mut catalog = catalog();
    catalog.update(vec![file("a.json", &content("x", "1"))]);
    expect(
        &mut catalog,
        vec![
            ("a.json".to_owned(), FileState::Changing),
            ("b.json".to_owned(), FileState::Changing),
        ],
        &[],
    );
    assert_eq!(catalog.jobs().count(), 1);
    assert_eq!(catalog.files().collect::<Vec<_>>(), ["a.json"]);
}

fn remembering(jobs: &[(&str, &str, Option<String>)]) -> Catalog {
    let remembered = jobs.iter().map(|(id, file, content)| {
        let content = content.as_ref().map(|it| Arc::from(it.as_bytes()));
        (
            (*id).to_owned(),
            Remembered {
                file: (*file).to_owned(),
                content,
            },
        )
    });
    Catalog::new(host(), "db1", remembered.collect())
}

#[test]
fn after_a_restart_a_job_belongs_to_the_file_that_it_belonged_to() {
    let mut catalog = remembering(&[("x", "z.json", None)]);
    expect(
        &mut catalog,
        vec![
            file("a.json", &content("x", "a")),
            file("z.json", &content("x", "z")),
        ],
        &[
            "loaded z.json x z",
            "invalid a.json x kept=- duplicate-job-id",
        ],
    );
}

#[test]
fn after_a_restart_a_bad_file_keeps_its_last_good_version() {
    let good = content("x", "old");
    let mut catalog = remembering(&[
        ("x", "z.json", Some(good.clone())),
        ("y", "y.json", Some(content("y", "old"))),
    ]);
    expect(
        &mut catalog,
        vec![file("a.json", &content("x", "a")), file("z.json", "{")],
        &[
            "loaded z.json x old",
            "invalid z.json x kept=x unexpected-end",
            "invalid a.json x kept=- duplicate-job-id",
        ],
    );
    assert_eq!(catalog.lost().collect::<Vec<_>>(), ["y"]);
    expect(
        &mut catalog,
        vec![file("z.json", "[")],
        &["invalid z.json x kept=x unexpected-end"],
    );
    expect(
        &mut catalog,
        vec![gone("z.json")],
        &["loaded a.json x a", "file-gone z.json"],
    );
    // What is remembered and bad by now, or of another host, is not kept.
    let mut catalog = remembering(&[("x", "z.json", Some("{".to_owned()))]);
    expect(
        &mut catalog,
        vec![file("z.json", "{")],
        &["invalid z.json ? kept=- unexpected-end"],
    );
}

#[test]
fn after_a_restart_a_job_is_gone_when_its_file_is_another_job() {
    let mut catalog = remembering(&[("x", "z.json", Some(content("x", "old")))]);
    expect(
        &mut catalog,
        vec![file("z.json", &content("y", "new"))],
        &["loaded z.json y new", "gone x z.json"],
    );
}

#[test]
fn a_refusal_of_this_host_only_hurts_the_job_it_is_about() {
    let host = Host {
        disable_exec: true,
        ..host()
    };
    let mut catalog = Catalog::new(host, "db1", BTreeMap::new());
    let changes = catalog.update(vec![
        file("a.json", &content("a", "x")),
        file("b.json", "{\"job_actions\": []}"),
    ]);
    assert_eq!(
        lines(&changes),
        ["invalid a.json a kept=- exec-disabled", "loaded b.json b "]
    );
}

/// Whatever happens to the files, each id has one owner, the owner is there and claims it, and what is told adds up to what is.
#[test]
fn what_is_told_adds_up() {
    let mut dice = job_support::Dice::new(11);
    let names = ["a.json", "b.json", "c.json", "d.json"];
    let ids = ["x", "y", "z"];
    let mut catalog = catalog();
    let mut jobs: BTreeMap<String, String> = BTreeMap::new();
    let mut disk: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..6_000 {
        let mut changes = Vec::new();
        for _ in 0..=dice.below(3) {
            let name = *dice.pick(&names);
            let id = *dice.pick(&ids);
            match dice.below(6) {
                0 => {
                    disk.remove(name);
                    changes.push(gone(name));
                }
                1 => {
                    disk.insert(name.to_owned(), String::new());
                    changes.push(file(name, "{"));
                }
                2 => {
                    disk.insert(name.to_owned(), String::new());
                    changes.push(file(
                        name,
                        &content(id, "f").replacen('{', "{\"client_id\": \"elsewhere\", ", 1),
                    ));
                }
                _ => {
                    disk.insert(name.to_owned(), id.to_owned());
                    changes.push(file(name, &content(id, ["1", "2"][dice.below(2)])));
                }
            }
        }
        for change in catalog.update(changes) {
            match change {
                FileChange::Loaded { file, job, .. } => {
                    // A file is one job at a time.
                    jobs.insert(job.id.clone(), file);
                }
                FileChange::Gone { job_id, .. } => {
                    assert!(jobs.remove(&job_id).is_some(), "{job_id} was not there")
                }
                FileChange::Invalid { diagnostics, .. } => {
                    assert!(diagnostics.iter().any(|it| it.is_error()))
                }
                FileChange::Foreign { .. } | FileChange::FileGone { .. } => {}
            }
        }
        let now: BTreeMap<String, String> = catalog
            .jobs()
            .map(|(file, job)| (job.id.clone(), file.to_owned()))
            .collect();
        assert_eq!(now, jobs);
        for (id, file) in &now {
            assert_eq!(catalog.owner(id), Some(file.as_str()));
            assert!(disk.contains_key(file));
        }
        // An id that a file has is in force, of that file or of another one.
        for id in disk.values().filter(|it| !it.is_empty()) {
            assert!(now.contains_key(id), "{id} waits for nobody");
        }
    }
}

//! What the catalog makes of what was known before a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use freezerd::intake::{Catalog, FileChange, Remembered};
use freezerd::job::Host;

use super::{catalog, content, expect, file, gone, lines};
use crate::support::host;

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
    let mut dice = crate::support::Dice::new(11);
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

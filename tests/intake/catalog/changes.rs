//! Files that appear, change, move and go.

use std::sync::Arc;

use freezerd::intake::{FileChange, FileState};

use super::{catalog, content, expect, file, gone, lines, stamp};

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
    // Corrected to what it was: that is news, because it was shown as invalid.
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

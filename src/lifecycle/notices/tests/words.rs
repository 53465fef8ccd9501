//! The words of messages.

use super::*;
use crate::schedule::zone::Zone;

#[test]
fn a_message_names_the_job_the_host_what_failed_why_and_what_to_do() {
    let zone = Zone::utc();
    let facts = Facts {
        host: "web1",
        zone: &zone,
        now: at(70),
    };
    let mut row = failed(|action| action.problems = 2);
    row.reason = Some("backup: the disk is full\u{1b}[31m".to_owned());
    let (subject, text) = of_run(Kind::Failed, &row, facts);
    assert_eq!(subject, "job failed on web1");
    for part in [
        "The job job on web1 has failed.",
        "Run 7 was due at 2026-01-01 01:00:00",
        "backup: the disk is full\\x1b",
        "2 paths were not backed up or restored",
        "`freezerd log 7` shows its log; `freezerd why job` explains it.",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let record = job(|record| record.max_age = Some(3600));
    let of_job = |tellings: Vec<Telling>| super::of_job(&tellings[0], &record, facts);
    let (subject, text) = of_job(telling(Kind::Overdue, "admins"));
    assert_eq!(subject, "job is overdue on web1");
    assert!(text.starts_with("The job job on web1 is overdue"), "{text}");
    assert!(text.contains("within its max_age of 1 h"), "{text}");
    assert!(text.contains("It has never succeeded."), "{text}");
    for (kind, expected) in [
        (Kind::Failed, "job failed on web1 (still)"),
        (Kind::Overdue, "job is overdue on web1 (still)"),
    ] {
        let (subject, text) = of_job(telling_again(kind, "admins"));
        assert_eq!(subject, expected);
        assert!(text.starts_with("Nothing has changed: The job"), "{text}");
        assert!(!text.ends_with('\n'));
    }
}

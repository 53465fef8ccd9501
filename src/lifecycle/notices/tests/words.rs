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
    let (subject, text) = of_job(Kind::Overdue, &record, facts);
    assert_eq!(subject, "job is overdue on web1");
    assert!(text.contains("within its max_age of 1 h"), "{text}");
    assert!(text.contains("It has never succeeded."), "{text}");
    let (subject, text) = of_job(Kind::Failed, &record, facts);
    assert_eq!(subject, "job failed on web1 (still)");
    assert!(text.starts_with("Nothing has changed"), "{text}");
    assert!(!text.ends_with('\n'));
}

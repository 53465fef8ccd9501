//! What follows from time.

use super::*;
use crate::lifecycle::job::{row_made, row_over};
use crate::record::{OpenRun, Standing};

fn look_now(record: &JobRecord, audience: Audience<'_>, minute: i64) -> (Told, Vec<Telling>) {
    look(record, audience, &BTreeSet::new(), at(minute))
}

#[test]
fn a_job_is_overdue_by_its_max_age_or_when_it_was_due_and_has_not_run() {
    let old = job(|record| {
        record.max_age = Some(3600);
        record.past.last_success = Some(at(30));
    });
    assert_eq!(overdue_at(&old), Some(at(90)));
    // Due instants that were only skipped.
    let skipped = RunRecord {
        state: RunState::Skipped,
        started: None,
        ended: Some(at(60)),
        result: None,
        ..run_record(7, "job", at(60))
    };
    let record = row_over(row_made(job(|_| {}), &skipped), &skipped);
    assert_eq!(overdue_at(&record), Some(at(120)));
    let waits = JobRecord {
        run: Some(OpenRun {
            number: 8,
            started: false,
            aborting: false,
            since: Some(at(61)),
        }),
        ..record.clone()
    };
    assert_eq!(overdue_at(&waits), None, "its run waits in the queue");
    let stopped = JobRecord {
        standing: Standing::Stopped,
        ..record
    };
    assert_eq!(overdue_at(&stopped), None);
    // It ran, and failed: that is told as such.
    let failed = failed(|_| {});
    let record = row_over(row_made(job(|_| {}), &failed), &failed);
    assert_eq!(record.past.owed_since, Some(at(60)));
    assert_eq!(overdue_at(&record), None);
}

#[test]
fn a_job_that_becomes_overdue_is_told_of_once_and_its_success_too() {
    let receivers = [admins()];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut record = job(|record| record.max_age = Some(3600));
    assert_eq!(next_look(&record, audience), Some(at(60)));
    let (told, tellings) = look_now(&record, audience, 59);
    assert!(told.is_well() && tellings.is_empty());
    let (told, tellings) = look_now(&record, audience, 60);
    assert_eq!(tellings, telling(Kind::Overdue, "admins"));
    record.told = told;
    assert_eq!(next_look(&record, audience), None);
    assert!(look_now(&record, audience, 900).1.is_empty());
    let well = end(&mut record.told, WELL, audience, 901);
    assert_eq!(well, telling(Kind::Recovered, "admins"));
    let nobody = Audience::new(&[], &Notify::All);
    assert_eq!(next_look(&record, nobody), None);
}

#[test]
fn a_receiver_that_wants_it_is_told_again_while_the_trouble_lasts() {
    let receivers = [admins(), receiver("again", &[("repeat", text("2 hours"))])];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut record = job(|_| {});
    let trouble = trouble(Kind::Failed);
    end(&mut record.told, trouble, audience, 0);
    assert_eq!(next_look(&record, audience), Some(at(120)));
    let before = end(&mut record.told, trouble, audience, 119);
    assert!(before.is_empty());
    let (told, tellings) = look_now(&record, audience, 120);
    assert_eq!(tellings, telling_again(Kind::Failed, "again"));
    record.told = told;
    assert_eq!(next_look(&record, audience), Some(at(240)));
    let by_run = end(&mut record.told, trouble, audience, 240);
    assert_eq!(by_run, telling(Kind::Failed, "again"));
    end(&mut record.told, WELL, audience, 241);
    assert_eq!(next_look(&record, audience), None);
}

#[test]
fn a_job_that_stays_overdue_is_told_as_what_is_known_already() {
    let receivers = [receiver("again", &[("repeat", text("2 hours"))])];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut record = job(|record| record.max_age = Some(3600));
    let (told, tellings) = look_now(&record, audience, 60);
    assert_eq!(tellings, telling(Kind::Overdue, "again"));
    record.told = told;
    assert!(look_now(&record, audience, 179).1.is_empty());
    let (told, tellings) = look_now(&record, audience, 180);
    assert_eq!(tellings, telling_again(Kind::Overdue, "again"));
    record.told = told;
    let (_, tellings) = look_now(&record, audience, 300);
    assert_eq!(tellings, telling_again(Kind::Overdue, "again"));
}

#[test]
fn a_run_that_makes_up_for_a_host_that_was_off_has_an_hour_before_anybody_is_told() {
    let off = job(|record| {
        record.max_age = Some(3600);
        record.past.last_success = Some(at(30));
    });
    let runs = |since: Option<DateTime<Utc>>| JobRecord {
        run: Some(OpenRun {
            number: 8,
            started: true,
            aborting: false,
            since,
        }),
        ..off.clone()
    };
    assert_eq!(overdue_at(&off), Some(at(90)));
    assert_eq!(overdue_at(&runs(Some(at(900)))), Some(at(960)));
    assert_eq!(
        overdue_at(&runs(Some(at(20)))),
        Some(at(90)),
        "a run that does not end hides nothing"
    );
    assert_eq!(overdue_at(&runs(None)), Some(at(90)), "of an older program");
}

#[test]
fn nobody_is_told_again_while_a_message_about_the_job_waits() {
    let receivers = [receiver("again", &[("repeat", text("2 hours"))])];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut record = job(|_| {});
    let trouble = trouble(Kind::Failed);
    end(&mut record.told, trouble, audience, 0);
    let unsent = BTreeSet::from(["again".to_owned()]);
    let at_end = AtEnd {
        now: at(120),
        alarms: &PastAlarms::default(),
        unsent: &unsent,
    };
    let by_run = after_run(&mut record.told.clone(), trouble, audience, at_end);
    assert!(by_run.is_empty(), "{by_run:?}");
    let (told, tellings) = look(&record, audience, &unsent, at(120));
    assert!(tellings.is_empty(), "{tellings:?}");
    record.told = told;
    assert_eq!(next_look(&record, audience), Some(at(240)));
    let (_, tellings) = look_now(&record, audience, 240);
    assert_eq!(tellings, telling_again(Kind::Failed, "again"));
}

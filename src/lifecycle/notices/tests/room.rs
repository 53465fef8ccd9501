//! What is told of little room for the next backups.

use super::*;
use crate::keep::room::Room;

/// A backup that adds ten bytes, where so many are free.
fn backup(free: u64) -> ActionRecord {
    ActionRecord {
        room: Some(Room { free, adds: 10 }),
        ..action(ExitStatus::Success)
    }
}

const LITTLE: Turn = Turn {
    failure: None,
    is_alarmed: false,
    little_room: true,
};

#[test]
fn less_than_seven_more_backups_are_little_room() {
    let turn_of = |free: u64| {
        let actions = vec![backup(free)];
        turn(
            &row(RunState::Ended, Some(JobResult::Success), actions),
            false,
        )
    };
    assert_eq!(turn_of(1000), Some(WELL));
    assert_eq!(turn_of(60), Some(LITTLE));
}

#[test]
fn little_room_is_told_once_and_a_disk_that_is_full_then_all_the_same() {
    let receivers = [receiver("a", &[])];
    let audience = Audience::new(&receivers, &Notify::All);
    let mut told = Told {
        overdue: true,
        ..Told::default()
    };
    let full = trouble(Kind::Space);
    for (minute, (turn, expected)) in (0..).zip([
        (LITTLE, vec![Kind::Space]),
        (LITTLE, vec![]),
        (full, vec![Kind::Space]),
        (full, vec![]),
        (LITTLE, vec![Kind::Space]),
        (WELL, vec![Kind::Recovered]),
    ]) {
        let tellings = end(&mut told, turn, audience, minute);
        assert_eq!(kinds(&tellings), expected, "{turn:?}");
        assert!(!told.overdue, "it succeeded");
    }
    assert!(told.is_well());
}

#[test]
fn little_room_is_told_once_beside_another_trouble() {
    let receivers = [receiver("a", &[])];
    let audience = Audience::new(&receivers, &Notify::All);
    let beside = |failure: Option<Kind>, is_alarmed| Turn {
        failure,
        is_alarmed,
        little_room: true,
    };
    let partial = Some(Kind::Partial);
    let mut told = Told::default();
    for (minute, (turn, expected)) in (0..).zip([
        (trouble(Kind::Partial), vec![Kind::Partial]),
        (beside(partial, false), vec![Kind::Space]),
        (beside(partial, false), vec![]),
        (beside(None, true), vec![Kind::Guard]),
        (
            beside(Some(Kind::Failed), true),
            vec![Kind::Failed, Kind::Guard],
        ),
        (beside(None, false), vec![Kind::Space]),
        (WELL, vec![Kind::Recovered]),
        (beside(None, true), vec![Kind::Guard, Kind::Space]),
    ]) {
        let tellings = end(&mut told, turn, audience, minute);
        assert_eq!(kinds(&tellings), expected, "{turn:?}");
    }
}

#[test]
fn the_words_of_little_room_do_not_say_that_the_run_failed_for_lack_of_space() {
    let zone = crate::schedule::zone::Zone::utc();
    let facts = Facts {
        host: "web1",
        zone: &zone,
        now: at(70),
    };
    let mut incomplete = backup(60);
    incomplete.exit_status = Some(ExitStatus::Fail);
    incomplete.partial = true;
    let row = row(RunState::Ended, Some(JobResult::Fail), vec![incomplete]);
    let (subject, text) = of_run(Kind::Space, &row, facts);
    assert_eq!(subject, "job has little room left on web1");
    assert!(text.contains("has made a backup"), "{text}");
}

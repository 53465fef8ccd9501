//! Removals on days of one summer.

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

const MONDAY: &str = "2026-06-01T12:00:00Z";

fn removed(snapshots: u64, bytes: Option<u64>) -> Waste {
    let pruned = Some(at(MONDAY));
    Waste {
        pruned,
        ..Waste::default()
    }
    .with(snapshots, bytes)
}

/// A removal of one snapshot of 10 bytes from a container of 1,000.
fn on<'a>(now: &str, zone: &'a Zone) -> Circumstances<'a> {
    Circumstances {
        budget: PruneBudget::default(),
        waste: removed(1, Some(10)),
        size: Some(1000),
        is_damaged: false,
        little_space: None,
        now: at(now),
        zone,
        clock_in_doubt: false,
    }
}

const NONE_KNOWN: Decision = Decision::Prune(Reason::NoneKnown);

#[test]
fn a_prune_waits_until_the_share_or_the_time_is_reached() {
    let utc = Zone::utc();
    let tuesday = on("2026-06-02T12:00:00Z", &utc);
    let by = at("2026-06-08T12:00:00Z");
    let wait = Wait::Budget {
        percent: 5.0,
        by,
        window: None,
    };
    assert_eq!(tuesday.decide(), Decision::Later(wait));
    assert_eq!(wait.latest(), Some(by));
    let more = Circumstances {
        waste: removed(5, Some(50)),
        ..tuesday
    };
    let (bytes, size) = (50, 1000);
    let share = Decision::Prune(Reason::Share { bytes, size });
    assert_eq!(more.decide(), share);
    let unknown_size = Circumstances { size: None, ..more };
    assert_eq!(unknown_size.decide(), Decision::Later(wait));
    let pruned = at(MONDAY);
    // The runs of a week do not begin at the same second.
    let week = on("2026-06-08T11:59:50Z", &utc);
    assert_eq!(week.decide(), Decision::Prune(Reason::Time { pruned }));
}

#[test]
fn what_is_not_known_is_pruned_and_where_nothing_was_removed_there_is_no_prune() {
    let utc = Zone::utc();
    let never = Circumstances {
        waste: Waste::default(),
        ..on("2026-06-02T12:00:00Z", &utc)
    };
    assert_eq!(never.decide(), NONE_KNOWN);
    // A prune that is yet to come was noted by a wrong clock.
    assert_eq!(on("2026-05-01T12:00:00Z", &utc).decide(), NONE_KNOWN);
    let not_counted = Circumstances {
        waste: removed(1, Some(10)).with(1, None),
        ..never
    };
    let reason = Reason::NotCounted;
    assert_eq!(not_counted.decide(), Decision::Prune(reason));
    let damaged = Circumstances {
        is_damaged: true,
        ..on("2026-06-02T12:00:00Z", &utc)
    };
    assert_eq!(damaged.decide(), Decision::Prune(Reason::Damage));
    let left = Circumstances {
        waste: removed(0, Some(50)),
        ..never
    };
    let (bytes, size) = (50, 1000);
    let share = Decision::Prune(Reason::Share { bytes, size });
    assert_eq!(left.decide(), share, "the last prune could not free it");
    let nothing = Circumstances {
        waste: removed(0, Some(0)),
        ..on("2027-06-02T12:00:00Z", &utc)
    };
    assert_eq!(nothing.decide(), Decision::Later(Wait::NothingRemoved));
}

#[test]
fn outside_the_window_a_prune_waits_for_it_but_not_for_ever() {
    let berlin = Zone::bundled("Europe/Berlin").expect("a zone");
    let window = Window::parse("01:00-05:00").expect("a window");
    let when = |now: &str| {
        let case = on(now, &berlin);
        let budget = PruneBudget {
            window: Some(window),
            ..case.budget
        };
        Circumstances { budget, ..case }
    };
    let at_any_hour = at("2026-06-15T12:00:00Z");
    let wait = Wait::Window(InWindow {
        window,
        at_any_hour,
    });
    assert_eq!(wait.latest(), Some(at_any_hour));
    let later = Decision::Later(wait);
    let prune = Decision::Prune(Reason::Time { pruned: at(MONDAY) });
    assert_eq!(when("2026-06-09T12:00:00Z").decide(), later);
    assert_eq!(when("2026-06-09T23:30:00Z").decide(), prune, "01:30 there");
    // The runs of a job do not begin at the same second.
    assert_eq!(when("2026-06-15T11:59:55Z").decide(), prune, "two weeks");
    let Decision::Later(early) = when("2026-06-03T12:00:00Z").decide() else {
        panic!("two days are no week");
    };
    assert_eq!(early.latest(), Some(at_any_hour));
    assert_eq!(
        early.words(|at| at.format("%d.%m.").to_string()),
        "the next prune comes when 5 % of the container may be waste, or with the first run after 08.06., in the hours \
         01:00-05:00 (`prune_window`), or after 15.06. at any hour"
    );
    assert_eq!(
        wait.words(|at| at.format("%d.%m.").to_string()),
        "a prune is needed, and comes in the hours 01:00-05:00 (`prune_window`), or after 15.06. at any hour"
    );
    let full = Circumstances {
        little_space: Some(7),
        ..when("2026-06-09T12:00:00Z")
    };
    assert_eq!(full.decide(), Decision::Prune(Reason::LittleSpace(7)));
}

#[test]
fn a_clock_in_doubt_decides_nothing_by_time() {
    let utc = Zone::utc();
    let doubt = Circumstances {
        clock_in_doubt: true,
        ..on("2030-06-02T12:00:00Z", &utc)
    };
    assert_eq!(doubt.decide(), Decision::Later(Wait::Clock));
    let early = Circumstances {
        now: at("2026-06-02T12:00:00Z"),
        ..doubt
    };
    assert!(matches!(
        early.decide(),
        Decision::Later(Wait::Budget { .. })
    ));
    let share = Circumstances {
        waste: removed(5, Some(50)),
        ..doubt
    };
    assert!(matches!(
        share.decide(),
        Decision::Prune(Reason::Share { .. })
    ));
    let budget = PruneBudget {
        window: Window::parse("01:00-05:00").ok(),
        ..share.budget
    };
    let windowed = Circumstances { budget, ..share };
    assert_eq!(windowed.decide(), Decision::Later(Wait::Clock));
}

#[test]
fn the_longest_times_are_no_trouble() {
    let utc = Zone::utc();
    let case = on("2026-06-02T12:00:00Z", &utc);
    let budget = PruneBudget {
        every: Duration::MAX,
        ..case.budget
    };
    let endless = Circumstances { budget, ..case };
    assert!(matches!(endless.decide(), Decision::Later(_)));
    let budget = PruneBudget {
        every: Duration::ZERO,
        ..budget
    };
    let at_once = Circumstances { budget, ..case };
    assert!(matches!(
        at_once.decide(),
        Decision::Prune(Reason::Time { .. })
    ));
}

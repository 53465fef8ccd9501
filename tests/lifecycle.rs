//! The transition table of `docs/design.md`, cell by cell. A cell without a check, or a check without a cell, fails.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::job::{Event, InitialState, JobResult, Status};
use freezerd::lifecycle::job::{
    Change, Clockwork, Content, Effect, Interrupted, RunEnd, Step, ask, changed, claimed,
    file_gone, first_seen, run_ended, run_started, tick, trigger,
};
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;
use freezerd::schedule::{Due, Schedule};
use freezerd::store::record::{JobRecord, Standing, Trigger};

const CONTENT: Content<'static> = Content {
    file: "nightly.json",
    digest: "d1",
    document: "{}",
};

/// A job that fires every hour, at the hour.
struct Bench {
    schedule: Schedule,
    zone: Zone,
}

impl Bench {
    fn new(raw: &RawSchedule<'_>) -> Bench {
        Bench {
            schedule: Schedule::parse(raw).expect("a valid schedule"),
            zone: Zone::utc(),
        }
    }

    fn hourly() -> Bench {
        Bench::new(&RawSchedule {
            minute: Some("0"),
            ..RawSchedule::default()
        })
    }

    fn clockwork(&self) -> Clockwork<'_> {
        Clockwork {
            schedule: &self.schedule,
            zone: &self.zone,
            delay: TimeDelta::zero(),
        }
    }

    fn first(&self, initial: &InitialState) -> Step {
        first_seen("nightly", CONTENT, initial, self.clockwork(), at(0, 30))
    }

    fn fresh(&self) -> JobRecord {
        self.first(&InitialState::default()).record
    }

    fn queued(&self) -> JobRecord {
        claimed(self.fresh(), 7, self.clockwork())
    }

    fn started(&self) -> JobRecord {
        run_started(self.queued(), at(0, 40))
    }

    fn in_situation(&self, situation: &str) -> JobRecord {
        match situation {
            "no run" => self.fresh(),
            "queued run" => self.queued(),
            "started run" => self.started(),
            other => panic!("docs/design.md has a situation that no test knows: {other}"),
        }
    }

    fn ended(&self, record: JobRecord, result: JobResult) -> Step {
        let end = RunEnd {
            result,
            interrupted: None,
        };
        run_ended(record, &end, self.clockwork(), at(0, 50))
    }
}

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 / 86_400 * 86_400, 0).expect("a day")
        + TimeDelta::minutes(i64::from(hour * 60 + minute))
}

fn cancels(step: &Step) -> bool {
    step.effects
        .iter()
        .any(|effect| matches!(effect, Effect::Cancel { run: 7, .. }))
}

fn skips(step: &Step) -> bool {
    step.effects
        .iter()
        .any(|effect| matches!(effect, Effect::Skip { reason, .. } if reason.contains("run 7")))
}

fn claims(step: &Step) -> Option<Trigger> {
    step.effects.iter().find_map(|effect| match effect {
        Effect::Claim(occurrence) => Some(occurrence.trigger),
        _ => None,
    })
}

/// The cells of the table: the input and the situation, except where the table has a dash.
fn cells() -> BTreeSet<(String, String)> {
    let design = std::fs::read_to_string("docs/design.md").expect("the design");
    let table = design
        .split("What each input does")
        .nth(1)
        .and_then(|rest| rest.split("\n\nSeveral").next())
        .expect("the transition table");
    let rows: Vec<Vec<String>> = table
        .lines()
        .filter(|line| line.starts_with("| ") || line.starts_with("|---"))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        })
        .collect();
    let situations = rows[0][1..].to_vec();
    let mut cells = BTreeSet::new();
    for row in &rows[2..] {
        for (situation, cell) in situations.iter().zip(&row[1..]) {
            if cell != "–" {
                cells.insert((row[0].clone(), situation.clone()));
            }
        }
    }
    assert!(cells.len() > 20, "the table was not found");
    cells
}

#[test]
fn every_cell_of_the_transition_table_holds() {
    for (input, situation) in cells() {
        println!("{input} × {situation}");
        check_cell(&input, &situation);
    }
}

fn check_cell(input: &str, situation: &str) {
    let bench = Bench::hourly();
    let record = bench.in_situation(situation);
    let ask_for = |event| ask(record.clone(), event, bench.clockwork(), at(0, 45));
    let queued = situation == "queued run";
    let started = situation == "started run";
    match input {
        "start" => {
            let mut stopped = record.clone();
            if started {
                stopped.pending = Some(Event::Stop);
            } else {
                stopped.standing = Standing::Stopped;
            }
            let answer = ask(stopped, Event::Start, bench.clockwork(), at(0, 45));
            assert!(answer.accepted);
            assert_eq!(answer.step.record.standing, Standing::OnSchedule);
            assert_eq!(answer.step.record.pending, None);
            assert_eq!(answer.step.record.next, Some(at(1, 0)));
        }
        "stop" | "remove" => {
            let (event, standing) = if input == "stop" {
                (Event::Stop, Standing::Stopped)
            } else {
                (Event::Remove, Standing::Removed)
            };
            let answer = ask_for(event);
            assert!(answer.accepted);
            assert_eq!(cancels(&answer.step), queued);
            let record = if started {
                assert_eq!(answer.step.record.status(), Status::Running);
                assert_eq!(answer.step.record.pending, Some(event));
                let ended = bench.ended(answer.step.record, JobResult::Success).record;
                assert_eq!(ended.result, Some(JobResult::Success), "the run finished");
                ended
            } else {
                answer.step.record
            };
            assert_eq!(record.standing, standing);
            assert_eq!(
                (record.run, record.pending, record.next),
                (None, None, None)
            );
        }
        "abort" => {
            let answer = ask_for(Event::Abort);
            assert_eq!(answer.accepted, queued || started);
            assert_eq!(cancels(&answer.step), queued);
            let record = if started {
                assert_eq!(answer.step.effects, [Effect::Abort { run: 7 }]);
                assert_eq!(answer.step.record.status(), Status::Aborting);
                bench.ended(answer.step.record, JobResult::Aborted).record
            } else {
                answer.step.record
            };
            if queued || started {
                assert_eq!(record.result, Some(JobResult::Aborted));
                assert_eq!(record.status(), Status::Stop);
            } else {
                assert_eq!(record, bench.fresh(), "nothing changed");
            }
        }
        "trigger" => {
            let answer = trigger(record.clone(), at(0, 45));
            assert_eq!(answer.accepted, !queued && !started);
            assert_eq!(
                claims(&answer.step),
                (!queued && !started).then_some(Trigger::Manual)
            );
            let mut removed = bench.fresh();
            removed.standing = Standing::Removed;
            assert!(!trigger(removed, at(0, 45)).accepted);
        }
        "due" => {
            let step = tick(record, bench.clockwork(), at(1, 0));
            assert_eq!(step.record.handled, at(1, 0));
            assert_eq!(step.record.next, Some(at(2, 0)));
            if queued || started {
                assert!(skips(&step));
            } else {
                assert_eq!(claims(&step), Some(Trigger::Schedule));
            }
        }
        "due, missed by more than a minute" => {
            let step = tick(record, bench.clockwork(), at(3, 5));
            assert_eq!(step.record.handled, at(3, 0));
            if queued || started {
                assert!(skips(&step));
            } else {
                let [Effect::Claim(occurrence)] = &step.effects[..] else {
                    panic!(
                        "one catch-up run for all that were missed: {:?}",
                        step.effects
                    );
                };
                assert_eq!(occurrence.trigger, Trigger::CatchUp);
                assert_eq!(
                    (
                        occurrence.due.first,
                        occurrence.due.last,
                        occurrence.due.count
                    ),
                    (at(1, 0), at(3, 0), 3)
                );
            }
        }
        "file changed" => {
            let says = |status, event| InitialState {
                status,
                event,
                ..InitialState::default()
            };
            let content = Content {
                digest: "d2",
                ..CONTENT
            };
            let apply = |is: &InitialState, record: JobRecord| {
                let change = Change {
                    is,
                    schedule_changed: false,
                };
                changed(record, content, change, bench.clockwork(), at(0, 45))
            };
            let same = apply(&InitialState::default(), record.clone());
            assert_eq!(
                same.record.standing,
                Standing::OnSchedule,
                "nothing was said anew"
            );
            let stop = apply(&says(None, Some(Event::Stop)), record.clone());
            let by_status = apply(&says(Some(Status::Stop), None), record);
            for step in [stop, by_status] {
                assert_eq!(step.record.pending, started.then_some(Event::Stop));
                assert_eq!(step.record.standing == Standing::Stopped, !started);
                let again = apply(&step.record.said.clone(), step.record.clone());
                assert_eq!(again.record, step.record, "it is acted on once");
            }
        }
        "file deleted" => {
            let step = file_gone(record);
            assert_eq!(cancels(&step), queued);
            if started {
                assert_eq!(step.effects, []);
                let ended = bench.ended(step.record, JobResult::Success);
                assert_eq!(ended.effects, [Effect::Forget]);
            } else {
                assert!(step.effects.contains(&Effect::Forget));
            }
        }
        "run ended" => {
            let step = bench.ended(record, JobResult::Success);
            assert_eq!(step.record.status(), Status::Scheduled);
            assert_eq!(step.record.next, Some(at(1, 0)));
            let once = Bench::new(&RawSchedule::default());
            let due = tick(once.fresh(), once.clockwork(), at(0, 31));
            assert_eq!(claims(&due), Some(Trigger::Schedule));
            let running = run_started(claimed(due.record, 7, once.clockwork()), at(0, 31));
            let over = once.ended(running, JobResult::Fail).record;
            assert_eq!(
                (over.status(), over.result),
                (Status::Stop, Some(JobResult::Fail))
            );
        }
        "run interrupted" => {
            let cut = |made_up| RunEnd {
                result: JobResult::Fail,
                interrupted: Some(Interrupted {
                    run: 7,
                    due: Due {
                        first: at(0, 35),
                        last: at(0, 35),
                        count: 1,
                    },
                    made_up,
                }),
            };
            let step = run_ended(record.clone(), &cut(false), bench.clockwork(), at(0, 50));
            let [Effect::Claim(occurrence)] = &step.effects[..] else {
                panic!("it is caught up: {:?}", step.effects);
            };
            assert_eq!(
                (occurrence.trigger, occurrence.makes_up_for),
                (Trigger::CatchUp, Some(7))
            );
            let step = run_ended(record, &cut(true), bench.clockwork(), at(0, 50));
            assert_eq!(step.effects, [], "once");
        }
        other => panic!("docs/design.md has an input that no test knows: {other}"),
    }
}

#[test]
fn a_job_starts_from_what_its_file_says_when_it_is_first_seen() {
    let bench = Bench::hourly();
    let says = |status, event| {
        let initial = InitialState {
            status,
            event,
            ..InitialState::default()
        };
        bench.first(&initial).record.status()
    };
    assert_eq!(says(None, None), Status::Scheduled);
    assert_eq!(says(Some(Status::Scheduled), None), Status::Scheduled);
    assert_eq!(says(Some(Status::Running), None), Status::Scheduled);
    assert_eq!(says(Some(Status::Stop), None), Status::Stop);
    assert_eq!(says(Some(Status::Removed), None), Status::Removed);
    assert_eq!(
        says(Some(Status::Stop), Some(Event::Start)),
        Status::Scheduled
    );
    assert_eq!(
        says(Some(Status::Scheduled), Some(Event::Stop)),
        Status::Stop
    );
    assert_eq!(says(None, Some(Event::Remove)), Status::Removed);
}

#[test]
fn an_interval_keeps_the_phase_of_its_creation_over_stop_and_start() {
    let bench = Bench::new(&RawSchedule {
        interval: Some("1 hours"),
        ..RawSchedule::default()
    });
    let stopped = ask(bench.fresh(), Event::Stop, bench.clockwork(), at(0, 31));
    let back = ask(
        stopped.step.record,
        Event::Start,
        bench.clockwork(),
        at(5, 47),
    );
    assert_eq!(back.step.record.next, Some(at(6, 30)));
}

#[test]
fn a_continuous_job_that_keeps_failing_backs_off_up_to_an_hour() {
    let bench = Bench::new(&RawSchedule {
        interval: Some("continuous"),
        ..RawSchedule::default()
    });
    let mut record = bench.fresh();
    let mut pauses = Vec::new();
    for _ in 0..15 {
        record = bench
            .ended(
                run_started(claimed(record, 7, bench.clockwork()), at(0, 40)),
                JobResult::Fail,
            )
            .record;
        pauses.push((record.next.expect("it goes on") - at(0, 50)).num_seconds());
    }
    assert_eq!(&pauses[..5], [1, 2, 4, 8, 16]);
    assert_eq!(pauses.last(), Some(&3600));
    let well = bench
        .ended(
            run_started(claimed(record, 7, bench.clockwork()), at(0, 40)),
            JobResult::Success,
        )
        .record;
    assert_eq!(well.next, Some(at(0, 50) + TimeDelta::seconds(1)));
}

#[test]
fn a_date_long_past_when_first_seen_is_not_run_and_says_so() {
    let past = Bench::new(&RawSchedule {
        date: Some("2020-01-01T00:00:00"),
        ..RawSchedule::default()
    });
    let record = past.fresh();
    assert_eq!(record.status(), Status::Stop);
    assert!(record.reason.expect("a reason").contains("had passed"));
}

#[test]
fn start_says_so_when_nothing_is_left_to_fire() {
    let past = Bench::new(&RawSchedule {
        date: Some("2020-01-01T00:00:00"),
        ..RawSchedule::default()
    });
    let answer = ask(past.fresh(), Event::Start, past.clockwork(), at(1, 0));
    assert!(!answer.accepted);
    assert!(answer.text.contains("freezerd trigger"), "{}", answer.text);
}

#[test]
fn a_clock_set_back_by_more_than_three_hours_goes_on_from_now() {
    let bench = Bench::hourly();
    let late = tick(bench.fresh(), bench.clockwork(), at(9, 0)).record;
    let small = tick(late.clone(), bench.clockwork(), at(7, 30));
    assert_eq!(
        small.record.next,
        Some(at(10, 0)),
        "no occurrence comes twice"
    );
    let large = tick(late, bench.clockwork(), at(5, 30));
    assert_eq!(large.record.next, Some(at(6, 0)));
    assert!(matches!(&large.effects[..], [Effect::Corrected { .. }]));
}

#[test]
fn a_date_to_come_is_not_taken_for_dealt_with() {
    let bench = Bench::new(&RawSchedule {
        date: Some("2999-01-01T00:00:00"),
        ..RawSchedule::default()
    });
    let record = bench.fresh();
    assert!(record.handled <= at(0, 30));
    assert_eq!(record.status(), Status::Scheduled);
    assert_eq!(tick(record, bench.clockwork(), at(0, 31)).effects, []);
}

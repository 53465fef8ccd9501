//! The transition table of `docs/design.md`, cell by cell. A cell without a check, or a check without a cell, fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::control::event::Command;
use freezerd::job::action::{self, Action, Exec, JobAction, Work};
use freezerd::job::{Event, InitialState, JobResult, Status};
use freezerd::lifecycle::job::{
    Clockwork, Content, ContentChange, Effect, Interrupted, RunEnd, Step, ask, changed, claimed,
    file_gone, first_seen, run_ended, run_started, tick, trigger,
};
use freezerd::lifecycle::run::{self, Next};
use freezerd::protocol::{Outcome, Summary, Verdict};
use freezerd::record::{AttemptEnd, ExitStatus, JobRecord, Standing, Trigger};
use freezerd::schedule::parse::RawSchedule;
use freezerd::schedule::zone::Zone;
use freezerd::schedule::{Due, Schedule};

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

/// What the row that is not run says of the run in its way.
fn skips(step: &Step) -> &'static str {
    let says = |words: &str| {
        let reason = format!("run 7 {words}");
        step.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Skip { reason: is, .. } if *is == reason))
    };
    ["was still going on", "had not started yet"]
        .into_iter()
        .find(|words| says(words))
        .unwrap_or_else(|| panic!("nothing is skipped: {:?}", step.effects))
}

fn claims(step: &Step) -> Option<Trigger> {
    step.effects.iter().find_map(|effect| match effect {
        Effect::Claim(occurrence) => Some(occurrence.trigger),
        _ => None,
    })
}

/// A table of `docs/design.md` that begins after a line with these words: its rows, the head first.
fn table(after: &str) -> Vec<Vec<String>> {
    let design = std::fs::read_to_string("docs/design.md").expect("the design");
    let text = design.split(after).nth(1).expect("the table's heading");
    text.lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("|---"))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        })
        .collect()
}

/// The cells of a table: what they say, by their row and column. What a cell leaves to another one is filled in.
fn cells(after: &str) -> BTreeMap<(String, String), String> {
    let rows = table(after);
    let mut cells: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut above: Vec<String> = Vec::new();
    for row in &rows[1..] {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
        let mut said: Vec<String> = Vec::new();
        for (column, cell) in row[1..].iter().enumerate() {
            said.push(if cell == "as above" {
                above[column].clone()
            } else if cell.starts_with("the same") {
                format!("{}; {cell}", said[column - 1])
            } else {
                cell.clone()
            });
        }
        for (situation, cell) in rows[0][1..].iter().zip(&said) {
            cells.insert((row[0].clone(), situation.clone()), cell.clone());
        }
        above = said;
    }
    cells
}

/// Everything that can come to a job. What can be asked for has no other arm here, so that nothing is forgotten.
fn inputs() -> BTreeSet<String> {
    let asked = [
        Command::Start,
        Command::Stop,
        Command::Abort,
        Command::Remove,
        Command::Trigger,
    ];
    let asked = asked.map(|command| match command {
        Command::Start | Command::Stop | Command::Abort | Command::Remove | Command::Trigger => {
            command.name()
        }
    });
    let facts = [
        "due",
        "due, missed by more than a minute",
        "file changed",
        "file deleted",
        "run ended",
        "run interrupted",
    ];
    let all = asked.into_iter().chain(facts);
    all.map(str::to_owned).collect()
}

#[test]
fn every_cell_of_the_transition_table_holds() {
    let cells = cells("What each input does");
    let known: BTreeSet<String> = cells.keys().map(|(input, _)| input.clone()).collect();
    assert_eq!(
        known,
        inputs(),
        "a row is missing, or there is one too many"
    );
    for input in inputs() {
        for situation in ["no run", "queued run", "started run"] {
            println!("{input} × {situation}");
            let cell = &cells[&(input.clone(), situation.to_owned())];
            let cannot_be = input.starts_with("run ") && situation != "started run";
            assert_eq!(cell == "–", cannot_be, "{cell:?}");
            if cannot_be {
                continue;
            }
            for word in check_cell(&input, situation) {
                assert!(
                    cell.contains(word),
                    "it does this: {word:?}; the table: {cell:?}"
                );
            }
        }
    }
    assert_eq!(cells.len(), inputs().len() * 3);
}

/// Checks what the program does, and returns the words that the table must have for it.
fn check_cell(input: &str, situation: &str) -> Vec<&'static str> {
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
            match situation {
                "no run" => vec!["back on schedule"],
                "queued run" => vec!["stays on it"],
                _ => vec!["drops a pending `stop`"],
            }
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
            let word = if input == "stop" {
                "stopped"
            } else {
                "removed"
            };
            match situation {
                "no run" => vec![word],
                "queued run" => vec!["closed as skipped", word],
                _ => vec!["waits for the end"],
            }
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
            match situation {
                "no run" => vec!["refused"],
                "queued run" => vec!["is closed", "`aborted`", "stopped"],
                _ => vec!["the attempt is ended", "`aborted`", "then stopped"],
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
            if answer.accepted {
                vec!["one run now", "removed job: refused"]
            } else {
                vec!["refused: one run at a time"]
            }
        }
        "due" => {
            let step = tick(record, bench.clockwork(), at(1, 0));
            assert_eq!(step.record.handled, at(1, 0));
            assert_eq!(step.record.next, Some(at(2, 0)));
            if queued || started {
                vec!["skipped", skips(&step)]
            } else {
                assert_eq!(claims(&step), Some(Trigger::Schedule));
                vec!["a row is claimed, and run"]
            }
        }
        "due, missed by more than a minute" => {
            let step = tick(record, bench.clockwork(), at(3, 5));
            assert_eq!(step.record.handled, at(3, 0));
            if queued || started {
                vec!["skipped", skips(&step)]
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
                vec!["a catch-up run, or a row that says why not"]
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
                let change = ContentChange {
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
            if started {
                vec!["the same", "goes on with what it began with"]
            } else {
                vec!["where they differ from what the old content said"]
            }
        }
        "file deleted" => {
            let step = file_gone(record);
            assert_eq!(cancels(&step), queued);
            if started {
                assert_eq!(step.effects, []);
                let ended = bench.ended(step.record, JobResult::Success);
                assert_eq!(ended.effects, [Effect::Forget]);
                vec!["the run ends, then the job goes"]
            } else {
                assert!(step.effects.contains(&Effect::Forget));
                if queued {
                    vec!["closed as skipped", "the job goes"]
                } else {
                    vec!["the job goes; its rows stay"]
                }
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
            vec!["on to the next firing", "finished"]
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
            let step = run_ended(record.clone(), &cut(true), bench.clockwork(), at(0, 50));
            assert_eq!(step.effects, [], "once");
            let skipped = tick(record, bench.clockwork(), at(2, 10)).record;
            let step = run_ended(skipped, &cut(true), bench.clockwork(), at(2, 20));
            let [Effect::Claim(occurrence)] = &step.effects[..] else {
                panic!("what was skipped for it is owed: {:?}", step.effects);
            };
            let due = &occurrence.due;
            assert_eq!((due.first, due.last, due.count), (at(1, 0), at(2, 0), 2));
            vec![
                "closed as interrupted",
                "claimed, once",
                "another for what came due since",
            ]
        }
        other => panic!("docs/design.md has an input that no test knows: {other}"),
    }
}

// ---------------------------------------------------------------- the end of an attempt

/// Every way in which an attempt can end. A new one has no arm in `name`, so that it is not forgotten here.
fn ends() -> Vec<AttemptEnd> {
    let verdicts = [
        Verdict::Success,
        Verdict::Partial,
        Verdict::Failed,
        Verdict::FailedForGood,
    ];
    let reported = |verdict| AttemptEnd::Reported {
        outcome: Outcome {
            verdict,
            reason: None,
            summary: Summary::default(),
            problems: Vec::new(),
            problems_total: 0,
        },
    };
    let mut ends: Vec<AttemptEnd> = verdicts.into_iter().map(reported).collect();
    ends.extend([
        AttemptEnd::TimedOut,
        AttemptEnd::Stalled { seconds: 600.0 },
        AttemptEnd::Crashed {
            reason: "gone".into(),
        },
        AttemptEnd::Aborted,
        AttemptEnd::Interrupted,
    ]);
    ends
}

/// What the table calls it.
fn name(end: &AttemptEnd) -> &'static str {
    match end {
        AttemptEnd::Reported { outcome } => match outcome.verdict {
            Verdict::Success => "success",
            Verdict::Partial => "partial",
            Verdict::Failed => "failed",
            Verdict::FailedForGood => "failed for good",
        },
        AttemptEnd::TimedOut => "timed out",
        AttemptEnd::Stalled { .. } => "stalled",
        AttemptEnd::Crashed { .. } => "crashed",
        AttemptEnd::Aborted => "aborted",
        AttemptEnd::Interrupted => "interrupted",
    }
}

#[test]
fn every_end_of_an_attempt_has_the_consequence_that_the_table_names() {
    let cells = cells("What the end of an attempt means");
    let known: BTreeSet<&str> = cells.keys().map(|(end, _)| end.as_str()).collect();
    assert_eq!(known, ends().iter().map(name).collect());
    let command = |mandatory| JobAction {
        action: Action {
            work: Work::Exec(Exec {
                command: action::Command::Shell("true".into()),
            }),
            log_file: None,
            max_priority: false,
            dry_run: false,
        },
        mandatory,
        max_retries: 1,
        retry_wait: Duration::from_secs(90),
        timeout: None,
        stall_timeout: None,
    };
    // Of those that follow, the first is skipped after a failure.
    let actions = [command(false), command(false), command(true)];
    for end in ends() {
        for (attempt, situation) in [(1, "with attempts left"), (2, "at the last one")] {
            println!("{} × {situation}", name(&end));
            let mut rows = run::rows(&actions);
            let next = run::after_attempt(&actions, &mut rows, (0, attempt), &end, at(1, 0));
            let word = match (next, rows[0].exit_status) {
                (
                    Next::Attempt {
                        action: 1,
                        attempt: 1,
                    },
                    Some(ExitStatus::Success),
                ) => "the action has succeeded",
                (
                    Next::Attempt {
                        action: 2,
                        attempt: 1,
                    },
                    Some(ExitStatus::Fail),
                ) => "the action has failed",
                (
                    Next::Wait {
                        action: 0,
                        attempt: 2,
                        until,
                    },
                    None,
                ) => {
                    assert_eq!(until, at(1, 0) + TimeDelta::seconds(90));
                    "waits for `max_retries_interval`"
                }
                (
                    Next::End {
                        result: JobResult::Aborted,
                    },
                    Some(ExitStatus::Fail),
                ) => "the run is over",
                other => panic!("{other:?}"),
            };
            let cell = &cells[&(name(&end).to_owned(), situation.to_owned())];
            assert!(
                cell.contains(word),
                "it does this: {word:?}; the table: {cell:?}"
            );
        }
    }
}

// ---------------------------------------------------------------- beside the tables

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

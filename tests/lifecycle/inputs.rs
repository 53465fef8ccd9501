//! What each input does to a job.

use std::collections::BTreeSet;

use freezerd::control::event::Command;
use freezerd::job::{Event, InitialState, JobResult, Status};
use freezerd::lifecycle::job::{
    Content, ContentChange, Effect, Interrupted, RunEnd, Step, ask, changed, claimed, file_gone,
    run_ended, run_started, tick, trigger,
};
use freezerd::record::{JobRecord, Standing, Trigger};
use freezerd::schedule::Due;
use freezerd::schedule::parse::RawSchedule;

use super::{Bench, CONTENT, at, cells};

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
        Command::Notify | Command::Accept => panic!("it does not change the state of a job"),
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
            let running = run_started(
                claimed(due.record, 7, once.clockwork(), at(0, 31)),
                at(0, 31),
            );
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

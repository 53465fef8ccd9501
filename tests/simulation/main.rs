//! The scheduler on a virtual clock, with a ledger in memory. The test simulates months of many jobs, with outages,
//! crashes, suspends, clock steps, long runs, edited files, requests from people, and hosts that move to another time
//! zone. Every due instant must have exactly one row.
//!
//! A seed, which the test prints, determines everything. The default takes a few seconds. For a chosen simulation, and
//! for a year of a thousand jobs:
//!
//! ```text
//! FREEZERD_SIMULATION=SEED:JOBS:DAYS cargo test --release --test simulation -- --nocapture
//! FREEZERD_SIMULATION=1:1000:365 cargo test --release --test simulation -- --nocapture
//! ```

mod jobs;
mod ledger;
mod notices;
#[path = "../samples/mod.rs"]
mod samples;
mod shadow;
mod world;

use std::time::Instant;

use jobs::Mix;
use world::World;

const DAY: i64 = 86_400_000;

/// Runs the simulation, checks the result, and prints a summary.
fn simulate(seed: u64, mix: Mix, jobs: u64, days: u64, with_failing_commits: bool) -> World {
    println!("simulation {seed}:{jobs}:{days}");
    let begin = Instant::now();
    let mut world = World::new(seed, mix, jobs, 180);
    world.with_failing_commits = with_failing_commits;
    while world.elapsed < days as i64 * DAY {
        world.live();
    }
    world.judge();
    let books = world.ledger.0.borrow();
    println!(
        "{:.1} s: {} rows ({} caught up, {} skipped, {} interrupted, {} by hand), {} messages accepted, {} alarms told, {:?}",
        begin.elapsed().as_secs_f64(),
        books.runs,
        books.caught_up,
        books.skipped,
        books.interrupted,
        books.manual,
        books.accepted,
        books.notices.alarms,
        world.tally,
    );
    drop(books);
    world
}

#[test]
fn every_due_instant_has_exactly_one_row_whatever_happens() {
    let wanted = std::env::var("FREEZERD_SIMULATION").unwrap_or_else(|_| "20261123:150:50".into());
    let numbers: Vec<u64> = wanted
        .split(':')
        .map(|number| number.parse().expect("SEED:JOBS:DAYS"))
        .collect();
    let [seed, jobs, days] = numbers[..] else {
        panic!("FREEZERD_SIMULATION is SEED:JOBS:DAYS");
    };
    let world = simulate(seed, Mix::Usual, jobs, days, false);
    let (books, tally) = (world.ledger.0.borrow(), &world.tally);
    assert!(
        books.runs > jobs,
        "a simulation in which nothing runs proves nothing"
    );
    assert!(
        tally.crashes > 0
            && tally.steps_back > 0
            && tally.file_changes > 0
            && tally.events > 0
            && tally.outages > 0
            && tally.refusals > 0
            && tally.cut_alarms > 0
            && tally.accepted > 0,
        "a simulation without trouble proves little"
    );
    assert!(books.accepted > jobs, "receivers are told of failures");
    assert!(books.notices.alarms > tally.cut_alarms, "and of alarms");
}

#[test]
fn nothing_is_lost_while_the_ledger_cannot_be_written() {
    let world = simulate(4, Mix::Usual, 30, 30, true);
    assert!(world.tally.failed_commits > 0);
}

#[test]
fn continuous_jobs_continue_whatever_happens() {
    let world = simulate(7, Mix::Continuous, 5, 12, false);
    let (books, tally) = (world.ledger.0.borrow(), &world.tally);
    assert!(books.runs > 1000 && tally.steps_back > 0 && tally.crashes > 0);
}

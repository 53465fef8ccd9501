//! How many job files the program reads and validates each second: `cargo bench --bench job`.
#![allow(missing_docs)]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::collections::BTreeMap;
use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use freezerd::intake::{Catalog, FileState, Stamp};
use freezerd::job::render::{Look, render_all};
use freezerd::job::{Host, parse, schema::schema};
use freezerd::schedule::zone::Zone;

fn main() {
    divan::main();
}

const GOOD: &[u8] = include_bytes!("../tests/data/jobs/freezer-api-answer.conf");
const THREE: &[u8] = include_bytes!("../tests/data/jobs/seed-defaults.json");
const BAD: &[u8] = include_bytes!("../tests/data/jobs/seed-one-shot.raw");

fn host() -> Host {
    samples::host(Zone::utc())
}

#[divan::bench(args = ["one action", "three actions", "fifteen faults"])]
fn parse_and_validate(bencher: Bencher<'_, '_>, file: &str) {
    let bytes = match file {
        "one action" => GOOD,
        "three actions" => THREE,
        _ => BAD,
    };
    let host = host();
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| parse(divan::black_box(bytes), "nightly.json", &host));
}

#[divan::bench]
fn draw_fifteen_faults(bencher: Bencher<'_, '_>) {
    let parsed = parse(BAD, "nightly.json", &host());
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| render_all(&parsed.diagnostics, "nightly.json", BAD, Look::PLAIN));
}

#[divan::bench]
fn parse_a_thousand_actions(bencher: Bencher<'_, '_>) {
    let action = r#"{"freezer_action": {"path_to_backup": "/home", "backup_name": "home", "container": "/srv/backups"}}"#;
    let text = format!("{{\"job_actions\": [{}]}}", vec![action; 1_000].join(","));
    let host = host();
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| parse(text.as_bytes(), "nightly.json", &host));
}

/// Reads the whole jobs directory, as the daemon does when it starts.
#[divan::bench(args = [1_000, 10_000])]
fn load_a_directory(bencher: Bencher<'_, '_>, files: u64) {
    let bytes: Arc<[u8]> = Arc::from(THREE);
    let state = |number: u64| {
        let stamp = Stamp {
            device: 1,
            inode: number,
            size: 1,
            modified: 1,
            changed: 1,
        };
        (
            format!("job-{number}.json"),
            FileState::Content {
                bytes: bytes.clone(),
                stamp,
                warnings: Vec::new(),
            },
        )
    };
    bencher
        .counter(ItemsCount::new(files))
        .with_inputs(|| {
            (
                Catalog::new(host(), "db1", BTreeMap::new()),
                (0..files).map(state).collect::<Vec<_>>(),
            )
        })
        .bench_local_values(|(mut catalog, states)| catalog.update(states).len());
}

/// Reads the directory again after one of many files was changed.
#[divan::bench(args = [1_000, 10_000])]
fn change_one_of_many(bencher: Bencher<'_, '_>, files: u64) {
    let state = |number: u64, bytes: &[u8]| {
        let stamp = Stamp {
            device: 1,
            inode: number,
            size: 1,
            modified: 1,
            changed: 1,
        };
        (
            format!("job-{number}.json"),
            FileState::Content {
                bytes: Arc::from(bytes),
                stamp,
                warnings: Vec::new(),
            },
        )
    };
    let mut catalog = Catalog::new(host(), "db1", BTreeMap::new());
    catalog.update((0..files).map(|number| state(number, THREE)).collect());
    let mut odd = false;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        odd = !odd;
        let text =
            String::from_utf8_lossy(THREE).replace("scheduled", if odd { "odd" } else { "even" });
        catalog.update(vec![state(7, text.as_bytes())]).len()
    });
}

#[divan::bench]
fn make_the_schema() -> serde_json::Value {
    schema()
}

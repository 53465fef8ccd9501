//! Which snapshots the rules keep, with `restic forget --dry-run` as the judge: many histories, each of a host of its own in
//! one repository, and many rules.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use freezerd::keep::decide::{Candidate, decide};
use freezerd::keep::span::Span;
use freezerd::keep::{Count, Period, Rules};
use freezerd::repository::snapshot::Snapshot;
use freezerd::repository::time::Time;
use freezerd::storage::id::Id;
use serde_json::Value;

use crate::restic_support::{Restic, init, restics};

const HISTORIES: usize = 250;
const RULES: usize = 24;

/// A snapshot of a history.
struct Made {
    id: String,
    time: DateTime<FixedOffset>,
    tags: Vec<String>,
}

/// Times that no two snapshots share: restic's order of those would be that in which it read them.
fn times(random: &mut fastrand::Rng) -> BTreeSet<DateTime<Utc>> {
    const HOUR: i64 = 3600;
    let steps = [
        60,
        HOUR,
        6 * HOUR,
        24 * HOUR,
        7 * 24 * HOUR,
        30 * 24 * HOUR,
        200 * 24 * HOUR,
    ];
    let step = random.choice(steps).unwrap();
    let mut now = Utc::now() - TimeDelta::seconds(random.i64(0..10_000_000));
    // Some histories go on in the future: a clock was wrong.
    if random.u8(..8) == 0 {
        now = Utc::now() + TimeDelta::seconds(random.i64(HOUR..10_000_000));
    }
    (0..random.usize(1..25))
        .map(|_| {
            now -= TimeDelta::seconds(random.i64(1..2 * step));
            now
        })
        .collect()
}

fn history(random: &mut fastrand::Rng) -> Vec<(DateTime<FixedOffset>, Vec<String>)> {
    // The two offsets of a place with daylight saving time, or the one of a place without.
    let places = [
        [0, 0],
        [60, 120],
        [-480, -420],
        [330, 330],
        [0, 60],
        [765, 825],
    ];
    let offsets = random.choice(places).unwrap();
    let times = times(random).into_iter();
    times
        .map(|time| {
            let minutes = random.choice(offsets).unwrap();
            let offset = FixedOffset::east_opt(minutes * 60).unwrap();
            let tags = ["a", "b", "c"].into_iter().filter(|_| random.u8(..4) == 0);
            (
                time.with_timezone(&offset),
                tags.map(str::to_owned).collect(),
            )
        })
        .collect()
}

/// Rules, and the same as options of restic.
fn rules(random: &mut fastrand::Rng) -> (Rules, Vec<String>) {
    let periods = [
        (Period::Each, "last", ""),
        (Period::Hour, "hourly", "-hourly"),
        (Period::Day, "daily", "-daily"),
        (Period::Week, "weekly", "-weekly"),
        (Period::Month, "monthly", "-monthly"),
        (Period::Year, "yearly", "-yearly"),
    ];
    let mut rules = Rules::default();
    let mut options = Vec::new();
    while rules.is_empty() {
        for (period, name, within) in periods {
            if random.u8(..4) == 0 {
                let most = NonZeroU32::new(random.u32(1..12)).unwrap();
                rules.counts.insert(period, Count::Most(most));
                options.push(format!("--keep-{name}={most}"));
            } else if random.u8(..20) == 0 {
                rules.counts.insert(period, Count::All);
                options.push(format!("--keep-{name}=unlimited"));
            }
            if random.u8(..6) == 0 {
                let span = Span {
                    years: random.u32(..3) / 2,
                    months: random.u32(..9) / 2,
                    days: random.u32(1..50),
                    hours: random.u32(..30),
                };
                rules.spans.insert(period, span);
                options.push(format!("--keep-within{within}={span}"));
            }
        }
        for tags in ["a", "b,c"] {
            if random.u8(..8) == 0 {
                rules
                    .tags
                    .push(tags.split(',').map(str::to_owned).collect());
                options.push(format!("--keep-tag={tags}"));
            }
        }
    }
    (rules, options)
}

/// The ids of what restic keeps, by the host.
fn restic_keeps(
    restic: &Restic,
    path: &std::path::Path,
    options: &[String],
) -> BTreeMap<String, BTreeSet<String>> {
    let ran = restic
        .command(path, crate::restic_support::PASSWORD)
        // Go takes a time for one of the local zone if that has its offset, and then for one with its daylight saving time.
        .env("TZ", "UTC")
        .args(["forget", "--dry-run", "--json", "--group-by=host"])
        .args(options)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{options:?}: {ran:?}");
    let text = String::from_utf8(ran.stdout).unwrap();
    // Version 0.14 writes a line of text behind the document.
    let mut documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let groups = documents.next().unwrap().unwrap();
    let groups = groups.as_array().unwrap().iter();
    groups
        .map(|group| {
            let kept = group["keep"].as_array().into_iter().flatten();
            let ids = kept.map(|it| it["id"].as_str().unwrap().to_owned());
            (group["host"].as_str().unwrap().to_owned(), ids.collect())
        })
        .collect()
}

#[test]
fn the_rules_keep_what_restic_keeps() {
    let mut random = fastrand::Rng::with_seed(7);
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("repository");
    let repository = init(&path);
    let histories: BTreeMap<String, Vec<Made>> = (0..HISTORIES)
        .map(|number| {
            let host = format!("host{number}");
            let made = history(&mut random).into_iter().map(|(time, tags)| {
                let written = Time {
                    seconds: time.timestamp(),
                    nanoseconds: time.timestamp_subsec_nanos(),
                    offset_minutes: (time.offset().local_minus_utc() / 60) as i16,
                };
                let mut snapshot = Snapshot::new(written, Id::of(b"tree"), vec!["/x".into()]);
                snapshot.hostname.clone_from(&host);
                snapshot.tags.clone_from(&tags);
                let id = snapshot.write(&*repository.storage, &repository.cipher);
                let id = id.unwrap().to_string();
                Made { id, time, tags }
            });
            let made = made.collect();
            (host, made)
        })
        .collect();
    // Version 0.14 does not keep the oldest snapshot where its period has another one.
    if let Some(restic) = restics().pop() {
        for _ in 0..RULES {
            let (rules, options) = rules(&mut random);
            let kept = restic_keeps(&restic, &path, &options);
            assert_eq!(kept.len(), HISTORIES);
            let mut is_any_gone = false;
            for (host, made) in &histories {
                let candidates: Vec<Candidate<'_>> = made
                    .iter()
                    .map(|it| Candidate {
                        time: it.time,
                        tags: &it.tags,
                    })
                    .collect();
                let reasons = decide(&candidates, &rules, Utc::now());
                let ours = made.iter().zip(reasons);
                let ours = ours.filter(|(_, reasons)| !reasons.is_empty());
                let ours: BTreeSet<String> = ours.map(|(it, _)| it.id.clone()).collect();
                let times: Vec<String> = made.iter().map(|it| it.time.to_rfc3339()).collect();
                assert_eq!(ours, kept[host], "{options:?}: {times:#?}");
                is_any_gone |= ours.len() < made.len();
            }
            assert!(
                is_any_gone || options.iter().any(|it| it.ends_with("=unlimited")),
                "{options:?}"
            );
        }
    }
}

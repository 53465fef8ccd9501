//! freezerd's agent and restic 0.18 use one repository at the same time: both back up, remove snapshots and prune, in
//! loops. Afterwards every snapshot that either of them has reported, and that nobody has removed, restores with both
//! to the content that it had.
//!
//! `FREEZERD_SIDE_BY_SIDE=SEED:SECONDS` lets it go on for longer.

#[path = "../restic_support/mod.rs"]
mod restic_support;
#[path = "../samples/mod.rs"]
mod samples;
#[path = "../agent/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use freezerd::job::action::{Age, Backup, Restore, Work};
use freezerd::repository::check::check;
use freezerd::repository::check::share::Share;
use freezerd::repository::open::Repository;
use freezerd::repository::progress::Silent;
use freezerd::storage::local::Local;

use restic_support::{PASSWORD, Restic, init, restics};
use support::{Place, noise, succeed, tree};

/// When there are so many snapshots of one program, it removes the older ones and prunes.
const MOST: usize = 6;
/// So many it keeps then.
const KEPT: usize = 3;

/// What a snapshot must restore to.
struct Saved {
    id: String,
    entries: Vec<support::Entry>,
    /// When the backup began, in seconds.
    began: i64,
}

/// Writes files: some are new for the repository, and some are what the other program backs up, too.
fn change(source: &Path, random: &mut Rng) {
    fs::create_dir_all(source.join("common")).unwrap();
    for number in 0..8 {
        let content = match random.u8(..3) {
            0 => continue,
            // One of a few contents, which both programs store and remove again and again.
            1 => noise(50_000 + 10_000 * random.usize(..10)),
            _ => {
                let length = random.usize(..300_000);
                let bytes = std::iter::repeat_with(|| random.u8(..));
                bytes.take(length).collect()
            }
        };
        fs::write(source.join(format!("common/file{number}")), content).unwrap();
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// Backs up and prunes with the agent until the time is over. Returns the snapshots that must be there.
fn freezerd(place: &Place, mut random: Rng, until: Instant) -> Vec<Saved> {
    let source = place.path("source");
    let mut saved = Vec::new();
    let (mut backups, mut removed) = (0, 0);
    while Instant::now() < until || removed == 0 {
        change(&source, &mut random);
        let began = now();
        let outcome = succeed(Work::Backup(Backup {
            paths: vec![source.clone()],
            ..place.backup()
        }));
        let id = outcome.summary.snapshot.expect("a snapshot");
        let entries = tree(&source);
        saved.push(Saved { id, entries, began });
        backups += 1;
        if saved.len() >= MOST {
            // A snapshot of the same second may stay, too.
            let limit = saved[saved.len() - KEPT].began;
            let outcome = succeed(place.admin(Age::Before(limit)));
            removed += outcome.summary.snapshots_removed.unwrap_or(0);
            saved.retain(|saved| saved.began >= limit);
        }
    }
    println!("freezerd: {backups} backups, {removed} snapshots removed");
    saved
}

/// The same with restic.
fn restic(restic: &Restic, place: &Place, mut random: Rng, until: Instant) -> Vec<Saved> {
    let (repository, source) = (place.path("container"), place.path("other"));
    let run = |arguments: &[&str]| {
        let mut all = vec!["--retry-lock", "10m"];
        all.extend(arguments);
        restic.run(&repository, &all)
    };
    let mut saved = Vec::<Saved>::new();
    let (mut backups, mut removed) = (0, 0);
    while Instant::now() < until || removed == 0 {
        change(&source, &mut random);
        let began = now();
        let told = run(&["backup", "--json", source.to_str().unwrap()]);
        let summary = told.lines().rfind(|line| line.contains("snapshot_id"));
        let summary: serde_json::Value =
            serde_json::from_str(summary.expect("a summary")).expect("JSON");
        let id = summary["snapshot_id"].as_str().expect("an id").to_owned();
        let entries = tree(&source);
        saved.push(Saved { id, entries, began });
        backups += 1;
        if saved.len() >= MOST {
            let gone: Vec<Saved> = saved.drain(..saved.len() - KEPT).collect();
            let mut forget = vec!["forget"];
            forget.extend(gone.iter().map(|saved| saved.id.as_str()));
            run(&forget);
            run(&["prune", "--max-unused", "0"]);
            removed += gone.len();
        }
    }
    println!("restic: {backups} backups, {removed} snapshots removed");
    saved
}

/// Restores a snapshot with both programs, and compares it with what was there when it was made.
fn judge(restic: &Restic, place: &Place, source: &Path, saved: &Saved) {
    let target = place.path("target");
    succeed(Work::Restore(Restore {
        snapshot: Some(saved.id.clone()),
        target: target.clone(),
        ..place.restore()
    }));
    assert_eq!(tree(&target), saved.entries, "by freezerd: {}", saved.id);
    fs::remove_dir_all(&target).unwrap();
    let path = target.to_str().unwrap();
    let repository = place.path("container");
    restic.run(&repository, &["restore", &saved.id, "--target", path]);
    let restored = target.join(source.strip_prefix("/").unwrap());
    assert_eq!(tree(&restored), saved.entries, "by restic: {}", saved.id);
    fs::remove_dir_all(&target).unwrap();
}

#[test]
fn what_freezerd_and_restic_save_in_one_repository_at_the_same_time_restores_with_both() {
    let Some(new) = restics().pop() else {
        return;
    };
    let version = Command::new(&new.0).arg("version").output().unwrap();
    if !String::from_utf8_lossy(&version.stdout).contains(" 0.18") {
        println!("SKIPPED: older versions of restic do not wait for a lock");
        return;
    }
    let wanted = std::env::var("FREEZERD_SIDE_BY_SIDE").unwrap_or_else(|_| "5:20".to_owned());
    let (seed, seconds) = wanted.split_once(':').expect("SEED:SECONDS");
    let mut random = Rng::with_seed(seed.parse().expect("a seed"));
    let until = Instant::now() + Duration::from_secs(seconds.parse().expect("seconds"));
    let place = Place::in_memory();
    init(&place.path("container"));
    let (ours, theirs) = std::thread::scope(|threads| {
        let (first, second) = (random.fork(), random.fork());
        let ours = threads.spawn(|| freezerd(&place, first, until));
        let theirs = threads.spawn(|| restic(&new, &place, second, until));
        (ours.join().unwrap(), theirs.join().unwrap())
    });
    let storage = Arc::new(Local::new(place.path("container")));
    let repository = Repository::open(storage, PASSWORD.as_bytes()).unwrap();
    let report = check(&repository, Share::All, &Silent).unwrap();
    assert!(report.is_clean(), "{:?}", report.damage);
    assert!(report.locks.is_empty(), "{:?}", report.locks);
    new.run(&place.path("container"), &["check", "--read-data"]);
    for saved in &ours {
        judge(&new, &place, &place.path("source"), saved);
    }
    for saved in &theirs {
        judge(&new, &place, &place.path("other"), saved);
    }
    println!("{} snapshots restored by both", ours.len() + theirs.len());
}

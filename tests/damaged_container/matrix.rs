//! Each kind of file, damaged in each way, and then each command and action.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use freezerd::job::action::{Age, Backup, Work};
use freezerd::protocol::{Outcome, Verdict};
use freezerd::repository::blob_name::BlobKind;
use freezerd::repository::key;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::open::Repository;
use freezerd::storage::local::Local;

use crate::commands::{
    Ran, files, id, make_repository, open, overwrite, pack_file, packs_of, readable, run, run_on,
};
use crate::support::{Agent, Place, assert_same_tree, noise, request, run as run_action};

/// How many cells run at the same time.
const AT_A_TIME: usize = 3;

const KINDS: [&str; 7] = ["config", "key", "lock", "snapshot", "index", "data", "tree"];
const DAMAGES: [&str; 5] = ["deleted", "truncated", "emptied", "flipped", "swapped"];

/// Commands whose output is that of the whole container, or a failure.
const READING: [&[&str]; 8] = [
    &["snapshots", "--json"],
    &["ls", "-r", "--json"],
    &["find", "*", "--json"],
    &["diff", "--json"],
    &["dump", "/"],
    &["stats", "--json"],
    &["verify", "--read-data", "--json"],
    &["key", "list", "--json"],
];

/// Commands and actions that write.
const WRITING: [&str; 7] = [
    "prune",
    "repair",
    "repair --forget",
    "unlock",
    "backup",
    "restore",
    "admin",
];

/// A container with two snapshots, each with packs of its own, two keys and two locks that nobody holds.
fn make() -> Place {
    let place = Place::in_memory();
    make_repository(&place);
    place.write("source/one", noise(30_000));
    place.write("source/below/two", "two");
    place.back_up();
    place.write("source/below/three", noise(20_000));
    place.back_up();
    let repository = open(&place);
    let keys = &repository.key.keys;
    key::add(&*repository.storage, keys, b"other", Cost::LEAST).unwrap();
    place.write("other", "other\n");
    left_lock(&place);
    // Another process removes locks that nobody holds.
    let first = files(&place, "locks").remove(0);
    let aside = place.path("aside");
    fs::rename(&first, &aside).unwrap();
    left_lock(&place);
    fs::rename(&aside, &first).unwrap();
    assert_eq!(files(&place, "locks").len(), 2);
    place
}

/// Kills an agent that has a lock: the lock stays.
fn left_lock(place: &Place) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freezerd"));
    command
        .arg("agent")
        .env("FREEZERD_KILL_TRACE", place.path("trace"))
        .env("FREEZERD_KILL_AT", "LockTaken:1:agent");
    let ended = Agent::start_with(&mut command, &request(Work::Backup(place.backup()))).end();
    assert_eq!(ended.status.code(), None, "{ended:#?}");
    fs::remove_file(place.path("trace")).unwrap();
}

/// Copies a place's files. Everything but the source keeps its content; the source keeps its times, too.
fn copy(from: &Place) -> Place {
    let place = Place::in_memory();
    for name in ["container", "source", "pass", "other"] {
        let done = Command::new("cp")
            .arg("-a")
            .arg("-T")
            .arg(from.path(name))
            .arg(place.path(name))
            .status()
            .unwrap();
        assert!(done.success());
    }
    place
}

/// The file that is damaged, and another one of its kind.
fn files_of(place: &Place, kind: &str) -> (PathBuf, Option<PathBuf>) {
    let two = |mut files: Vec<PathBuf>| {
        let first = files.remove(0);
        (first, (!files.is_empty()).then(|| files.remove(0)))
    };
    let repository = open(place);
    let packs = |kind| {
        let packs = packs_of(&repository, kind);
        two(packs
            .into_iter()
            .map(|pack| pack_file(place, pack))
            .collect())
    };
    match kind {
        "config" => (place.path("container/config"), None),
        "key" => {
            // The one that the password does not need.
            let mut keys = files(place, "keys");
            keys.sort_by_key(|key| id(key) == repository.key.id.to_string());
            two(keys)
        }
        "lock" => two(files(place, "locks")),
        "snapshot" => {
            // The newest: what is restored in its place is no success.
            let mut snapshots = files(place, "snapshots");
            let written = |file: &PathBuf| fs::metadata(file).unwrap().modified().unwrap();
            snapshots.sort_by_key(written);
            snapshots.reverse();
            two(snapshots)
        }
        "index" => two(files(place, "index")),
        "data" => packs(BlobKind::Data),
        _ => packs(BlobKind::Tree),
    }
}

/// Damages a file. False when there is no other one to swap it with.
fn damage(file: &Path, other: Option<&Path>, how: &str) -> bool {
    let content = fs::read(file).unwrap();
    match (how, other) {
        ("deleted", _) => fs::remove_file(file).unwrap(),
        ("truncated", _) => overwrite(file, &content[..content.len() / 2]),
        ("emptied", _) => overwrite(file, b""),
        ("flipped", _) => {
            let mut content = content;
            let middle = content.len() / 2;
            content[middle] ^= 0xff;
            overwrite(file, &content);
        }
        (_, Some(other)) => {
            overwrite(file, &fs::read(other).unwrap());
            overwrite(other, &content);
        }
        (_, None) => return false,
    }
    true
}

/// The text without the name of the temporary directory.
fn placeless(place: &Place, text: &str) -> String {
    text.replace(&*place.path("").to_string_lossy(), "/")
}

/// What the agent said at its end.
fn outcome_of(work: Work) -> (Outcome, String) {
    let ended = run_action(work);
    let outcome = ended.outcome().clone();
    (
        outcome.clone(),
        format!("{outcome:?} {}", ended.log.join("\n")),
    )
}

/// What an action comes to, as if it were a command.
fn act(work: Work) -> Ran {
    let (outcome, said) = outcome_of(work);
    Ran {
        code: Some(match outcome.verdict {
            Verdict::Success => 0,
            Verdict::Partial => 3,
            Verdict::Failed | Verdict::FailedForGood => 1,
        }),
        stdout: String::new(),
        stderr: said,
    }
}

/// One kind of file, one damage.
struct Case<'a> {
    kind: &'static str,
    how: &'static str,
    good: &'a Place,
    truth: &'a BTreeMap<&'static [&'static str], String>,
}

impl Case<'_> {
    /// What is not there cannot be missed: nobody knows of a snapshot, a key or a lock that was deleted.
    fn is_unknown(&self) -> bool {
        self.how == "deleted" && matches!(self.kind, "snapshot" | "key" | "lock")
    }

    /// Whether the damage costs data, or the way to it.
    fn hurts(&self) -> bool {
        !self.is_unknown() && self.kind != "lock" && self.kind != "key"
    }

    fn run(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let place = copy(self.good);
        let (file, other) = files_of(&place, self.kind);
        if !damage(&file, other.as_deref(), self.how) {
            return faults;
        }
        // A lock that nobody can read counts for half an hour.
        for lock in files(&place, "locks") {
            let done = Command::new("touch")
                .args(["-d", "1 hour ago"])
                .arg(lock)
                .status();
            assert!(done.unwrap().success());
        }
        let mut names = vec![id(&file)];
        names.extend(
            other
                .filter(|_| self.how == "swapped")
                .map(|other| id(&other)),
        );
        for words in READING {
            let ran = run(&place, words);
            self.judge(&words.join(" "), &ran, &names, &mut faults);
            let differs = placeless(&place, &ran.stdout) != self.truth[words];
            // Who has locks, keys and files of a pack is not a part of what is lost.
            let is_compared = !(self.is_unknown() || words[0] == "verify" && self.kind == "lock");
            if ran.code == Some(0) && differs && is_compared {
                faults.push(format!("{words:?} is not the truth: {ran:#?}"));
            }
            let is_seen = self.hurts() || self.kind == "key" && !self.is_unknown();
            if words[0] == "verify" && ran.code == Some(0) && is_seen {
                faults.push(format!("verify saw nothing: {ran:#?}"));
            }
        }
        // The other damages to these files come to the same.
        let is_small = matches!(self.kind, "config" | "key" | "lock") && self.how != "emptied";
        for words in WRITING.iter().filter(|_| !is_small) {
            let place = copy(&place);
            faults.extend(self.write(&place, words, &names));
        }
        faults
    }

    /// A command that writes: it takes nothing away that could be read.
    fn write(&self, place: &Place, words: &'static str, names: &[String]) -> Vec<String> {
        let mut faults = Vec::new();
        let before = self.readable(place);
        let ran = match words {
            "backup" => act(Work::Backup(Backup {
                // The copies have the same source, so that the backup has a parent.
                paths: vec![self.good.path("source")],
                ..place.backup()
            })),
            "restore" => act(Work::Restore(place.restore())),
            "admin" => act(place.admin(Age::Days(1000.0))),
            words => run(place, &words.split(' ').collect::<Vec<_>>()),
        };
        self.judge(words, &ran, names, &mut faults);
        let after = self.readable(place);
        for (key, content) in &before {
            if after.get(key) != Some(content) {
                faults.push(format!("{words} took {key:?} away: {ran:#?}"));
            }
        }
        if ran.code == Some(0) && words == "restore" && !self.is_unknown() {
            assert_same_tree(&self.good.path("source"), &place.path("target"));
        }
        // A backup does not read what is already there: only a check notices that a disk has changed a byte.
        let is_unseen = self.kind == "data" && matches!(self.how, "flipped" | "swapped");
        if ran.code == Some(0) && words == "backup" && !is_unseen {
            // What it reports as saved is there.
            let restored = act(Work::Restore(place.restore()));
            // While a snapshot cannot be read, it may be the newest.
            let expected = match self.kind {
                "snapshot" if !self.is_unknown() => 3,
                _ => 0,
            };
            if restored.code != Some(expected) {
                faults.push(format!(
                    "a backup that succeeded is not restored: {restored:#?}"
                ));
            } else {
                assert_same_tree(&self.good.path("source"), &place.path("target"));
            }
        }
        faults
    }

    fn readable(&self, place: &Place) -> BTreeMap<(String, String), Vec<u8>> {
        let storage = Arc::new(Local::new(place.path("container")));
        match Repository::open(storage, b"correct horse") {
            Ok(repository) => readable(&repository),
            Err(_) => BTreeMap::new(),
        }
    }

    /// Whatever happens: no panic, a known exit code, and a failure that names the file.
    fn judge(&self, words: &str, ran: &Ran, names: &[String], faults: &mut Vec<String>) {
        let known = [0, 1, 3, 66, 75];
        if !ran.code.is_some_and(|code| known.contains(&code)) || ran.said("panicked") {
            faults.push(format!("{words} ended badly: {ran:#?}"));
        }
        let is_named = names.iter().any(|name| ran.said(name))
            // What only a missing index has is named where it is needed.
            || (self.kind == "index"
                && (ran.said("no index names") || ran.said("cannot be read")))
            // Of a pack, what is in it is named. A check names the pack.
            || (matches!(self.kind, "data" | "tree")
                && (ran.said(" blob ") || ran.said("cannot be read")));
        if ran.code != Some(0) && !is_named && !self.is_unknown() {
            faults.push(format!("{words} does not name the file: {ran:#?}"));
        }
    }
}

#[test]
fn every_command_says_what_is_damaged_and_saves_the_rest() {
    let good = make();
    let truth: BTreeMap<_, _> = READING
        .iter()
        .map(|words| {
            let place = copy(&good);
            let stdout = run(&place, words).exits(0).stdout;
            (*words, placeless(&place, &stdout))
        })
        .collect();
    let mut cases = Vec::new();
    for kind in KINDS {
        for how in DAMAGES {
            cases.push(Case {
                kind,
                how,
                good: &good,
                truth: &truth,
            });
        }
    }
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = case.run();
                    let about = |fault| format!("{} {}: {fault}", case.kind, case.how);
                    faults.lock().unwrap().extend(found.into_iter().map(about));
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}: {}", faults.len(), faults.join("\n"));
}

#[test]
fn a_damaged_key_that_is_the_passwords_own_is_named_and_no_check_is_advised() {
    let place = make();
    let own = open(&place).key.id.to_string();
    for how in ["truncated", "emptied", "flipped"] {
        let place = copy(&place);
        damage(&place.path("container/keys").join(&own), None, how);
        for words in READING.iter().copied().chain([&["repair"][..], &["prune"]]) {
            let ran = run(&place, words).exits(1);
            assert!(ran.said(&own), "{ran:#?}");
            assert!(!ran.said("verify") && !ran.said("wrong"), "{ran:#?}");
            // Another password opens it.
            let code = run_on(&place, "other", words).code;
            assert!(matches!(code, Some(0 | 1 | 3)), "{words:?}: {code:?}");
        }
        run_on(&place, "other", &["ls"]).exits(0);
        let (outcome, said) = outcome_of(Work::Backup(place.backup()));
        assert_eq!(outcome.verdict, Verdict::FailedForGood);
        assert!(
            said.contains(&own) && said.contains("another key"),
            "{said}"
        );
    }
}

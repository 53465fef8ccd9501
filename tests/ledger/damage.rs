//! A ledger that is damaged is never taken for an empty one: it is kept aside, a new one is begun, and everybody who
//! looks is told.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Host, exec, now, once, someday};

/// A host with several kinds of jobs.
fn jobs() -> Host {
    Host::new()
        .job("once", once(vec![exec("echo x >> ran-once")]))
        .job("date", now(vec![exec("echo x >> ran-date")]))
        .job("someday", someday(vec![exec("true")]))
        .job(
            "nightly",
            json!({"job_actions": [exec("true")], "job_schedule": {"schedule_hour": "3"}}),
        )
}

/// The same with a ledger that knows them, and their runs.
fn host() -> Host {
    let host = jobs();
    host.once().exits(0);
    assert_eq!(host.read("work/ran-once"), "x\n");
    assert_eq!(host.read("work/ran-date"), "x\n");
    host
}

/// Another one that looks the same.
fn twin(of: &Host) -> Host {
    let host = jobs();
    for file in ["state/ledger.redb", "state/logs/1.log", "state/logs/2.log"] {
        let bytes = fs::read(of.path(file)).expect("a file");
        fs::write(host.file(file, ""), bytes).expect("its copy");
    }
    for file in ["work/ran-once", "work/ran-date"] {
        host.file(file, "x\n");
    }
    for name in ["once", "date", "nightly", "someday"] {
        let file = format!("jobs.d/{name}.json");
        fs::write(host.path(&file), of.read(&file)).expect("the same content");
    }
    host
}

fn ledger(host: &Host) -> PathBuf {
    host.path("state/ledger.redb")
}

/// Bytes that mean nothing, always the same.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

fn cut(path: &Path, length: u64) {
    let file = fs::File::options().write(true).open(path).expect("it");
    file.set_len(length).expect("cut");
}

/// The ledgers that were put aside.
fn asides(host: &Host) -> Vec<PathBuf> {
    fs::read_dir(host.path("state"))
        .expect("the state directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.display().to_string().contains("redb.damaged-"))
        .collect()
}

type Damage = (&'static str, Box<dyn Fn(&Path)>);

fn matrix() -> Vec<Damage> {
    let size = |path: &Path| fs::metadata(path).expect("it").len();
    vec![
        ("emptied", Box::new(|path| cut(path, 0))),
        ("cut to a few bytes", Box::new(|path| cut(path, 100))),
        ("cut to a page", Box::new(|path| cut(path, 4096))),
        (
            "cut in half",
            Box::new(move |path| cut(path, size(path) / 2)),
        ),
        (
            "overwritten with noise",
            Box::new(move |path| {
                fs::write(path, noise(size(path) as usize, 1)).expect("noise");
            }),
        ),
        (
            "overwritten with noise behind the first page",
            Box::new(move |path| {
                let file = fs::File::options().write(true).open(path).expect("it");
                let length = size(path) as usize - 4096;
                file.write_all_at(&noise(length, 2), 4096).expect("noise");
            }),
        ),
        (
            "overwritten with zeros",
            Box::new(move |path| {
                fs::write(path, vec![0; size(path) as usize]).expect("zeros");
            }),
        ),
        (
            "another file of that name",
            Box::new(|path| fs::write(path, "no ledger at all\n").expect("a text")),
        ),
        (
            "a directory in its place",
            Box::new(|path| {
                fs::remove_file(path).expect("it");
                fs::create_dir(path).expect("a directory");
                fs::write(path.join("inside"), "something").expect("a file");
            }),
        ),
        (
            "a link that leads nowhere",
            Box::new(|path| {
                fs::remove_file(path).expect("it");
                std::os::unix::fs::symlink("/nowhere/at/all", path).expect("a link");
            }),
        ),
        (
            "a database of somebody else's",
            Box::new(|path| {
                fs::remove_file(path).expect("it");
                let other = redb::Database::create(path).expect("a database");
                let transaction = other.begin_write().expect("a transaction");
                let table = redb::TableDefinition::<u64, u64>::new("theirs");
                transaction.open_table(table).expect("a table");
                transaction.commit().expect("a commit");
            }),
        ),
    ]
}

#[test]
fn whatever_happened_to_it_it_is_kept_aside_and_everybody_is_told() {
    let first = host();
    for (name, make) in matrix() {
        println!("{name}");
        let host = twin(&first);
        make(&ledger(&host));
        let before = fs::read(ledger(&host)).ok();

        // Without a daemon: a clear word, and nothing is changed.
        let ran = host.freezerd(&["list"]).exits(70);
        assert!(ran.stderr().contains("is damaged"), "{}", ran.stderr());
        assert!(ran.stderr().contains("ledger.redb"), "{}", ran.stderr());
        assert!(ran.stderr().contains("next start"), "{}", ran.stderr());
        assert!(!ran.stderr().contains("panicked"), "{}", ran.stderr());
        assert!(fs::read(ledger(&host)).ok() == before, "not a byte changed");

        let daemon = host.start();
        let log = daemon.log();
        assert!(log.contains("is damaged"), "{log}");
        assert!(!log.contains("panicked"), "{log}");
        let aside = asides(&host);
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert!(
            log.contains(&aside[0].display().to_string()),
            "it says where it is kept: {log}"
        );
        // A sound database notes that it was opened.
        assert!(
            fs::read(&aside[0]).ok() == before || name.contains("somebody else's"),
            "not a byte is changed"
        );

        assert_eq!(host.jobs(), ["date", "nightly", "once", "someday"]);
        let note = |value: &Value| {
            let notes = value["notes"].as_array().expect("notes");
            assert_eq!(notes.len(), 1, "{value:#}");
            let note = notes[0].as_str().expect("a note");
            assert!(note.contains(&aside[0].display().to_string()), "{note}");
        };
        note(&host.json(&["list"]));
        let why = host.json(&["why", "nightly"]);
        note(&why);
        let lately = why["lately"][0].as_str().expect("a sentence");
        assert!(lately.contains("No run of it is known"), "{lately}");
        note(&host.json(&["history"]));
        note(&host.show("nightly")["x-freezerd"]);
        let said = host.freezerd(&["list"]).exits(0);
        assert!(said.stderr().contains("was found damaged"));

        // What may have run is not run again; what has a schedule goes on.
        for held in ["once", "date"] {
            let job = host.show(held);
            assert_eq!(job["job_schedule"]["status"], "stop", "{job:#}");
            let reason = job["x-freezerd"]["reason"].as_str().expect("a reason");
            assert!(reason.contains("damaged"), "{reason}");
            assert!(
                reason.contains(&format!("freezerd trigger {held}")),
                "{reason}"
            );
        }
        assert_eq!(host.state("nightly"), "scheduled//");
        assert_eq!(host.state("someday"), "scheduled//");
        // The number is none that a log of old is called by.
        let run = host.trigger("once");
        assert_eq!(run, 3);
        daemon.says("once", "succeeded");
        assert_eq!(host.read("work/ran-once"), "x\nx\n");
        assert_eq!(host.read("work/ran-date"), "x\n");
        assert_eq!(daemon.stop().code(), Some(0));

        // Restarted, it is the same; and the note goes with the file.
        let ran = host.once().exits(0);
        assert_eq!(ran.json()["runs"], json!([]));
        assert_eq!(asides(&host), aside);
        assert!(host.path("state/logs/1.log").exists(), "what it knew of");
        let _ = fs::remove_dir_all(&aside[0]);
        let _ = fs::remove_file(&aside[0]);
        assert_eq!(host.json(&["list"])["notes"], json!([]));
    }
}

#[test]
fn a_page_of_noise_anywhere_breaks_nothing_but_the_ledger() {
    let places: u64 = std::env::var("FREEZERD_DAMAGE_PLACES")
        .ok()
        .map_or(16, |places| places.parse().expect("a number"));
    let host = host();
    let whole = fs::read(ledger(&host)).expect("the ledger");
    let pages: Vec<usize> = whole
        .chunks(4096)
        .enumerate()
        .filter(|(_, page)| page.iter().any(|byte| *byte != 0))
        .map(|(number, _)| number)
        .collect();
    let rows = host.json(&["history"])["runs"].clone();
    let clean = |arguments: &[&str]| {
        let ran = host.freezerd(arguments);
        assert!(
            [0, 70].contains(&ran.code()) && !ran.stderr().contains("panicked"),
            "{arguments:?}: {}\n{}",
            ran.code(),
            ran.stderr()
        );
        ran.code()
    };
    let mut kept = 0;
    for place in 0..places {
        let mut bytes = whole.clone();
        // All over the file, in pages that hold something.
        let at = pages[place as usize * 7 % pages.len()] * 4096 + (place as usize % 7) * 500;
        let length = 64.min(bytes.len() - at);
        bytes[at..at + length].copy_from_slice(&noise(length, place + 1));
        fs::write(ledger(&host), &bytes).expect("the damage");
        for aside in asides(&host) {
            fs::remove_file(aside).expect("it is there");
        }
        clean(&["list"]);
        clean(&["history"]);
        clean(&["why", "nightly"]);
        host.once().exits(0);
        assert_eq!(clean(&["list"]), 0, "after a start all is well");
        kept += asides(&host).len();
        if asides(&host).is_empty() {
            // It fell where nothing was: nothing is lost without a word.
            assert_eq!(host.json(&["history"])["runs"], rows, "place {place}");
        }
    }
    assert!(kept > 0, "some of it was noticed");
    println!("{kept} of {places} were noticed");
}

#[test]
fn a_daemon_whose_ledger_is_overwritten_ends_with_a_word_and_the_next_one_goes_on() {
    let host = host();
    let daemon = host.start();
    let pid = daemon.id().to_string();
    let file = fs::File::options()
        .write(true)
        .open(ledger(&host))
        .expect("it");
    let size = file.metadata().expect("its size").len() as usize;
    file.write_all_at(&noise(size, 5), 0).expect("noise");
    // What it has in memory it may go on with for a while; what it reads anew it cannot.
    for nth in 0..40 {
        host.put(&format!("new{nth}"), someday(vec![exec("true")]));
        let loaded = || daemon.log().contains(&format!("new{nth}.json"));
        crate::harness::eventually("it notices either of them", || {
            loaded() || !crate::harness::is_alive(&pid)
        });
        if !crate::harness::is_alive(&pid) {
            break;
        }
    }
    let log = daemon.log();
    assert!(!log.contains("panicked"), "{log}");
    if crate::harness::is_alive(&pid) {
        println!("it did not notice");
        daemon.stop();
    } else {
        let says = ["is damaged", "another program wrote to the ledger"];
        assert!(says.iter().any(|text| log.contains(text)), "{log}");
        drop(daemon);
    }
    let daemon = host.start();
    assert!(host.jobs().contains(&"new0".to_owned()));
    assert_eq!(asides(&host).len(), 1);
    assert_eq!(host.read("work/ran-once"), "x\n");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_second_damage_keeps_both() {
    let host = host();
    for _ in 0..3 {
        cut(&ledger(&host), 0);
        host.once().exits(0);
    }
    assert_eq!(asides(&host).len(), 3);
    assert_eq!(
        host.json(&["list"])["notes"].as_array().map(Vec::len),
        Some(3)
    );
}

#[test]
fn a_new_ledger_that_was_cut_short_by_a_crash_is_begun_again() {
    let host = Host::new().job("once", once(vec![exec("echo x >> ran")]));
    fs::create_dir_all(host.path("state")).expect("the state directory");
    fs::write(host.path("state/ledger.redb.new"), noise(5000, 9)).expect("half a ledger");
    host.once().exits(0);
    assert_eq!(host.read("work/ran"), "x\n");
    assert_eq!(host.json(&["list"])["notes"], json!([]));
    assert!(!host.path("state/ledger.redb.new").exists());
}

#[test]
fn what_runs_once_is_held_also_when_the_daemon_was_killed_over_the_damage() {
    let host = host();
    // As if the daemon was killed when the damaged one was put aside and nothing else was done yet.
    fs::rename(
        ledger(&host),
        host.path("state/ledger.redb.damaged-2026-01-01T000000Z"),
    )
    .expect("a rename");
    let ran = host.once().exits(0);
    assert_eq!(ran.json()["runs"], json!([]));
    assert_eq!(host.read("work/ran-once"), "x\n");
    // A job that comes later is new, and runs.
    host.put("later", once(vec![exec("echo x >> ran-later")]));
    host.once().exits(0);
    assert_eq!(host.read("work/ran-later"), "x\n");
}

#[test]
fn a_newer_format_is_refused_with_a_clear_word() {
    let host = host();
    let database = redb::Database::create(ledger(&host)).expect("the ledger");
    let transaction = database.begin_write().expect("a transaction");
    let meta = redb::TableDefinition::<&str, &str>::new("meta");
    transaction
        .open_table(meta)
        .and_then(|mut meta| Ok(meta.insert("format", "7").map(drop)?))
        .expect("another format");
    transaction.commit().expect("a commit");
    drop(database);
    for arguments in [&["list"][..], &["run", "--once"][..]] {
        let ran = host.freezerd(arguments).exits(78);
        let said = ran.stderr();
        for word in ["format 7", "format 1", env!("CARGO_PKG_VERSION"), "newer"] {
            assert!(said.contains(word), "{word} is not in {said}");
        }
    }
    assert_eq!(asides(&host), Vec::<PathBuf>::new());
}

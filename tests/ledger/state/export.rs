//! `freezerd state export` and `freezerd state import`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{host, ledger};
use crate::harness::{Host, every, exec, once, someday};

fn export(host: &Host) -> Vec<String> {
    let ran = host.freezerd(&["state", "export"]).exits(0);
    ran.stdout().lines().map(str::to_owned).collect()
}

/// Without the header, which has the time.
fn records(lines: &[String]) -> &[String] {
    &lines[1..]
}

fn import(host: &Host, lines: &[String], flags: &[&str]) -> crate::harness::Ran {
    let file = host.file("state.jsonl", &(lines.join("\n") + "\n"));
    let mut arguments = vec!["state", "import", file.to_str().expect("a path")];
    arguments.extend(flags);
    host.freezerd(&arguments)
}

#[test]
fn what_is_exported_and_imported_is_exported_the_same() {
    let host = host();
    let lines = export(&host);
    let header: Value = serde_json::from_str(&lines[0]).expect("a header");
    assert_eq!(header["freezerd_state"], 1);
    assert_eq!(header["format"], "1");
    assert_eq!(header["version"], env!("CARGO_PKG_VERSION"));
    for table in [
        "meta",
        "jobs",
        "files",
        "runs",
        "occurrences",
        "attempts",
        "events",
    ] {
        let named = format!("{{\"table\":\"{table}\"");
        assert!(
            lines.iter().any(|line| line.starts_with(&named)),
            "{table} is among {lines:#?}"
        );
    }
    let trailer: Value = serde_json::from_str(&lines[lines.len() - 1]).expect("a trailer");
    assert_eq!(trailer["records"]["runs"], 3);

    let other = Host::new();
    import(&other, &lines, &[]).exits(0);
    assert_eq!(records(&export(&other)), records(&lines));
    // Not only the lines: the commands say the same of it.
    assert_eq!(
        other.json(&["history", "--limit", "10"]),
        host.json(&["history", "--limit", "10"])
    );
    assert_eq!(other.json(&["list"]), host.json(&["list"]));
    other.freezerd(&["state", "check"]).exits(0);
    let mode = fs::metadata(ledger(&other)).expect("it").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn it_is_exported_beside_a_running_daemon_with_its_open_runs() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("slow", every("1 days", vec![gate.action()]));
    let daemon = host.start();
    let run = host.trigger("slow");
    daemon.says("slow", "exec");
    let lines = export(&host);
    let refused = import(&host, &lines, &["--replace"]).exits(75);
    assert!(refused.stderr().contains("already uses"));
    gate.pass();
    daemon.says("slow", "succeeded");
    assert_eq!(daemon.stop().code(), Some(0));

    // Taken over elsewhere, the run is found cut off, and made up for.
    let other = Host::new();
    import(&other, &lines, &[]).exits(0);
    other.put("slow", every("1 days", vec![exec("true")]));
    other.once();
    assert_eq!(other.run(run)["state"], "interrupted");
}

#[test]
fn a_file_is_for_its_owner_alone() {
    let host = host();
    let path = host.path("work/state.jsonl");
    let ran = host.json(&["state", "export", "--output", "state.jsonl"]);
    let text = fs::read_to_string(&path).expect("the export");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(ran["records"], lines.len() - 2);
    assert_eq!(records(&lines), records(&export(&host)));
    let mode = fs::metadata(&path).expect("it").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert!(!host.path("work/.state.jsonl.tmp").exists());
}

#[test]
fn whatever_is_wrong_with_an_export_is_found_before_anything_is_changed() {
    let host = host();
    let lines = export(&host);
    let last = lines.len() - 1;
    let at = |table: &str| {
        let named = format!("{{\"table\":\"{table}\"");
        let of = |line: &String| line.starts_with(&named);
        lines.iter().position(of).expect("such a line")
    };
    let without = |index: usize| {
        let mut lines = lines.clone();
        lines.remove(index);
        lines
    };
    let with = |index: usize, line: String| {
        let mut lines = lines.clone();
        lines[index] = line;
        lines
    };
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("is not the header", vec!["what is this".into()]),
        ("is not the header", without(0)),
        ("cut off", without(last)),
        ("cut off", lines[..last / 2].to_vec()),
        ("records are missing", without(at("runs"))),
        (
            "checksum",
            with(at("runs"), lines[at("runs")].replace("exec", "exex")),
        ),
        (
            "version 2",
            with(
                0,
                lines[0].replace("\"freezerd_state\":1", "\"freezerd_state\":2"),
            ),
        ),
        (
            "no table",
            with(
                at("events"),
                lines[at("events")].replace("events", "evenings"),
            ),
        ),
        ("is not a record", with(at("runs"), "{}".into())),
    ];
    let other = Host::new();
    for (word, lines) in cases {
        let ran = import(&other, &lines, &[]).exits(65);
        assert!(ran.stderr().contains(word), "{word}: {}", ran.stderr());
        assert!(!ledger(&other).exists(), "{word}");
    }
    // Half a line at the end, as a full disk leaves it.
    let text = lines.join("\n");
    let file = other.file("state.jsonl", &text[..text.len() - 10]);
    let path = file.to_str().expect("a path");
    let ran = other.freezerd(&["state", "import", path]).exits(65);
    assert!(ran.stderr().contains("cut off"), "{}", ran.stderr());
}

/// An export with other records, and the counts and checksum that belong to them.
fn sealed(header: &str, records: Vec<String>) -> Vec<String> {
    use sha2::{Digest, Sha256};
    let mut sum = Sha256::new();
    let mut counts = serde_json::Map::new();
    for record in &records {
        sum.update(format!("{record}\n"));
        let record: Value = serde_json::from_str(record).expect("a record");
        let table = record["table"].as_str().expect("a table").to_owned();
        let count = counts.get(&table).and_then(Value::as_u64).unwrap_or(0);
        counts.insert(table, json!(count + 1));
    }
    let sum: String = sum
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let trailer = json!({"end": true, "records": counts, "sha256": sum}).to_string();
    let mut lines = vec![header.to_owned()];
    lines.extend(records);
    lines.push(trailer);
    lines
}

#[test]
fn records_that_contradict_each_other_are_not_imported() {
    let host = host();
    let lines = export(&host);
    let records = || lines[1..lines.len() - 1].to_vec();
    let of = |table: &str| {
        let named = format!("{{\"table\":\"{table}\"");
        move |line: &String| line.starts_with(&named)
    };
    let edit = |change: &dyn Fn(&mut Vec<String>)| {
        let mut records = records();
        change(&mut records);
        sealed(&lines[0], records)
    };
    // As it is, it is fine: what is refused below is refused for its content.
    let other = Host::new();
    import(&other, &edit(&|_| {}), &[]).exits(0);

    let cases: Vec<(&str, Vec<String>)> = vec![
        (
            "its occurrence does not name it",
            edit(&|records| {
                let place = records.iter().position(of("occurrences")).expect("one");
                records.remove(place);
            }),
        ),
        (
            "its run has no row",
            edit(&|records| {
                let place = records.iter().position(of("runs")).expect("one");
                records.remove(place);
            }),
        ),
        (
            "the newest run is 1",
            edit(&|records| {
                for record in records.iter_mut() {
                    if record.contains("\"last_run\"") {
                        *record = record.replace("\"3\"", "\"1\"");
                    }
                }
            }),
        ),
        (
            "is invalid",
            edit(&|records| {
                let place = records.iter().position(of("jobs")).expect("one");
                records[place] = records[place].replace("\"standing\"", "\"stand\"");
            }),
        ),
        (
            "occurs twice",
            edit(&|records| {
                let place = records.iter().position(of("jobs")).expect("one");
                records.insert(place, records[place].clone());
            }),
        ),
        (
            "does not name it as its open run",
            edit(&|records| {
                for record in records.iter_mut().filter(|record| of("runs")(record)) {
                    *record = record.replace(
                        "\"state\":{\"is\":\"ended\"}",
                        "\"state\":{\"is\":\"running\",\"action\":0,\"attempt\":1}",
                    );
                }
            }),
        ),
    ];
    for (word, lines) in cases {
        let other = Host::new();
        let ran = import(&other, &lines, &[]).exits(65);
        assert!(ran.stderr().contains(word), "{word}: {}", ran.stderr());
        assert!(!ledger(&other).exists(), "{word}");
        assert!(!other.path("state/ledger.redb.import").exists(), "{word}");
    }
}

#[test]
fn a_ledger_that_is_there_is_replaced_only_on_demand_and_kept() {
    let host = host();
    let lines = export(&host);
    let other = Host::new().job("theirs", once(vec![exec("true")]));
    other.once().exits(0);
    let before = fs::read(ledger(&other)).expect("the ledger");
    let ran = import(&other, &lines, &[]).exits(73);
    assert!(ran.stderr().contains("--replace"), "{}", ran.stderr());
    assert!(fs::read(ledger(&other)).expect("it") == before);

    let ran = import(&other, &lines, &["--replace", "--json"])
        .exits(0)
        .json();
    let kept = PathBuf::from(ran["replaced"].as_str().expect("a path"));
    assert!(fs::read(&kept).expect("the old one") == before);
    // Run 1 is another one now: its log must not be taken for that of the old.
    let logs = PathBuf::from(ran["logs_replaced"].as_str().expect("a path"));
    assert!(logs.join("1.log").exists());
    assert_eq!(other.json(&["log", "1"])["lines"], json!([]));
    assert_eq!(records(&export(&other)), records(&lines));

    // The same ledger once more keeps its logs.
    let ran = import(&host, &lines, &["--replace", "--json"])
        .exits(0)
        .json();
    assert_eq!(ran["logs_replaced"], Value::Null);
    assert!(host.path("state/logs/1.log").exists());
}

#[test]
fn imports_in_one_second_overwrite_nothing_that_was_kept() {
    let host = host();
    let lines = export(&host);
    let mut kept = BTreeSet::new();
    // Some of them are in the same second.
    for _ in 0..5 {
        let ran = import(&host, &lines, &["--replace", "--json"]).exits(0);
        let path = ran.json()["replaced"].as_str().expect("a path").to_owned();
        assert!(kept.insert(path), "a name of its own: {kept:?}");
    }
    assert!(kept.iter().all(|path| Path::new(path).exists()), "{kept:?}");
}

#[test]
fn what_was_imported_runs_on_as_if_nothing_was() {
    let host = Host::new().job("once", once(vec![exec("echo x >> ran")]));
    host.once().exits(0);
    let lines = export(&host);
    fs::remove_file(ledger(&host)).expect("it is there");
    import(&host, &lines, &[]).exits(0);
    let ran = host.once().exits(0);
    assert_eq!(ran.json()["runs"], json!([]), "it has run");
    assert_eq!(host.read("work/ran"), "x\n");
}

#[test]
fn after_an_older_state_came_back_no_two_runs_share_a_number_or_a_log() {
    let host = Host::new().job("a", someday(vec![exec("echo said in $FREEZERD_RUN_TAG")]));
    host.start().stop();
    let older = export(&host);
    let run = || {
        let daemon = host.start();
        let run = host.trigger("a");
        daemon.says("a", "succeeded");
        daemon.stop();
        run
    };
    let before = [run(), run()];
    import(&host, &older, &["--replace"]).exits(0);
    let after = run();
    assert!(!before.contains(&after), "{after} comes again");
    let log = host
        .freezerd(&["log", &after.to_string()])
        .exits(0)
        .stdout();
    assert_eq!(log.matches("said in").count(), 1, "{log}");
}

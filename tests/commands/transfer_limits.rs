//! `--download-limit` and `--upload-limit`: the commands that read or write much keep within them.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Host, backup, now};

/// In bytes; it cannot be compressed.
const SIZE: usize = 300_000;

/// At this rate, the content takes a second.
const RATE: &str = "300KB";

/// A host whose container has this content.
fn host() -> Host {
    let host = Host::new();
    host.file("source/file", "");
    write_noise(&host, "source/file", 1);
    let save = backup(&host.path("source"), &host.path("container"));
    host.put("save", now(vec![save]));
    host.once().exits(0);
    host
}

fn write_noise(host: &Host, name: &str, seed: u64) {
    let mut state = seed;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(SIZE)
    .collect();
    std::fs::write(host.path(name), noise).expect("a file");
}

/// Runs a command, and expects that its limit lets it end no earlier than after a second.
#[track_caller]
fn takes_a_second(host: &Host, arguments: &[&str]) {
    let started = Instant::now();
    host.freezerd(arguments).exits(0);
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}: {arguments:?}");
}

#[test]
fn a_restore_a_check_and_a_dump_read_no_faster_than_the_limit() {
    let host = host();
    let limit = ["--download-limit", RATE];
    takes_a_second(
        &host,
        &["restore", "save", "--to", "../a", limit[0], limit[1]],
    );
    let same = |name: &str| std::fs::read(host.path(name)).expect("a file");
    assert!(same("a/file") == same("source/file"));
    takes_a_second(
        &host,
        &["verify", "save", "--read-data", limit[0], limit[1]],
    );
    let path = host.path("source/file");
    let path = path.to_str().expect("a plain path");
    takes_a_second(
        &host,
        &[
            "dump",
            "save",
            path,
            "--target",
            "../dumped",
            limit[0],
            limit[1],
        ],
    );
    assert!(same("dumped") == same("source/file"));
    takes_a_second(
        &host,
        &[
            "repair",
            "save",
            "--read-data",
            "--dry-run",
            limit[0],
            limit[1],
        ],
    );
}

#[test]
fn a_prune_writes_no_faster_than_the_limit() {
    let host = host();
    // A pack of two files, of which only one is needed when the first snapshot is gone.
    write_noise(&host, "source/file", 2);
    write_noise(&host, "source/other", 3);
    let save = backup(&host.path("source"), &host.path("container"));
    host.put("save", now(vec![save.clone()]));
    host.once().exits(0);
    std::fs::remove_file(host.path("source/other")).expect("a file");
    let remove = json!({"freezer_action": {
        "action": "admin", "backup_name": "data", "container": host.path("container"),
        "remove_older_than": 1e-9, "max_unused": "unlimited",
    }});
    host.put("save", now(vec![save, remove]));
    host.once().exits(0);
    let arguments = ["prune", "save", "--max-unused", "0", "--upload-limit", RATE];
    takes_a_second(&host, &arguments);
    host.freezerd(&["verify", "save", "--read-data"]).exits(0);
}

#[test]
fn a_limit_is_written_as_in_a_job_and_a_mistake_is_refused() {
    let host = host();
    let windows = "mon-fri 08:00-18:00 2M, sat,sun 4M, 20M";
    for limit in ["0", "-1", "off", "10M", "1.5 MiB/s", "10485760", windows] {
        host.freezerd(&["verify", "save", "--download-limit", limit])
            .exits(0);
    }
    let commands: [&[&str]; 5] = [
        &["restore", "save", "--to", "../never"],
        &["verify", "save"],
        &["dump", "save", "/"],
        &["prune", "save"],
        &["repair", "save"],
    ];
    for command in commands {
        let writes = matches!(command[0], "prune" | "repair");
        let options = ["--download-limit", "--upload-limit"];
        for option in &options[..1 + usize::from(writes)] {
            for (limit, words) in [
                ("10", "at least 1024 bytes a second, and this is 10"),
                ("fast", "a number of bytes a second"),
                ("10 Mbit/s", "bits are not supported"),
                ("mon-fry 2M, 20M", "does not know the day `mon-fry`"),
            ] {
                let said = host
                    .freezerd(&[command, &[option, limit]].concat())
                    .exits(64);
                let said = said.stderr();
                assert!(said.contains(words) && said.contains(option), "{said}");
            }
        }
    }
    assert!(!host.path("never").exists());
}

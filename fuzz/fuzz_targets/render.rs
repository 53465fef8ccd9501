//! The diagnostics of any bytes can be rendered, and no control character of the file reaches the terminal.
#![no_main]

use freezerd::job::render::{Look, locate, render_all};
use freezerd::job::{Host, parse};
use freezerd::schedule::zone::Zone;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let host = Host {
        working_dir: "/var/lib/freezerd".into(),
        jobs_dir: "/etc/freezerd/jobs.d".into(),
        container_root: "/srv/containers".into(),
        host_name: "db1".to_owned(),
        zone: Zone::utc(),
        disable_exec: false,
        storages: Default::default(),
    };
    let parsed = parse(bytes, "nightly.json", &host);
    let drawn = render_all(&parsed.diagnostics, "nightly.json", bytes, Look::PLAIN);
    assert!(drawn.chars().all(|it| it == '\n' || !it.is_control()));
    for fault in &parsed.diagnostics {
        locate(fault, "nightly.json", bytes);
    }
});

//! Parsing any bytes gives a job or errors, and every span in a diagnostic is inside those bytes.
#![no_main]

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
    let failed = parsed.diagnostics.iter().any(|it| it.is_error());
    assert_eq!(parsed.job.is_none(), failed);
    for fault in &parsed.diagnostics {
        assert_ne!(fault.code, "internal-fault");
        if let Some(span) = &fault.span {
            assert!(span.start <= span.end && span.end <= bytes.len());
        }
    }
});

//! Which actions may use a container at the same time, how many actions run at once, and how waiting is shown.
//!
//! An agent takes restic's lock on its container. The tests take that lock themselves to make a backup last longer.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use freezerd::repository::lock::Held;
use serde_json::{Value, json};

use crate::harness::{Daemon, Gate, Host, backup, eventually, exec, hold, now, restore, someday};

/// A host with a repository, and the jobs `save`, `again`, `fetch`, `prune` and `clean`, which use it.
struct Depot {
    host: Host,
    daemon: Daemon,
    container: PathBuf,
}

/// A repository with a snapshot. It is created once and then copied, because creation takes a while. Returns the path
/// that was backed up.
fn copy_repository(to: &Path) -> &'static Path {
    static MADE: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    let (made, source) = MADE.get_or_init(|| {
        let host = Host::new();
        let source = host.file("source/file", "content");
        let container = host.path("container");
        host.put(
            "save",
            now(vec![backup(source.parent().unwrap(), &container)]),
        );
        host.once().exits(0);
        // Statics are not dropped when the tests end. The next tests replace the repository at the same path.
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repository-to-copy");
        let _ = std::fs::remove_dir_all(&kept);
        copy(&container, &kept);
        (kept, source.parent().unwrap().to_owned())
    });
    copy(made, to);
    source
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

impl Depot {
    fn new(host: Host) -> Depot {
        let source = host.file("source/file", "content");
        let source = source.parent().unwrap();
        let container = host.path("container");
        let prune = json!({"freezer_action": {
            "action": "admin", "backup_name": "data", "container": container, "remove_older_than": 1,
        }});
        host.put("save", someday(vec![backup(source, &container)]));
        host.put("again", someday(vec![backup(source, &container)]));
        // What `save` backs up is of another path, and may not be there yet.
        let mut fetch = restore(&container, &host.path("target"));
        fetch["freezer_action"]["path_to_backup"] = json!(copy_repository(&container));
        host.put("fetch", someday(vec![fetch]));
        host.put("prune", someday(vec![prune.clone()]));
        host.put("clean", someday(vec![prune]));
        host.put("command", someday(vec![exec("true")]));
        let daemon = host.start();
        Depot {
            host,
            daemon,
            container,
        }
    }

    /// Locks the container until the returned lock is dropped.
    fn hold(&self) -> Held {
        hold(&self.container, "")
    }

    /// Starts a job whose agent waits for the container. Returns the number of the run.
    fn start(&self, job: &str) -> u64 {
        let run = self.host.trigger(job);
        self.daemon.says(job, &format!("run {run} started"));
        eventually("its agent waits", || {
            !self.progress(job)["waiting"].is_null()
        });
        run
    }

    fn progress(&self, job: &str) -> Value {
        self.host.show(job)["x-freezerd"]["progress"].clone()
    }

    /// Triggers a job that cannot start yet, because another run blocks it.
    fn queue(&self, job: &str, in_the_way: u64) -> u64 {
        let run = self.host.trigger(job);
        let waiting = format!(
            "waiting for container {}, held by run {in_the_way}",
            self.container.display()
        );
        self.daemon.says(job, &waiting);
        let row = self.host.run(run);
        assert_eq!(
            (&row["state"], &row["waits_for"]),
            (&json!("queued"), &json!(waiting))
        );
        run
    }

    fn succeeds(&self, job: &str) {
        let end = self.daemon.run_of(job);
        assert!(end.message.contains("succeeded"), "{}", end.message);
    }

    /// Whether `second` began only after `first` had ended.
    fn one_after_the_other(&self, first: u64, second: u64) -> bool {
        self.host.attempts(second)[0].started >= self.host.attempts(first)[0].ended.unwrap()
    }
}

#[test]
fn a_prune_waits_for_a_backup_of_its_container() {
    let depot = Depot::new(Host::new());
    let hold = depot.hold();
    let save = depot.start("save");
    let prune = depot.queue("prune", save);
    drop(hold);
    depot.succeeds("save");
    depot.succeeds("prune");
    assert!(depot.one_after_the_other(save, prune));
}

#[test]
fn backups_and_restores_wait_for_a_prune_of_their_container() {
    let depot = Depot::new(Host::new().env("FREEZERD_CONCURRENT_JOBS", "4"));
    let hold = depot.hold();
    let prune = depot.start("prune");
    let save = depot.queue("save", prune);
    let fetch = depot.queue("fetch", prune);
    drop(hold);
    depot.succeeds("prune");
    depot.succeeds("save");
    depot.succeeds("fetch");
    assert!(depot.one_after_the_other(prune, save));
    assert!(depot.one_after_the_other(prune, fetch));
}

#[test]
fn one_prune_at_a_time() {
    let depot = Depot::new(Host::new());
    let hold = depot.hold();
    let prune = depot.start("prune");
    let clean = depot.queue("clean", prune);
    drop(hold);
    depot.succeeds("prune");
    depot.succeeds("clean");
    assert!(depot.one_after_the_other(prune, clean));
}

#[test]
fn a_backup_and_a_restore_of_one_container_run_side_by_side() {
    let depot = Depot::new(Host::new());
    let hold = depot.hold();
    depot.start("save");
    depot.start("fetch");
    assert_eq!(depot.host.state("save"), "running//");
    assert_eq!(depot.host.state("fetch"), "running//");
    drop(hold);
    depot.succeeds("save");
    depot.succeeds("fetch");
}

#[test]
fn a_later_backup_does_not_overtake_a_waiting_prune() {
    let depot = Depot::new(Host::new().env("FREEZERD_CONCURRENT_JOBS", "4"));
    let _hold = depot.hold();
    let save = depot.start("save");
    let prune = depot.queue("prune", save);
    depot.queue("again", prune);
}

#[test]
fn a_run_that_waits_for_a_container_does_not_occupy_a_slot() {
    let depot = Depot::new(Host::new());
    let _hold = depot.hold();
    let save = depot.start("save");
    depot.queue("prune", save);
    depot.host.trigger("command");
    depot.succeeds("command");
}

#[test]
fn waiting_is_visible_in_list_and_show_and_history() {
    let depot = Depot::new(Host::new());
    let host = &depot.host;
    let _hold = depot.hold();
    let save = depot.start("save");
    depot.queue("prune", save);
    let text = format!(
        "waiting for container {}, held by run {save}",
        depot.container.display()
    );
    for arguments in [&["list"][..], &["show", "prune"], &["history", "prune"]] {
        let said = host.freezerd(arguments).exits(0).stdout();
        assert!(said.contains(&text), "{arguments:?}\n{said}");
    }
    let list = host.json(&["list"]);
    let prune = list["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|job| job["job_id"] == "prune")
        .unwrap();
    assert_eq!(prune["run"]["waits_for"], text);
    // The backup waits for a process that freezerd does not know.
    let waiting = depot.progress("save")["waiting"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = host.freezerd(&["list"]).exits(0).stdout();
    assert!(said.contains(&waiting), "{waiting:?}\n{said}");
}

#[test]
fn waiting_for_a_container_does_not_count_as_a_stall() {
    let depot = Depot::new(Host::new().env("FREEZERD_STALL_TIMEOUT", "10 seconds"));
    let host = &depot.host;
    let gate = host.gate("gate");
    let mut quiet = gate.action();
    quiet["stall_timeout"] = json!(11);
    host.put("quiet", someday(vec![quiet]));
    depot.daemon.says("quiet", "loaded");
    let hold = depot.hold();
    let save = depot.start("save");
    // It begins later, may wait longer, and ends.
    host.trigger("quiet");
    let end = depot.daemon.run_of("quiet");
    assert!(end.message.contains("no progress"), "{}", end.message);
    assert_eq!(host.run(save)["state"], "running");
    drop(hold);
    depot.succeeds("save");
}

#[test]
fn a_run_does_not_show_as_waiting_after_it_got_its_container() {
    let depot = Depot::new(Host::new());
    let host = &depot.host;
    // A sparse file: it uses no space on the disk, and takes long to read.
    let huge = File::create(host.path("source/huge")).unwrap();
    huge.set_len(200 << 30).unwrap();
    let hold = depot.hold();
    depot.start("save");
    drop(hold);
    eventually("it goes on", || depot.progress("save")["waiting"].is_null());
    host.ask("abort", "save");
    depot.daemon.run_of("save");
}

#[test]
fn a_wait_for_a_container_can_be_aborted() {
    let depot = Depot::new(Host::new());
    let _hold = depot.hold();
    let save = depot.start("save");
    depot.queue("prune", save);
    depot.host.ask("abort", "prune");
    assert_eq!(depot.host.state("prune"), "stop//aborted");
    depot.host.ask("abort", "save");
    depot.daemon.run_of("save");
    assert_eq!(depot.host.state("save"), "stop//aborted");
}

#[test]
fn a_prune_in_a_job_waits_for_runs_that_use_its_container_meanwhile() {
    let depot = Depot::new(Host::new());
    let host = &depot.host;
    let gate = host.gate("gate");
    let prune = json!({"freezer_action": {
        "action": "admin", "backup_name": "data", "container": depot.container, "remove_older_than": 1,
    }});
    host.put("both", someday(vec![gate.action(), prune]));
    depot.daemon.says("both", "loaded");
    let both = host.trigger("both");
    depot.daemon.says("both", "exec");
    let hold = depot.hold();
    let save = depot.start("save");
    gate.pass();
    depot.daemon.says("both", &format!("held by run {save}"));
    assert_eq!(host.state("both"), "running//", "its first action has run");
    drop(hold);
    depot.succeeds("both");
    assert_eq!(host.run(both)["actions"][1]["exit_status"], "success");
}

fn gated(host: &Host, job: &str) -> Gate {
    let gate = host.gate(&format!("gate-of-{job}"));
    host.put(job, someday(vec![gate.action()]));
    gate
}

#[test]
fn no_more_actions_run_at_a_time_than_concurrent_jobs_says() {
    for slots in [1, 2] {
        let host = Host::new().env("FREEZERD_CONCURRENT_JOBS", &slots.to_string());
        let jobs = ["a", "b", "c"];
        let gates = jobs.map(|job| gated(&host, job));
        let daemon = host.start();
        for (number, job) in jobs.into_iter().enumerate() {
            let run = host.trigger(job);
            if number < slots {
                daemon.says(job, &format!("run {run} started"));
            } else {
                let line = daemon.says(job, "waiting for a free slot");
                assert!(
                    line.message.contains(&format!("({slots} action")),
                    "{}",
                    line.message
                );
            }
        }
        let running = |host: &Host| {
            let jobs = jobs.iter().filter(|job| host.state(job) == "running//");
            jobs.count()
        };
        assert_eq!(running(&host), slots);
        gates[0].pass();
        daemon.run_of("a");
        daemon.says(jobs[slots], "started");
        assert_eq!(running(&host), slots, "the next one has its place");
        for gate in &gates {
            gate.pass();
        }
        daemon.run_of("c");
    }
}

#[test]
fn runs_start_in_the_order_in_which_they_were_due() {
    let host = Host::new().env("FREEZERD_CONCURRENT_JOBS", "1");
    let gate = gated(&host, "holder");
    for job in ["z", "y", "x"] {
        let mark = format!("echo {job} >> '{}'", host.path("order").display());
        host.put(job, someday(vec![exec(&mark)]));
    }
    let daemon = host.start();
    host.trigger("holder");
    daemon.says("holder", "started");
    for job in ["z", "y", "x"] {
        host.trigger(job);
        daemon.says(job, "waiting");
    }
    gate.pass();
    daemon.run_of("x");
    assert_eq!(host.read("order"), "z\ny\nx\n");
}

#[test]
fn jobs_on_other_containers_do_not_wait() {
    let depot = Depot::new(Host::new());
    let host = &depot.host;
    let source = host.path("source");
    host.put(
        "elsewhere",
        someday(vec![backup(Path::new(&source), &host.path("other"))]),
    );
    depot.daemon.says("elsewhere", "loaded");
    let _hold = depot.hold();
    depot.start("prune");
    host.trigger("elsewhere");
    depot.succeeds("elsewhere");
}

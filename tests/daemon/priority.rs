//! The priority of an attempt: its nice value, its I/O priority, and which process the kernel kills first when memory
//! runs out.

use std::fs::{self, File};
use std::process::Command;

use serde_json::json;

use crate::harness::{Host, backup, eventually, exec, now, someday};

/// The priorities of a process, as the kernel reports them: the nice value, and the I/O class and level.
fn priority(pid: &str) -> Option<(String, String)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    // The nineteenth field of `stat`. The first two were removed.
    let nice = rest.split(' ').nth(16)?.to_owned();
    let io = Command::new("ionice").args(["-p", pid]).output().ok()?;
    let io = String::from_utf8(io.stdout).ok()?.trim().to_owned();
    Some((nice, io))
}

fn no_ionice() -> bool {
    let missing = Command::new("ionice").arg("--version").output().is_err();
    if missing {
        println!("SKIPPED: there is no ionice");
    }
    missing
}

/// Runs a job whose command writes its own and its agent's process id. Returns the priorities of both.
fn priorities(host: &Host, max_priority: bool) -> [(String, String); 2] {
    let gate = host.gate("gate");
    let pids = host.path("work/pids");
    let command = format!("echo $PPID $$ > '{}'; {}", pids.display(), gate.wait());
    let mut action = exec(&command);
    action["freezer_action"]["max_priority"] = json!(max_priority);
    host.put("a", now(vec![action]));
    let daemon = host.start();
    eventually("it runs", || {
        pids.exists() && host.read("work/pids").ends_with('\n')
    });
    let found = host.read("work/pids");
    let mut found = found.split_whitespace().filter_map(priority);
    let both = [found.next(), found.next()].map(|one| one.expect("a process"));
    gate.pass();
    daemon.run_of("a");
    both
}

fn pair(nice: &str, io: &str) -> (String, String) {
    (nice.to_owned(), io.to_owned())
}

#[test]
fn an_agent_and_its_command_have_a_low_cpu_and_disk_priority() {
    if no_ionice() {
        return;
    }
    let low = pair("10", "best-effort: prio 7");
    assert_eq!(priorities(&Host::new(), false), [low.clone(), low]);
}

#[test]
fn max_priority_raises_both_and_the_log_says_if_that_is_not_permitted() {
    if no_ionice() {
        return;
    }
    if !crate::harness::is_root() {
        println!("SKIPPED: only root may raise a priority");
        return;
    }
    let high = pair("-10", "best-effort: prio 0");
    assert_eq!(priorities(&Host::new(), true), [high.clone(), high]);
    let Some(host) = Host::unprivileged() else {
        return;
    };
    let same = pair("0", "best-effort: prio 0");
    assert_eq!(priorities(&host, true), [same.clone(), same]);
    let log = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(
        log.contains("the priority stays as it is: Permission denied"),
        "{log}"
    );
    assert_eq!(host.state("a"), "stop//success");
}

#[test]
fn an_agent_has_its_own_name_in_the_list_of_processes() {
    let host = Host::new();
    host.put("a", now(vec![exec("cat /proc/$PPID/comm > name")]));
    host.once().exits(0);
    assert_eq!(host.read("work/name"), "freezerd-agent\n");
}

#[test]
fn when_memory_runs_out_the_kernel_kills_an_action_before_the_daemon_and_others() {
    let host = Host::new();
    let daemon = host.start();
    let score = format!("/proc/{}/oom_score_adj", daemon.id());
    // The unit protects the daemon. That needs CAP_SYS_RESOURCE.
    let _ = fs::write(&score, "-100");
    let protected = fs::read_to_string(&score).unwrap();
    let inherited: i32 = protected.trim().parse().unwrap();
    for (job, max_priority, least) in [("a", false, 200), ("b", true, 0)] {
        let mut action = exec("cat /proc/self/oom_score_adj > score");
        action["freezer_action"]["max_priority"] = json!(max_priority);
        host.put(job, now(vec![action]));
        daemon.run_of(job);
        let its: i32 = host.read("work/score").trim().parse().unwrap();
        assert_eq!(its, inherited.max(least), "{job}");
    }
    assert_eq!(fs::read_to_string(&score).unwrap(), protected);
}

#[test]
fn the_threads_of_a_backup_have_a_low_priority_too() {
    if no_ionice() {
        return;
    }
    let host = Host::new();
    // A sparse file: it uses no space on the disk, and takes long to read.
    fs::create_dir(host.path("source")).unwrap();
    let huge = File::create(host.path("source/huge")).unwrap();
    huge.set_len(2000 << 30).unwrap();
    host.put(
        "a",
        someday(vec![backup(&host.path("source"), &host.path("container"))]),
    );
    let daemon = host.start();
    host.trigger("a");
    eventually("bytes are read", || {
        host.show("a")["x-freezerd"]["progress"]["bytes_done"].as_u64() > Some(0)
    });
    let children = |pid: u32| -> Vec<String> {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let text = text.unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    };
    let agents = children(daemon.id());
    let [agent] = &agents[..] else {
        panic!("one agent: {agents:?}")
    };
    let mut workers = 0;
    for thread in fs::read_dir(format!("/proc/{agent}/task"))
        .unwrap()
        .flatten()
    {
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        let id = thread.file_name().into_string().unwrap();
        // This thread sleeps until the agent is told to end, and must then react without delay.
        if name.trim() == "termination" {
            continue;
        }
        if let Some(found) = priority(&id) {
            assert_eq!(found, pair("10", "best-effort: prio 7"), "{name}");
            workers += 1;
        }
    }
    assert!(workers > 1, "the engine has threads");
    host.ask("abort", "a");
    daemon.run_of("a");
}

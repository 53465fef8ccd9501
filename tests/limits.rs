//! Limits for agents, on the kernel that is there: `src/limits/tests.rs` has the decisions on a tree of plain
//! files. A kernel whose controllers belong to cgroup v1 still has groups of the second kind, without limits.

mod harness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use harness::{Daemon, Host, backup, eventually, exec, is_alive, is_root, now, someday};
use rustix::fs::XattrFlags;
use serde_json::json;

/// A group that is handed over to whoever is started in it, without controllers on any host: those that it is to have
/// are switched on in the one around it. Both are gone with the test.
struct Delegated {
    around: PathBuf,
    group: PathBuf,
}

fn hierarchy() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        system.starts_with("cgroup2 ").then_some(())?;
        mount.split(' ').nth(4).map(PathBuf::from)
    })
}

impl Delegated {
    /// `None`, and a word about it, where that cannot be.
    fn new() -> Option<Delegated> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(top) = hierarchy().filter(|_| is_root()) else {
            println!("SKIPPED: control groups need root and a cgroup v2 hierarchy");
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let around = top.join(format!("freezerd-test-{}-{count}", std::process::id()));
        let delegated = Delegated {
            group: around.join("unit"),
            around,
        };
        let made = fs::create_dir_all(&delegated.group).and_then(|()| {
            let flags = XattrFlags::empty();
            let marked = rustix::fs::setxattr(&delegated.group, "user.delegate", b"1", flags);
            marked.map_err(std::io::Error::from)
        });
        if let Err(error) = made {
            println!("SKIPPED: {}: {error}", delegated.group.display());
            return None;
        }
        Some(delegated)
    }

    /// With the controllers that limits need. The test is one that is only run where the host has them.
    fn with_controllers() -> Delegated {
        let delegated = Delegated::new().expect("a group");
        let top = delegated.around.parent().expect("the hierarchy");
        for group in [top, &delegated.around] {
            fs::write(group.join("cgroup.subtree_control"), "+memory +cpu")
                .expect("the controllers of cgroup v2");
        }
        delegated
    }

    /// Starts the daemon in it, as a service manager would; in its leaf, if an earlier daemon has made that.
    fn start(&self, host: &Host) -> Daemon {
        let daemon = self.launch(host);
        daemon.until(|line| line.message.starts_with("ready"));
        daemon
    }

    fn launch(&self, host: &Host) -> Daemon {
        let freezerd = host.command(&["run", "--log-format", "json", "--log-level", "debug"]);
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg("group=$0; test -d \"$group/daemon\" && group=$group/daemon; echo $$ > \"$group/cgroup.procs\" && exec \"$@\"")
            .arg(&self.group)
            .arg(freezerd.get_program())
            .args(freezerd.get_args())
            .env_clear()
            .current_dir(host.path("work"));
        for (name, value) in freezerd.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        host.launch_command(command)
    }

    /// The groups of runs.
    fn runs(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.group).expect("the group");
        entries
            .map(|entry| entry.expect("an entry").file_name())
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.starts_with("run-"))
            .collect()
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        let _ = fs::write(self.around.join("cgroup.kill"), "1");
        let below = fs::read_dir(&self.group).into_iter().flatten().flatten();
        let mut groups: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
        groups.extend([self.group.clone(), self.around.clone()]);
        for group in groups.iter().filter(|group| group.is_dir()) {
            for _ in 0..200 {
                if fs::remove_dir(group).is_ok() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}

/// A host with a limit that nothing here comes near.
fn limited() -> Host {
    Host::new().env("FREEZERD_CPU_LIMIT", "10000 %")
}

/// The group of a process, as it sees itself.
fn own_group(told: &str) -> &str {
    told.lines()
        .find_map(|line| line.strip_prefix("0::"))
        .expect("its group")
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .expect("a name")
}

#[test]
fn an_agent_and_its_command_run_in_the_group_of_their_run_and_the_daemon_in_a_leaf_of_its_own() {
    let Some(delegated) = Delegated::new() else {
        return;
    };
    let host = limited();
    let seen = host.path("seen");
    let command = format!(
        "cat /proc/self/cgroup /proc/$PPID/cgroup > '{}'",
        seen.display()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = delegated.start(&host);
    let run = host.trigger("a");
    daemon.run_of("a");
    let top = format!("{}/unit", name(&delegated.around));
    let groups: Vec<String> = host
        .read("seen")
        .lines()
        .filter_map(|line| line.strip_prefix("0::").map(str::to_owned))
        .collect();
    let expected = format!("/{top}/run-{run}");
    assert_eq!(groups, [expected.clone(), expected]);
    let of_daemon = fs::read_to_string(format!("/proc/{}/cgroup", daemon.id())).unwrap();
    assert_eq!(own_group(&of_daemon), format!("/{top}/daemon"));
    eventually("the run's group is gone", || delegated.runs().is_empty());
}

#[test]
fn an_abort_kills_also_what_left_the_process_group_of_its_run() {
    let Some(delegated) = Delegated::new() else {
        return;
    };
    let host = limited().env("FREEZERD_STOP_GRACE", "1 second");
    let gate = host.gate("gate");
    let stray = format!(
        "trap '' TERM HUP; echo $$ > '{}'; {}",
        host.path("stray").display(),
        gate.wait()
    );
    let script = host.file("stray.sh", &stray);
    // Neither the process group nor the environment tells whose it is.
    let command = format!("env -i setsid sh '{}' & {}", script.display(), gate.wait());
    host.put("a", someday(vec![exec(&command)]));
    let daemon = delegated.start(&host);
    host.trigger("a");
    eventually("it runs", || {
        host.path("stray").exists() && host.read("stray").ends_with('\n')
    });
    let stray = host.read("stray");
    host.ask("abort", "a");
    daemon.run_of("a");
    eventually("it is gone", || !is_alive(&stray));
    eventually("and so is the group", || delegated.runs().is_empty());
}

#[test]
fn what_an_earlier_daemon_left_in_a_runs_group_is_killed_at_the_next_start() {
    let Some(delegated) = Delegated::new() else {
        return;
    };
    let host = limited();
    let gate = host.gate("gate");
    let stray = format!(
        "trap '' TERM HUP; echo $$ > '{}'; {}",
        host.path("stray").display(),
        gate.wait()
    );
    let script = host.file("stray.sh", &stray);
    // The run that makes up for this one finds it done.
    let command = format!(
        "test -e '{0}' && exit; : > '{0}'; env -i setsid sh '{1}' & {2}",
        host.path("done").display(),
        script.display(),
        gate.wait()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = delegated.start(&host);
    let run = host.trigger("a");
    eventually("it runs", || {
        host.path("stray").exists() && host.read("stray").ends_with('\n')
    });
    let stray = host.read("stray");
    daemon.kill();
    assert!(is_alive(&stray), "nobody told it");
    let group = format!("run-{run}");
    assert_eq!(delegated.runs(), [group.as_str()]);
    let _daemon = delegated.start(&host);
    assert!(!is_alive(&stray));
    assert!(!delegated.runs().contains(&group));
}

#[test]
fn where_the_group_is_not_handed_over_it_is_said_once_and_runs_go_on_without_limits() {
    let host = Host::new()
        .env("FREEZERD_MEMORY_LIMIT", "2 GiB")
        .env("FREEZERD_CPU_LIMIT", "50 %");
    host.put("a", someday(vec![exec("true")]));
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    assert_eq!(host.state("a"), "scheduled//success");
    let log = daemon.log();
    let said: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("memory_limit and cpu_limit have no effect"))
        .collect();
    assert_eq!(said.len(), 1, "{log}");
    assert!(said[0].contains("runs go on without it"), "{}", said[0]);
}

#[test]
fn a_controller_that_the_kernel_does_not_offer_is_named() {
    let Some(delegated) = Delegated::new() else {
        return;
    };
    let host = Host::new().env("FREEZERD_MEMORY_LIMIT", "2 GiB");
    let daemon = delegated.launch(&host);
    daemon.until(|line| {
        line.message
            .contains("memory_limit has no effect: the memory controller is not available in")
    });
    // A host that has it somewhere has nothing to say of its settings.
    let top = delegated.around.parent().expect("the hierarchy");
    let offered = fs::read_to_string(top.join("cgroup.controllers")).expect("the list");
    let has_it = offered.split_whitespace().any(|name| name == "memory");
    let shown = host.json(&["config", "show"]);
    let text = host.freezerd(&["config", "show"]).exits(0).stdout();
    match shown["limits_without_effect"][0].as_str() {
        Some(said) => {
            assert!(
                !has_it && said.starts_with("memory_limit has no effect"),
                "{said}"
            );
            assert!(text.contains(&format!("Note: {said}.")), "{text}");
        }
        None => assert!(has_it && !text.contains("Note: "), "{text}"),
    }
}

#[test]
#[ignore = "needs cgroup v2 with its controllers: .ci/limits runs it"]
fn a_run_gets_its_share_of_the_processors_and_of_memory() {
    let delegated = Delegated::with_controllers();
    let host = Host::new()
        .env("FREEZERD_CPU_LIMIT", "150 %")
        .env("FREEZERD_MEMORY_LIMIT", "1 GiB");
    let command = format!(
        "cd '{}'/run-$FREEZERD_RUN && cat cpu.max memory.max memory.high memory.oom.group > '{}'",
        delegated.group.display(),
        host.path("seen").display()
    );
    host.put("a", now(vec![exec(&command)]));
    let daemon = delegated.start(&host);
    daemon.run_of("a");
    assert_eq!(host.read("seen"), "150000 100000\n1073741824\nmax\n1\n");
    let log = daemon.log();
    assert!(!log.contains("no effect"), "{log}");
}

#[test]
#[ignore = "needs cgroup v2 with its controllers: .ci/limits runs it"]
fn a_command_that_uses_more_than_memory_limit_is_killed_and_the_reason_names_it() {
    let delegated = Delegated::with_controllers();
    let host = Host::new().env("FREEZERD_MEMORY_LIMIT", "256 MiB");
    let daemon = delegated.start(&host);
    // A line without an end, kept in memory.
    host.put("a", now(vec![exec("tail -n 1 /dev/zero > /dev/null")]));
    let end = daemon.run_of("a");
    assert!(
        end.message.contains("used more than memory_limit, 256 MiB"),
        "{}",
        end.message
    );
    assert_eq!(host.state("a"), "stop//fail");
}

#[test]
#[ignore = "needs cgroup v2 with its controllers: .ci/limits runs it"]
fn the_least_memory_limit_is_enough_for_a_backup() {
    let delegated = Delegated::with_controllers();
    let host = Host::new().env("FREEZERD_MEMORY_LIMIT", "256 MiB");
    let source = host.file("source/file", "content");
    let source = source.parent().expect("a directory");
    let daemon = delegated.start(&host);
    host.put("a", now(vec![backup(source, &host.path("container"))]));
    let end = daemon.run_of("a");
    assert!(end.message.contains("succeeded"), "{}", end.message);
}

#[test]
fn a_limit_that_makes_no_sense_is_refused_and_the_setting_is_named() {
    for (key, value, expected) in [
        ("memory_limit", "lots", "a size such as"),
        ("memory_limit", "1 MiB", "at least 256 MiB"),
        ("cpu_limit", "2", "percent of one processor"),
        ("cpu_limit", "0 %", "percent of one processor"),
        ("stall_timeout", "soon", "a duration such as"),
    ] {
        let host = Host::new().env(&format!("FREEZERD_{}", key.to_uppercase()), value);
        let said = host.freezerd(&["list"]).exits(78).stderr();
        assert!(said.contains(key) && said.contains(expected), "{said}");
    }
    let host = Host::new();
    let shown = host.json(&["config", "show"]);
    assert_eq!(shown["limits_without_effect"], json!([]));
    assert_eq!(shown["settings"]["memory_limit"]["value"], "off");
}

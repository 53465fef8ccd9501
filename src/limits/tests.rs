//! Tests on a directory of plain files instead of the kernel's. `tests/limits.rs` tests the same on a kernel.

use tempfile::TempDir;

use rustix::process::Pid;

use super::*;

const BOTH: ResourceLimits = ResourceLimits {
    memory: Some(2 << 30),
    cpu: Some(150),
};

/// A group as the kernel shows it, which offers these controllers and contains these processes.
fn group(controllers: &str, processes: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("cgroup.controllers"), controllers).unwrap();
    fs::write(dir.path().join("cgroup.procs"), processes).unwrap();
    dir
}

fn read(group: &Path, file: &str) -> String {
    fs::read_to_string(group.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn texts(missing: &[NoEffect]) -> Vec<String> {
    missing.iter().map(NoEffect::to_string).collect()
}

fn agent() -> Pid {
    Pid::from_raw(4711).unwrap()
}

#[test]
fn without_limits_nothing_is_touched_and_nothing_is_said() {
    let (groups, said) = set_up(ResourceLimits::default());
    assert!(groups.is_none() && said.is_empty());
}

#[test]
fn the_daemon_moves_into_a_leaf_before_controllers_are_switched_on_for_others() {
    let dir = group("cpuset cpu io memory pids\n", "17\n");
    let (_, missing) = Groups::divide(dir.path(), BOTH).unwrap();
    assert_eq!(texts(&missing), Vec::<String>::new());
    assert_eq!(read(dir.path(), "daemon/cgroup.procs"), "17");
    assert_eq!(
        read(dir.path(), "cgroup.subtree_control"),
        "+cpu",
        "each controller is a write of its own, and this one is the last"
    );
}

#[test]
fn a_runs_group_gets_its_limits_before_its_agent() {
    let dir = group("cpu memory", "");
    let (groups, _) = Groups::divide(dir.path(), BOTH).unwrap();
    groups.place(8, agent()).unwrap();
    let run = dir.path().join("run-8");
    assert_eq!(read(&run, "memory.max"), "2147483648");
    assert_eq!(read(&run, "memory.swap.max"), "0");
    assert_eq!(read(&run, "memory.oom.group"), "1");
    assert_eq!(read(&run, "cpu.max"), "150000 100000");
    assert_eq!(read(&run, "cgroup.procs"), "4711");
    assert!(
        !run.join("memory.high").exists(),
        "memory.high would slow the run down without end"
    );
}

#[test]
fn one_limit_alone_leaves_the_other_controller_off() {
    let dir = group("cpu memory", "");
    let memory = ResourceLimits { cpu: None, ..BOTH };
    let (groups, _) = Groups::divide(dir.path(), memory).unwrap();
    assert_eq!(read(dir.path(), "cgroup.subtree_control"), "+memory");
    groups.place(8, agent()).unwrap();
    assert!(!dir.path().join("run-8/cpu.max").exists());
}

#[test]
fn a_controller_that_is_not_there_is_named_and_the_others_still_limit() {
    let dir = group("cpu io", "");
    let (groups, missing) = Groups::divide(dir.path(), BOTH).unwrap();
    let [only] = &texts(&missing)[..] else {
        panic!("{missing:?}")
    };
    assert!(
        only.starts_with("memory_limit has no effect: the memory controller is not available in "),
        "{only}"
    );
    groups.place(8, agent()).unwrap();
    let run = dir.path().join("run-8");
    assert!(!run.join("memory.max").exists());
    assert_eq!(read(&run, "cpu.max"), "150000 100000");
    assert_eq!(
        read(&run, "cgroup.procs"),
        "4711",
        "the group is useful without the limit: all its processes can be killed at once"
    );
}

#[test]
fn a_controller_that_cannot_be_switched_on_is_named_with_the_kernels_reason() {
    let dir = group("cpu memory", "");
    // A directory of that name: every write fails, as if the kernel refused it.
    fs::create_dir(dir.path().join("cgroup.subtree_control")).unwrap();
    let (groups, missing) = Groups::divide(dir.path(), BOTH).unwrap();
    assert_eq!(missing.len(), 2);
    let missing = texts(&missing);
    assert!(missing[0].starts_with("memory_limit has no effect: cannot write +memory to "));
    assert!(missing[1].starts_with("cpu_limit has no effect: cannot write +cpu to "));
    assert_eq!(groups.limits, ResourceLimits::default());
}

#[test]
fn a_group_that_is_not_delegated_is_left_alone_and_the_mend_is_named() {
    let host = HostGroups {
        mounts: "31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n".to_owned(),
        own: "0::/user.slice/session-3.scope\n".to_owned(),
    };
    let no_effect = |why| NoEffect { limits: BOTH, why }.to_string();
    let why = delegated_group(&host, |_| false).unwrap_err();
    assert_eq!(
        no_effect(why),
        "memory_limit and cpu_limit have no effect: the control group \
         /sys/fs/cgroup/user.slice/session-3.scope is not delegated to freezerd; run it as a systemd unit with \
         `Delegate=cpu memory`"
    );
    let old = HostGroups {
        mounts: String::new(),
        ..host
    };
    assert_eq!(
        no_effect(delegated_group(&old, |_| true).unwrap_err()),
        "memory_limit and cpu_limit have no effect: this host has no cgroup v2 hierarchy"
    );
}

#[test]
fn memory_of_the_run_and_memory_of_the_host_are_told_apart() {
    let dir = group("cpu memory", "");
    let (groups, _) = Groups::divide(dir.path(), BOTH).unwrap();
    let events = |text: &str| fs::write(dir.path().join("run-8/memory.events"), text).unwrap();
    fs::create_dir(dir.path().join("run-8")).unwrap();
    // The kernel has already killed an earlier attempt of the run.
    events("low 0\nhigh 0\nmax 90\noom 1\noom_kill 2\noom_group_kill 1\n");
    let run = groups.place(8, agent()).unwrap();
    assert_eq!(run.out_of_memory(), None);
    events("low 0\nhigh 0\nmax 95\noom 2\noom_kill 2\noom_group_kill 1\n");
    assert_eq!(
        run.out_of_memory(),
        None,
        "the limit was reached, but no process was killed"
    );
    events("low 0\nhigh 0\nmax 99\noom 2\noom_kill 4\noom_group_kill 2\n");
    assert_eq!(
        run.out_of_memory().unwrap().to_string(),
        "killed: used more than memory_limit, 2 GiB"
    );
    events("low 0\nhigh 0\nmax 90\noom 1\noom_kill 3\noom_group_kill 1\n");
    assert_eq!(
        run.out_of_memory().unwrap().to_string(),
        "killed: the host ran out of memory"
    );
}

#[test]
fn only_groups_of_runs_without_processes_are_removed() {
    let dir = group("cpu memory", "");
    for name in ["run-1", "run-x", "runs", "daemon"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    // A subdirectory stands for a process: the kernel, too, refuses to remove such a group.
    fs::create_dir_all(dir.path().join("run-2/busy")).unwrap();
    Groups::divide(dir.path(), BOTH).unwrap();
    let there = |name: &str| dir.path().join(name).exists();
    assert!(!there("run-1"));
    assert!(there("run-2") && there("run-x") && there("runs") && there("daemon"));
}

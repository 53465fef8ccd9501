//! The directory of events when it is full of strange files, and when the kernel does not tell of changes in it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::harness::{Host, eventually, every, exec, someday};

#[test]
fn thousands_of_strange_files_delay_neither_the_schedule_nor_a_command() {
    let host = Host::new().job("other", someday(vec![exec("true")]));
    host.put("a", every("1 second", vec![exec("true")]));
    let daemon = host.start();
    daemon.run_of("a");
    let content = "x".repeat(1000);
    for number in 0..5000 {
        fs::write(host.path(&format!("state/events/{number}.json")), &content).unwrap();
        fs::write(
            host.path(&format!("state/events/strange-{number}.json")),
            &content,
        )
        .unwrap();
    }
    host.trigger("other");
    daemon.run_of("other");
    daemon.run_of("a");
    eventually("all are set aside", || {
        fs::read_dir(host.path("state/events"))
            .unwrap()
            .flatten()
            .all(|entry| entry.path().extension().is_some_and(|it| it == "bad"))
    });
    let log = daemon.log();
    let named = log.matches("is not an event").count();
    assert!(
        named < 100 && log.contains("more files"),
        "{named} files are named"
    );
}

/// A user with no other process.
const LONELY: u32 = 54_987;

/// The processes that use up what the kernel gives a user for watching directories.
struct Watchers(Vec<Child>);

impl Watchers {
    fn new(host: &Host) -> Watchers {
        let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").unwrap();
        let count = limit.trim().parse::<usize>().unwrap() + 1;
        let file = host.file("watched", "");
        let watch = |_| {
            Command::new("tail")
                .arg("-f")
                .arg(&file)
                .uid(LONELY)
                .gid(LONELY)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        Watchers((0..count).map(watch).collect())
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn commands_and_new_files_work_where_the_kernel_watches_nothing() {
    let Some(host) = Host::of_user(LONELY) else {
        return;
    };
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").unwrap();
    if limit.trim().parse::<usize>().unwrap() > 512 {
        println!("SKIPPED: this user may watch {} times", limit.trim());
        return;
    }
    let watchers = Watchers::new(&host);
    eventually("nothing is left to watch with", || {
        let made: usize = watchers
            .0
            .iter()
            .map(|child| {
                fs::read_dir(format!("/proc/{}/fd", child.id()))
                    .into_iter()
                    .flatten()
                    .flatten()
                    .filter_map(|entry| fs::read_link(entry.path()).ok())
                    .filter(|target| target.to_string_lossy().contains("inotify"))
                    .count()
            })
            .sum();
        made >= watchers.0.len() - 1
    });
    host.put("a", someday(vec![exec("true")]));
    let daemon = host.start();
    assert!(daemon.log().contains("cannot watch"), "{}", daemon.log());
    host.trigger("a");
    daemon.run_of("a");
    host.put("b", someday(vec![exec("true")]));
    daemon.says("b", "loaded from");
    assert!(host.ask("stop", "b").contains("stop"));
}

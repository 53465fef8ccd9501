//! A daemon whose terminal goes away.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Host, eventually, every, exec};

/// Ends the daemon, which is not a child of the test.
struct Stranger(Pid);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

#[test]
fn a_daemon_lives_on_when_its_terminal_goes_away() {
    let host = Host::new();
    let ran = host.path("work/ran");
    let tell = format!("echo ran >> {}", ran.display());
    host.put("a", every("1 second", vec![exec(&tell)]));
    let prepared = host.command(&["run"]);
    let mut script = Command::new("script");
    script.env_clear();
    for (name, value) in prepared.get_envs() {
        if let Some(value) = value {
            script.env(name, value);
        }
    }
    let pid = host.path("work/pid");
    let line = format!(
        "trap '' HUP; {} run & echo $! > {}; wait",
        env!("CARGO_BIN_EXE_freezerd"),
        pid.display()
    );
    let started = script
        .args(["-qc", &line, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut script) = started else {
        println!("SKIPPED: script (util-linux) is not installed");
        return;
    };
    let runs = || fs::read_to_string(&ran).map_or(0, |text| text.lines().count());
    eventually("it runs the job", || runs() > 0);
    let number: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    let _daemon = Stranger(Pid::from_raw(number).unwrap());
    script.kill().unwrap();
    script.wait().unwrap();
    let before = runs();
    eventually("it goes on", || runs() >= before + 2);
}

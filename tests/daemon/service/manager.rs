//! What the daemon reports to the service manager, and which signals end it.

use rustix::process::Signal;

use super::Manager;
use crate::harness::{Host, eventually, exec, is_alive, now, someday};

#[test]
fn the_daemon_reports_to_the_service_manager_when_it_is_ready_and_when_it_stops() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    assert_eq!(manager.hears(), "READY=1", "nothing comes before that");
    assert_eq!(host.jobs(), ["a"], "and all is loaded by then");
    daemon.signal(Signal::TERM);
    let message = manager.hears_of("STOPPING=1");
    assert!(
        message.contains("EXTEND_TIMEOUT_USEC="),
        "running actions get their time: {message}"
    );
    assert!(daemon.stop().success());
}

#[test]
fn the_status_line_says_how_many_jobs_there_are_what_runs_and_what_comes_next() {
    let host = Host::new();
    let gate = host.gate("gate");
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    assert_eq!(
        manager.hears_of("STATUS="),
        "STATUS=0 jobs, 0 running, nothing to come"
    );
    host.put("a", someday(vec![gate.action()]));
    let next = "next run at 2999-01-01 00:00:00";
    assert_eq!(
        manager.hears_of("STATUS="),
        format!("STATUS=1 job, 0 running, {next}")
    );
    host.trigger("a");
    assert_eq!(
        manager.hears_of("STATUS="),
        format!("STATUS=1 job, 1 running, {next}")
    );
    gate.pass();
    daemon.run_of("a");
    assert_eq!(
        manager.hears_of("STATUS="),
        format!("STATUS=1 job, 0 running, {next}")
    );
}

#[test]
fn the_daemon_reports_to_the_watchdog_more_often_than_required() {
    let host = Host::new();
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, Some("400000"));
    manager.hears_of("WATCHDOG=1");
    let start = std::time::Instant::now();
    for _ in 0..4 {
        manager.hears_of("WATCHDOG=1");
    }
    assert!(
        start.elapsed().as_millis() >= 600,
        "every 200 ms, and not without a pause"
    );
    // A daemon that hangs reports nothing, because its loop sends the report.
    daemon.signal(Signal::STOP);
    let quiet = |manager: &Manager| {
        let wait = Some(std::time::Duration::from_millis(400));
        manager.0.set_read_timeout(wait).unwrap();
        let mut buffer = [0; 64];
        manager.0.recv(&mut buffer).is_err()
    };
    eventually("it is quiet", || quiet(&manager));
    daemon.signal(Signal::CONT);
}

#[test]
fn commands_do_not_inherit_the_variables_of_the_service_manager() {
    let host = Host::new();
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, Some("10000000"));
    host.put("a", now(vec![exec("env")]));
    daemon.run_of("a");
    let log = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(log.contains("FREEZERD_JOB_ID=a"), "{log}");
    assert!(
        !log.contains("NOTIFY_SOCKET") && !log.contains("WATCHDOG"),
        "{log}"
    );
}

#[test]
fn sigint_stops_the_daemon_as_sigterm_does() {
    let host = Host::new();
    let gate = host.gate("gate");
    let command = format!(
        "echo $$ > '{}'; {}",
        host.path("pid").display(),
        gate.wait()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    let run = host.trigger("a");
    eventually("it runs", || {
        host.path("pid").exists() && host.read("pid").ends_with('\n')
    });
    daemon.signal(Signal::INT);
    daemon.until(|line| line.message == "stopped");
    assert_eq!(host.run(run)["state"], "interrupted");
    eventually("its command is gone", || !is_alive(&host.read("pid")));
}

#[test]
fn sighup_does_not_end_the_daemon() {
    let host = Host::new();
    let daemon = host.start();
    daemon.signal(Signal::HUP);
    host.put("a", someday(vec![exec("true")]));
    daemon.says("a", "loaded");
    assert!(daemon.stop().success());
}

//! The daemon as a service: what it reports to the service manager, which signals it handles, what its log looks like,
//! and what it never shows.

mod hang_up;
mod log;
mod manager;
mod newer_version;
mod secrets;

use std::os::unix::net::UnixDatagram;

use crate::harness::{Daemon, Host, PATIENCE};

/// The socket of a service manager, on which the daemon reports.
struct Manager(UnixDatagram);

impl Manager {
    fn new(host: &Host) -> Manager {
        let socket = UnixDatagram::bind(host.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Manager(socket)
    }

    /// Starts a daemon that reports to this service manager.
    fn start(&self, host: &Host, watchdog: Option<&str>) -> Daemon {
        let mut command = host.command(&["run", "--log-format", "json"]);
        command.env("NOTIFY_SOCKET", host.path("notify"));
        if let Some(microseconds) = watchdog {
            command.env("WATCHDOG_USEC", microseconds);
        }
        host.launch_command(command)
    }

    /// The next message.
    fn hears(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).expect("a message in time");
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    }

    /// Waits for the next message that contains this text.
    fn hears_of(&self, text: &str) -> String {
        loop {
            let message = self.hears();
            if message.contains(text) {
                return message;
            }
        }
    }
}

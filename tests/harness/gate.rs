//! A gate, at which commands wait until the test lets them pass.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use super::jobs::exec;

/// Commands wait at a gate. Each [`Gate::pass`] lets one of them continue. A waiting command uses no processor time.
pub struct Gate {
    path: PathBuf,
    /// Open for both reading and writing, so that opening the FIFO never blocks.
    fifo: File,
}

impl Gate {
    pub(super) fn new(path: PathBuf) -> Gate {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o666),
            0,
        )
        .expect("a FIFO");
        let fifo = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("the FIFO");
        Gate { path, fifo }
    }

    /// A shell command that waits at the gate and succeeds.
    pub fn wait(&self) -> String {
        format!("read -r _ < '{}'", self.path.display())
    }

    /// An action that waits at the gate and succeeds.
    pub fn action(&self) -> Value {
        exec(&self.wait())
    }

    /// Lets one command pass, even one that has not reached the gate yet.
    pub fn pass(&self) {
        (&self.fifo).write_all(b"\n").expect("room in the FIFO");
    }
}

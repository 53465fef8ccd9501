//! A command that ended.

use std::process::Output;

use serde_json::Value;

/// A command that ended.
pub struct Ran {
    pub(super) arguments: String,
    /// What it printed, and its exit code.
    pub output: Output,
}

impl Ran {
    /// Its exit code.
    pub fn code(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    /// What it printed.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it said beside that.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(
            self.code(),
            code,
            "freezerd {}\n--- stdout\n{}\n--- stderr\n{}",
            self.arguments,
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|error| {
            panic!(
                "freezerd {}: {error}\n--- stdout\n{}\n--- stderr\n{}",
                self.arguments,
                self.stdout(),
                self.stderr()
            )
        })
    }
}

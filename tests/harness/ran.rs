//! A command that has ended.

use std::process::Output;

use serde_json::Value;

/// A command that has ended.
pub struct Ran {
    pub(super) arguments: String,
    /// The command's output and exit code.
    pub output: Output,
}

impl Ran {
    /// The exit code.
    pub fn code(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    /// The standard output.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// The standard error output.
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

    /// The standard output, parsed as JSON.
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

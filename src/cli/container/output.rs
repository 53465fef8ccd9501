//! What a command prints about a repository: lines of text, or lines of JSON.
//!
//! Names in a repository can be any bytes. In text they are made harmless. In JSON they are texts; one that is not UTF-8
//! has its bytes in a field of its own.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::cli::output;
use crate::escape::{harmless, harmless_json, shown};
use crate::repository::node::NodeProblem;

/// Standard output, and the problems that were told so far. `Break`: the output cannot be written.
pub struct Output {
    out: BufWriter<output::Stdout>,
    as_json: bool,
    problems: u64,
}

/// Goes on, or ends because the output failed.
pub type Written = ControlFlow<io::Error>;

impl Output {
    /// Standard output, which nobody else writes to until this is dropped.
    pub fn new(as_json: bool) -> Output {
        Output {
            out: BufWriter::with_capacity(64 * 1024, output::stdout()),
            as_json,
            problems: 0,
        }
    }

    /// Whether lines of JSON are wanted.
    pub fn is_json(&self) -> bool {
        self.as_json
    }

    /// Prints a line of text.
    pub fn text(&mut self, line: &str) -> Written {
        self.line(&harmless(line))
    }

    /// Prints a value on one line.
    pub fn json(&mut self, value: &Value) -> Written {
        self.line(&harmless_json(&value.to_string()))
    }

    /// Tells of a directory or a file that cannot be read. The output is incomplete.
    pub fn unreadable(&mut self, path: &[u8], error: &dyn std::error::Error) -> Written {
        self.problem(path, "unreadable", &error.to_string())
    }

    /// Tells of an entry that is not usable. The output is incomplete.
    pub fn unusable(&mut self, path: &[u8], problem: NodeProblem) -> Written {
        self.problem(path, "unusable", &problem.to_string())
    }

    /// Tells of a problem with a path: to standard error, or as a line of JSON.
    pub fn problem(&mut self, path: &[u8], kind: &str, message: &str) -> Written {
        self.problems += 1;
        if !self.as_json {
            // If standard error is gone, the exit code still tells.
            eprintln!("freezerd: {}: {message}", shown(path));
            return ControlFlow::Continue(());
        }
        self.json(&json!({ "problem": problem(path, kind, message) }))
    }

    /// How many problems were told.
    pub fn problems(&self) -> u64 {
        self.problems
    }

    /// Writes what is still in memory.
    pub fn flush(&mut self) -> Written {
        written(self.out.flush())
    }

    fn line(&mut self, line: &str) -> Written {
        let done = self
            .out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.write_all(b"\n"));
        written(done)
    }
}

fn written(done: io::Result<()>) -> Written {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// A problem with a path, as JSON.
pub fn problem(path: &[u8], kind: &str, message: &str) -> Value {
    let mut about = Map::new();
    put_path(&mut about, "path", path);
    about.insert("kind".into(), kind.into());
    about.insert("message".into(), message.into());
    Value::Object(about)
}

/// Says something on standard error that is not part of the output.
pub fn say(line: &str) {
    eprintln!("freezerd: {line}");
}

/// Puts a path into a JSON object. If it is not UTF-8, `NAME_base64` has its bytes.
pub fn put_path(object: &mut Map<String, Value>, name: &str, path: &[u8]) {
    object.insert(name.to_owned(), String::from_utf8_lossy(path).into());
    if std::str::from_utf8(path).is_err() {
        object.insert(format!("{name}_base64"), BASE64.encode(path).into());
    }
}

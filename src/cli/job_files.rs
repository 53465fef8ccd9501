//! Reads job files and the job documents in the ledger, in the way the daemon reads them.

use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;

use super::exit::{Exit, Failure, io_failure};
use super::output;
use crate::config::Settings;
use crate::job::diagnostic::{Diagnostic, Severity};
use crate::job::render::{Look, locate, render_all};
use crate::job::{Host, Job, parse};
use crate::record::JobRecord;

/// The values of this host that a job file refers to, from the settings.
pub fn host(settings: &Settings) -> Host {
    settings.job_host()
}

/// A job file that was read, with its errors and warnings.
pub struct Read {
    /// `None` if the file has an error.
    pub job: Option<Job>,
    name: String,
    bytes: Vec<u8>,
    diagnostics: Vec<Diagnostic>,
}

impl Read {
    /// Prints the errors and warnings, and returns the exit code for them.
    pub fn report(&self, as_json: bool) -> Exit {
        if as_json {
            let located: Vec<_> = self
                .diagnostics
                .iter()
                .map(|diagnostic| locate(diagnostic, &self.name, &self.bytes))
                .collect();
            output::json(&json!({"diagnostics": located}));
        } else {
            output::rendered(&render_all(
                &self.diagnostics,
                &self.name,
                &self.bytes,
                look(),
            ));
        }
        if self
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
        {
            Exit::BadJobFile
        } else {
            Exit::Success
        }
    }
}

/// How errors and warnings are drawn on standard error: with colours and lines only on a terminal.
pub fn look() -> Look {
    if std::io::stderr().is_terminal() {
        Look {
            color: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            unicode: true,
            width: 120,
        }
    } else {
        Look::PLAIN
    }
}

/// Reads a job file from the command line. It may belong to any user.
pub fn job_file(settings: &Settings, path: &Path) -> Result<Read, Failure> {
    let bytes = read_bounded(path).map_err(|error| io_failure("read", path, &error))?;
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let parsed = parse(&bytes, &name, &host(settings));
    Ok(Read {
        job: parsed.job,
        name: path.display().to_string(),
        bytes,
        diagnostics: parsed.diagnostics,
    })
}

/// Reads one byte more than a job file may have. The parser then reports a file that is too large.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(std::io::Error::other("it is a directory, not a job file"));
    }
    let mut bytes = Vec::new();
    file.take(1024 * 1024 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The names that the file of a job without an id of its own can have.
pub fn possible_names(job: &str) -> [String; 4] {
    [
        job.to_owned(),
        format!("{job}.json"),
        format!("{job}.conf"),
        format!("job_{job}.conf"),
    ]
}

/// The job from its document in the ledger.
pub fn remembered(settings: &Settings, record: &JobRecord) -> Result<Job, Failure> {
    let name = record.file.as_deref().unwrap_or(&record.job_id);
    parse(record.document.as_bytes(), name, &host(settings))
        .job
        .ok_or_else(|| not_valid_here(record))
}

/// The failure if the document of a job was valid for the daemon but is invalid with the settings of this command.
pub fn not_valid_here(record: &JobRecord) -> Failure {
    Failure::new(
        Exit::BadConfiguration,
        format!(
            "the ledger's document of {} is not valid with these settings (for example, disable_exec); run the command \
             with the settings of the daemon",
            record.job_id
        ),
    )
}

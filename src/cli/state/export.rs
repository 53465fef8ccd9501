//! `freezerd state export`: writes the ledger as lines of JSON.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{SubsecRound, Utc};
use serde_json::json;

use super::document;
use crate::cli::exit::{Exit, Failure, io_failure};
use crate::cli::ledger_view;
use crate::cli::output;
use crate::config::Settings;

/// Write the whole ledger as lines of JSON
///
/// The export has a header, one line for each record with its table and key, and a trailer with counts and a checksum. An
/// import detects from the trailer whether the export is complete. Logs are not part of it. The command works with or
/// without a running daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd state export --output /var/backups/freezerd.jsonl")]
pub struct Args {
    /// Write to FILE instead of standard output; only the owner can read the file (mode 0600)
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    /// With --output: print the file and the number of records as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd state export`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let ledger = ledger_view::open(settings)?;
    let format = ledger.reader.format()?;
    let id = ledger.reader.id()?;
    // Read everything before writing the first line: a slow reader must not keep the view of the ledger open.
    let mut records = Vec::new();
    ledger.reader.lines(|line| {
        records.push(line);
        Ok::<_, Failure>(())
    })?;
    drop(ledger);
    let count = records.len() as u64;
    let lines = document::write(&format, &id, Utc::now().trunc_subsecs(3), records);
    match &args.output {
        None => {
            for line in &lines {
                output::document(line);
            }
        }
        Some(path) => {
            write_file(path, &lines).map_err(|error| io_failure("write", path, &error))?;
            if args.json {
                output::json(&json!({"output": path, "records": count}));
            } else {
                println!(
                    "Wrote {} to {}.",
                    crate::units::count(count, "record", "records"),
                    path.display()
                );
            }
        }
    }
    Ok(Exit::Success)
}

/// Writes the file under a hidden name and renames it, so that an incomplete file never has its final name.
fn write_file(path: &Path, lines: &[String]) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".tmp");
    let hidden = path.with_file_name(hidden);
    let _ = fs::remove_file(&hidden);
    let result = write_whole(&hidden, lines).and_then(|()| fs::rename(&hidden, path));
    if result.is_err() {
        let _ = fs::remove_file(&hidden);
    }
    result?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn write_whole(path: &Path, lines: &[String]) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let mut out = io::BufWriter::new(file);
    for line in lines {
        out.write_all(line.as_bytes())?;
    }
    out.into_inner()?.sync_all()
}

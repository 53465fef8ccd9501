//! The format of an export: a header, one line for each record, and a trailer with counts and a checksum. A reader
//! detects from the trailer whether the export is complete.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::escape::harmless_json;
use crate::ledger::json_lines::{Line, TABLES};

/// The version of this format.
const VERSION: u64 = 1;

/// The first line of an export.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header {
    freezerd_state: u64,
    /// The format of the tables: the value of `format` in the table `meta`.
    pub format: String,
    /// The id of the ledger.
    pub ledger: String,
    /// The version of the freezerd that wrote the export.
    pub version: String,
    /// When the export was written.
    pub time: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    table: String,
    key: Value,
    value: Value,
}

/// The last line of an export.
#[derive(Debug, Serialize, Deserialize)]
struct Trailer {
    end: bool,
    records: BTreeMap<String, u64>,
    sha256: String,
}

/// An export that was read and verified.
pub struct State {
    pub header: Header,
    /// The records in the order of the export, without header and trailer.
    pub lines: Vec<Line>,
}

/// The lines of an export, each with its line end.
pub fn write(format: &str, ledger: &str, time: DateTime<Utc>, lines: Vec<Line>) -> Vec<String> {
    let header = json!({
        "freezerd_state": VERSION, "format": format, "ledger": ledger,
        "version": env!("CARGO_PKG_VERSION"), "time": time,
    });
    let mut written = vec![format!("{header}\n")];
    let mut sum = Sha256::new();
    let mut records: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        *records.entry(line.table.clone()).or_default() += 1;
        let record = json!({"table": line.table, "key": line.key, "value": line.value});
        let text = harmless_json(&format!("{record}\n")).into_owned();
        sum.update(text.as_bytes());
        written.push(text);
    }
    let trailer = json!({"end": true, "records": records, "sha256": hexadecimal(sum)});
    written.push(format!("{trailer}\n"));
    written
}

/// Reads an export. It checks the version, the tables, the counts and the checksum. The error says what is wrong, in a
/// clause that follows "cannot be imported:".
pub fn read(text: &str) -> Result<State, String> {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first = lines.first().ok_or("it is empty")?;
    let header: Header = serde_json::from_str(first)
        .map_err(|_| "line 1 is not the header of an exported state".to_owned())?;
    if header.freezerd_state != VERSION {
        return Err(format!(
            "it has version {} of the format, and this freezerd ({}) reads version {VERSION}; use the freezerd that wrote \
             it ({}), or a newer one",
            header.freezerd_state,
            env!("CARGO_PKG_VERSION"),
            header.version
        ));
    }
    let last = lines.pop().filter(|last| last.ends_with('\n'));
    let trailer: Trailer = last
        .and_then(|last| serde_json::from_str(last).ok())
        .ok_or(
            "it is cut off: the last line is not the trailer with the counts and the checksum",
        )?;
    let mut sum = Sha256::new();
    let mut records: BTreeMap<String, u64> = BTreeMap::new();
    let mut read = Vec::with_capacity(lines.len());
    for (index, text) in lines.iter().enumerate().skip(1) {
        let record: Record = serde_json::from_str(text)
            .map_err(|error| format!("line {} is not a record: {error}", index + 1))?;
        if !TABLES.contains(&record.table.as_str()) {
            return Err(format!(
                "line {}: there is no table {:?}",
                index + 1,
                record.table
            ));
        }
        sum.update(text.as_bytes());
        *records.entry(record.table.clone()).or_default() += 1;
        read.push(Line {
            table: record.table,
            key: record.key,
            value: record.value,
        });
    }
    if records != trailer.records {
        return Err(format!(
            "records are missing: the trailer has the counts {}, but the records are {}",
            json!(trailer.records),
            json!(records)
        ));
    }
    if hexadecimal(sum) != trailer.sha256 {
        return Err("the checksum does not match: the records were changed".to_owned());
    }
    let of_meta = |key: &str| {
        let of = |line: &&Line| line.table == "meta" && line.key == key;
        read.iter().find(of).and_then(|line| line.value.as_str())
    };
    if of_meta("id") != Some(&header.ledger) || of_meta("format") != Some(&header.format) {
        return Err("the header and the records belong to different ledgers".to_owned());
    }
    Ok(State {
        header,
        lines: read,
    })
}

fn hexadecimal(sum: Sha256) -> String {
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

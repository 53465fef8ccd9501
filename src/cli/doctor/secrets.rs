//! The files that hold the secrets of storages: their modes and owners.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use super::containers::{PassFile, password_findings};
use super::finding::{Finding, Level};
use super::used::Used;
use super::who::Who;
use crate::cli::storage::look;
use crate::config::Settings;

/// What is wrong with the files, of the named storages and of those that jobs describe. `are_asked`: the storages are
/// asked, too. Then a missing secret is told there, and not here.
pub fn findings(settings: &Settings, used: &[Used], who: Who, are_asked: bool) -> Vec<Finding> {
    let named = settings.storages.values().map(|it| &it.connection);
    let of_jobs = used.iter().map(|it| &it.container.connection);
    let mut paths = BTreeSet::new();
    let mut findings = Vec::new();
    for file in named
        .chain(of_jobs)
        .flat_map(|connection| connection.secret_files())
    {
        if !paths.insert(file.path) {
            continue;
        }
        let looked_at = PassFile {
            path: file.path.to_owned(),
            seen: std::fs::metadata(file.path)
                .ok()
                .map(|metadata| (metadata.mode() & 0o7777, metadata.uid())),
            fault: look::fault(&file).filter(|_| !are_asked),
        };
        let of_file = password_findings(&looked_at, who).into_iter();
        // The storage says that all is well.
        findings.extend(of_file.filter(|finding| finding.level != Level::Ok));
    }
    findings
}

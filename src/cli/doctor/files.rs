//! The job files, checked as `freezerd check` checks them.

use std::path::Path;

use super::finding::{Finding, Level};
use crate::config::Settings;
use crate::intake::{self, Checked, CheckedContent, CheckedFile, Trust};
use crate::units;

/// Reads and checks every file in the jobs directory. `None` if the directory does not exist.
pub fn inspect(settings: &Settings) -> Option<Checked> {
    if !settings.jobs_dir.is_dir() {
        return None;
    }
    let trust = Trust::of_process(settings.trusted_owners.clone());
    let against = intake::CheckOptions {
        host: &settings.job_host(),
        client_id: &settings.client_id,
        trust: Some(&trust),
        now: chrono::Utc::now(),
    };
    Some(intake::check(
        std::slice::from_ref(&settings.jobs_dir),
        &against,
    ))
}

/// What is wrong with the job files, and how many are valid.
pub fn file_findings(checked: &Checked, jobs_dir: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut jobs, mut foreign, mut warnings) = (0_u64, 0_u64, 0_u64);
    for file in &checked.files {
        match &file.content {
            CheckedContent::Job(_) => jobs += 1,
            CheckedContent::Foreign { .. } => foreign += 1,
            CheckedContent::Invalid { .. } | CheckedContent::Directory => {}
        }
        findings.extend(file_finding(file));
        warnings += file
            .diagnostics
            .iter()
            .filter(|diagnostic| !diagnostic.is_error())
            .count() as u64;
    }
    let finding =
        |level, message: String| Finding::new("job file", level, jobs_dir.display(), message);
    if warnings > 0 {
        findings.push(
            finding(
                Level::Info,
                format!(
                    "{} about job files",
                    units::count(warnings, "warning", "warnings")
                ),
            )
            .help("`freezerd check` shows them"),
        );
    }
    let mut message = units::count(jobs, "valid job file", "valid job files");
    if foreign > 0 {
        message.push_str(&format!(", {foreign} for other hosts"));
    }
    findings.push(finding(
        if jobs > 0 { Level::Ok } else { Level::Info },
        message,
    ));
    findings
}

/// The finding for a file or directory with errors; `None` if it has none.
fn file_finding(file: &CheckedFile) -> Option<Finding> {
    let errors: Vec<_> = file
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .collect();
    let first = errors.first()?;
    let message = match errors.len() {
        1 => first.message.clone(),
        more => format!("{} (and {} more)", first.message, more - 1),
    };
    let finding = Finding::new("job file", Level::Error, file.path.display(), message);
    Some(match (&file.content, &first.help) {
        (CheckedContent::Directory, Some(help)) => finding.help(help.clone()),
        _ => finding.help("`freezerd check` shows each error and its place in the file"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::job::codes;
    use crate::job::diagnostic::Diagnostic;

    fn file(content: CheckedContent, diagnostics: Vec<Diagnostic>) -> CheckedFile {
        CheckedFile {
            path: "/jobs/a.json".into(),
            bytes: Arc::from([].as_slice()),
            content,
            diagnostics,
        }
    }

    #[test]
    fn each_invalid_file_is_an_error_and_warnings_are_counted() {
        let fault = || Diagnostic::error(codes::UNREADABLE, "it is bad");
        let checked = Checked {
            files: vec![
                file(
                    CheckedContent::Invalid { job_id: None },
                    vec![
                        fault(),
                        fault(),
                        Diagnostic::warning(codes::HARD_LINK, "hm"),
                    ],
                ),
                file(
                    CheckedContent::Foreign {
                        job_id: "x".to_owned(),
                        client_id: "other".to_owned(),
                    },
                    Vec::new(),
                ),
            ],
        };
        let findings = file_findings(&checked, Path::new("/jobs"));
        let told: Vec<_> = findings
            .iter()
            .map(|finding| (finding.level, finding.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (Level::Error, "it is bad (and 1 more)"),
                (Level::Info, "1 warning about job files"),
                (Level::Info, "0 valid job files, 1 for other hosts"),
            ]
        );
    }
}

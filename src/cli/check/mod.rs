//! `freezerd check`: checks job files in the way the daemon reads them.

mod left_out;
mod notify;
mod pattern_files;
mod receivers;
mod sources;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::notify::look::look;
use super::{job_files, ledger_view, storage};
use crate::cli::output;
use crate::config::Settings;
use crate::intake::{self, CheckedContent, Trust};
use crate::job::diagnostic::Diagnostic;
use crate::job::render::{locate, render_all};
use crate::job::{JobResult, codes};
use crate::record::{FileRecord, FileVerdict};
use crate::units;

/// Check job files and report their errors and warnings
///
/// The command checks a directory in the way the daemon reads it. It reports files that other users can change, and two
/// files with the same job id. If only files are named, it does not check owners and modes. Without a name, it also looks
/// at the receivers of notices and at the secrets of the storages in freezerd.toml.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit code is 65 if there is an error, and 3 if --left-out could not read all sources.\n\n\
                        Example: freezerd check\nExample: freezerd check --strict nightly.json\n\
                        Example: freezerd check --left-out nightly.json"
)]
pub struct Args {
    /// Job files, and directories of job files [default: the jobs directory]
    #[arg(value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// Do not check owners and modes; use this for files that are not in their final place yet
    #[arg(long)]
    no_trust: bool,
    /// Also walk the sources of the backups, and list what they leave out, and why
    #[arg(long)]
    left_out: bool,
    /// Print the errors and warnings as JSON
    #[arg(long)]
    pub json: bool,
}

/// How many past runs of a job are compared with its interval.
const LOOKED_BACK: usize = 20;

/// Runs `freezerd check`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let (paths, in_place) = if args.paths.is_empty() {
        (vec![settings.jobs_dir.clone()], true)
    } else {
        (
            args.paths.clone(),
            args.paths.iter().any(|path| path.is_dir()),
        )
    };
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        return Err(Failure::new(
            Exit::NotFound,
            format!("{} does not exist", missing.display()),
        ));
    }
    let trust =
        (in_place && !args.no_trust).then(|| Trust::of_process(settings.trusted_owners.clone()));
    let against = intake::CheckOptions {
        host: &settings.job_host(),
        client_id: &settings.client_id,
        trust: trust.as_ref(),
        now: chrono::Utc::now(),
    };
    let mut checked = intake::check(&paths, &against);
    look_at_history(settings, &mut checked);
    checked.files.iter_mut().for_each(pattern_files::look_at);
    checked.files.iter_mut().for_each(sources::look_at);
    if args.paths.is_empty() {
        let files = checked.files.iter_mut();
        files.for_each(|file| notify::look_at(file, settings));
    }
    let left_out: Vec<left_out::Listed> = match args.left_out {
        true => checked.files.iter().flat_map(left_out::of_file).collect(),
        false => Vec::new(),
    };
    let (receivers, storages) = match args.paths.is_empty() {
        true => (look(settings), storage::look::look(settings)),
        false => (Vec::new(), Vec::new()),
    };
    let has_warnings = checked.has_diagnostics() || !receivers.is_empty() || !storages.is_empty();
    let failed = checked.has_errors() || (args.strict && has_warnings);

    if args.json {
        let diagnostics: Vec<_> = checked
            .files
            .iter()
            .flat_map(|file| {
                let name = file.path.display().to_string();
                file.diagnostics
                    .iter()
                    .map(move |diagnostic| locate(diagnostic, &name, &file.bytes))
            })
            .collect();
        let mut document = json!({"diagnostics": diagnostics});
        if args.left_out {
            document["left_out"] = left_out.iter().map(left_out::to_json).collect();
        }
        if args.paths.is_empty() {
            document["receivers"] = receivers.iter().map(receivers::to_json).collect();
            document["storages"] = storages.iter().map(receivers::to_json).collect();
        }
        output::json(&document);
    } else {
        for file in &checked.files {
            let name = file.path.display().to_string();
            output::rendered(&render_all(
                &file.diagnostics,
                &name,
                &file.bytes,
                job_files::look(),
            ));
        }
        left_out.iter().for_each(left_out::print);
        receivers.iter().chain(&storages).for_each(receivers::print);
        println!("{}", summary(&checked));
    }
    Ok(if failed {
        Exit::BadJobFile
    } else if !left_out.iter().all(left_out::Listed::is_complete) {
        Exit::RunPartial
    } else {
        Exit::Success
    })
}

/// Adds the warnings that need the history of the job. Adds nothing if the ledger cannot be read.
fn look_at_history(settings: &Settings, checked: &mut intake::Checked) {
    let Ok(ledger) = ledger_view::open(settings) else {
        return;
    };
    let known = ledger.reader.files().unwrap_or_default();
    for file in &mut checked.files {
        let CheckedContent::Job(job) = &file.content else {
            continue;
        };
        let is_it = |known: &&FileRecord| file.path == settings.jobs_dir.join(&known.file);
        if ledger.daemon
            && let Some(known) = known.iter().find(is_it)
            && let FileVerdict::Invalid { summary, .. } = &known.verdict
            && is_older(&file.path, known.seen)
        {
            let diagnostic = Diagnostic::warning(
                codes::DAEMON_DISAGREES,
                format!("the daemon has this file as invalid: {summary}"),
            )
            .help("the daemon reads `freezerd.toml` when it starts: restart it, for example with `systemctl restart freezerd`");
            file.diagnostics.push(diagnostic);
            continue;
        }
        let Some(interval) = job.schedule.interval() else {
            continue;
        };
        let Ok(runs) = ledger.reader.history(Some(&job.id), LOOKED_BACK) else {
            continue;
        };
        let mut took: Vec<Duration> = runs
            .iter()
            .filter(|run| run.result == Some(JobResult::Success))
            .filter_map(|run| (run.ended? - run.started?).to_std().ok())
            .collect();
        took.sort();
        let Some(median) = took
            .get(took.len() / 2)
            .filter(|median| **median > interval)
        else {
            continue;
        };
        let diagnostic = Diagnostic::warning(
            codes::INTERVAL_TOO_SHORT,
            format!(
                "the interval is {}, but the last runs took {}",
                units::duration(interval),
                units::duration(*median)
            ),
        )
        .help("use a longer `schedule_interval`, or `continuous`");
        file.diagnostics.push(diagnostic);
    }
}

/// Whether the file was changed before this instant.
fn is_older(path: &Path, instant: DateTime<Utc>) -> bool {
    let changed = path.metadata().and_then(|about| about.modified());
    changed.is_ok_and(|changed| DateTime::<Utc>::from(changed) < instant)
}

fn summary(checked: &intake::Checked) -> String {
    let (mut jobs, mut foreign, mut invalid, mut warnings) = (0_u64, 0_u64, 0_u64, 0_u64);
    for file in &checked.files {
        match &file.content {
            CheckedContent::Job(_) => jobs += 1,
            CheckedContent::Foreign { .. } => foreign += 1,
            CheckedContent::Invalid { .. } => invalid += 1,
            CheckedContent::Directory => {}
        }
        warnings += file
            .diagnostics
            .iter()
            .filter(|diagnostic| !diagnostic.is_error())
            .count() as u64;
    }
    let mut parts = vec![units::count(jobs, "valid job", "valid jobs")];
    if foreign > 0 {
        parts.push(format!("{foreign} for other hosts"));
    }
    if invalid > 0 {
        parts.push(units::count(invalid, "invalid file", "invalid files"));
    }
    if warnings > 0 {
        parts.push(units::count(warnings, "warning", "warnings"));
    }
    parts.join(", ")
}

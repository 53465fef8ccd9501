//! `freezerd why`: why a job did or did not run, in sentences.

use chrono::Utc;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::ledger_view::{self, LedgerView};
use super::list::{live_progress, status_word};
use super::next::upcoming::{Upcoming, UpcomingLimits};
use super::{history, job_files, prunes, unread};
use crate::cli::output;
use crate::config::Settings;
use crate::record::{FileRecord, FileVerdict, JobRecord};

mod last_words;
mod story;

use story::{Facts, Story, instant, story};

/// Explain why a job did or did not run, and when it runs next
///
/// The answer comes from the ledger. It says what was due, which runs started, were skipped, caught up or interrupted and
/// why, what a run waits for, who stopped the job, and when it is due next.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd why nightly")]
pub struct Args {
    /// The id of the job
    job: String,
    /// How many past runs to show
    #[arg(long, short = 'n', default_value_t = 5, value_name = "N")]
    limit: usize,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// How many of the job's last events are read.
const EVENTS: usize = 5;

/// Runs `freezerd why`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    unread::settle(settings);
    let ledger = ledger_view::open(settings)?;
    let record = ledger.reader.job(&args.job)?;
    let file = file_of(&ledger, &args.job, record.as_ref())?;
    let runs = ledger
        .reader
        .history(Some(&args.job), args.limit.min(10_000))?;
    if record.is_none() && runs.is_empty() && file.is_none() {
        return Err(unread::no_such_job(settings, &ledger, &args.job));
    }
    let zone = settings.zone();
    let now = Utc::now();
    let job = record
        .as_ref()
        .and_then(|record| job_files::remembered(settings, record).ok());
    let limits = UpcomingLimits {
        count: 1,
        until: None,
    };
    let upcoming = record.as_ref().zip(job.as_ref()).map(|(record, job)| {
        Upcoming::of_job(job, record, &settings.client_id, (now, None), &zone, limits)
    });
    let prunes = match &job {
        Some(job) => prunes::of_job(settings, job, &ledger.reader.jobs()?, now),
        None => Vec::new(),
    };
    let open = match record.as_ref().and_then(|record| record.run) {
        Some(run) => ledger.reader.run(run.number)?,
        None => None,
    };
    let progress = open
        .as_ref()
        .and_then(|run| live_progress(&ledger, run.number));
    let events = ledger.reader.events_of(&args.job, EVENTS)?;
    let last_words = match runs.first() {
        Some(run) => last_words::of(&ledger.layout.run_log(run.number), run),
        None => Vec::new(),
    };
    let mut story = story(&Facts {
        job_id: &args.job,
        client_id: &settings.client_id,
        now,
        zone: &zone,
        daemon: ledger.daemon,
        record: record.as_ref(),
        upcoming: upcoming.as_ref(),
        file: file.as_ref(),
        open: open.as_ref(),
        agent_waits: progress.as_ref().and_then(|file| file.waiting.as_deref()),
        runs: &runs,
        last_words: &last_words,
        prunes: &prunes,
        events: &events,
    });
    if runs.is_empty() && !ledger.notes.is_empty() {
        // The ledger is incomplete, so it cannot say that the job never ran.
        story.lately = vec![format!(
            "No run of it is known: {}.",
            ledger.notes.join("; ")
        )];
    }
    if args.json {
        output::json(&json!({
            "job_id": args.job,
            "status": record.as_ref().map(|record| status_word(record.status())),
            "state": story.state,
            "lately": story.lately,
            "next": story.next,
            "prunes": prunes.iter().map(|it| it.as_json(now, |at| instant(&zone, at))).collect::<Vec<_>>(),
            "runs": runs.iter().map(history::as_json).collect::<Vec<_>>(),
            "events": events,
            "daemon": ledger.daemon,
            "notes": ledger.notes,
        }));
    } else {
        print(&story);
    }
    Ok(Exit::Success)
}

fn print(story: &Story) {
    let paragraphs = [&story.state, &story.lately, &story.next];
    let mut first = true;
    for paragraph in paragraphs
        .into_iter()
        .filter(|sentences| !sentences.is_empty())
    {
        if !first {
            println!();
        }
        first = false;
        for sentence in paragraph {
            println!("{}", sentence);
        }
    }
}

/// The file of the job. If the job has none, a file that claims its id.
fn file_of(
    ledger: &LedgerView,
    job_id: &str,
    record: Option<&JobRecord>,
) -> Result<Option<FileRecord>, Failure> {
    let of_job = record.and_then(|record| record.file.clone());
    Ok(ledger
        .reader
        .files()?
        .into_iter()
        .find(|file| match &of_job {
            Some(name) => file.file == *name,
            None => match &file.verdict {
                FileVerdict::Foreign { job_id: id, .. } | FileVerdict::Loaded { job_id: id } => {
                    id == job_id
                }
                FileVerdict::Invalid {
                    job_id: Some(id), ..
                } => id == job_id,
                // Without a readable job id, the id probably comes from the file's name.
                FileVerdict::Invalid { job_id: None, .. } => {
                    crate::job::derived_id(&file.file) == job_id
                }
            },
        }))
}

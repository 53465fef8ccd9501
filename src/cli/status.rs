//! `freezerd status`: the daemon, the last success of each job, and what is overdue.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};

use super::exit::{Exit, Failure};
use super::last_drill::drill_words;
use super::ledger_view::LedgerView;
use super::list::{live_progress, status_word};
use super::open_alarms;
use super::output;
use super::table::{Look, Table, Terminal};
use super::{ledger_view, logging, unread};
use crate::config::Settings;
use crate::control::daemon_lock::{self, Holder};
use crate::record::Ending;
use crate::schedule::zone::Zone;
use crate::status::{DataCheckStatus, Facts, JobStatus, Status};
use crate::units;

/// Show the daemon, the last success of each job, and what is overdue
///
/// The command reads the ledger, with or without a running daemon. --json and --prometheus print the documents that the
/// daemon writes for monitoring if the setting metrics_dir is set.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd status\nExample: freezerd status --prometheus > freezerd.prom"
)]
pub struct Args {
    /// Print JSON, as in status.json
    #[arg(long, conflicts_with = "prometheus")]
    pub json: bool,
    /// Print Prometheus metrics, as in freezerd.prom
    #[arg(long)]
    prometheus: bool,
}

/// Runs `freezerd status`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    unread::settle(settings);
    let ledger = ledger_view::open(settings)?;
    let facts = Facts::read(&ledger.reader)?;
    let daemon = daemon_lock::running(&ledger.layout).unwrap_or(None);
    let waiting = waiting(&ledger, &facts);
    // Release the view before printing: a pager may block this process for a long time.
    drop(ledger);
    let status = Status::of(&facts, daemon, Utc::now().trunc_subsecs(3));
    if args.json {
        output::document(&status.to_json());
    } else if args.prometheus {
        print!("{}", crate::status::prometheus(&status));
    } else {
        print_for_people(&status, &waiting, &settings.zone());
    }
    Ok(Exit::Success)
}

/// What running actions wait for, a line for each.
fn waiting(ledger: &LedgerView, facts: &Facts) -> Vec<String> {
    let runs = facts.open_runs.iter();
    let lines = runs.filter_map(|run| {
        let reason = live_progress(ledger, run.number)?.waiting?;
        Some(format!("{} is waiting: {reason}", run.job_id))
    });
    lines.collect()
}

fn print_for_people(status: &Status, waiting: &[String], zone: &Zone) {
    println!("{}", daemon_line(status.daemon.as_ref(), zone));
    let summary = &status.summary;
    let jobs = units::count(status.jobs.len() as u64, "job", "jobs");
    let counts: Vec<String> = summary
        .jobs
        .each()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let mut parts = vec![if counts.is_empty() {
        jobs
    } else {
        format!("{jobs} ({})", counts.join(", "))
    }];
    for (count, what) in [
        (summary.failing, "with a last run that did not succeed"),
        (summary.overdue, "overdue"),
        (summary.too_old, "without a success within max_age"),
        (summary.alarmed, "with an alarm that nobody has accepted"),
        (
            status
                .jobs
                .iter()
                .filter(|job| job.stands_since_abort())
                .count() as u64,
            "off the schedule since an abort (`freezerd start JOB` puts it back)",
        ),
        (summary.runs_queued, "waiting for a slot or a container"),
        (summary.runs_waiting, "waiting for a retry"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let messages = |count| units::count(count, "message", "messages");
    if summary.messages_waiting > 0 {
        parts.push(format!("{} to be sent", messages(summary.messages_waiting)));
    }
    if summary.messages_given_up > 0 {
        parts.push(format!(
            "{} given up (`freezerd notify` lists what was given up, and with --retry sends it again)",
            messages(summary.messages_given_up)
        ));
    }
    println!("{}", parts.join(", "));
    if summary.invalid_files > 0 {
        println!(
            "{}: `freezerd check` says why",
            units::count(
                summary.invalid_files,
                "invalid job file",
                "invalid job files"
            )
        );
    }
    if status.jobs.is_empty() {
        return;
    }
    println!();
    let terminal = Terminal::of_output().is_some();
    let now = Utc::now();
    let short = |instant| match terminal {
        true => logging::short_moment(instant, now, zone),
        false => logging::moment(instant, zone),
    };
    let mut table = Table::of_jobs(&[
        "JOB",
        "STATUS",
        "LAST RUN",
        "LAST SUCCESS",
        "OVERDUE",
        "ADDED",
        "NEXT RUN",
    ]);
    for job in &status.jobs {
        table.row_that_looks(look(job), row(job, status.at, &short));
    }
    table.print();
    let jobs = status.jobs.iter();
    let data_checks =
        jobs.flat_map(|job| job.data_checks.iter().map(|it| data_check(job, it, zone)));
    let drills = status.jobs.iter();
    let drills = drills.filter_map(|job| {
        let words = drill_words(job.last_drill.as_ref()?, zone);
        Some(format!("the last drill of {} {words}", job.job_id))
    });
    let too_old = status.jobs.iter().filter_map(too_old);
    let alarms = status.jobs.iter();
    let alarms = alarms.flat_map(|job| open_alarms::sentences(&job.job_id, &job.alarms));
    let lines = waiting.iter().cloned().chain(too_old).chain(alarms);
    let lines = lines.chain(data_checks);
    let mut lines = lines.chain(drills).peekable();
    if lines.peek().is_some() {
        println!();
    }
    for line in lines {
        println!("{line}");
    }
}

/// That the job has not succeeded within its `max_age`.
fn too_old(job: &JobStatus) -> Option<String> {
    let max_age = job.max_age_seconds.filter(|_| job.too_old)?;
    Some(format!(
        "{} has not succeeded within its max_age of {}",
        job.job_id,
        units::duration(Duration::from_secs(max_age))
    ))
}

/// How much of the data of a container was read, and since when.
fn data_check(job: &JobStatus, check: &DataCheckStatus, zone: &Zone) -> String {
    let container = &check.container;
    match (check.all_read_since, check.parts) {
        (Some(since), _) => format!(
            "{} has checked all data of {container} since {}",
            job.job_id,
            logging::moment(Some(since), zone)
        ),
        (None, parts) => format!(
            "{} has checked {} of {parts} parts of the data of {container}",
            job.job_id, check.parts_read
        ),
    }
}

/// How much a job needs a look.
fn look(job: &JobStatus) -> Look {
    let last = job.last_run.as_ref().map(|run| run.result);
    if matches!(
        last,
        Some(Ending::Fail | Ending::Partial | Ending::Interrupted)
    ) || job.too_old
        || !job.alarms.is_empty()
    {
        Look::Alarm
    } else if job.owed_since.is_some() || job.stands_since_abort() {
        Look::Warning
    } else {
        Look::Plain
    }
}

fn row(
    job: &JobStatus,
    at: DateTime<Utc>,
    short: &dyn Fn(Option<DateTime<Utc>>) -> String,
) -> Vec<String> {
    let dash = || "–".to_owned();
    let last = job.last_run.as_ref();
    vec![
        job.job_id.clone(),
        status_word(job.status).to_owned(),
        last.map_or_else(dash, |run| run.result.name().to_owned()),
        short(job.last_success),
        job.late_seconds(at).map_or_else(dash, |seconds| {
            units::duration(Duration::from_secs_f64(seconds))
        }),
        last.map_or_else(dash, |run| units::bytes(run.bytes_added)),
        short(job.next),
    ]
}

/// One line that says which daemon runs.
fn daemon_line(daemon: Option<&Holder>, zone: &Zone) -> String {
    let Some(holder) = daemon else {
        return "No daemon is running. This is the state when the last one ended.".to_owned();
    };
    let mut line = "freezerd".to_owned();
    if let Some(version) = &holder.version {
        line = format!("{line} {version}");
    }
    line.push_str(" is running");
    if let Some(pid) = holder.pid {
        line = format!("{line} as process {pid}");
    }
    if holder.since.is_some() {
        line = format!("{line}, since {}", logging::moment(holder.since, zone));
    }
    line
}

//! `freezerd next`: when jobs are due, and the plan of a week.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::exit::{Exit, Failure};
use super::job_files;
use super::ledger_view::{self, LedgerView};
use super::{prunes, unread};
use crate::config::Settings;
use crate::job::Job;
use crate::lifecycle::queue::Need;
use crate::record::{RunState, Standing};
use crate::schedule::zone::Zone;

mod clock_changes;
mod days;
mod plan;
mod plan_text;
mod show;
mod span;
mod to_json;
pub(super) mod upcoming;

use plan::{Course, Step};
use upcoming::{Upcoming, UpcomingLimits};

/// Show when jobs are due next
///
/// Without a job, this lists the next firing of every job. With --for SPAN it also shows a plan, estimated from past runs:
/// which runs overlap, and which wait for a slot or a container. With --job FILE it needs neither a daemon nor a ledger,
/// and reads the schedule of the file as if the job had just been created.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd next nightly --count 3\n\
                        Example: freezerd next --for 7d\n\
                        Example: freezerd next --job nightly.json --now 2026-03-28T12:00 --timezone Europe/Berlin")]
pub struct Args {
    /// Only this job
    #[arg(conflicts_with = "file")]
    job: Option<String>,
    /// Read this job file instead of a known job
    #[arg(long = "job", value_name = "FILE")]
    file: Option<PathBuf>,
    /// The instant to start from: RFC 3339, or a local time in the zone [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How many firings of a job [default: 5, for all jobs 1, with --for all of them]
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<usize>,
    /// How far ahead: 7d, 36h, 2w, "10 days"
    #[arg(long = "for", value_name = "SPAN")]
    span: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// The most firings of one job: more than anybody reads, few enough for the memory.
const MOST: usize = 100_000;

/// The most firings of all jobs together in a plan.
const MOST_IN_PLAN: usize = 1_000_000;

/// How many past runs of a job the estimate of its duration uses.
const PAST_RUNS: usize = 10;

/// Runs `freezerd next`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let zone = settings.zone();
    let from = instant(args.now.as_deref(), &zone)?;
    let now = from.unwrap_or_else(Utc::now);
    let until = until(args, now)?;
    let limits = |usual: usize| UpcomingLimits {
        count: args
            .count
            .unwrap_or(if until.is_some() { MOST } else { usual })
            .min(MOST),
        until,
    };
    if let Some(path) = &args.file {
        let read = job_files::job_file(settings, path)?;
        let Some(job) = &read.job else {
            return Ok(read.report(args.json));
        };
        let upcoming = Upcoming::of_file(job, &settings.client_id, now, &zone, limits(5));
        show::one(&upcoming, now, args.json);
        return Ok(Exit::Success);
    }
    unread::settle(settings);
    let ledger = ledger_view::open(settings)?;
    if let Some(name) = &args.job {
        let Some(record) = ledger.reader.job(name)? else {
            return Err(unread::no_such_job(settings, &ledger, name));
        };
        let job = job_files::remembered(settings, &record)?;
        let client_id = &settings.client_id;
        let upcoming = Upcoming::of_job(&job, &record, client_id, (now, from), &zone, limits(5));
        let prunes = prunes::of_job(settings, &job, &ledger.reader.jobs()?, now);
        let upcoming = upcoming.with_prunes(&prunes);
        show::one(&upcoming, now, args.json);
        return Ok(Exit::Success);
    }
    all(settings, args, &ledger, (now, from), limits(1))
}

/// Shows every job, and the plan if there is a span.
fn all(
    settings: &Settings,
    args: &Args,
    ledger: &LedgerView,
    (now, from): (DateTime<Utc>, Option<DateTime<Utc>>),
    limits: UpcomingLimits,
) -> Result<Exit, Failure> {
    let zone = settings.zone();
    let mut upcoming = Vec::new();
    let mut courses = Vec::new();
    let mut left = MOST_IN_PLAN;
    let records = ledger.reader.jobs()?;
    for record in &records {
        // This command may have other settings than the daemon, so one job may be invalid here. The others are shown.
        let Ok(job) = job_files::remembered(settings, record) else {
            eprintln!(
                "freezerd: {} is left out: it is not valid with these settings",
                record.job_id
            );
            continue;
        };
        if record.standing != Standing::OnSchedule {
            continue;
        }
        let limits = UpcomingLimits {
            count: limits.count.min(left),
            ..limits
        };
        let of_job = Upcoming::of_job(
            &job,
            record,
            &settings.client_id,
            (now, from),
            &zone,
            limits,
        );
        let of_job = of_job.with_prunes(&prunes::of_job(settings, &job, &records, now));
        left = left.saturating_sub(of_job.firings.len());
        if limits.until.is_some() {
            courses.push(course(ledger, &job)?);
        }
        upcoming.push(of_job);
    }
    let plan = limits.until.map(|until| {
        let mut firings: Vec<(DateTime<Utc>, usize)> = Vec::new();
        for (index, of_job) in upcoming.iter().enumerate() {
            // An owed run starts as soon as possible.
            if of_job
                .owed
                .as_ref()
                .is_some_and(|owed| owed.refusal.is_none())
            {
                firings.push((now, index));
            }
            firings.extend(of_job.firings.iter().map(|firing| (firing.at, index)));
        }
        firings.sort_unstable();
        let known: Vec<bool> = courses.iter().map(|(_, known)| *known).collect();
        let courses: Vec<Course> = courses.drain(..).map(|(course, _)| course).collect();
        let entries = plan::play(&courses, &firings, settings.concurrent_jobs);
        plan::Plan {
            until,
            slots: settings.concurrent_jobs,
            entries,
            known,
        }
    });
    show::all(&upcoming, plan.as_ref(), now, &zone, args.json);
    Ok(Exit::Success)
}

/// The expected course of the job's runs, estimated from its last runs, and whether there were any.
fn course(ledger: &LedgerView, job: &Job) -> Result<(Course, bool), Failure> {
    let mut lasted: Vec<Vec<TimeDelta>> = vec![Vec::new(); job.actions.len()];
    for run in ledger.reader.history(Some(&job.id), PAST_RUNS)? {
        if run.state != RunState::Ended || run.actions.len() != job.actions.len() {
            continue;
        }
        let mut of_run: Vec<Option<TimeDelta>> = vec![None; job.actions.len()];
        for attempt in ledger.reader.attempts(run.number)? {
            if let (Some(total), Some(ended)) =
                (of_run.get_mut(attempt.action as usize), attempt.ended)
            {
                let took = (ended - attempt.started).max(TimeDelta::zero());
                *total = Some(total.unwrap_or_default() + took);
            }
        }
        for (all, one) in lasted.iter_mut().zip(of_run) {
            all.extend(one);
        }
    }
    let known = lasted.iter().any(|durations| !durations.is_empty());
    let steps = job
        .actions
        .iter()
        .zip(lasted)
        .map(|(action, durations)| Step {
            need: action
                .action
                .work
                .container()
                .map(|(container, access)| Need {
                    name: container.name.clone(),
                    location: container.location.clone(),
                    access,
                }),
            lasts: plan::median(durations).unwrap_or_default(),
        })
        .collect();
    Ok((Course { steps }, known))
}

/// The end of `--for`; `None` if the option is absent.
fn until(args: &Args, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Failure> {
    let Some(text) = &args.span else {
        return Ok(None);
    };
    let span = span::parse(text)
        .map_err(|why| Failure::new(Exit::Usage, format!("--for {text}: {why}")))?;
    let until = TimeDelta::from_std(span)
        .ok()
        .and_then(|span| now.checked_add_signed(span))
        .unwrap_or(DateTime::<Utc>::MAX_UTC);
    Ok(Some(until))
}

/// The value of `--now` as an instant; `None` if the option is absent.
fn instant(text: Option<&str>, zone: &Zone) -> Result<Option<DateTime<Utc>>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(Some(instant.to_utc()));
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ] {
        if let Ok(wall) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(Some(zone.instant(wall)));
        }
    }
    if let Ok(day) = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(Some(zone.instant(day.and_time(chrono::NaiveTime::MIN))));
    }
    Err(Failure::new(
        Exit::Usage,
        format!(
            "--now {text}: expected an instant such as 2026-03-28T12:00:00+01:00, or a local time"
        ),
    ))
}

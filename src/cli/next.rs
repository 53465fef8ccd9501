//! `freezerd next`: when jobs are due.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::table::Table;
use super::{ledger, logging, reading};
use crate::config::Settings;
use crate::job::Job;
use crate::schedule::zone::Zone;
use crate::store::record::{JobRecord, Standing};

/// Show when jobs are due next
///
/// Without a job: the next firing of every job. With --job FILE nothing but that file is needed, neither a daemon nor
/// a ledger: the file's schedule is read as if the job had just been created.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd next nightly --count 3\n\
                        Example: freezerd next --job nightly.json --now 2026-03-28T12:00 --timezone Europe/Berlin")]
pub struct Args {
    /// Only this job
    #[arg(conflicts_with = "file")]
    job: Option<String>,
    /// A job file instead of a job that is known
    #[arg(long = "job", value_name = "FILE")]
    file: Option<std::path::PathBuf>,
    /// The instant to start from: RFC 3339, or a local time in the zone [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How many firings
    #[arg(long, short = 'n', default_value_t = 5, value_name = "N")]
    count: usize,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// More than anybody reads, fewer than would hurt.
const MOST: usize = 100_000;

pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let zone = settings.zone();
    let now = instant(args.now.as_deref(), &zone)?;
    let count = args.count.min(MOST);
    if let Some(path) = &args.file {
        let read = reading::job_file(settings, path)?;
        let Some(job) = &read.job else {
            return Ok(read.report(args.json));
        };
        let firings: Vec<DateTime<Utc>> = job
            .schedule
            .occurrences(now, now, &zone)
            .take(count)
            .collect();
        return Ok(answer(job, &firings, &zone, args.json));
    }
    let ledger = ledger::open(settings)?;
    let Some(name) = &args.job else {
        return all(&ledger.reader.jobs()?, &zone, args.json);
    };
    let record = match ledger.reader.job(name)? {
        Some(record) => record,
        None => return Err(ledger.no_such_job(name)),
    };
    let job = reading::remembered(settings, &record)?;
    let firings = to_come(
        settings,
        &job,
        &record,
        args.now.is_some().then_some(now),
        &zone,
        count,
    );
    Ok(answer(&job, &firings, &zone, args.json))
}

/// A known job's firings: from what is handled, or from an instant that somebody asks about; jitter included.
fn to_come(
    settings: &Settings,
    job: &Job,
    record: &JobRecord,
    from: Option<DateTime<Utc>>,
    zone: &Zone,
    count: usize,
) -> Vec<DateTime<Utc>> {
    if record.standing != Standing::OnSchedule {
        return Vec::new();
    }
    let delay = job.schedule.jitter_delay(&settings.client_id, &job.id);
    let mut after = from.unwrap_or(record.handled);
    let mut firings = Vec::new();
    while firings.len() < count {
        let Some(due) = job.schedule.next_after(after, record.anchor, zone) else {
            break;
        };
        firings.push(due + delay);
        after = due;
    }
    firings
}

fn answer(job: &Job, firings: &[DateTime<Utc>], zone: &Zone, as_json: bool) -> Exit {
    let zone = job.schedule.zone_or(zone);
    if as_json {
        let firings: Vec<String> = firings.iter().map(|due| rfc3339(*due, zone)).collect();
        println!("{:#}", json!({"occurrences": firings}));
    } else if firings.is_empty() {
        println!(
            "{} is not due any more ({}).",
            job.id,
            job.schedule.describe()
        );
    } else {
        println!("{}: {} ({})", job.id, job.schedule.describe(), zone.name());
        for due in firings {
            println!("  {}", zone.to_local(*due).format("%a %F %T %:z"));
        }
    }
    Exit::Success
}

fn all(jobs: &[JobRecord], zone: &Zone, as_json: bool) -> Result<Exit, Failure> {
    let mut due: Vec<(&DateTime<Utc>, &str)> = jobs
        .iter()
        .filter_map(|job| Some((job.next.as_ref()?, job.job_id.as_str())))
        .collect();
    due.sort();
    if as_json {
        let due: Vec<Value> = due
            .iter()
            .map(|(at, job)| json!({"job_id": job, "next": rfc3339(**at, zone)}))
            .collect();
        println!("{:#}", json!({"jobs": due}));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["NEXT RUN", "JOB"]);
    for (at, job) in due {
        table.row(vec![logging::moment(Some(*at), zone), job.to_owned()]);
    }
    if table.is_empty() {
        println!("Nothing is scheduled.");
    } else {
        table.print();
    }
    Ok(Exit::Success)
}

/// RFC 3339 with the zone's offset; fractions only where there are any.
fn rfc3339(instant: DateTime<Utc>, zone: &Zone) -> String {
    zone.to_local(instant)
        .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}

fn instant(text: Option<&str>, zone: &Zone) -> Result<DateTime<Utc>, Failure> {
    let Some(text) = text else {
        return Ok(Utc::now());
    };
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ] {
        if let Ok(wall) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(zone.instant(wall));
        }
    }
    Err(Failure::new(
        Exit::Usage,
        format!(
            "--now {text}: expected an instant such as 2026-03-28T12:00:00+01:00, or a local time"
        ),
    ))
}

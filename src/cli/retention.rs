//! `freezerd retention`: what the rules of a job will keep over the time to come.

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};

use super::container::ContainerArgs;
use super::container::output::say;
use super::container::session;
use super::exit::{Exit, Failure};
use super::forget::{self, Absent, Listed, Removal, RuleOptions};
use super::table::Table;
use super::{ledger_view, output};
use crate::agent::inspect::{Lock, SessionError};
use crate::agent::snapshot::Snapshot;
use crate::config::Settings;
use crate::inspect::choice::{self, Filter};
use crate::inspect::stats::Collector;
use crate::job::Job;
use crate::job::action::{Admin, Age};
use crate::keep::forecast::{Held, Policy, State, play, space};
use crate::keep::span::Span;
use crate::units;

/// Show what the rules of a job will keep over the time to come
///
/// The command plays the schedule of the job through: each run makes a snapshot, and then the rules apply. It shows how many
/// snapshots there will be, how far back they go, and about how much space they take, by what the newest snapshot takes and what
/// past backups have added. It begins with the snapshots that are there. With --keep-… or --older-than, these rules count in place of those of the job,
/// so that you can try rules before you write them into a job. Nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd retention nightly --for 2y\n\
                        Example: freezerd retention nightly --for 5y --keep-daily 14 --keep-monthly 24 --keep-yearly all")]
pub struct Args {
    #[command(flatten)]
    place: ContainerArgs,
    #[command(flatten)]
    rules: RuleOptions,
    /// How far to look ahead, such as 30d, 6m or 2y
    #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse, default_value = "1y")]
    span: Span,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// More runs than this are not played through: those of two years, one every ten minutes.
const MOST_RUNS: usize = 105_192;

/// At which times the state is shown, until the end.
const SHOWN: [&str; 9] = ["1d", "7d", "1m", "3m", "6m", "1y", "2y", "5y", "10y"];

/// What one removal will keep.
struct Forecast {
    removal: Removal,
    states: Vec<(String, State)>,
    sizes: Option<Sizes>,
    /// The time ends early, because there are too many runs.
    is_cut: bool,
}

/// How much space snapshots take, in bytes.
struct Sizes {
    /// All that are there.
    all: u64,
    /// The newest one alone.
    newest: u64,
    /// What a backup adds, if another one is before it: the median.
    added: u64,
}

/// Runs `freezerd retention`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let Some(job) = args.place.find_job(settings)? else {
        return Err(Failure::new(
            Exit::Usage,
            "a container has no schedule: name the job that makes the snapshots",
        ));
    };
    let (removals, listed) = forget::gather(settings, &args.place, &args.rules, Absent::IsEmpty)?;
    let firings = firings(settings, args, &job)?;
    let proofs = forget::proofs(settings);
    let forecasts: Vec<Forecast> = removals
        .into_iter()
        .map(|removal| {
            let admin = &removal.admin;
            let proved = forget::proved(&proofs, &admin.container);
            let own = own(admin, &listed);
            let sizes = sizes(settings, admin, &own);
            forecast(args, removal, &own, &proved, sizes, &firings)
        })
        .collect();
    if args.json {
        let each: Vec<Value> = forecasts.iter().map(document).collect();
        output::json(&json!({ "forecasts": each }));
    } else {
        forecasts.iter().for_each(show);
    }
    Ok(Exit::Success)
}

/// When the job will run.
struct Firings {
    now: DateTime<FixedOffset>,
    until: DateTime<FixedOffset>,
    at: Vec<DateTime<FixedOffset>>,
}

fn firings(settings: &Settings, args: &Args, job: &Job) -> Result<Firings, Failure> {
    let ledger = ledger_view::open(settings)?;
    let record = ledger.reader.job(&job.id)?;
    let zone = settings.zone();
    let of_job = job.schedule.zone_or(&zone);
    let now = of_job.to_local(Utc::now());
    let until = args.span.after(now);
    let anchor = record.map_or(now.with_timezone(&Utc), |record| record.anchor);
    let mut after = now.with_timezone(&Utc);
    let mut at = Vec::new();
    while at.len() < MOST_RUNS {
        match job.schedule.next_after(after, anchor, &zone) {
            Some(next) if next <= until.with_timezone(&Utc) => {
                at.push(of_job.to_local(next));
                after = next;
            }
            _ => break,
        }
    }
    if job.schedule.is_one_shot() || at.is_empty() {
        let message = format!("{} will not run again and again in this time", job.id);
        return Err(Failure::new(Exit::NotFound, message));
    }
    Ok(Firings { now, until, at })
}

/// The snapshots that a removal is about, oldest first.
fn own<'a>(admin: &Admin, listed: &'a [Listed]) -> Vec<&'a Snapshot> {
    let place = listed.iter().find(|it| it.container == admin.container);
    let mut own: Vec<&Snapshot> = place
        .map_or(&[][..], |it| &it.snapshots)
        .iter()
        .filter(|it| it.host == admin.lineage.host && it.label == admin.lineage.backup_name)
        .collect();
    own.sort_by_key(|it| it.time);
    own
}

/// `proved`: the first ids of the snapshots that drills have restored. They stay as long as no later drill proves as much, and
/// nobody knows when that will be.
fn forecast(
    args: &Args,
    removal: Removal,
    own: &[&Snapshot],
    proved: &[String],
    sizes: Option<Sizes>,
    firings: &Firings,
) -> Forecast {
    let admin = &removal.admin;
    let held = own.iter().map(|it| Held {
        time: it.local_time(),
        tags: it.tags.clone(),
        pinned: it.is_pinned() || proved.iter().any(|proved| proved == it.first_id()),
    });
    let policy = Policy {
        rules: &admin.keep,
        older_than: match admin.remove {
            Some(Age::Days(days)) => Some(days),
            Some(Age::Before(_)) | None => None,
        },
    };
    let mut instants = vec![("now".to_owned(), firings.now)];
    let is_cut = firings.at.len() == MOST_RUNS;
    let until = match firings.at.last() {
        Some(last) if is_cut => *last,
        _ => firings.until,
    };
    for text in SHOWN {
        let at = Span::parse(text).map(|span| span.after(firings.now));
        if let Ok(at) = at
            && at < until
        {
            instants.push((format!("in {text}"), at));
        }
    }
    let end = if is_cut {
        "at the end".to_owned()
    } else {
        format!("in {}", args.span)
    };
    instants.push((end, until));
    let times: Vec<DateTime<FixedOffset>> = instants.iter().map(|(_, at)| *at).collect();
    let states = play(held.collect(), firings.at.iter().copied(), &policy, &times);
    let names = instants.into_iter().map(|(name, _)| name);
    Forecast {
        states: names.zip(states).collect(),
        sizes,
        is_cut,
        removal,
    }
}

/// How much space the snapshots take. `None`, and a warning, where that cannot be read.
fn sizes(settings: &Settings, admin: &Admin, own: &[&Snapshot]) -> Option<Sizes> {
    if own.is_empty() {
        return None;
    }
    let added = own.iter().filter_map(|it| it.summary);
    let added: Vec<u64> = added.map(|summary| summary.bytes_added).collect();
    let filter = Filter {
        host: Some(admin.lineage.host.clone()),
        backup_name: Some(admin.lineage.backup_name.clone()),
        paths: Vec::new(),
    };
    let mut sizes = None;
    // This is only an estimate. It needs no lock: it does no harm if somebody removes a snapshot meanwhile.
    let ended = session::run(settings, &admin.container, Lock::None, |session| {
        let choice = choice::all(&session.repository, &filter).map_err(SessionError::from)?;
        let repository = session.index(&say)?;
        let mut collector = Collector::new(&repository);
        let mut stored = Vec::new();
        for chosen in choice.snapshots.iter().rev() {
            collector.snapshot(chosen.snapshot.tree);
            stored.push(collector.data().stored_size);
        }
        let ends = stored.first().copied().zip(stored.last().copied());
        sizes = ends.map(|(newest, all)| Sizes {
            all,
            newest,
            added: usual(added, newest),
        });
        Ok(Exit::Success)
    });
    if let Err(failure) = ended {
        say(&format!(
            "warning: it is not known how much space the snapshots take: {}",
            failure.message
        ));
    }
    sizes
}

/// What a backup usually adds: the median, and of two in the middle the smaller one, because the first backup adds everything.
/// `newest` is what a snapshot takes alone. A single backup that has added as much is the first one, and says nothing.
fn usual(mut added: Vec<u64>, newest: u64) -> u64 {
    added.sort_unstable();
    match added[..] {
        [] => 0,
        [only] if only >= newest / 2 => 0,
        _ => added[(added.len() - 1) / 2],
    }
}

/// The least and the most bytes of a state.
fn bytes(forecast: &Forecast, state: &State) -> Option<(u64, u64)> {
    let sizes = forecast.sizes.as_ref()?;
    if state.runs == 0 {
        return Some((sizes.all, sizes.all));
    }
    let kept = state.kept.len() as u64;
    let made = state.made_since_oldest;
    Some(space(kept, made, sizes.newest, sizes.added))
}

fn show(forecast: &Forecast) {
    println!("{}", forecast.removal.heading());
    let mut table = Table::new(&["WHEN", "RUNS", "SNAPSHOTS", "OLDEST", "ABOUT"]);
    for (name, state) in &forecast.states {
        let oldest = state.kept.first();
        let about = match bytes(forecast, state) {
            None => "–".to_owned(),
            Some((least, most)) if units::bytes(least) == units::bytes(most) => units::bytes(least),
            Some((least, most)) => format!("{} to {}", units::bytes(least), units::bytes(most)),
        };
        table.row(vec![
            name.clone(),
            state.runs.to_string(),
            state.kept.len().to_string(),
            oldest.map_or_else(
                || "–".to_owned(),
                |it| it.time.format("%Y-%m-%d").to_string(),
            ),
            about,
        ]);
    }
    table.print();
    if let Some((name, last)) = forecast.states.last() {
        println!();
        println!("Snapshots of each month, {name}:");
        picture(last).iter().for_each(|line| println!("{line}"));
    }
    if forecast.is_cut {
        println!(
            "The job runs more often than {MOST_RUNS} times: the rest of the time is left out."
        );
    }
    println!();
}

/// A bar for each month that has snapshots.
fn picture(state: &State) -> Vec<String> {
    const WIDEST: usize = 60;
    let mut months: Vec<(String, usize)> = Vec::new();
    for held in &state.kept {
        let month = held.time.format("%Y-%m").to_string();
        match months.last_mut() {
            Some((last, count)) if *last == month => *count += 1,
            _ => months.push((month, 1)),
        }
    }
    let most = months.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let bar = |count: usize| match most <= WIDEST {
        true => count,
        false => (count * WIDEST).div_ceil(most),
    };
    let lines = months.into_iter();
    lines
        .map(|(month, count)| format!("{month}  {} {count}", "#".repeat(bar(count))))
        .collect()
}

fn document(forecast: &Forecast) -> Value {
    let admin = &forecast.removal.admin;
    let states = forecast.states.iter().map(|(_, state)| {
        let bytes = bytes(forecast, state);
        json!({
            "at": state.at.to_rfc3339(),
            "runs": state.runs,
            "snapshots": state.kept.len(),
            "kept": state.kept.iter().map(|it| it.time.to_rfc3339()).collect::<Vec<_>>(),
            "bytes_least": bytes.map(|(least, _)| least),
            "bytes_most": bytes.map(|(_, most)| most),
        })
    });
    json!({
        "action": forecast.removal.action,
        "backup_name": admin.lineage.backup_name,
        "host": admin.lineage.host,
        "container": admin.container.location,
        "complete": !forecast.is_cut,
        "states": states.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_backup_usually_adds_is_not_what_the_first_one_has_added() {
        for (added, expected) in [
            (vec![], 0),
            (vec![1000], 0),
            (vec![50], 50),
            (vec![1000, 50], 50),
            (vec![50, 70], 50),
            (vec![1000, 50, 70], 70),
            (vec![40, 50, 70], 50),
        ] {
            assert_eq!(usual(added.clone(), 1000), expected, "{added:?}");
        }
    }
}

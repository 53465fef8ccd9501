//! `freezerd doctor`: checks an installation and says how to fix what is wrong.
//!
//! There is one file for each subject. In each file, `inspect` reads facts and changes nothing, and `…_findings` is a pure function
//! that makes findings from the facts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::exit::{Exit, Failure};
use crate::cli::output;
use crate::config::{Settings, paths};
use crate::control::daemon_lock;
use crate::control::layout::Layout;
use crate::record::JobRecord;
use crate::status::Status;
use crate::units;

mod alarms;
mod checks;
mod clock;
mod containers;
mod earlier_names;
mod files;
mod finding;
mod ledger;
mod messages;
mod places;
mod receivers;
mod secrets;
mod service;
mod space;
mod storages;
mod used;
mod who;

use containers::Tried;
use finding::{Finding, Level};
use used::Used;
use who::Who;

/// The maximum number of printed findings with the same check and level.
const ENOUGH: usize = 20;

/// Check the whole installation and say how to fix what is wrong
///
/// The command checks the settings, the directories and their modes, the ledger, the daemon and its unit, the clock, the
/// free space, the job files, the passwords, the receivers of notices, the storages, the containers, and the results of the
/// jobs. It changes nothing and needs no daemon. Run it as root or as the daemon's user; other users cannot see everything.
///
/// It opens the repositories one after the other. Each takes a third of a second and 128 MB of memory.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit code is 0 if all is well, 4 if there are warnings and 5 if there are errors.\n\n\
                        Example: freezerd doctor\nExample: freezerd doctor --no-containers --json"
)]
pub struct Args {
    /// Do not open containers, and ask no storages; use this for disks that should not spin up
    #[arg(long)]
    no_containers: bool,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks the installation. `loaded` are the settings; an error becomes a finding, and `fallback` then loads the settings
/// without the file. `config` is the configuration file from the command line.
pub fn run(
    loaded: Result<Settings, Failure>,
    fallback: impl FnOnce() -> Result<Settings, Failure>,
    config: Option<&Path>,
    args: &Args,
) -> Exit {
    let config = config
        .map(Path::to_path_buf)
        .or_else(|| std::env::var_os("FREEZERD_CONFIG").map(PathBuf::from))
        .unwrap_or_else(paths::default_config);
    let mut findings = Vec::new();
    let settings = match loaded {
        Ok(settings) => Some(settings),
        Err(failure) => {
            findings.push(broken_settings(&config, &failure));
            fallback().ok()
        }
    };
    if let Some(settings) = settings {
        examine(&settings, &config, args, &mut findings);
    }
    print_findings(&findings, args.json)
}

fn broken_settings(config: &Path, failure: &Failure) -> Finding {
    Finding::new(
        "config",
        Level::Error,
        config.display(),
        failure.message.clone(),
    )
    .help("fix this, because the daemon does not start with it; the checks below ran without this file")
}

fn examine(settings: &Settings, config: &Path, args: &Args, findings: &mut Vec<Finding>) {
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    let who = Who::of_this_process(&settings.state_dir);
    let holder = daemon_lock::running(&layout).map_err(|error| crate::os::reason(&error));
    let daemon = matches!(holder, Ok(Some(_)));
    let state = settings.state_dir.display().to_string();
    findings.extend(who::user_findings(who, &settings.state_dir));

    for place in places::inspect(settings, &layout, config) {
        findings.extend(places::directory_findings(&place, who, daemon));
    }

    let ledger = ledger::inspect(&layout);
    findings.push(ledger::ledger_finding(&ledger, daemon));
    findings.extend(ledger::note_findings(&ledger));
    findings.push(service::daemon_finding(&holder, &state));
    let changed = std::fs::metadata(config).and_then(|file| file.modified());
    findings.extend(service::settings_findings(
        holder.as_ref().ok().and_then(Option::as_ref),
        config,
        changed.ok().map(DateTime::from),
    ));
    let packaged = settings.state_dir == Path::new("/var/lib/freezerd");
    findings.push(service::unit_finding(
        &service::inspect_unit(),
        packaged,
        daemon,
    ));

    let newest = ledger.rows.as_ref().ok().and_then(|rows| rows.newest);
    findings.extend(clock::clock_findings(&clock::inspect(
        newest,
        &settings.zone(),
    )));

    let checked = files::inspect(settings);
    let used = checked.as_ref().map_or_else(Vec::new, used::of_jobs);
    if let Some(checked) = &checked {
        findings.extend(files::file_findings(checked, &settings.jobs_dir));
    }

    let local = used
        .iter()
        .filter_map(|used| used.container.location.local());
    let paths = [settings.state_dir.as_path()].into_iter().chain(local);
    findings.extend(space::inspect(paths).iter().map(space::space_finding));

    let rows = ledger.rows.as_ref().ok();
    let jobs = rows.map_or(&[][..], |rows| &rows.facts.jobs);
    findings.extend(space::growth_findings(jobs));

    let (of_receivers, seen) = receivers::findings(settings);
    findings.extend(of_receivers);

    if !args.no_containers {
        let asked = storages::inspect(&settings.storages);
        findings.extend(asked.iter().map(storages::storage_finding));
    }

    findings.extend(secrets::findings(settings, &used, who, !args.no_containers));
    container_findings(&used, jobs, who, !args.no_containers, findings);

    if let Ok(rows) = &ledger.rows {
        let status = Status::of(&rows.facts, None, Utc::now());
        findings.extend(ledger::job_findings(&status));
        let watched = checks::inspect(rows, &settings.job_host());
        let watched = watched.iter();
        findings.extend(watched.map(|it| checks::check_finding(it, Utc::now())));
        findings.extend(messages::findings(&rows.facts.outbox, &seen, Utc::now()));
    }
}

fn container_findings(
    used: &[Used],
    jobs: &[JobRecord],
    who: Who,
    open: bool,
    findings: &mut Vec<Finding>,
) {
    let passwords = containers::inspect_passwords(used);
    let mut unusable = BTreeMap::new();
    for password in &passwords {
        findings.extend(containers::password_findings(password, who));
        unusable.insert(password.path.as_path(), password.fault.is_some());
    }
    for used in used {
        // Do not report a pass file that cannot be read again for each container.
        let no_password = used
            .container
            .pass_file
            .as_deref()
            .is_some_and(|path| unusable.get(path) == Some(&true));
        let tried = containers::try_it(used, jobs, open && !no_password);
        findings.push(containers::container_finding(used, &tried));
        if let Tried::Opened {
            earlier, alarmed, ..
        } = &tried
        {
            let place = &used.container.location;
            findings.extend(earlier_names::findings(place, earlier));
            findings.extend(alarms::findings(place, alarmed));
        }
    }
}

fn print_findings(findings: &[Finding], as_json: bool) -> Exit {
    let worst = findings
        .iter()
        .map(|finding| finding.level)
        .max()
        .unwrap_or(Level::Ok);
    if as_json {
        output::json(&json!({"worst": worst, "findings": findings}));
    } else {
        let mut told: BTreeMap<(&str, Level), usize> = BTreeMap::new();
        for finding in findings {
            let count = told.entry((finding.check, finding.level)).or_default();
            *count += 1;
            if *count <= ENOUGH {
                print(finding);
            }
        }
        for ((check, level), count) in told {
            if let more @ 1.. = count.saturating_sub(ENOUGH) {
                println!(
                    "{:<8} {check:<10} {more} more like these (--json shows all)",
                    level.name()
                );
            }
        }
        println!();
        println!("{}", summary(findings));
    }
    match worst {
        Level::Ok | Level::Info => Exit::Success,
        Level::Warning => Exit::Warnings,
        Level::Error => Exit::Errors,
    }
}

fn print(finding: &Finding) {
    let subject = if finding.subject.is_empty() {
        String::new()
    } else {
        format!("{}: ", finding.subject)
    };
    println!(
        "{:<8} {:<10} {}",
        finding.level.name(),
        finding.check,
        format_args!("{subject}{}", finding.message)
    );
    if let Some(help) = &finding.help {
        println!("{:19} → {}", "", help);
    }
}

fn summary(findings: &[Finding]) -> String {
    let count = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count() as u64
    };
    let fine = count(Level::Ok) + count(Level::Info);
    let mut parts = vec![format!("{fine} ok")];
    for (level, one, many) in [
        (Level::Warning, "warning", "warnings"),
        (Level::Error, "error", "errors"),
    ] {
        if count(level) > 0 {
            parts.push(units::count(count(level), one, many));
        }
    }
    format!(
        "{}: {}.",
        units::count(findings.len() as u64, "finding", "findings"),
        parts.join(", ")
    )
}

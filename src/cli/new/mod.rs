//! `freezerd new`: writes a first job file.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;

use super::exit::{Exit, Failure, io_failure};
use super::{job_files, ledger_view};
use crate::agent::pass_pipe::is_for_now;
use crate::cli::output;
use crate::config::Settings;
use crate::job::render::render_all;
use crate::job::{Job, parse, secret};

mod daemon;
mod document;
mod password;
pub mod questions;

use daemon::Verdict;
use document::{Answers, document, is_plain_name_of, name_of, time_of_day};
use password::Password;

/// Write the job file of a backup
///
/// The command asks what to back up, where to, when, and how long snapshots stay. Flags answer a question in advance. With
/// --yes, or without a terminal, it asks nothing and takes the usual answers. It makes a password file if there is none,
/// and never changes one. It checks the job, writes it to the jobs directory, and says when it runs first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd new\n\
                  Example: freezerd new --yes --path /etc --path /home --at 03:25 --keep 90\n\
                  Example: freezerd new shop --path /srv/shop --container /mnt/backup --every '6 hours' --dry-run")]
pub struct Args {
    /// The name of the job and of its backups, of letters from a to z, digits, `_` and `-`; the usual one is the last part of
    /// the first path
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Back up this file or directory; can be repeated
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Leave out what matches this pattern, as in .gitignore files; can be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Keep the snapshots in this container: a path, or a name below the container root [usual: main; needed with --storage]
    #[arg(long, value_name = "PLACE")]
    container: Option<String>,
    /// The container is in this storage of freezerd.toml
    #[arg(long, value_name = "NAME", requires = "container")]
    storage: Option<String>,
    /// The file with the password of the container; it is created if it does not exist
    #[arg(long, value_name = "FILE")]
    encrypt_pass_file: Option<PathBuf>,
    /// Run at this time of day, for example 03:25 or 3am
    #[arg(long, value_name = "TIME", conflicts_with = "every")]
    at: Option<String>,
    /// Run only on these days, for example mon-fri
    #[arg(long, value_name = "DAYS", conflicts_with = "every")]
    days: Option<String>,
    /// Run at this interval, for example '6 hours'
    #[arg(long, value_name = "INTERVAL")]
    every: Option<String>,
    /// Remove snapshots that are older than this number of days; `all` keeps every snapshot [usual: 90]
    #[arg(long, value_name = "DAYS")]
    keep: Option<String>,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// Print the job file, and create nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the job's name, its file and its first run as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd new`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let answers = answers(settings, args)?;
    let text = document(&answers);
    let name = format!("{}.json", answers.name);
    let file = settings.jobs_dir.join(&name);
    let parsed = parse(text.as_bytes(), &name, &settings.job_host());
    let shown = file.display().to_string();
    let faults = render_all(
        &parsed.diagnostics,
        &shown,
        text.as_bytes(),
        job_files::look(),
    );
    output::rendered(&faults);
    let Some(job) = parsed.job else {
        return Err(Failure::new(
            Exit::BadJobFile,
            "with these answers, the job is not valid; nothing was created",
        ));
    };
    if file.symlink_metadata().is_ok() {
        return Err(Failure::new(
            Exit::CannotCreate,
            format!(
                "{shown} exists already; give the job another name (`freezerd new NAME`), or change it with `freezerd edit \
                 {}`",
                answers.name
            ),
        ));
    }
    if args.dry_run {
        output::document(&text);
        return Ok(Exit::Success);
    }
    password::fits(&job)?;
    let password = password::create(&answers.password_file)?;
    write(&settings.jobs_dir, &file, &text)?;
    let verdict = daemon::verdict(settings, &name);
    report(settings, args, &answers, (&job, &file, password), &verdict);
    Ok(match verdict {
        Verdict::Invalid(_) => Exit::BadJobFile,
        Verdict::NoDaemon | Verdict::Loaded | Verdict::NotRead => Exit::Success,
    })
}

/// The answers, from the flags, from the user, or the usual ones.
fn answers(settings: &Settings, args: &Args) -> Result<Answers, Failure> {
    let asks = !args.yes && !args.json && questions::possible();
    let paths = if !args.paths.is_empty() {
        let paths = args.paths.iter().map(|path| source(path));
        paths.collect::<Result<_, _>>().map_err(usage)?
    } else if asks {
        questions::ask(
            "What is backed up (paths, with commas between them)",
            "",
            |text| {
                let paths = text
                    .split(',')
                    .map(str::trim)
                    .filter(|path| !path.is_empty());
                let paths: Vec<PathBuf> = paths
                    .map(|path| source(Path::new(path)))
                    .collect::<Result<_, _>>()?;
                match paths.is_empty() {
                    true => Err("Name at least one file or directory.".to_owned()),
                    false => Ok(paths),
                }
            },
        )?
    } else {
        return Err(usage("what is backed up? Name it with --path".to_owned()));
    };
    // A question for each answer that no flag gives.
    let ask = |given: &Option<String>, question: &str, usual: &str| match given {
        Some(given) => Ok(given.clone()),
        None if asks => questions::ask(question, usual, |text| Ok(text.to_owned())),
        None => Ok(usual.to_owned()),
    };
    let usual = name_of(&paths);
    let name = match &args.name {
        Some(name) => read_name(name).map_err(usage)?,
        None if asks => questions::ask("The name of the job", &usual, read_name)?,
        None => {
            if !is_plain_name_of(&usual, &paths) {
                eprintln!(
                    "The job gets the name {usual}: a name has only letters from a to z, digits, `_` and `-`. `freezerd new \
                     NAME` takes another one."
                );
            }
            usual
        }
    };
    let container = ask(
        &args.container,
        "Where the snapshots are kept (a path on another disk, or a name)",
        "main",
    )?;
    let at = match (&args.every, &args.at) {
        (Some(_), _) => None,
        (None, Some(text)) => Some(time_of_day(text).map_err(usage)?),
        (None, None) if asks => Some(questions::ask(
            "At what time it runs, every day",
            "03:25",
            time_of_day,
        )?),
        (None, None) => Some((3, 25)),
    };
    let keep = match &args.keep {
        Some(text) => read_keep(text).map_err(usage)?,
        None if asks => questions::ask(
            "After how many days snapshots are removed, or `all` to keep them",
            "90",
            read_keep,
        )?,
        None => Some(90),
    };
    let beside = settings.jobs_dir.parent().unwrap_or(Path::new("/"));
    let password_file = match &args.encrypt_pass_file {
        Some(path) if is_for_now(path) => {
            return Err(usage(format!(
                "--encrypt-pass-file {}: the job needs a regular file, which each of its runs can read",
                path.display()
            )));
        }
        // A credential of the service: it has no path here.
        Some(path) if secret::is_credential(path) => path.clone(),
        Some(path) => absolute(path).map_err(usage)?,
        None => beside.join("password"),
    };
    Ok(Answers {
        name,
        paths,
        exclude: args.exclude.clone(),
        container,
        storage: args.storage.clone(),
        password_file,
        at,
        days: args.days.clone(),
        every: args.every.clone(),
        keep,
    })
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// The absolute form of a path that is backed up. It must exist and be UTF-8, because JSON is.
fn source(path: &Path) -> Result<PathBuf, String> {
    let path = absolute(path)?;
    match path.symlink_metadata() {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    let path = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err(format!("{} is not UTF-8", path.display())),
    }
}

fn read_name(text: &str) -> Result<String, String> {
    let fits = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    match !text.is_empty() && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} cannot be the name of a job: a name has only letters from a to z, digits, `_` and `-`"
        )),
    }
}

fn read_keep(text: &str) -> Result<Option<u32>, String> {
    match text.trim() {
        "all" => Ok(None),
        text => match text.parse() {
            Ok(days) if days > 0 => Ok(Some(days)),
            _ => Err(format!(
                "{text:?} is not a number of days, such as 90, or `all`"
            )),
        },
    }
}

/// Creates a directory that only its user can enter, unless it exists.
fn create_directory(path: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|error| io_failure("create", path, &error))
}

/// Writes the job file as a whole: the daemon never sees a part of it. It never replaces a file.
fn write(directory: &Path, file: &Path, text: &str) -> Result<(), Failure> {
    create_directory(directory)?;
    let failed = |error: &io::Error| io_failure("create", file, error);
    let mut made = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(directory)
        .map_err(|error| failed(&error))?;
    made.write_all(text.as_bytes())
        .and_then(|()| made.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    made.persist_noclobber(file)
        .map_err(|error| failed(&error.error))?;
    Ok(())
}

/// Says what was made, when the job runs first, and how to keep the password.
fn report(
    settings: &Settings,
    args: &Args,
    answers: &Answers,
    (job, file, made): (&Job, &Path, Password),
    verdict: &Verdict,
) {
    let zone = settings.zone();
    let first = job.schedule.next_after(Utc::now(), Utc::now(), &zone);
    let running = !matches!(verdict, Verdict::NoDaemon);
    if args.json {
        let document = json!({
            "job_id": job.id,
            "file": file,
            "password_file": answers.password_file,
            "password_created": made == Password::New,
            "first_run": first,
            "daemon": running,
            "loaded": matches!(verdict, Verdict::Loaded),
        });
        output::json(&document);
        return;
    }
    let password = answers.password_file.display();
    println!("The job {} is in {}.", job.id, file.display());
    if answers.is_whole_server() {
        println!(
            "It leaves out what is in /mnt, /media, /run, /tmp and /var/tmp. To see all that it leaves out: freezerd check \
             --left-out {}",
            file.display()
        );
    }
    match made {
        Password::New => println!("A new password is in {password}."),
        Password::Old => {
            println!("Its password is the one in {password}, which was there already.")
        }
        Password::OfService => println!(
            "Its password is the credential {password} of the service: a line LoadCredential= in its unit names the file."
        ),
    }
    println!(
        "Keep a copy of the password in another place, for example in a password manager: nobody can open the backups \
         without it."
    );
    if let Verdict::Invalid(report) = verdict {
        println!(
            "The daemon does not load it. It reads freezerd.toml when it starts: if that has changed since, restart it, for \
             example with `systemctl restart freezerd`. It says:"
        );
        output::rendered(report);
        return;
    }
    if let Some(first) = first {
        println!(
            "It runs first on {}.",
            zone.to_local(first).format("%a %Y-%m-%d %H:%M")
        );
    }
    match verdict {
        Verdict::Loaded | Verdict::Invalid(_) => {
            println!("To run it now: freezerd trigger {} --wait", job.id)
        }
        Verdict::NotRead => println!(
            "The daemon of {} has not read the file: see whether {} is the jobs directory that it watches (`freezerd doctor`).",
            settings.state_dir.display(),
            settings.jobs_dir.display()
        ),
        Verdict::NoDaemon if ledger_view::system_daemon_is_hidden() => println!(
            "No daemon of yours is running, so it does not run yet. Start one with `freezerd run`, or write the job as root, \
             with `sudo`, for the daemon of this host."
        ),
        Verdict::NoDaemon => println!(
            "No daemon is running, so it does not run yet. Start one: systemctl enable --now freezerd, or freezerd run."
        ),
    }
}

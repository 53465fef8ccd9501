//! `freezerd edit`: changes a job file in an editor, and checks it before it replaces the old one, as visudo does.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::NamedTempFile;

use super::exit::{Exit, Failure, io_failure};
use super::output;
use super::{job_files, ledger_view};
use crate::config::Settings;
use crate::job::check_policy::is_standing_check;
use crate::job::render::render_all;
use crate::job::{Parsed, parse};

/// The most bytes of a job file that are edited. A larger one is not valid.
const MOST: u64 = 1024 * 1024;

/// Change a job file in an editor, and check it before it takes effect
///
/// The command starts $VISUAL or $EDITOR, or vi, on a copy of the job file. When the editor ends, the command checks the
/// copy and only then replaces the file, which keeps its owner and its mode. If the copy has errors, the command asks
/// whether to edit it again, to discard it, or to write it anyway; the job then stays as it was until the file is valid.
/// Without a terminal it discards the copy.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: freezerd edit nightly\nExample: EDITOR=nano freezerd edit nightly"
)]
pub struct Args {
    /// The id of a job, or the name of a file in the jobs directory
    job: String,
    /// Print what was done as JSON
    #[arg(long)]
    pub json: bool,
}

/// How an edit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Unchanged,
    /// Unchanged, and it had errors before.
    UnchangedInvalid,
    Replaced,
    /// Replaced although it has errors.
    Forced,
    Discarded,
}

/// What to do with a copy that has errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Again,
    Discard,
    Force,
}

/// Runs `freezerd edit`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let path = file_of(settings, &args.job)?;
    let before = content(&path)?;
    let copy = copy_of(&path, &before)?;
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let end = loop {
        start_editor(copy.path())?;
        // An editor may have written a new file in place of the copy, so it is opened again.
        let after = content(copy.path())?;
        let parsed = parse(&after, &name, &settings.job_host());
        let faults = render_all(&parsed.diagnostics, &name, &after, job_files::look());
        output::rendered(&faults);
        let owner = parsed
            .job_id
            .as_ref()
            .and_then(|id| other_owner(settings, id, &name));
        if let (Some(owner), Some(id)) = (&owner, &parsed.job_id) {
            eprintln!(
                "The job id {id} belongs to {} already: two files cannot have the same one.",
                settings.jobs_dir.join(owner).display()
            );
        }
        let valid = parsed.job.is_some() && owner.is_none();
        if after == before {
            break match valid {
                true => End::Unchanged,
                false => End::UnchangedInvalid,
            };
        }
        match if valid { Choice::Force } else { choice()? } {
            Choice::Again => continue,
            Choice::Discard => break End::Discarded,
            Choice::Force => {
                replace(&path, copy, &before, &after)?;
                if valid {
                    tell_new_id(args, &parsed);
                }
                break if valid { End::Replaced } else { End::Forced };
            }
        }
    };
    report(args, &path, end);
    Ok(match end {
        End::Unchanged | End::Replaced => Exit::Success,
        End::UnchangedInvalid | End::Forced | End::Discarded => Exit::BadJobFile,
    })
}

fn report(args: &Args, path: &Path, end: End) {
    let shown = path.display();
    if args.json {
        let word = match end {
            End::Unchanged | End::UnchangedInvalid => "unchanged",
            End::Replaced => "replaced",
            End::Forced => "forced",
            End::Discarded => "discarded",
        };
        let valid = !matches!(end, End::UnchangedInvalid | End::Forced);
        output::json(&serde_json::json!({"file": path, "end": word, "valid": valid}));
        return;
    }
    match end {
        End::Unchanged => println!("{shown} is unchanged."),
        End::UnchangedInvalid => println!("{shown} is unchanged, and is not valid."),
        End::Replaced => println!("{shown} is changed."),
        End::Forced => {
            println!(
                "{shown} is changed, and is not valid: the job stays as it was until the file is valid."
            )
        }
        End::Discarded => println!("The changes are discarded. {shown} is as it was."),
    }
}

/// Says it when the file now belongs to another job.
fn tell_new_id(args: &Args, parsed: &Parsed) {
    if let Some(id) = &parsed.job_id
        && *id != args.job
        && !args.job.contains('.')
    {
        eprintln!(
            "The job of this file is now {id}, and {} is removed.",
            args.job
        );
    }
}

/// The file in the jobs directory that has this job id, if it is another one than `name`.
fn other_owner(settings: &Settings, job_id: &str, name: &str) -> Option<String> {
    let ledger = ledger_view::open(settings).ok()?;
    let file = ledger.reader.job(job_id).ok().flatten()?.file?;
    let is_there = settings.jobs_dir.join(&file).is_file();
    (file != name && is_there).then_some(file)
}

/// The file of a job: by its name, or by the id of the job, as the ledger knows it.
fn file_of(settings: &Settings, job: &str) -> Result<PathBuf, Failure> {
    let directory = &settings.jobs_dir;
    let plain = Path::new(job).file_name() == Some(job.as_ref());
    let remembered = ledger_view::open(settings)
        .ok()
        .and_then(|ledger| ledger.reader.job(job).ok().flatten())
        .and_then(|record| record.file);
    if remembered.as_deref().is_some_and(is_standing_check) {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "{job} has no file: the settings check_every and check_data_within ask for this check; a job with an action \
                 check for its container takes its place"
            ),
        ));
    }
    let found = remembered
        .into_iter()
        .chain(job_files::possible_names(job))
        .map(|name| directory.join(name))
        .find(|path| path.symlink_metadata().is_ok());
    match found.filter(|_| plain) {
        Some(path) => Ok(path),
        None => Err(Failure::new(
            Exit::NotFound,
            format!(
                "there is no job {job} in {}; `freezerd list` lists the jobs, and `freezerd new` writes a new one",
                directory.display()
            ),
        )),
    }
}

/// The content of a regular file that is not a link.
fn content(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| io_failure("read", path, &error);
    if !path.symlink_metadata().map_err(failed)?.is_file() {
        return Err(Failure::new(
            Exit::BadJobFile,
            format!("{} is not a regular file", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(Failure::new(
            Exit::BadJobFile,
            format!("{} is larger than 1 MiB", path.display()),
        ));
    }
    Ok(bytes)
}

/// A copy beside the file, under a name that the daemon ignores. Only its user can read it.
fn copy_of(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, Failure> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let failed = |error: io::Error| io_failure("create a copy beside", path, &error);
    let mut copy = tempfile::Builder::new()
        .prefix(".edit-")
        .suffix(".json")
        .tempfile_in(directory)
        .map_err(failed)?;
    copy.write_all(bytes).map_err(failed)?;
    Ok(copy)
}

/// Runs the editor of the user, and waits for it.
fn start_editor(path: &Path) -> Result<(), Failure> {
    let chosen = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    let editor = chosen.unwrap_or_else(|| OsString::from("vi"));
    // As other programs do, so that `code --wait` is possible.
    let mut line = editor.clone();
    line.push(" \"$1\"");
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(line)
        .arg("sh")
        .arg(path)
        .status()
        .map_err(|error| io_failure("run", Path::new("/bin/sh"), &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::new(
            Exit::RunFailed,
            format!(
                "the editor {} failed ({status}); nothing was changed",
                editor.display()
            ),
        )),
    }
}

/// Asks what to do with a copy that has errors. Without a terminal: discard it.
fn choice() -> Result<Choice, Failure> {
    use std::io::IsTerminal;
    if !io::stdin().is_terminal() {
        return Ok(Choice::Discard);
    }
    loop {
        eprint!("The file has errors. (e)dit again, (d)iscard, or (w)rite it anyway? ");
        let mut line = String::new();
        let count = io::stdin().read_line(&mut line).map_err(|error| {
            Failure::new(Exit::Internal, format!("cannot read the answer: {error}"))
        })?;
        match line.trim() {
            _ if count == 0 => return Ok(Choice::Discard),
            "e" | "" => return Ok(Choice::Again),
            "d" => return Ok(Choice::Discard),
            "w" => return Ok(Choice::Force),
            _ => {}
        }
    }
}

/// Replaces the file by the edited content, whole or not at all. `before` is what the user began with.
fn replace(path: &Path, copy: NamedTempFile, before: &[u8], after: &[u8]) -> Result<(), Failure> {
    let failed = |error: io::Error| io_failure("replace", path, &error);
    if content(path)? != before {
        let (_, kept) = copy.keep().map_err(|error| failed(error.error))?;
        return Err(Failure::new(
            Exit::TryAgain,
            format!(
                "{} was changed by somebody else meanwhile, and stays as it is; your version is in {}",
                path.display(),
                kept.display()
            ),
        ));
    }
    let directory = path.parent().unwrap_or(Path::new("/"));
    let old = path.symlink_metadata().map_err(failed)?;
    // A new file: the editor may have made one with another owner.
    let mut new = tempfile::Builder::new()
        .prefix(".edit-")
        .tempfile_in(directory)
        .map_err(failed)?;
    new.write_all(after).map_err(failed)?;
    let own = new.as_file().metadata().map_err(failed)?;
    if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
        fchown(new.as_file(), Some(old.uid()), Some(old.gid())).map_err(failed)?;
    }
    new.as_file()
        .set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o7777))
        .map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

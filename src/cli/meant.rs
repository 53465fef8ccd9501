//! What is meant on a command line that names something else: words of other programs, and ids as a list shows them.

use std::ffi::OsString;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::table::{LEFT_OUT, is_short_for};
use crate::config::Settings;
use crate::control::layout::Layout;
use crate::ledger;

/// Options of other programs, and those that mean the same here. The first one that the command has counts; without one, none
/// is suggested.
const OPTIONS: [(&str, &[&str]); 7] = [
    ("target", &["to"]),
    ("destination", &["to"]),
    ("output", &["to"]),
    ("password-file", &["encrypt-pass-file"]),
    ("repo", &["container"]),
    ("host", &["hostname"]),
    ("prune", &[]),
];

/// Commands of other programs, and those that mean the same here.
const COMMANDS: [(&str, &[&str]); 5] = [
    ("delete", &["forget", "remove"]),
    ("backup", &["trigger", "new"]),
    ("mount", &["ls", "dump"]),
    ("jobs", &["list"]),
    ("logs", &["log"]),
];

/// Puts what is meant into an error of the command line, and takes away what only looks a little similar.
pub fn improve(error: &mut Error, definition: &clap::Command, arguments: &[OsString]) {
    match error.kind() {
        ErrorKind::UnknownArgument => improve_option(error, definition, arguments),
        ErrorKind::InvalidSubcommand => improve_command(error),
        _ => {}
    }
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn improve_option(error: &mut Error, definition: &clap::Command, arguments: &[OsString]) {
    let Some(written) = text(error, ContextKind::InvalidArg) else {
        return;
    };
    let written = written.split('=').next().unwrap_or_default();
    let Some(name) = written.strip_prefix("--") else {
        return;
    };
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let mut commands = words.filter_map(|word| definition.find_subcommand(word));
    let command = commands.next().unwrap_or(definition);
    let has = |option: &&&str| {
        let mut known = command.get_arguments().filter_map(|it| it.get_long());
        known.any(|known| known == **option)
    };
    let row = OPTIONS.iter().find(|(foreign, _)| *foreign == name);
    if let Some(option) = row.and_then(|(_, meant)| meant.iter().find(has)) {
        let option = ContextValue::String(format!("--{option}"));
        error.insert(ContextKind::SuggestedArg, option);
        return;
    }
    let suggested = text(error, ContextKind::SuggestedArg);
    if row.is_some() || suggested.is_some_and(|suggested| !is_similar(written, &suggested)) {
        error.remove(ContextKind::SuggestedArg);
    }
}

fn improve_command(error: &mut Error) {
    let Some(written) = text(error, ContextKind::InvalidSubcommand) else {
        return;
    };
    let row = COMMANDS.iter().find(|(foreign, _)| *foreign == written);
    let meant: Vec<String> = match row {
        Some((_, meant)) => meant.iter().map(|word| (*word).to_owned()).collect(),
        None => match error.get(ContextKind::SuggestedSubcommand) {
            Some(ContextValue::Strings(words)) => words
                .iter()
                .filter(|word| is_similar(&written, word))
                .cloned()
                .collect(),
            _ => return,
        },
    };
    match meant.is_empty() {
        true => error.remove(ContextKind::SuggestedSubcommand),
        false => error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(meant),
        ),
    };
}

/// Whether a typing error is likely: a third of the letters differ at most.
fn is_similar(written: &str, suggested: &str) -> bool {
    let begins = suggested.starts_with(written) || written.starts_with(suggested);
    begins || strsim::damerau_levenshtein(written, suggested) <= written.len().div_ceil(3)
}

/// The arguments with the whole ids of jobs in place of those that a table shows without their middle. `None`: there is
/// nothing to replace.
pub fn with_whole_ids(
    load: impl FnOnce() -> Option<Settings>,
    arguments: &[OsString],
) -> Option<Vec<OsString>> {
    let is_short = |word: &OsString| word.to_str().is_some_and(|word| word.contains(LEFT_OUT));
    if !arguments.iter().skip(1).any(is_short) {
        return None;
    }
    let settings = load()?;
    let layout = Layout::new(&settings.state_dir, &settings.runtime_dir);
    let jobs = ledger::open_read_only(&layout.ledger()).ok()?.jobs().ok()?;
    let mut replaced = false;
    let words = arguments.iter().map(|word| {
        let text = word.to_str().unwrap_or_default();
        let mut meant = jobs.iter().filter(|job| is_short_for(text, &job.job_id));
        match (meant.next(), meant.next()) {
            (Some(job), None) => {
                replaced = true;
                OsString::from(&job.job_id)
            }
            _ => word.clone(),
        }
    });
    let words = words.collect();
    replaced.then_some(words)
}

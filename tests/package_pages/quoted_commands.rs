//! The commands of freezerd that the pages quote: each of them is one that the program takes.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;

/// The README and the pages of `docs/`.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    let found = fs::read_dir("docs").unwrap();
    pages.extend(found.map(|entry| entry.unwrap().path()));
    pages.retain(|page| page.extension().is_some_and(|it| it == "md"));
    assert!(pages.len() > 5);
    pages
}

/// The lines of the blocks that a shell reads, without comments. A line that goes on in the next one is one line.
fn lines_for_a_shell(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for block in text.split("\n```sh\n").skip(1) {
        let (block, _) = block.split_once("\n```").unwrap();
        let whole = block.replace("\\\n", " ");
        let without_comments = whole
            .lines()
            .map(|line| line.split(" #").next().unwrap_or_default().trim());
        lines.extend(without_comments.map(str::to_owned));
    }
    lines
}

/// What the prose quotes between backticks.
fn quoted(text: &str) -> Vec<String> {
    let mut is_block = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            prose.push_str(line.trim());
            // A quotation does not go beyond a paragraph, a row or an item.
            let is_end = line.trim().is_empty() || line.starts_with('|');
            prose.push(if is_end { '\n' } else { ' ' });
        }
    }
    prose
        .lines()
        .flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2))
        .map(|span| span.trim().to_owned())
        .collect()
}

/// The words of a command, as a shell splits them.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, ' ') => words.push(String::new()),
            (_, character) => words.last_mut().unwrap().push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether the program takes these words. In prose, something that is needed may be left out, and `N` is a number.
fn fault(command: &str, in_prose: bool) -> Option<String> {
    let result = freezerd::cli::definition().try_get_matches_from(words(command));
    let error = result.err()?;
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::InvalidValue
        | ErrorKind::ValueValidation => in_prose,
        _ => false,
    };
    (!is_fine).then(|| error.to_string())
}

#[test]
fn every_command_that_a_page_quotes_is_one_that_the_program_takes() {
    let mut faults = Vec::new();
    let (mut in_blocks, mut in_prose) = (0, 0);
    let mut look = |page: &Path, command: &str, prose: bool| {
        let command = command.replace("cargo run --release --", "freezerd");
        // A part that may be left out, or that stands for something else, is for people.
        if !command.starts_with("freezerd ") || command.contains(['…', '[', '|', '<', '{']) {
            return;
        }
        match prose {
            true => in_prose += 1,
            false => in_blocks += 1,
        }
        if let Some(fault) = fault(&command, prose) {
            faults.push(format!("{}: `{command}`: {fault}", page.display()));
        }
    };
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for line in lines_for_a_shell(&text) {
            look(&page, &line, false);
        }
        for span in quoted(&text) {
            look(&page, &span, true);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(in_blocks > 10 && in_prose > 100, "{in_blocks}, {in_prose}");
}

//! Every command that a message, a help text or a page proposes is one that the command line takes, and every key that a
//! message names is one that exists.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use freezerd::config::SETTINGS;
use freezerd::job::keys::Object;
use freezerd::job::storage::storage_keys;
use freezerd::tell::keys::receiver_keys;

/// A command that is proposed, and where.
struct Proposed {
    place: String,
    words: Vec<String>,
}

fn files(directory: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extensions, found);
        } else if path
            .extension()
            .is_some_and(|it| extensions.iter().any(|wanted| it == *wanted))
        {
            found.push(path);
        }
    }
    found.sort();
}

/// The texts in a source file, with the line breaks that only its author sees taken out. A comment may have a command, too.
fn as_read(source: &str) -> String {
    let mut text = String::new();
    let mut goes_on = false;
    for line in source.lines() {
        let line = if goes_on { line.trim_start() } else { line };
        let beginning = line.strip_suffix('\\');
        goes_on = beginning.is_some();
        text.push_str(beginning.unwrap_or(line));
        if !goes_on {
            text.push('\n');
        }
    }
    // Comments go over several lines.
    text.replace("\n///", "").replace("\n    ///", "")
}

/// What stands between backticks and begins with the name of the program.
fn in_backticks(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("`freezerd ") {
        rest = &rest[at + 1..];
        let Some(end) = rest.find('`') else {
            break;
        };
        found.push(rest[..end].replace('\n', " "));
        rest = &rest[end + 1..];
    }
    found
}

/// The commands in the blocks of a page.
fn in_blocks(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let whole_lines = page.replace("\\\n", " ");
    for (number, block) in whole_lines.split("\n```").enumerate() {
        // Every other piece is between two blocks.
        if number % 2 == 1 {
            found.extend(block.lines().filter_map(beginning));
        }
    }
    found
}

/// The command that a line begins with, without what a shell does with its output, and without a remark.
fn beginning(line: &str) -> Option<String> {
    let line = line.trim();
    let line = line.strip_prefix("Example: ").unwrap_or(line);
    let command = line.strip_prefix("sudo ").unwrap_or(line);
    if !command.starts_with("freezerd ") {
        return None;
    }
    let ends = ["|", ">", "&&", ";", " #"];
    let end = ends.iter().filter_map(|it| command.find(it)).min();
    Some(command[..end.unwrap_or(command.len())].to_owned())
}

/// The texts of the help of a command and of those below it.
fn helps(command: &clap::Command, name: &str, found: &mut Vec<(String, String)>) {
    let place = format!("{name} --help");
    let text = command.clone().term_width(0).render_long_help().to_string();
    found.push((place, text));
    for below in command.get_subcommands() {
        helps(below, &format!("{name} {}", below.get_name()), found);
    }
}

/// The words as a shell would give them, with something in place of what is only named.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    for part in command.split('\'') {
        if quoted {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
        quoted = !quoted;
    }
    let is_number = |word: &str| matches!(word, "N" | "RUN") || word.starts_with('{');
    words
        .into_iter()
        // `[FILE]` and `PATTERN…` may be there or not.
        .map(|word| word.replace(['[', ']', '…'], ""))
        .filter(|word| word != "," && word != "\\|")
        .map(|word| {
            if is_number(&word) {
                "1".to_owned()
            } else {
                word
            }
        })
        .collect()
}

fn proposed() -> Vec<Proposed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut sources, mut pages) = (Vec::new(), Vec::new());
    files(&root.join("src"), &["rs"], &mut sources);
    files(&root.join("docs"), &["md"], &mut pages);
    files(&root.join("packaging"), &["md"], &mut pages);
    pages.extend(["README.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root.join(name)));
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let place = |file: &PathBuf| file.strip_prefix(root).unwrap().display().to_string();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |place: String, commands: Vec<String>| {
        found.extend(commands.into_iter().map(|it| (place.clone(), it)));
    };
    for file in &sources {
        add(place(file), in_backticks(&as_read(&read(file))));
    }
    for file in &pages {
        let text = read(file);
        add(place(file), in_backticks(&text));
        add(place(file), in_blocks(&text));
    }
    let mut texts = Vec::new();
    helps(&freezerd::cli::definition(), "freezerd", &mut texts);
    for (place, text) in texts {
        add(place.clone(), in_backticks(&text));
        add(place, text.lines().filter_map(beginning).collect());
    }
    found
        .into_iter()
        // These stand for several commands, and `freezerd {}` for a version. `freezerd help` becomes a flag before it is
        // parsed.
        .filter(|(_, it)| !it.contains('|') && !it.contains("COMMAND") && it != "freezerd {}")
        .filter(|(_, it)| !it.starts_with("freezerd help"))
        .map(|(place, command)| Proposed {
            words: words(&command),
            place,
        })
        .collect()
}

#[test]
fn every_command_that_is_proposed_is_one_that_the_command_line_takes() {
    let all = proposed();
    assert!(all.len() > 200, "{}", all.len());
    let mut refused = Vec::new();
    for Proposed { place, words } in all {
        let parsed = freezerd::cli::definition().try_get_matches_from(&words);
        let Err(error) = parsed else {
            continue;
        };
        match error.kind() {
            // A command may be named without all that it needs.
            ErrorKind::MissingRequiredArgument
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::MissingSubcommand => {}
            // Of an option, too: `freezerd restore --container` names what follows.
            ErrorKind::InvalidValue if error.to_string().contains("a value is required") => {}
            kind => refused.push(format!("{place}: {}: {kind:?}", words.join(" "))),
        }
    }
    assert!(refused.is_empty(), "{:#?}", refused);
}

/// The keys of jobs and of storages, and the settings.
fn known_keys() -> HashSet<&'static str> {
    let of_jobs = Object::ALL.into_iter().flat_map(|object| object.keys());
    let of_jobs = of_jobs.flat_map(|key| key.aliases.iter().chain([&key.name]).copied());
    of_jobs
        .chain(storage_keys().map(|key| key.name))
        .chain(receiver_keys().map(|key| key.name))
        .chain(SETTINGS.iter().map(|setting| setting.name))
        .collect()
}

/// The word with which a text begins, if it has the form of a key.
fn key_at_beginning(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['\\', '"']);
    let is_part = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let word = &text[..text.find(|it| !is_part(it)).unwrap_or(text.len())];
    (word.contains('_') && !word.starts_with('_') && !word.ends_with('_')).then_some(word)
}

#[test]
fn every_key_that_a_message_names_is_one_that_exists() {
    // Files and variables of other programs.
    let others = [
        "id_rsa",
        "id_ecdsa",
        "id_ed25519",
        "aws_access_key_id",
        "aws_secret_access_key",
    ];
    let known = known_keys();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    files(&root.join("src"), &["rs"], &mut sources);
    let mut found = 0;
    let mut wrong = Vec::new();
    for file in sources.iter().filter(|it| !it.ends_with("tests.rs")) {
        let whole = fs::read_to_string(file).unwrap();
        let code = whole.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let text = as_read(&lines.collect::<Vec<_>>().join("\n"));
        // What a message tells to set, name or remove, and what it has between backticks.
        for before in [
            "`",
            " set ",
            " name ",
            " remove ",
            " leave out ",
            " without ",
            " as ",
        ] {
            for piece in text.split(before).skip(1) {
                let Some(key) = key_at_beginning(piece) else {
                    continue;
                };
                let rest = &piece[piece.find(key).unwrap() + key.len()..];
                // A word of the code, and not of a text.
                let is_code = before != "`" && rest.starts_with(['(', ':', '.', ';', '<', '{']);
                if is_code || others.contains(&key) {
                    continue;
                }
                found += 1;
                if !known.contains(key) {
                    wrong.push(format!("{}: {key}", file.display()));
                }
            }
        }
    }
    assert!(found > 100, "{found}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

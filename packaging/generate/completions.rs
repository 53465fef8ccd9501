//! The completions of shells. What has names that only the ledger knows is asked of the program: `freezerd complete`.

use std::fmt::Write;

use clap::Command;
use clap_complete::Shell;

/// The script for a shell.
pub fn script(shell: Shell, command: &Command) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command.clone(), "freezerd", &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut takers = Vec::new();
    find(command, &[], &mut takers);
    match shell {
        Shell::Bash => text + &bash(&takers),
        Shell::Zsh => zsh(&text),
        Shell::Fish => text + &fish(&takers),
        _ => text,
    }
}

/// A command that takes a name.
struct Taker {
    /// Such as `key list`, word by word.
    words: Vec<String>,
    /// As `freezerd complete` calls them.
    names: &'static str,
}

/// The names that an argument takes.
fn names_of(argument: &str) -> Option<&'static str> {
    match argument {
        "job" => Some("jobs"),
        "run" => Some("runs"),
        "code" => Some("codes"),
        "receiver" => Some("receivers"),
        _ => None,
    }
}

fn find(command: &Command, words: &[String], found: &mut Vec<Taker>) {
    let mut positionals = command.get_positionals();
    let names = positionals.find_map(|it| names_of(it.get_id().as_str()));
    if let Some(names) = names {
        let words = words.to_vec();
        found.push(Taker { words, names });
    }
    for below in command.get_subcommands() {
        let mut words = words.to_vec();
        words.push(below.get_name().to_owned());
        find(below, &words, found);
    }
}

/// A function around the generated one, which adds the names.
fn bash(takers: &[Taker]) -> String {
    let mut steps = String::new();
    let mut kinds = String::new();
    for Taker { words, names } in takers {
        for at in 0..words.len() {
            let (before, after) = (words[..at].join("."), words[..=at].join("."));
            let step = format!("            {before}:{}) place={after} ;;\n", words[at]);
            if !steps.contains(&step) {
                steps.push_str(&step);
            }
        }
        let _ = writeln!(kinds, "        {}) names={names} ;;", words.join("."));
    }
    format!(
        r#"
_freezerd_with_names() {{
    _freezerd "$@"
    local word place= names= name current="${{COMP_WORDS[COMP_CWORD]}}"
    case "$current" in -*) return ;; esac
    case "${{COMP_WORDS[COMP_CWORD-1]}}" in -*) return ;; esac
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$place:$word" in
{steps}        esac
    done
    case "$place" in
{kinds}        *) return ;;
    esac
    while IFS=$'\t' read -r name _; do
        case "$name" in "$current"*) COMPREPLY+=("$name") ;; esac
    done < <(freezerd complete "$names" 2>/dev/null)
}}

complete -F _freezerd_with_names -o bashdefault -o default freezerd
"#
    )
}

/// The generated script, in which the arguments that take names call a function.
fn zsh(generated: &str) -> String {
    let mut text = String::new();
    for line in generated.lines() {
        let argument = line.trim_start().trim_start_matches(['\'', '"', ':', '*']);
        let names = argument.split_once(" -- ").and_then(|(id, _)| names_of(id));
        match (names, line.rsplit_once(":_default")) {
            (Some(names), Some((before, after))) => {
                let _ = writeln!(text, "{before}:_freezerd_{names}{after}");
            }
            _ => {
                let _ = writeln!(text, "{line}");
            }
        }
        if line.starts_with("#compdef") {
            for names in ["jobs", "runs", "codes", "receivers"] {
                let _ = write!(
                    text,
                    "\n_freezerd_{names}() {{\n    local -a names\n    names=(${{(f)\"$(freezerd complete {names} \
                     2>/dev/null)\"}})\n    _describe -V {names} names\n}}\n"
                );
            }
        }
    }
    // `_describe` wants a colon between a name and what it is.
    text.replace("2>/dev/null)\"})", "2>/dev/null | tr '\\t' ':')\"})")
}

fn fish(takers: &[Taker]) -> String {
    let mut text = String::new();
    for Taker { words, names } in takers {
        let condition = match words.as_slice() {
            [command] => format!("__fish_freezerd_using_subcommand {command}"),
            [command, below @ ..] => format!(
                "__fish_freezerd_using_subcommand {command}; and __fish_seen_subcommand_from {}",
                below.join(" ")
            ),
            [] => continue,
        };
        let _ = writeln!(
            text,
            "complete -c freezerd -n \"{condition}\" -k -a \"(freezerd complete {names} 2>/dev/null)\""
        );
    }
    text
}

//! The files that the package contains beside the program are complete: manual pages, completions, the commented
//! settings, and the schema.

use std::fs;
use std::process::Command;

use freezerd::cli::exit::Exit;
use freezerd::job::codes;
use freezerd::job::keys::Object;

use made::{MADE, page};

mod completion;
mod docs;
mod made;
mod quoted_commands;

fn commands() -> Vec<clap::Command> {
    let definition = freezerd::cli::definition();
    let all = definition.get_subcommands().cloned();
    all.filter(|command| !command.is_hide_set()).collect()
}

#[test]
fn every_command_has_a_page_with_all_of_its_options_and_an_example() {
    let overview = page("freezerd.8");
    for command in commands() {
        let name = command.get_name();
        assert!(overview.contains(&format!("freezerd-{name}(8)")), "{name}");
        let text = page(&format!("freezerd-{name}.8"));
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXIT STATUS",
            "EXAMPLES",
            "SEE ALSO",
        ] {
            let heading = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
            assert!(
                heading.iter().any(|it| text.contains(it.as_str())),
                "freezerd-{name}(8) has no {section}"
            );
        }
        let inner = command.get_subcommands().cloned().collect::<Vec<_>>();
        for arg in std::iter::once(&command)
            .chain(&inner)
            .flat_map(clap::Command::get_arguments)
            .filter(|arg| !arg.is_hide_set())
        {
            if let Some(long) = arg.get_long() {
                assert!(text.contains(&format!("--{long}")), "{name} --{long}");
            }
        }
    }
    assert!(
        !MADE.contains_key("man/freezerd-agent.8"),
        "the agent is a hidden command"
    );
}

#[test]
fn every_exit_code_is_in_every_page_of_a_command_in_the_document_and_in_the_help() {
    let document = fs::read_to_string("docs/commands.md").unwrap();
    let help = freezerd::cli::definition().render_help().to_string();
    let (_, help) = help.split_once("Exit codes:").unwrap();
    for (exit, meaning) in Exit::ALL {
        let code = exit as u8;
        assert!(document.contains(&format!("| {code} |")), "{code}");
        assert!(
            help.split([',', ' ', '\n'])
                .any(|word| word == code.to_string()),
            "{code} is not in the help:{help}"
        );
        let meaning = meaning.get(1..).unwrap().replace('`', "");
        for name in ["freezerd.8".to_owned()].into_iter().chain(
            commands()
                .iter()
                .map(|it| format!("freezerd-{}.8", it.get_name())),
        ) {
            let text = page(&name);
            assert!(text.contains(&format!("\n{code}\n")), "{name}: {code}");
            assert!(text.contains(&meaning), "{name}: {meaning}");
        }
    }
    // `Exit::ALL` contains every code that the source defines.
    let source = fs::read_to_string("src/cli/exit.rs").unwrap();
    let named = source
        .lines()
        .filter(|line| {
            line.trim_end_matches(',')
                .rsplit_once(" = ")
                .is_some_and(|(_, n)| n.parse::<u8>().is_ok())
        })
        .count();
    assert_eq!(named, Exit::ALL.len());
}

#[test]
fn every_setting_is_in_its_page_in_the_environment_and_in_the_commented_file() {
    let text = page("freezerd.toml.5");
    let overview = page("freezerd.8");
    let file = &MADE["freezerd.toml"];
    for key in &freezerd::config::SETTINGS {
        assert!(text.contains(&format!("\n{}\n", key.name)), "{}", key.name);
        for form in [key.flag(), key.variable()] {
            assert!(text.contains(&form), "{form}");
            assert!(overview.contains(&form), "{form}");
        }
        let line = format!("#{} = ", key.name);
        assert_eq!(file.matches(&line).count(), 1, "{line}");
        let (before, _) = file.split_once(&line).unwrap();
        assert!(before.trim_end().ends_with('.'), "{}: a sentence", key.name);
    }
}

#[test]
fn the_commented_file_changes_nothing_and_holds_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let file = &MADE["freezerd.toml"];
    let show = |text: &str| -> serde_json::Value {
        let path = directory.path().join("freezerd.toml");
        fs::write(&path, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_freezerd"))
            .args(["config", "show", "--json", "--config"])
            .arg(&path)
            .env_clear()
            .env("HOME", directory.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let plain = show("");
    assert_eq!(show(file), plain, "the installed file sets nothing");
    let live: String = file
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let said = show(&live);
    for key in &freezerd::config::SETTINGS {
        let of = |all: &serde_json::Value| all["settings"][key.name]["value"].clone();
        assert_eq!(
            said["settings"][key.name]["origin"]["from"], "file",
            "{}",
            key.name
        );
        // The host's name has no fixed default, `metrics_dir` has none, and another user has other directories.
        let places = ["jobs_dir", "state_dir", "runtime_dir", "container_root"];
        let root = rustix::process::geteuid().is_root();
        if !["client_id", "metrics_dir"].contains(&key.name)
            && (root || !places.contains(&key.name))
        {
            assert_eq!(of(&said), of(&plain), "{}", key.name);
        }
    }
}

#[test]
fn every_key_every_word_and_every_fault_of_a_job_file_is_in_its_page() {
    let text = page("freezerd-jobs.5");
    for object in Object::ALL {
        for key in object.keys() {
            let head = [format!("\n{}\n", key.name), format!("\n{} ", key.name)];
            assert!(
                head.iter().any(|it| text.contains(it.as_str())),
                "{}",
                key.name
            );
            for alias in key.aliases {
                assert!(text.contains(alias), "{alias}");
            }
            let about = key.about.replace('`', "");
            assert!(text.contains(&about), "{}: {about}", key.name);
            if let Some(words) = key.shape.words()
                && words.len() > 1
            {
                for (word, about) in words {
                    assert!(
                        text.contains(&format!("{word}: {}", about.replace('`', ""))),
                        "{word}"
                    );
                }
            }
        }
    }
    for code in codes::all() {
        assert!(
            text.contains(&format!("\n{}\n", code.name)),
            "{}",
            code.name
        );
    }
}

#[test]
fn the_examples_of_the_manual_and_of_the_package_are_good_job_files() {
    let directory = tempfile::tempdir().unwrap();
    let source = &MADE["man/freezerd-jobs.5"];
    let (_, rest) = source.split_once(".nf\n").unwrap();
    let (example, _) = rest.split_once(".fi\n").unwrap();
    let path = directory.path().join("example.json");
    fs::write(&path, example.replace("\\-", "-")).unwrap();
    let mut files = vec![path];
    for entry in fs::read_dir("packaging/examples").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "json") {
            files.push(path);
        }
    }
    assert!(files.len() >= 4);
    for file in &files {
        let output = Command::new(env!("CARGO_BIN_EXE_freezerd"))
            .args(["check", "--strict", "--no-trust"])
            .arg(file)
            .env_clear()
            .env("HOME", directory.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}: {}{}",
            file.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn the_schema_is_the_one_that_the_program_prints() {
    let output = Command::new(env!("CARGO_BIN_EXE_freezerd"))
        .arg("schema")
        .output()
        .unwrap();
    assert_eq!(
        MADE["job.schema.json"],
        String::from_utf8(output.stdout).unwrap()
    );
}

#[test]
fn completions_know_every_command_and_nothing_hidden() {
    for name in ["freezerd.bash", "_freezerd", "freezerd.fish"] {
        let text = &MADE[&format!("completions/{name}")];
        for command in commands() {
            assert!(
                text.contains(command.get_name()),
                "{name}: {}",
                command.get_name()
            );
        }
        assert!(!text.contains("agent"), "{name}");
    }
}

#[test]
fn the_unit_and_the_changelog_agree_with_the_program() {
    let unit = fs::read_to_string("packaging/systemd/freezerd.service").unwrap();
    let code = Exit::Renew as u8;
    assert!(unit.contains(&format!("\nRestartForceExitStatus={code}\n")));
    assert!(unit.contains(&format!("\nSuccessExitStatus={code}\n")));
    let refused = Exit::BadConfiguration as u8;
    assert!(unit.contains(&format!("\nRestartPreventExitStatus={refused}\n")));
    let changelog = fs::read_to_string("packaging/debian/changelog").unwrap();
    let newest = format!("freezerd ({}-1) ", env!("CARGO_PKG_VERSION"));
    assert!(
        changelog.starts_with(&newest),
        "the changelog's first entry is not {newest}"
    );
}

//! The completions of the package, in the shells that are installed.

use std::path::Path;
use std::process::Command;

use crate::made::MADE;

/// A directory with the program, the completions, and a ledger in which a job `nightly` has run.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let jobs = place.path().join("jobs.d");
    std::fs::create_dir(&jobs).unwrap();
    let job = r#"{"job_actions": [{"freezer_action": {"action": "exec", "command": "true"}}]}"#;
    std::fs::write(jobs.join("nightly.json"), job).unwrap();
    std::fs::create_dir(place.path().join("state")).unwrap();
    std::os::unix::fs::symlink(
        env!("CARGO_BIN_EXE_freezerd"),
        place.path().join("freezerd"),
    )
    .unwrap();
    for name in ["freezerd.bash", "_freezerd", "freezerd.fish"] {
        std::fs::write(
            place.path().join(name),
            &MADE[&format!("completions/{name}")],
        )
        .unwrap();
    }
    let ran = command(place.path(), "freezerd")
        .args(["run", "--once"])
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    place
}

fn command(place: &Path, program: &str) -> Command {
    let path = format!("{}:{}", place.display(), std::env::var("PATH").unwrap());
    let program = match program {
        "freezerd" => place.join(program),
        shell => shell.into(),
    };
    let mut command = Command::new(program);
    command
        .env("PATH", path)
        .env("FREEZERD_CONFIG", "/dev/null")
        .env("FREEZERD_JOBS_DIR", place.join("jobs.d"))
        .env("FREEZERD_STATE_DIR", place.join("state"))
        .env("FREEZERD_RUNTIME_DIR", place.join("run"))
        .current_dir(place);
    command
}

/// What a shell offers for the last word.
fn offered(place: &Path, shell: &str, words: &[&str]) -> Option<Vec<String>> {
    let line = words.join(" ");
    let script = match shell {
        "bash" => {
            let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            format!(
                "source ./freezerd.bash; COMP_WORDS=({}); COMP_CWORD={}; _freezerd_with_names freezerd '{}' '{}'; \
                 printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                quoted.join(" "),
                words.len() - 1,
                words.last()?,
                words[words.len() - 2],
            )
        }
        _ => format!("source ./freezerd.fish; complete -C '{line}'"),
    };
    let ran = command(place, shell).args(["-c", &script]).output().ok()?;
    let text = String::from_utf8(ran.stdout).unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(said.is_empty(), "{shell} {line}: {said}");
    let name = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    Some(text.lines().map(name).collect())
}

#[test]
fn shells_complete_the_names_of_jobs_runs_and_codes() {
    let place = place();
    for shell in ["bash", "fish"] {
        for (words, name) in [
            (&["freezerd", "show", ""][..], "nightly"),
            (&["freezerd", "show", "nig"], "nightly"),
            (&["freezerd", "why", "ni"], "nightly"),
            (&["freezerd", "key", "list", ""], "nightly"),
            (&["freezerd", "log", ""], "1"),
            (&["freezerd", "log", "n"], "nightly"),
            (&["freezerd", "explain", "unknown-k"], "unknown-key"),
        ] {
            match offered(place.path(), shell, words) {
                Some(offered) => {
                    let times = offered.iter().filter(|it| *it == name).count();
                    assert_eq!(times, 1, "{shell} {words:?}: {offered:?}");
                }
                None => eprintln!("SKIPPED: {shell} is not installed"),
            }
        }
        if let Some(offered) = offered(place.path(), shell, &["freezerd", "check", ""]) {
            assert!(!offered.contains(&"nightly".to_owned()), "{offered:?}");
        }
    }
}

#[test]
fn the_script_for_zsh_asks_for_the_names_and_is_accepted() {
    let script = &MADE["completions/_freezerd"];
    for wanted in [
        ":_freezerd_jobs'",
        ":_freezerd_runs'",
        ":_freezerd_codes'",
        ":_freezerd_receivers'",
        "_freezerd_jobs() {",
    ] {
        assert!(script.contains(wanted), "{wanted}");
    }
    let place = place();
    let ran = command(place.path(), "zsh")
        .args(["-n", "_freezerd"])
        .output();
    match ran {
        Ok(ran) => assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        ),
        Err(_) => eprintln!("SKIPPED: zsh is not installed"),
    }
}

/// What zsh makes of lines when the tab key is pressed behind each, on a terminal of its own. `None`: it is not installed.
fn completed_by_zsh(place: &Path, lines: &[&str]) -> Option<Vec<String>> {
    // A key hands over the line that is being edited, and begins another one.
    let settings = "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -d $PWD/dump; PS1='READY>'\n\
                    show() { print -r -- \"$BUFFER\" > line; BUFFER= }; zle -N show; bindkey '^G' show\n";
    std::fs::write(place.join(".zshrc"), settings).unwrap();
    let script = r#"zmodload zsh/zpty || exit 1
        mkfifo line && exec 3<> line || exit 2
        zpty shell zsh -d -i
        zpty -r shell shown '*READY>*' || exit 3
        for typed; do
            zpty -w -n shell "$typed"$'\t\x07'
            IFS= read -r completed <&3
            print -r -- "$completed"
            while zpty -r -t shell shown; do done
        done
        zpty -d shell"#;
    let ran = command(place, "timeout")
        .args(["60", "zsh", "-f", "-c", script, "zsh"])
        .args(lines)
        .env("ZDOTDIR", place)
        .env("TERM", "dumb")
        .output()
        .ok()?;
    if ran.status.code() == Some(127) {
        return None;
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let text = String::from_utf8(ran.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn zsh_completes_commands_and_names_when_the_tab_key_is_pressed() {
    let place = place();
    let lines = [
        ("freezerd res", "freezerd restore "),
        ("freezerd restore nig", "freezerd restore nightly "),
        ("freezerd show ", "freezerd show nightly "),
        ("freezerd key list ni", "freezerd key list nightly "),
        ("freezerd log n", "freezerd log nightly "),
        ("freezerd log 1", "freezerd log 1 "),
        (
            "freezerd explain unknown-k",
            "freezerd explain unknown-key ",
        ),
        ("freezerd restore --over", "freezerd restore --overwrite "),
        ("freezerd check nig", "freezerd check nig"),
    ];
    let typed: Vec<&str> = lines.iter().map(|(typed, _)| *typed).collect();
    match completed_by_zsh(place.path(), &typed) {
        Some(completed) => {
            let expected: Vec<&str> = lines.iter().map(|(_, completed)| *completed).collect();
            assert_eq!(completed, expected);
        }
        None => eprintln!("SKIPPED: zsh is not installed"),
    }
}

#[test]
fn without_a_ledger_there_are_no_names_and_no_errors() {
    let place = tempfile::tempdir().unwrap();
    for (names, any) in [
        ("jobs", false),
        ("runs", false),
        ("codes", true),
        ("receivers", false),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_freezerd"));
        command
            .args(["complete", names])
            .env("FREEZERD_STATE_DIR", place.path());
        let ran = command.output().unwrap();
        assert!(ran.status.success() && ran.stderr.is_empty(), "{names}");
        assert_eq!(!ran.stdout.is_empty(), any, "{names}");
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

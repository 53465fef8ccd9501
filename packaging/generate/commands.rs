//! freezerd(8), and one manual page for each command.

use clap::{Arg, Command};
use freezerd::cli::exit::Exit;

use crate::page::{Page, head};
use crate::settings;

/// The command line without hidden commands.
pub fn visible() -> Command {
    let whole = freezerd::cli::definition();
    let mut command = Command::new("freezerd")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true);
    if let Some(about) = whole.get_about() {
        command = command.about(about.clone());
    }
    command = command.args(whole.get_arguments().cloned());
    command.subcommands(
        whole
            .get_subcommands()
            .filter(|subcommand| !subcommand.is_hide_set())
            .cloned(),
    )
}

/// Returns each page's file name and its source.
pub fn pages(command: &Command) -> Vec<(String, String)> {
    let mut pages = vec![("freezerd.8".to_owned(), overview(command))];
    for subcommand in command.get_subcommands() {
        let name = format!("freezerd-{}", subcommand.get_name());
        pages.push((format!("{name}.8"), page(&name, subcommand)));
    }
    pages
}

fn overview(command: &Command) -> String {
    let about = "a backup scheduler for a single server";
    let mut page = Page::new("freezerd", "8", about);
    page.section("SYNOPSIS");
    page.paragraph("`freezerd` [settings] `COMMAND` [options]");
    page.section("DESCRIPTION");
    page.paragraph(
        "freezerd runs the backups of one server. A JSON file in a directory describes a backup, see \
         `freezerd-jobs`(5). freezerd schedules the backup, runs it, records how it ended, and reports it. There is no \
         network API and no database server. The backups are repositories in restic's format: to restore from a disk, \
         `restic`(1) and the password are enough. `restic` may also work on them while freezerd does, because both use \
         the same locks. `/usr/share/doc/freezerd/containers.md` describes this, and what to do about damage.",
    );
    page.paragraph(
        "`freezerd run` is the daemon, which `freezerd.service` starts. The other commands show what the daemon has \
         recorded, or leave a request for it.",
    );
    page.section("COMMANDS");
    for subcommand in command.get_subcommands() {
        let name = subcommand.get_name();
        let about = about_of(subcommand);
        page.entry(
            head(&format!("freezerd-{name}(8)"), ""),
            &[format!("{about}.")],
        );
    }
    page.section("OPTIONS");
    page.paragraph(
        "Every command takes these options, before or after its name. Each can also be set in `freezerd.toml`(5).",
    );
    options(&mut page, command);
    page.entry(head("-h, --help", ""), &["Print help.".to_owned()]);
    page.entry(
        head("-V, --version", ""),
        &["Print the version.".to_owned()],
    );
    exit_status(&mut page);
    page.section("SIGNALS");
    for (signal, text) in [
        (
            "SIGTERM, SIGINT",
            "Stop. The daemon starts nothing new. Running actions get the time `stop_grace` to end; they are recorded \
             as interrupted, and the next daemon catches up for them. A second signal kills them.",
        ),
        ("SIGHUP", "Read the jobs directory now."),
        (
            "SIGUSR1",
            "Make way for a newer version. The daemon continues as usual until no action runs; then it exits with code \
             79, and systemd starts the service again. After an hour, or after a second signal, the daemon starts \
             nothing new until it exits. The new daemon handles what became due meanwhile, as `schedule_catch_up` \
             says.",
        ),
    ] {
        page.entry(head(signal, ""), &[text.to_owned()]);
    }
    environment(&mut page);
    files(&mut page);
    page.section("EXAMPLES");
    page.paragraph("A first job, which backs up /etc every night at 02:30:");
    page.example(&format!(
        "umask 077\nhead -c 24 /dev/urandom | base64 > /etc/freezerd/password\n\
         cat > /etc/freezerd/jobs.d/etc.json <<'END'\n{}\nEND\nfreezerd check\nfreezerd trigger etc\nfreezerd log etc",
        crate::jobs::FIRST_JOB
    ));
    page.paragraph("To restore this backup with restic, without freezerd:");
    page.example(
        "restic -r /var/lib/freezerd/containers/main --password-file /etc/freezerd/password \\\n    \
         restore latest --target /tmp/etc",
    );
    page.see_also(&[
        ("freezerd-jobs", "5"),
        ("freezerd.toml", "5"),
        ("freezerd-run", "8"),
        ("freezerd-check", "8"),
        ("freezerd-restore", "8"),
        ("restic", "1"),
        ("systemd.service", "5"),
    ]);
    page.render()
}

fn page(name: &str, command: &Command) -> String {
    let mut page = Page::new(name, "8", &lower_first(&about_of(command)));
    page.section("SYNOPSIS");
    for line in synopsis(command) {
        page.paragraph(&line);
    }
    page.section("DESCRIPTION");
    let long = command.get_long_about().or(command.get_about());
    for (index, text) in paragraphs(&long.map(ToString::to_string).unwrap_or_default()).enumerate()
    {
        let end = if index == 0 && !text.ends_with(['.', ':']) {
            "."
        } else {
            ""
        };
        page.paragraph(&format!("{text}{end}"));
    }
    let (notes, examples) = after_help(command);
    for note in notes {
        page.paragraph(&note);
    }
    page.section("OPTIONS");
    options(&mut page, command);
    for inner in command.get_subcommands() {
        page.subsection(&format!("{} {}", command.get_name(), inner.get_name()));
        page.paragraph(&format!("{}.", about_of(inner)));
        options(&mut page, inner);
    }
    page.entry(head("-h, --help", ""), &["Print help.".to_owned()]);
    page.paragraph("`freezerd`(8) lists the settings, which every command takes.");
    exit_status(&mut page);
    let examples: Vec<String> = command
        .get_subcommands()
        .flat_map(|inner| after_help(inner).1)
        .fold(examples, |mut all, line| {
            all.push(line);
            all
        });
    if !examples.is_empty() {
        page.section("EXAMPLES");
        page.example(&examples.join("\n"));
    }
    page.see_also(&[
        ("freezerd", "8"),
        ("freezerd-jobs", "5"),
        ("freezerd.toml", "5"),
    ]);
    page.render()
}

fn about_of(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string);
    about.unwrap_or_default().trim_end_matches('.').to_owned()
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().collect::<String>() + characters.as_str(),
        None => String::new(),
    }
}

fn paragraphs(text: &str) -> impl Iterator<Item = String> {
    text.split("\n\n")
        .map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|piece| !piece.is_empty())
}

/// Splits the end of the help into notes and examples, which are the lines after `Example:`.
fn after_help(command: &Command) -> (Vec<String>, Vec<String>) {
    let text = command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut notes = Vec::new();
    let mut examples = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line
            .strip_prefix("Example:")
            .or_else(|| line.strip_prefix("Examples:"))
        {
            Some(example) => examples.push(example.trim().to_owned()),
            None if line.starts_with("freezerd ") => examples.push(line.to_owned()),
            None => notes.push(line.to_owned()),
        }
    }
    examples.retain(|line| !line.is_empty());
    (notes, examples)
}

/// The command's usage as clap prints it. One line for each subcommand, or one for a command without any.
fn synopsis(command: &Command) -> Vec<String> {
    let usage = |command: &Command, name: String| {
        let mut command = command.clone().bin_name(name.clone());
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").trim();
        let rest = usage.strip_prefix(&name).unwrap_or(usage).trim();
        format!("`{name}` {rest}").trim_end().to_owned()
    };
    let name = format!("freezerd {}", command.get_name());
    let inner: Vec<String> = command
        .get_subcommands()
        .map(|inner| usage(inner, format!("{name} {}", inner.get_name())))
        .collect();
    if inner.is_empty() {
        vec![usage(command, name)]
    } else {
        inner
    }
}

/// Adds the options and arguments of one command to its page.
fn options(page: &mut Page, command: &Command) {
    let (positional, named): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version"))
        .partition(|arg| arg.is_positional());
    for arg in positional.into_iter().chain(named) {
        let mut names = Vec::new();
        if let Some(short) = arg.get_short() {
            names.push(format!("-{short}"));
        }
        if let Some(long) = arg.get_long() {
            names.push(format!("--{long}"));
        }
        let value = values(arg);
        let (name, value) = if arg.is_positional() {
            (value, String::new())
        } else {
            (names.join(", "), value)
        };
        let help = arg
            .get_long_help()
            .or(arg.get_help())
            .map(ToString::to_string);
        let mut text: Vec<String> = paragraphs(&help.unwrap_or_default()).collect();
        if let Some(first) = text.first_mut()
            && !first.ends_with(['.', ']'])
        {
            first.push('.');
        }
        let possible: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set() && arg.get_action().takes_values())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !possible.is_empty() && possible != ["`true`", "`false`"] {
            text.push(format!("One of {}.", possible.join(", ")));
        }
        let defaults: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        if arg.get_action().takes_values() && !defaults.is_empty() {
            text.push(format!("Default: `{}`.", defaults.join(" ")));
        }
        page.entry(head(&name, &value), &text);
    }
}

fn values(arg: &Arg) -> String {
    if !arg.get_action().takes_values() || arg.get_num_args().is_some_and(|n| n.max_values() == 0) {
        return String::new();
    }
    let names: Vec<String> = arg
        .get_value_names()
        .map(|names| names.iter().map(ToString::to_string).collect())
        .unwrap_or_else(|| vec![arg.get_id().as_str().to_uppercase()]);
    names.join(" ")
}

fn exit_status(page: &mut Page) {
    page.section("EXIT STATUS");
    for (exit, meaning) in Exit::ALL {
        page.entry(
            head(&(exit as u8).to_string(), ""),
            &[format!("{}.", capital(meaning))],
        );
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().collect::<String>() + characters.as_str(),
        None => String::new(),
    }
}

fn environment(page: &mut Page) {
    page.section("ENVIRONMENT");
    page.entry(
        head("FREEZERD_CONFIG", ""),
        &["The configuration file. `--config` takes precedence.".to_owned()],
    );
    for setting in &freezerd::config::SETTINGS {
        page.entry(
            head(&setting.variable(), ""),
            &[format!(
                "The same as `{}`: {}.",
                setting.flag(),
                setting.help
            )],
        );
    }
    page.entry(
        head("STATE_DIRECTORY, RUNTIME_DIRECTORY, CACHE_DIRECTORY", ""),
        &["Directories that systemd sets. They replace the defaults.".to_owned()],
    );
    page.entry(
        head(freezerd::job::secret::DIRECTORY, ""),
        &["A directory that systemd sets if the unit has credentials. The path `%d/NAME` of a secret means the file \
           NAME in it. Outside of the service, set it to `/run/credentials/freezerd.service`."
            .to_owned()],
    );
    page.entry(
        head("TZ", ""),
        &["The time zone of schedules and of the times that are shown, if neither `timezone` nor the job sets one.".to_owned()],
    );
}

fn files(page: &mut Page) {
    page.section("FILES");
    for (path, text) in [
        ("/etc/freezerd/freezerd.toml", "The settings, see `freezerd.toml`(5).".to_owned()),
        (settings::default_of("jobs_dir").as_str(), "The job files, see `freezerd-jobs`(5).".to_owned()),
        (
            settings::default_of("state_dir").as_str(),
            "The ledger (`ledger.redb`), the logs of runs, and requests that wait for the daemon. Only root has access.".to_owned(),
        ),
        (
            settings::default_of("container_root").as_str(),
            "The containers that a job gives by name: the backups themselves. Removing the package keeps them.".to_owned(),
        ),
        (settings::default_of("runtime_dir").as_str(), "The progress of running actions.".to_owned()),
        ("/usr/share/doc/freezerd/examples", "Example jobs, and drop-ins for the service.".to_owned()),
        (
            "~/.config/freezerd, ~/.local/state/freezerd",
            "The configuration and the state of a user other than root (XDG base directories).".to_owned(),
        ),
    ] {
        page.entry(head(path, ""), &[text]);
    }
}

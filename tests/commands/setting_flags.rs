//! Every command takes every setting as a flag, and the help says what it means.

use clap::ArgAction;
use freezerd::cli::definition;
use freezerd::config::SETTINGS;

/// The flags that users rely on: the name, what the help calls the value, the beginning of the help, and whether `-h`
/// shows it. A new setting is added here. A flag never goes and never changes its meaning.
#[rustfmt::skip]
const FLAGS: &[(&str, &str, &str, bool)] = &[
    ("config", "FILE", "Configuration file [default: /etc/freezerd/freezerd.toml, or ~/.config/freezerd/freezerd.toml]", true),
    ("jobs-dir", "DIR", "Where job files are dropped", true),
    ("state-dir", "DIR", "Where the ledger, event files and logs live", true),
    ("runtime-dir", "DIR", "Where the progress of running actions is shown", false),
    ("container-root", "DIR", "Where containers live that a job names without a path", false),
    ("client-id", "NAME", "Who this host is: a job with another client_id is not run here", false),
    ("timezone", "ZONE", "The zone of schedules that do not name one [default: the host's]", true),
    ("concurrent-jobs", "N", "How many actions run at the same time", false),
    ("stop-grace", "DURATION", "How long an action that is told to end may take before it is killed", false),
    ("stall-timeout", "DURATION", "How long an action may show no progress before it is ended; off: for ever", false),
    ("memory-limit", "SIZE", "How much memory an action and its command may use, as 2 GiB; off: any", false),
    ("cpu-limit", "PERCENT", "How much of a processor they may use: 150 % is one and a half; off: all", false),
    ("rescan-interval", "DURATION", "The pause between two looks at the whole jobs directory", false),
    ("history-age", "DURATION", "How old a past run may become before it is forgotten, with its log", false),
    ("history-runs", "N", "How many past runs of each job are kept", false),
    ("trusted-owners", "UID,…", "User ids, beside root's and the daemon's own, that job files may belong to", false),
    ("disable-exec", "", "Refuse jobs that run commands", false),
    ("metrics-dir", "DIR", "Where freezerd.prom and status.json are kept for monitoring [default: nowhere]", false),
    ("log-format", "FORMAT", "auto, human, json or journal", false),
    ("log-level", "LEVEL", "error, warn, info, debug or trace", false),
];

#[test]
fn every_flag_keeps_its_name_its_value_and_its_meaning() {
    let command = definition();
    for (name, value, help, common) in FLAGS {
        let flag = command
            .get_arguments()
            .find(|argument| argument.get_long() == Some(name))
            .unwrap_or_else(|| panic!("--{name} is gone"));
        assert!(flag.is_global_set(), "--{name} is for every command");
        let takes_value = flag.get_num_args().is_none_or(|it| it.takes_values());
        let values: Vec<&str> = match takes_value {
            true => flag
                .get_value_names()
                .unwrap()
                .iter()
                .map(|it| it.as_str())
                .collect(),
            false => Vec::new(),
        };
        assert_eq!(values.join(" "), *value, "--{name}");
        assert!(matches!(flag.get_action(), ArgAction::Set), "--{name}");
        let said = flag.get_help().unwrap().to_string();
        assert!(said.starts_with(help), "--{name}: {said}");
        assert_eq!(!flag.is_hide_short_help_set(), *common, "--{name}");
        assert_eq!(
            flag.get_help_heading(),
            Some("Settings (freezerd config show)")
        );
    }
}

#[test]
fn every_setting_has_its_flag() {
    let known: Vec<String> = FLAGS.iter().map(|(name, ..)| format!("--{name}")).collect();
    let settings = SETTINGS.iter().map(|setting| setting.flag());
    let expected: Vec<String> = std::iter::once("--config".to_owned())
        .chain(settings)
        .collect();
    assert_eq!(known, expected);
}

#[test]
fn the_help_of_every_command_lists_the_flags() {
    let mut command = definition();
    command.build();
    let visible = command.get_subcommands().filter(|it| !it.is_hide_set());
    for subcommand in visible {
        let long = subcommand.clone().render_long_help().to_string();
        let short = subcommand.clone().render_help().to_string();
        for (name, _, _, common) in FLAGS {
            let flag = format!(" --{name}");
            let name = subcommand.get_name();
            assert!(long.contains(&flag), "freezerd {name} --help lacks{flag}");
            assert_eq!(short.contains(&flag), *common, "freezerd {name} -h:{flag}");
        }
    }
}

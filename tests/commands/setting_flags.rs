//! Every command takes every setting as a flag, and the help says what it means.

use clap::ArgAction;
use freezerd::cli::definition;
use freezerd::config::SETTINGS;

/// The flags that users rely on: the name, the name of the value in the help, and whether `-h` shows it. A new setting is
/// added here. A flag is never removed.
#[rustfmt::skip]
const FLAGS: &[(&str, &str, bool)] = &[
    ("config", "FILE", true),
    ("jobs-dir", "DIR", true),
    ("state-dir", "DIR", true),
    ("runtime-dir", "DIR", false),
    ("container-root", "DIR", false),
    ("cache-dir", "DIR", false),
    ("cache-size", "SIZE", false),
    ("client-id", "NAME", false),
    ("timezone", "ZONE", true),
    ("concurrent-jobs", "N", false),
    ("stop-grace", "DURATION", false),
    ("stall-timeout", "DURATION", false),
    ("network-wait", "DURATION", false),
    ("upload-limit", "RATE", false),
    ("download-limit", "RATE", false),
    ("memory-limit", "SIZE", false),
    ("cpu-limit", "PERCENT", false),
    ("rescan-interval", "DURATION", false),
    ("history-age", "DURATION", false),
    ("history-runs", "N", false),
    ("trusted-owners", "UID,…", false),
    ("disable-exec", "", false),
    ("check-every", "PERIOD", false),
    ("check-data-within", "DURATION", false),
    ("check-window", "FROM-TO", false),
    ("prune-waste", "SHARE", false),
    ("prune-every", "DURATION", false),
    ("prune-window", "FROM-TO", false),
    ("metrics-dir", "DIR", false),
    ("log-format", "FORMAT", false),
    ("log-level", "LEVEL", false),
];

#[test]
fn every_flag_keeps_its_name_and_its_value() {
    let command = definition();
    for (name, value, common) in FLAGS {
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
        let help = flag.get_help().expect("a help").to_string();
        assert!(help.starts_with(char::is_uppercase), "--{name}: {help}");
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
fn the_help_of_the_program_lists_the_flags_once_and_every_command_says_where() {
    let mut command = definition();
    command.build();
    let long = command.clone().render_long_help().to_string();
    let short = command.clone().render_help().to_string();
    for (name, _, common) in FLAGS {
        let flag = format!(" --{name}");
        assert!(long.contains(&flag), "freezerd --help lacks{flag}");
        assert_eq!(short.contains(&flag), *common, "freezerd -h:{flag}");
    }
    let visible = command.get_subcommands().filter(|it| !it.is_hide_set());
    for subcommand in visible {
        let help = subcommand.clone().render_long_help().to_string();
        let name = subcommand.get_name();
        assert!(help.contains("`freezerd --help`"), "freezerd {name} --help");
        for (flag, ..) in FLAGS.iter().filter(|(flag, ..)| *flag != "state-dir") {
            let own = ["config", "client-id", "upload-limit", "download-limit"].contains(flag);
            assert!(
                own || !help.contains(&format!("\n      --{flag} ")),
                "{name} --{flag}"
            );
        }
    }
}

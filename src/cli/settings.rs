//! The flags that every command takes. They come from the table of settings: each wins over its environment variable
//! and its line in `freezerd.toml`.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::exit::Failure;
use crate::config::{Flags, Form, SETTINGS, Setting, Settings};

const HEADING: &str = "Settings (freezerd config show)";

/// The long flags without their dashes, in the order of the table. clap keeps names for the life of the program.
static FLAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let flags = SETTINGS.iter().map(Setting::flag);
    flags
        .map(|flag| flag.trim_start_matches('-').to_owned())
        .collect()
});

/// What the command line says about settings.
#[derive(Debug, Default)]
pub struct SettingsArgs {
    /// The file that `--config` names.
    pub config: Option<PathBuf>,
    flags: Flags,
}

impl SettingsArgs {
    /// Reads the settings from the flags, the environment and the configuration file.
    pub fn load(&self) -> Result<Settings, Failure> {
        self.load_from(self.config.as_deref())
    }

    /// The same, with another configuration file.
    pub fn load_from(&self, config: Option<&Path>) -> Result<Settings, Failure> {
        Ok(Settings::load(&self.flags, config)?)
    }
}

/// The command line with the settings in the help of the whole program only. Every command still takes them.
pub fn listed_once(command: Command) -> Command {
    let settings: Vec<Arg> = command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .map(|argument| argument.clone().hide(true))
        .collect();
    hidden_in_each(command, &settings)
}

fn hidden_in_each(command: Command, settings: &[Arg]) -> Command {
    command.mut_subcommands(|inner| {
        let is_own = |setting: &&Arg| {
            let mut own = inner.get_arguments();
            own.any(|argument| argument.get_id() == setting.get_id())
        };
        // An option of the command with the name of a setting stands for it.
        let hidden: Vec<Arg> = settings
            .iter()
            .filter(|setting| !is_own(setting))
            .cloned()
            .collect();
        let inner = inner.args(hidden).help_template(TEMPLATE);
        hidden_in_each(inner, settings)
    })
}

/// The help of a command, as clap has it, and where the settings are.
const TEMPLATE: &str = "\
{before-help}{about-with-newline}
{usage-heading} {usage}

{all-args}

Settings, such as --state-dir: see `freezerd --help`{after-help}";

impl Args for SettingsArgs {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .global(true)
            .help_heading(HEADING)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(
                "Configuration file [default: /etc/freezerd/freezerd.toml, or ~/.config/freezerd/freezerd.toml]",
            );
        let settings = SETTINGS.iter().zip(FLAGS.iter());
        command
            .arg(config)
            .args(settings.map(|(setting, flag)| argument(setting, flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn argument(setting: &'static Setting, flag: &'static str) -> Arg {
    let argument = Arg::new(setting.name)
        .long(flag)
        .global(true)
        .help_heading(HEADING)
        .hide_short_help(!setting.common)
        .action(ArgAction::Set)
        .help(help(setting));
    match setting.form {
        Form::Switch => argument.num_args(0).default_missing_value("true"),
        Form::Text | Form::Word | Form::Number | Form::List => argument
            .value_name(setting.value_name)
            .allow_negative_numbers(true),
    }
}

fn help(setting: &Setting) -> String {
    let mut help = setting.meaning();
    if let Some(words) = setting.default_in_words {
        help.push_str(&format!(" [default: {words}]"));
    }
    help
}

impl FromArgMatches for SettingsArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut arguments = SettingsArgs::default();
        arguments.update_from_arg_matches(matches)?;
        Ok(arguments)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one::<PathBuf>("config").cloned();
        let given = |setting: &Setting| {
            let text = matches.get_one::<String>(setting.name)?;
            Some((setting.name, text.clone()))
        };
        self.flags = SETTINGS.iter().filter_map(given).collect();
        Ok(())
    }
}

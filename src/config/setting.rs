//! What there is to know about one setting, apart from its value.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name in `freezerd.toml`.
    pub name: &'static str,
    /// A clause without a capital letter and without a full stop.
    pub help: &'static str,
    /// What the help of the command line calls the value, for example `DIR`. Empty for a [`Form::Switch`].
    pub value_name: &'static str,
    pub form: Form,
    /// What the default is, in words; `None` where the default value says it.
    pub default_in_words: Option<&'static str>,
    /// A value for the reference, and for the sample file where the default is empty.
    pub example: &'static str,
    /// The first version that has the setting.
    pub since: &'static str,
    /// Whether `-h` lists the flag. `--help` lists all flags.
    pub common: bool,
    pub(super) built_in: BuiltIn,
    /// The variable in which systemd names the directory.
    pub(super) service_variable: Option<&'static str>,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    /// One of some words.
    Word,
    Number,
    /// Several values: an array in `freezerd.toml`, separated by commas elsewhere.
    List,
    /// `true` or `false`; the flag alone means `true`.
    Switch,
}

impl Setting {
    pub(super) const fn new(form: Form, value_name: &'static str, help: &'static str) -> Setting {
        Setting {
            name: "",
            help,
            value_name,
            form,
            default_in_words: None,
            example: "",
            since: "0.1.0",
            common: false,
            built_in: BuiltIn::Text(""),
            service_variable: None,
        }
    }

    pub(super) const fn default(self, text: &'static str) -> Setting {
        self.built_in(BuiltIn::Text(text))
    }

    pub(super) const fn built_in(mut self, built_in: BuiltIn) -> Setting {
        self.built_in = built_in;
        self
    }

    pub(super) const fn default_in_words(mut self, words: &'static str) -> Setting {
        self.default_in_words = Some(words);
        self
    }

    pub(super) const fn example(mut self, example: &'static str) -> Setting {
        self.example = example;
        self
    }

    pub(super) const fn common(mut self) -> Setting {
        self.common = true;
        self
    }

    pub(super) const fn service_variable(mut self, variable: &'static str) -> Setting {
        self.service_variable = Some(variable);
        self
    }

    pub(super) const fn named(mut self, name: &'static str) -> Setting {
        self.name = name;
        self
    }

    /// What the setting means, with a capital letter and without a full stop.
    pub fn meaning(&self) -> String {
        let mut characters = self.help.chars();
        let first = characters.next().map(char::to_uppercase);
        first.into_iter().flatten().chain(characters).collect()
    }

    /// The form on the command line: `--jobs-dir`.
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// The form in the environment: `FREEZERD_JOBS_DIR`.
    pub fn variable(&self) -> String {
        format!("FREEZERD_{}", self.name.to_ascii_uppercase())
    }
}

/// Where a default value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuiltIn {
    Text(&'static str),
    JobsDir,
    StateDir,
    /// The runtime directory that belongs to the state directory, wherever the latter is.
    RuntimeDir,
    /// The cache directory that belongs to the state directory, wherever the latter is.
    CacheDir,
    /// A directory of this name in the state directory, wherever the latter is.
    BelowState(&'static str),
    HostName,
}

//! The forms of values.

use super::object::Object;

/// The form of a value. `null` and `false` unset a value of every form but [`Shape::Flag`]. Numbers may be written as
/// texts, and texts as numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Text,
    JobId,
    /// The name of a host.
    HostName,
    BackupName,
    /// The path of a container, or a name under the container root.
    Container,
    /// The path of a file or a directory.
    Path,
    /// One path, or a list of them.
    Paths,
    /// The path of a file that holds a secret, or `%d/NAME`: a credential of the service.
    Secret,
    /// A secret itself. It is nowhere but in the file.
    SecretText,
    /// `true` or `false`.
    Flag,
    Number(Bounds),
    /// A number of days that is greater than 0.
    Age,
    /// How many are kept: a whole number, or -1, `all` or `unlimited`. 0 leaves the key unset.
    Count,
    /// A flag, or a share such as `50%`.
    Share,
    /// Years, months, days and hours, such as `1y6m`.
    Span,
    /// A number and a unit from seconds to weeks, such as `26 hours`; more than 0.
    Duration,
    /// One text with tags and commas, or a list of them.
    Tags,
    /// Seconds since 1970. 0 and −1 mean that there is none.
    Timestamp,
    /// One of some words, each with its meaning.
    Words(&'static [(&'static str, &'static str)]),
    /// The word for a storage. Those of Freezer that this version does not have are refused by name.
    Storage,
    /// The word for what is backed up. Those of Freezer that this version does not have are refused by name.
    Mode,
    /// One pattern as in `.gitignore` files, or a list of them.
    Patterns,
    /// The name of a file that marks its directory, with or without `:` and how the file begins; or a list of them.
    Markers,
    /// A number of bytes, or a text such as `1.5 GiB`.
    Size,
    /// A flag, or how much of the data of a container a check reads.
    ReadData,
    /// A share, a size, or `unlimited`: what a prune may leave.
    MaxUnused,
    /// A number of bytes a second, or a text such as `10M`. 0 and −1: no limit.
    Rate,
    /// A command line, or a list of words.
    Command,
    /// A date and a time, ISO 8601.
    Date,
    /// A text that `schedule/` reads: an interval, or a field of a calendar.
    Schedule,
    /// `gzip`, `bzip2`, `xz`, `zstd` or a level.
    Compression,
    /// A flag, or one of Freezer's words for the links to follow.
    Links,
    /// The name of a receiver, a list of them, or `false`.
    Receivers,
    /// The list of actions.
    Actions,
    /// A list of further containers.
    Targets,
    Object(Object),
    /// Anything: the parser does not look at it.
    Anything,
}

/// The limits of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub least: f64,
    pub most: f64,
    /// Whether a fraction is refused.
    pub whole: bool,
    /// What is counted, for a sentence: `seconds`.
    pub unit: &'static str,
}

const STORAGES: &[(&str, &str)] = &[
    ("local", "a directory of this host"),
    (
        "NAME",
        "the storage that `freezerd.toml` defines in `[storage.NAME]`",
    ),
    (
        "s3",
        "a bucket, which `endpoint`, `access_key`, `secret_key_file` and others describe",
    ),
    (
        "ssh",
        "a server that speaks SFTP, which `ssh_host`, `ssh_username`, `ssh_key` and others describe",
    ),
    (
        "swift",
        "OpenStack Swift, which the environment of the service describes (`OS_AUTH_URL` and others)",
    ),
];
const MODES: &[(&str, &str)] = &[("fs", "files and directories")];

impl Bounds {
    /// A number of days; fractions are allowed.
    pub const DAYS: Bounds = Bounds {
        least: 0.0,
        most: 365_000.0,
        whole: false,
        unit: "days",
    };
}

impl Shape {
    /// The words that the value is one of.
    pub fn words(self) -> Option<&'static [(&'static str, &'static str)]> {
        match self {
            Shape::Words(words) => Some(words),
            Shape::Storage => Some(STORAGES),
            Shape::Mode => Some(MODES),
            _ => None,
        }
    }

    /// The limits of the number.
    pub fn bounds(self) -> Option<Bounds> {
        match self {
            Shape::Number(bounds) => Some(bounds),
            Shape::Age => Some(Bounds::DAYS),
            _ => None,
        }
    }
}

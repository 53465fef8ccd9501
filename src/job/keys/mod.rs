//! The keys of a job file: the one table that the parser, the suggestions, the schema and the manual read.

use serde::{Deserialize, Serialize};

mod action;
mod document;
mod foreign;

pub use action::ACTION_KEYS;
pub use document::{DOCUMENT_KEYS, ENTRY_KEYS, SCHEDULE_KEYS};
pub use foreign::openstack_service;

/// The kinds of work that a key of `freezer_action` applies to, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Works(u8);

impl Works {
    /// No kind at all.
    pub const NONE: Works = Works(0);
    /// `backup`
    pub const BACKUP: Works = Works(1);
    /// `restore`
    pub const RESTORE: Works = Works(2);
    /// `admin`
    pub const ADMIN: Works = Works(4);
    /// `info`
    pub const INFO: Works = Works(8);
    /// `exec`
    pub const EXEC: Works = Works(16);
    /// `check`
    pub const CHECK: Works = Works(32);
    /// Every kind.
    pub const ALL: Works = Works(63);

    /// The words of the `action` key, in the order of the manual.
    pub const WORDS: [(&'static str, Works); 6] = [
        ("backup", Works::BACKUP),
        ("restore", Works::RESTORE),
        ("admin", Works::ADMIN),
        ("info", Works::INFO),
        ("exec", Works::EXEC),
        ("check", Works::CHECK),
    ];

    /// Both.
    pub const fn and(self, other: Works) -> Works {
        Works(self.0 | other.0)
    }

    /// Whether the two have a kind in common.
    pub fn meets(self, other: Works) -> bool {
        self.0 & other.0 != 0
    }

    /// The words of the kinds.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Works::WORDS
            .into_iter()
            .filter(move |(_, works)| self.meets(*works))
            .map(|(word, _)| word)
    }
}

/// Which object of the document a key stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The job itself.
    Job,
    /// An entry of `job_actions`.
    Entry,
    /// `job_schedule`.
    Schedule,
    /// `freezer_action` and `action_defaults`.
    Action,
}

impl Place {
    /// All places, outermost first.
    pub const ALL: [Place; 4] = [Place::Job, Place::Entry, Place::Schedule, Place::Action];

    /// The keys that stand there.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Place::Job => DOCUMENT_KEYS,
            Place::Entry => ENTRY_KEYS,
            Place::Schedule => SCHEDULE_KEYS,
            Place::Action => ACTION_KEYS,
        }
    }

    /// What the place is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Place::Job => "the job",
            Place::Entry => "an entry of `job_actions`",
            Place::Schedule => "`job_schedule`",
            Place::Action => "`freezer_action`",
        }
    }

    /// The key of that name or alias, `-` and `_` being the same.
    pub fn find(self, written: &str) -> Option<&'static Key> {
        let name = written.replace('-', "_");
        self.keys()
            .iter()
            .find(|key| key.name == name || key.aliases.contains(&name.as_str()))
    }
}

/// The form of a value. All forms but `Flag` take `null` and `false` for "not set"; numbers may be texts and
/// texts numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A text.
    Text,
    /// A job's id.
    JobId,
    /// A path of a file or a directory.
    Path,
    /// The path of a file that holds a secret, or `%d/NAME`: a credential of the service.
    Secret,
    /// `true` or `false`.
    Flag,
    /// A number.
    Number {
        /// The least.
        least: f64,
        /// The greatest.
        most: f64,
        /// No fraction.
        whole: bool,
        /// What it counts, for a sentence: `seconds`.
        unit: &'static str,
    },
    /// A moment in seconds since 1970; 0 and −1 stand for none.
    Timestamp,
    /// One of some words, each with what it means.
    Words(&'static [(&'static str, &'static str)]),
    /// One shell pattern, or a list of them.
    Patterns,
    /// A command line, or a list of words.
    Command,
    /// A date and time, ISO 8601.
    Date,
    /// An interval, a calendar field or another text that the schedule reads.
    Schedule,
    /// gzip, bzip2, xz, zstd or a level.
    Compression,
    /// A flag, or one of Freezer's words for which links to follow.
    Links,
    /// The list of actions.
    Actions,
    /// An object of the given place.
    Object(Place),
    /// Anything: it is not looked at.
    Anything,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does what its description says.
    Used,
    /// It is accepted and kept, without effect.
    Kept,
    /// It is accepted with a warning: what happens instead.
    NoEffect(&'static str),
    /// It is refused: why, and what to do.
    Unsupported(&'static str),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name, with `_`.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// The form of its value.
    pub shape: Shape,
    /// The kinds of work that it applies to, in `freezer_action`.
    pub works: Works,
    /// The kinds of work that cannot do without it. In other places: [`Works::ALL`] or [`Works::NONE`].
    pub required: Works,
    /// What holds where it is absent, as JSON; `None`: nothing.
    pub default: Option<&'static str>,
    /// What becomes of it.
    pub standing: Standing,
    /// What it is for: a sentence or two.
    pub about: &'static str,
}

impl Key {
    /// A key that is used for some kinds of work.
    const fn new(name: &'static str, shape: Shape, works: Works, about: &'static str) -> Key {
        Key {
            name,
            aliases: &[],
            shape,
            works,
            required: Works::NONE,
            default: None,
            standing: Standing::Used,
            about,
        }
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Key {
        self.aliases = aliases;
        self
    }

    const fn required(mut self, works: Works) -> Key {
        self.required = works;
        self
    }

    const fn default(mut self, default: &'static str) -> Key {
        self.default = Some(default);
        self
    }

    const fn standing(mut self, standing: Standing) -> Key {
        self.standing = standing;
        self
    }
}

/// Whether a key is a remark of the user's, which nothing looks at: `x-…` and `_…`.
pub fn is_remark(written: &str) -> bool {
    written.starts_with("x-") || written.starts_with("x_") || written.starts_with('_')
}

/// The name that was likely meant: a key of this place that looks like what was written.
pub fn suggestion(written: &str, place: Place, works: Works) -> Option<&'static str> {
    let name = written.to_lowercase().replace(['-', ' ', '.'], "_");
    let candidates = place
        .keys()
        .iter()
        .filter(|key| key.works.meets(works) && !matches!(key.standing, Standing::Unsupported(_)));
    let mut best: Option<(f64, &'static str)> = None;
    for key in candidates {
        for candidate in std::iter::once(&key.name).chain(key.aliases) {
            let likeness = likeness(&name, candidate);
            if likeness > best.map_or(0.0, |(likeness, _)| likeness) {
                best = Some((likeness, key.name));
            }
        }
    }
    best.filter(|(likeness, _)| *likeness >= 0.62)
        .map(|(_, name)| name)
}

/// The word that was likely meant, of some words.
pub fn suggested_word<'a>(
    written: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.trim().to_lowercase();
    words
        .into_iter()
        .map(|word| (likeness(&written, word), word))
        .filter(|(likeness, _)| *likeness >= 0.55)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// How much two names look alike: 1 is equal. Swapped letters count once, and a name that is the other's
/// beginning, end or plural counts as close.
fn likeness(written: &str, candidate: &str) -> f64 {
    // Names are short; a long one is none of ours, and comparing it would cost its square.
    if written.len() > 64 || written.is_empty() {
        return 0.0;
    }
    let distance = strsim::normalized_damerau_levenshtein(written, candidate);
    let bare = candidate.strip_prefix("schedule_").unwrap_or(candidate);
    if written == bare {
        return 0.95;
    }
    let contained =
        written.len() >= 4 && (candidate.starts_with(written) || candidate.ends_with(written));
    if contained {
        distance.max(0.7)
    } else {
        distance
    }
}

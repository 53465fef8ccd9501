//! Every kind of fault that there is: its stable name, its story, and an example before and after.
//!
//! A diagnostic can only be made with a [`Code`], so that none is without its story.

mod directory;
mod schedules;
mod structure;
mod syntax;
mod values;

pub use directory::*;
pub use schedules::*;
pub use structure::*;
pub use syntax::*;
pub use values::*;

/// One kind of fault.
#[derive(Debug, PartialEq)]
pub struct Code {
    /// Its stable name, as `unknown-key`.
    pub name: &'static str,
    /// What it is, in a line.
    pub title: &'static str,
    /// Why it is a fault, and what to do.
    pub story: &'static str,
    /// An example.
    pub example: Example,
    /// Whether the JSON Schema refuses it too.
    pub in_schema: bool,
}

/// An example of a fault, and of its mend.
#[derive(Debug, PartialEq)]
pub enum Example {
    /// A whole file, before and after.
    File(&'static str, &'static str),
    /// A `freezer_action`, before and after.
    Action(&'static str, &'static str),
    /// A `job_schedule`, before and after.
    Schedule(&'static str, &'static str),
    /// Something that no text of a file shows, in words, before and after.
    Words(&'static str, &'static str),
}

impl Example {
    /// The example as whole files, before and after; `None` where it is told in words.
    pub fn files(&self) -> Option<(String, String)> {
        let action = |body: &str| format!("{{\"job_actions\": [{{\"freezer_action\": {body}}}]}}");
        let schedule = |body: &str| {
            format!(
                "{{\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"sync\"}}}}],\n \"job_schedule\": {body}}}"
            )
        };
        match self {
            Example::File(before, after) => Some(((*before).to_owned(), (*after).to_owned())),
            Example::Action(before, after) => Some((action(before), action(after))),
            Example::Schedule(before, after) => Some((schedule(before), schedule(after))),
            Example::Words(..) => None,
        }
    }
}

/// All codes, grouped as the manual groups them.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [
        syntax::ALL,
        structure::ALL,
        values::ALL,
        schedules::ALL,
        directory::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The code of that name.
pub fn find(name: &str) -> Option<&'static Code> {
    all().find(|code| code.name == name)
}

/// The name of a code that looks like what was written.
pub fn suggestion(written: &str) -> Option<&'static str> {
    super::keys::suggested_word(written, all().map(|code| code.name))
}

/// Declares codes, and the list of them.
macro_rules! codes {
    ($($constant:ident, $name:literal, schema: $schema:literal, $title:literal, $story:literal, $example:expr;)*) => {
        $(
            #[doc = $title]
            pub const $constant: &$crate::job::codes::Code = &$crate::job::codes::Code {
                name: $name,
                title: $title,
                story: $story,
                example: $example,
                in_schema: $schema,
            };
        )*
        /// The codes of this group.
        pub(super) const ALL: &[&$crate::job::codes::Code] = &[$($constant),*];
    };
}
use codes;

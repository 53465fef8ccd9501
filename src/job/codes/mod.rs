//! Every kind of fault: its stable name, its explanation, and an example before and after the correction.
//!
//! A diagnostic needs a [`Code`], so every diagnostic has an explanation.

mod directory;
mod schedules;
mod selection;
mod structure;
mod syntax;
mod values;

pub use directory::*;
pub use schedules::*;
pub use selection::*;
pub use structure::*;
pub use syntax::*;
pub use values::*;

/// One kind of fault.
#[derive(Debug, PartialEq)]
pub struct Code {
    /// The stable name, as `unknown-key`.
    pub name: &'static str,
    /// The fault in one sentence.
    pub title: &'static str,
    /// Why it is a fault, and how to correct it.
    pub story: &'static str,
    pub example: Example,
    /// Whether the JSON Schema refuses such a file too.
    pub in_schema: bool,
}

/// An example of a fault, before and after the correction.
#[derive(Debug, PartialEq)]
pub enum Example {
    /// A whole file.
    File(&'static str, &'static str),
    /// A `freezer_action` of a file.
    Action(&'static str, &'static str),
    /// A `job_schedule` of a file.
    Schedule(&'static str, &'static str),
    /// A description in words, because the text of a file does not show the fault.
    Words(&'static str, &'static str),
}

impl Example {
    /// The example as two whole files: before and after. `None` if the example is in words.
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

/// All codes, in the groups of the manual.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [
        syntax::ALL,
        structure::ALL,
        values::ALL,
        selection::ALL,
        schedules::ALL,
        directory::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The code with this name.
pub fn find(name: &str) -> Option<&'static Code> {
    all().find(|code| code.name == name)
}

/// The name of a code that is similar to `written`.
pub fn suggestion(written: &str) -> Option<&'static str> {
    super::keys::suggested_word(written, all().map(|code| code.name))
}

/// Declares codes and the list of them.
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

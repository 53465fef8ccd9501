//! One item of a calendar field that was refused, and the flaw that is made of it.

use super::super::fault::{Field, Flaw, shorten};

/// A refused item. The other files of this folder ask it one question after the other.
pub(super) struct RefusedItem<'a> {
    pub(super) field: Field,
    /// In lower case, without blanks around it.
    pub(super) text: &'a str,
    /// The byte of the field's text at which the item begins.
    pub(super) at: usize,
}

impl RefusedItem<'_> {
    /// A flaw of the whole item.
    pub(super) fn flaw(&self, code: &'static str, message: impl Into<String>) -> Flaw {
        Flaw::new(code, message).at(self.at..self.at + self.text.len())
    }

    /// The item, shortened for a message.
    pub(super) fn shown(&self) -> String {
        shorten(self.text)
    }
}

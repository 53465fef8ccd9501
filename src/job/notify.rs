//! Who is told of a job.

use super::decode::Field;
use super::json::Value;
use super::values::ValueReader;

/// Who is told of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// Every receiver.
    #[default]
    All,
    /// The receivers with these names.
    Only(Vec<String>),
}

impl Notify {
    /// Whether the receiver with this name is told.
    pub fn names(&self, receiver: &str) -> bool {
        match self {
            Notify::All => true,
            Notify::Only(names) => names.iter().any(|name| name == receiver),
        }
    }
}

impl ValueReader<'_> {
    /// `notify`. Here, `false` does not unset the key: it stands for nobody.
    pub(super) fn receivers(&mut self, field: Option<Field<'_>>) -> Notify {
        const EXPECTED: &str = "the name of a receiver, a list of them, or `false`";
        let Some(field) = field else {
            return Notify::All;
        };
        match &field.node.value {
            Value::Null | Value::Bool(true) => Notify::All,
            Value::Bool(false) => Notify::Only(Vec::new()),
            Value::Text(text) if text.content.trim().is_empty() => Notify::All,
            Value::Text(_) | Value::List(_) => {
                let names = self.texts(Some(field), EXPECTED);
                Notify::Only(names.into_iter().map(|(name, _)| name).collect())
            }
            _ => {
                self.wrong_type(&field, EXPECTED, "");
                Notify::All
            }
        }
    }
}

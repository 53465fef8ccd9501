//! How fast data goes to and comes from a container.

use std::num::NonZeroU64;

use super::ValueReader;
use super::selection::whole_bytes;
use crate::job::codes;
use crate::job::decode::Field;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::Value;
use crate::job::rate::{self, RateFault};

impl ValueReader<'_> {
    /// A number of bytes a second. `None`: no limit, or a wrong value.
    pub fn rate(&mut self, field: Option<Field<'_>>) -> Option<NonZeroU64> {
        let field = field?;
        let limit = match &field.node.value {
            _ if field.node.is_unset() => return None,
            // Freezer's way to say that there is no limit.
            Value::Number(number) if number == "-1" => return None,
            Value::Number(number) => rate::limit(whole_bytes(number)),
            Value::Text(text) => rate::parse(&text.content),
            _ => {
                self.wrong_type(&field, rate::EXPECTED, "");
                return None;
            }
        };
        let fault = match limit {
            Ok(limit) => return limit,
            Err(fault) => fault,
        };
        let (code, label) = match fault {
            RateFault::TooLow(_) => (codes::OUT_OF_RANGE, "no backup would end"),
            RateFault::NotARate => (codes::WRONG_TYPE, "not a number of bytes a second"),
        };
        self.report(
            Diagnostic::error(code, format!("{} {fault}", quoted(field.written)))
                .at(field.node.span.clone())
                .label(label)
                .help(fault.help()),
        );
        None
    }
}

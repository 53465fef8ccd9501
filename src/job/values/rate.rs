//! How fast data goes to and comes from a container.

use std::num::NonZeroU64;

use super::ValueReader;
use super::selection::whole_bytes;
use crate::job::codes;
use crate::job::decode::Field;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::Value;
use crate::units;

/// The lowest limit in bytes a second. With less, no backup ends: a small number is rather a mistake in the unit.
const LEAST: u64 = 1024;

impl ValueReader<'_> {
    /// A number of bytes a second. `None`: no limit, or a wrong value.
    pub fn rate(&mut self, field: Option<Field<'_>>) -> Option<NonZeroU64> {
        let field = field?;
        let expected = "a number of bytes a second, or a text such as `500K` or `10M`";
        let rate = match &field.node.value {
            _ if field.node.is_unset() => return None,
            // Freezer's way to say that there is no limit.
            Value::Number(number) if number == "-1" => return None,
            Value::Text(text) if text.content.trim() == "-1" => return None,
            Value::Number(number) => whole_bytes(number),
            Value::Text(text) => {
                let text = text.content.trim();
                units::parse_bytes(text.strip_suffix("/s").unwrap_or(text))
            }
            _ => {
                self.wrong_type(&field, expected, "");
                return None;
            }
        };
        let fault = match rate {
            Some(rate @ (0 | LEAST..)) => return NonZeroU64::new(rate),
            Some(rate) => Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!(
                    "{} takes at least {LEAST} bytes a second, and this is {rate}",
                    quoted(field.written)
                ),
            )
            .label("no backup would end")
            .help("write the unit, for example `\"10M\"`; 0 means that there is no limit"),
            None => Diagnostic::error(
                codes::WRONG_TYPE,
                format!("{} takes {expected}", quoted(field.written)),
            )
            .label("not a number of bytes a second")
            .help(
                "`M` and `MiB` are powers of 1024, `MB` is a power of 1000; bits are not supported",
            ),
        };
        self.report(fault.at(field.node.span.clone()));
        None
    }
}

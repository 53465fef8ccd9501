//! How fast data goes to and comes from a container.

use super::selection::whole_bytes;
use super::{ValueReader, head};
use crate::job::codes;
use crate::job::decode::Field;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::{Node, Span, Value};
use crate::job::rate_limit::{self, LimitFault, RateFault, RateLimit, Window};

impl ValueReader<'_> {
    /// A rate, or a list of windows. `None`: nothing is said, or a wrong value.
    pub fn rate_limit(&mut self, field: Option<Field<'_>>) -> Option<RateLimit> {
        let field = field?;
        match &field.node.value {
            _ if field.node.is_unset() => None,
            Value::Text(text) => {
                let limit = RateLimit::parse(&text.content);
                self.limit_or_report(&field, limit, |_| field.node.span.clone())
            }
            Value::Number(number) => {
                let limit = of_number(number).and_then(|window| RateLimit::of(vec![window]));
                self.limit_or_report(&field, limit, |_| field.node.span.clone())
            }
            Value::List(nodes) => {
                let windows = nodes.iter().map(|node| self.window(&field, node));
                let windows: Vec<Option<Window>> = windows.collect();
                let windows = windows.into_iter().collect::<Option<Vec<Window>>>()?;
                self.limit_or_report(&field, RateLimit::of(windows), |index| {
                    let of_window = nodes.get(index).map(|node| node.span.clone());
                    of_window.unwrap_or_else(|| head(field.node))
                })
            }
            _ => {
                self.wrong_type(&field, rate_limit::EXPECTED, "");
                None
            }
        }
    }

    /// An item of a list of windows.
    fn window(&mut self, field: &Field<'_>, node: &Node) -> Option<Window> {
        let window = match &node.value {
            Value::Text(text) => Window::parse(&text.content).map_err(LimitFault::from),
            Value::Number(number) => of_number(number),
            Value::Broken => return None,
            _ => {
                self.report(
                    Diagnostic::error(
                        codes::WRONG_TYPE,
                        format!(
                            "a window of {} is a text, and this is {}",
                            quoted(field.written),
                            node.kind()
                        ),
                    )
                    .at(head(node))
                    .label("expected a text such as `mon-fri 08:00-18:00 2M`"),
                );
                return None;
            }
        };
        self.limit_or_report(field, window, |_| node.span.clone())
    }

    fn limit_or_report<T>(
        &mut self,
        field: &Field<'_>,
        read: Result<T, LimitFault>,
        place: impl Fn(usize) -> Span,
    ) -> Option<T> {
        let wrong = match read {
            Ok(read) => return Some(read),
            Err(wrong) => wrong,
        };
        let (code, label) = match wrong.fault {
            RateFault::TooLow(_) => (codes::OUT_OF_RANGE, "no backup would end"),
            RateFault::NotARate => (codes::WRONG_TYPE, "not a number of bytes a second"),
            RateFault::NoWindows => (codes::WRONG_TYPE, "an empty list"),
            RateFault::NotADay(_) => (codes::BAD_RATE_WINDOW, "not a day"),
            RateFault::BackwardDays { .. } => (codes::BAD_RATE_WINDOW, "two ranges"),
            RateFault::NotTimes(_) => (codes::BAD_RATE_WINDOW, "not a time from 00:00 to 24:00"),
            RateFault::Empty(_) => (codes::BAD_RATE_WINDOW, "no time at all"),
            RateFault::NoRate => (codes::BAD_RATE_WINDOW, "how many bytes a second?"),
            RateFault::NeverUsed => (codes::BAD_RATE_WINDOW, "never used"),
            RateFault::TooManyWindows => (codes::BAD_RATE_WINDOW, "too many"),
        };
        self.report(
            Diagnostic::error(code, format!("{} {wrong}", quoted(field.written)))
                .at(place(wrong.index))
                .label(label)
                .help(wrong.fault.help()),
        );
        None
    }
}

/// A number of bytes a second. -1 is Freezer's way to say that there is no limit.
fn of_number(number: &str) -> Result<Window, LimitFault> {
    let bytes = match number {
        "-1" => Some(0),
        _ => whole_bytes(number),
    };
    Window::of_number(bytes).map_err(LimitFault::from)
}

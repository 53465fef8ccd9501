//! Which snapshots are kept.

use super::{ValueReader, head};
use crate::job::codes;
use crate::job::decode::{self, Field, Fields};
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::{Node, Value};
use crate::job::keys::Object;
use crate::keep::guard::Guards;
use crate::keep::span::Span;
use crate::keep::{Count, Period, Rules};

const WHOLE: &str = "a whole number, or `all`";
const SHARE: &str = "`false`, or a share such as \"50%\"";
const TAGS: &str = "a text with tags, or a list of such texts";

/// A share that may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    Unset,
    Off,
    Percent(f64),
}

impl ValueReader<'_> {
    /// The rules of an action or of a target: its keys `keep_…`, or its object `keep`. `None`: a wrong value.
    pub fn rules(&mut self, fields: &Fields<'_>) -> Option<Rules> {
        let flat = self.flat_rules(fields)?;
        let Some(field) = fields.set("keep") else {
            return Some(flat);
        };
        if !flat.is_empty() {
            self.report(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`keep` and a key `keep_…` exclude each other",
                )
                .at(field.key_span.start..field.node.span.end)
                .label("replaces them")
                .help("write all rules into one of the two"),
            );
            return None;
        }
        self.rules_object(&field)
    }

    /// The object `keep`, by itself.
    pub fn rules_object(&mut self, field: &Field<'_>) -> Option<Rules> {
        if field.node.is_unset() {
            return Some(Rules::default());
        }
        if field.node.members().is_none() {
            self.wrong_type(field, "an object", "`{\"daily\": 14, \"monthly\": 12}`");
            return None;
        }
        let members = decode::fields(field.node, Object::Keep, None, &mut self.diagnostics);
        self.flat_rules(&members)
    }

    fn flat_rules(&mut self, fields: &Fields<'_>) -> Option<Rules> {
        let mut rules = Rules::default();
        let mut is_right = true;
        for period in Period::ALL {
            if let Some(field) = fields.set(&period.count_key()) {
                match self.kept_count(&field) {
                    Some(Some(count)) => {
                        rules.counts.insert(period, count);
                    }
                    Some(None) => {}
                    None => is_right = false,
                }
            }
            if let Some(field) = fields.set(&period.span_key()) {
                match self.span(&field) {
                    Some(span) => {
                        rules.spans.insert(period, span);
                    }
                    None => is_right = false,
                }
            }
        }
        if let Some(field) = fields.set("keep_tags") {
            match self.tags(&field) {
                Some(tags) => rules.tags = tags,
                None => is_right = false,
            }
        }
        is_right.then_some(rules)
    }

    /// How many are kept. Inside, `None` is 0: there is no such rule.
    pub fn kept_count(&mut self, field: &Field<'_>) -> Option<Option<Count>> {
        let text = match &field.node.value {
            Value::Number(number) => number.as_str(),
            Value::Text(text) => text.content.trim(),
            _ => {
                self.wrong_type(field, WHOLE, "");
                return None;
            }
        };
        let count = Count::parse(text);
        if count == Some(None) {
            self.warn_of_no_rule(field);
        } else if count.is_none() && text.parse::<f64>().is_ok() {
            self.report(
                Diagnostic::error(
                    codes::OUT_OF_RANGE,
                    format!(
                        "{} takes a whole number from 0 to {}",
                        quoted(field.written),
                        Count::MOST
                    ),
                )
                .at(field.node.span.clone())
                .label("not one of these")
                .help("to keep all of them, write \"all\""),
            );
        } else if count.is_none() {
            self.wrong_type(field, WHOLE, "");
        }
        count
    }

    fn warn_of_no_rule(&mut self, field: &Field<'_>) {
        self.report(
            Diagnostic::warning(
                codes::NO_EFFECT,
                format!("{} has no effect here", quoted(field.written)),
            )
            .at(field.node.span.clone())
            .label("0 is not a rule, as with `restic forget`")
            .help(
                "the other rules decide, and without rules and ages no snapshot is removed. Write 1 or more, or leave the key \
                 out; `false` switches a default off",
            ),
        );
    }

    /// The guards of a backup. `None`: a wrong value.
    pub fn guards(&mut self, fields: &Fields<'_>) -> Option<Guards> {
        let mut guards = Guards::USUAL;
        let places = [
            ("shrink_guard", &mut guards.shrink),
            ("churn_guard", &mut guards.churn),
        ];
        let mut is_right = true;
        for (name, place) in places {
            match fields.get(name).map(|field| self.share(field)) {
                None | Some(Some(Share::Unset)) => {}
                Some(Some(Share::Off)) => *place = None,
                Some(Some(Share::Percent(percent))) => *place = Some(percent),
                Some(None) => is_right = false,
            }
        }
        is_right.then_some(guards)
    }

    /// A share such as `50%`. Unlike elsewhere, `false` is a value here. `None`: a wrong value.
    pub fn share(&mut self, field: Field<'_>) -> Option<Share> {
        let text = match &field.node.value {
            Value::Null => return Some(Share::Unset),
            Value::Bool(false) => return Some(Share::Off),
            Value::Text(text) => text.content.trim(),
            _ => {
                self.wrong_type(&field, SHARE, "");
                return None;
            }
        };
        if text.is_empty() {
            return Some(Share::Unset);
        }
        if ["false", "none", "off"]
            .iter()
            .any(|it| text.eq_ignore_ascii_case(it))
        {
            return Some(Share::Off);
        }
        let number = text.strip_suffix('%').map(str::trim_end);
        let is_plain = |it: &&str| it.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        let percent = number
            .filter(is_plain)
            .and_then(|it| it.parse::<f64>().ok());
        match percent {
            Some(percent) if (0.0..=100.0).contains(&percent) => Some(Share::Percent(percent)),
            Some(_) => {
                self.report(
                    Diagnostic::error(
                        codes::OUT_OF_RANGE,
                        format!("{} takes 0% to 100%", quoted(field.written)),
                    )
                    .at(field.node.span.clone())
                    .label("not a share"),
                );
                None
            }
            None => {
                self.wrong_type(&field, SHARE, "");
                None
            }
        }
    }

    /// A span such as `1y6m`.
    pub fn span(&mut self, field: &Field<'_>) -> Option<Span> {
        const EXPECTED: &str = "a text such as `30d` or `1y6m`: years, months, days and hours";
        match &field.node.value {
            Value::Text(text) => {
                let span = Span::parse(&text.content).ok();
                if span.is_none() {
                    self.not_a_span(field, EXPECTED, None);
                }
                span
            }
            Value::Number(number) => {
                let mend = format!("{number}d");
                let mend = Span::parse(&mend).is_ok().then_some(mend);
                self.not_a_span(field, EXPECTED, mend);
                None
            }
            _ => {
                self.wrong_type(field, EXPECTED, "");
                None
            }
        }
    }

    fn not_a_span(&mut self, field: &Field<'_>, expected: &str, mend: Option<String>) {
        let mut fault = Diagnostic::error(
            codes::WRONG_TYPE,
            format!("{} takes {expected}", quoted(field.written)),
        )
        .at(field.node.span.clone())
        .label("not a span of time");
        if let Some(mend) = mend {
            fault = fault.help(format!("for days, write \"{mend}\""));
        }
        self.report(fault);
    }

    /// The tags of each text, of which a snapshot needs all.
    pub fn tags(&mut self, field: &Field<'_>) -> Option<Vec<Vec<String>>> {
        match &field.node.value {
            Value::List(nodes) => {
                let read: Vec<_> = nodes
                    .iter()
                    .map(|node| self.tag_list(field, node))
                    .collect();
                read.into_iter().collect()
            }
            _ => Some(vec![self.tag_list(field, field.node)?]),
        }
    }

    fn tag_list(&mut self, field: &Field<'_>, node: &Node) -> Option<Vec<String>> {
        let text = match &node.value {
            Value::Text(text) => text.content.as_str(),
            Value::Number(number) => number.as_str(),
            _ => {
                self.wrong_type(field, TAGS, "");
                return None;
            }
        };
        let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
        if tags.iter().any(String::is_empty) {
            self.report(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!("{} has an empty tag", quoted(field.written)),
                )
                .at(head(node))
                .label("a tag is missing here")
                .help("write tags with single commas between them: \"release,yearly\""),
            );
            return None;
        }
        Some(tags)
    }
}

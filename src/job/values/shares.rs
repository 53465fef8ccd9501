//! Shares of a container: what a check reads, and the waste that a prune leaves; and when there is a prune.

use super::ValueReader;
use crate::job::codes;
use crate::job::decode::{Field, FieldSource, Fields};
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::Value;
use crate::job::prune_budget::PruneWhen;
use crate::job::share::{MaxUnused, ReadData};

impl ValueReader<'_> {
    /// How much of the data is read: a flag or a share.
    pub fn read_data(&mut self, field: Option<Field<'_>>) -> Option<ReadData> {
        let field = field?;
        let found = match &field.node.value {
            Value::Null => return None,
            Value::Bool(all) => return Some(ReadData::All(*all)),
            Value::Text(text) if text.content.trim().is_empty() => return None,
            Value::Text(text) => ReadData::parse(&text.content),
            _ => {
                self.wrong_type(&field, ReadData::EXPECTED, "");
                return None;
            }
        };
        if found.is_none() {
            self.not_a_share(field, ReadData::EXPECTED);
        }
        found
    }

    /// What a check reads: `read_data`, or one of `read_data_parts` parts in each run.
    pub fn data_to_read(&mut self, fields: &Fields<'_>) -> ReadData {
        let share = self.read_data(fields.set("read_data"));
        let parts_field = fields.set("read_data_parts");
        let parts = self.count(parts_field);
        if let (Some(share), Some(_), Some(field)) = (share, parts, parts_field)
            && share != ReadData::All(true)
        {
            self.report(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`read_data` and `read_data_parts` exclude each other",
                )
                .at(field.key_span.start..field.node.span.end)
                .label("which of the two is meant?")
                .help("keep one of them"),
            );
        }
        match parts {
            Some(rolling) => ReadData::Rolling { rolling },
            None => share.unwrap_or(ReadData::All(false)),
        }
    }

    /// How much may stay that nothing needs.
    pub fn max_unused(&mut self, field: Option<Field<'_>>) -> Option<MaxUnused> {
        let field = field.filter(|field| !field.node.is_unset())?;
        let found = match &field.node.value {
            Value::Number(number) => MaxUnused::parse(number),
            Value::Text(text) => MaxUnused::parse(&text.content),
            _ => {
                self.wrong_type(&field, MaxUnused::EXPECTED, "");
                return None;
            }
        };
        if found.is_none() {
            self.not_a_share(field, MaxUnused::EXPECTED);
        }
        found
    }

    /// When a removal prunes the container; `None`: as usual.
    pub fn prune_when(&mut self, fields: &Fields<'_>) -> Option<PruneWhen> {
        PruneWhen::of_word(self.word(fields.get("prune"))?)
    }

    /// Warns of a prune that waits for a removal, in a backup that removes nothing.
    pub fn warn_of_idle_prune(&mut self, fields: &Fields<'_>) {
        let own = |field: &Field<'_>| field.source == FieldSource::Here;
        let Some(field) = fields.set("prune").filter(own) else {
            return;
        };
        if self.prune_when(fields) == Some(PruneWhen::Needed) {
            self.report(
                Diagnostic::warning(
                    codes::NO_EFFECT,
                    format!("{} has no effect here", quoted(field.written)),
                )
                .at(field.key_span.clone())
                .label("this backup removes no snapshots")
                .help(
                    "a rule such as `keep_daily` removes some; \"always\" prunes in each run, whoever has removed snapshots",
                ),
            );
        }
    }

    fn not_a_share(&mut self, field: Field<'_>, expected: &str) {
        self.report(
            Diagnostic::error(
                codes::WRONG_TYPE,
                format!("{} takes {expected}", quoted(field.written)),
            )
            .at(field.node.span.clone())
            .label("not one of these"),
        );
    }
}

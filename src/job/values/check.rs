//! Checks a value by its key alone.

use super::ValueReader;
use crate::job::decode::Field;
use crate::job::keys::{Object, Shape, Support};
use crate::job::timing::{self, Timing};

impl ValueReader<'_> {
    /// Reports what is wrong with a value, whether or not the action uses it.
    pub fn check(&mut self, field: Field<'_>, timing: &Timing) {
        if field.key.support != Support::Used {
            return;
        }
        let given = Some(field);
        match field.key.shape {
            Shape::Text | Shape::SecretText | Shape::JobId | Shape::Container => {
                self.text(given);
            }
            Shape::HostName => {
                self.host_name(given);
            }
            Shape::BackupName => {
                self.backup_name(given);
            }
            Shape::Path => {
                self.path(given);
            }
            Shape::Paths => {
                self.paths(given);
            }
            Shape::Secret => {
                self.secret(given);
            }
            Shape::Flag => {
                self.flag(given);
            }
            Shape::Number(_) => {
                self.number(given);
            }
            Shape::Age => {
                self.age_in_days(given);
            }
            Shape::Count => {
                if !field.node.is_unset() {
                    self.kept_count(&field);
                }
            }
            Shape::Share => {
                self.share(field);
            }
            Shape::Span => {
                if !field.node.is_unset() {
                    self.span(&field);
                }
            }
            Shape::Duration => {
                timing::duration(given, self);
            }
            Shape::Tags => {
                if !field.node.is_unset() {
                    self.tags(&field);
                }
            }
            Shape::Object(Object::Keep) => {
                self.rules_object(&field);
            }
            Shape::Words(_) => {
                self.word(given);
            }
            Shape::Storage => {
                let _ = self.storage(given);
            }
            Shape::Mode => self.mode(given),
            Shape::Patterns => {
                self.patterns(given);
            }
            Shape::Markers => {
                self.markers(given);
            }
            Shape::Size => {
                self.size(given);
            }
            Shape::ReadData => {
                self.read_data(given);
            }
            Shape::MaxUnused => {
                self.max_unused(given);
            }
            Shape::Rate => {
                self.rate_limit(given);
            }
            Shape::Links => {
                self.links(given);
            }
            Shape::Compression => {
                self.compression(given);
            }
            Shape::Receivers => {
                self.receivers(given);
            }
            Shape::Command => {
                self.command(given);
            }
            Shape::Date => {
                timing.moment(given, self);
            }
            Shape::Timestamp => {
                self.timestamp(given);
            }
            Shape::Targets => {
                self.target_list(&field, timing);
            }
            // Others read these: objects field by field, the schedule as a whole.
            Shape::Schedule | Shape::Actions | Shape::Object(_) | Shape::Anything => {}
        }
    }
}

//! The further containers of a backup. Each becomes a backup of its own, which knows those before it.

use super::action::{Backup, Container};
use super::codes;
use super::decode::{self, Field, Fields};
use super::diagnostic::Diagnostic;
use super::json::{Node, Span, Value};
use super::keys::{MOST_TARGETS, Object};
use super::timing::Timing;
use super::values::{ValueReader, head};
use crate::keep::Rules;

/// An entry of `targets`.
pub(super) struct Target {
    pub container: Container,
    span: Span,
    /// If both are empty, those of the action.
    remove_older_than: Option<f64>,
    keep: Rules,
}

/// The backups to the container of the action and to the targets.
pub(super) fn each(first: Backup, targets: Vec<Target>) -> Vec<Backup> {
    let mut before = vec![first.container.clone()];
    let mut backups = vec![first.clone()];
    for target in targets {
        let mut backup = Backup {
            container: target.container.clone(),
            copy_from: before.clone(),
            ..first.clone()
        };
        if target.remove_older_than.is_some() || !target.keep.is_empty() {
            backup.remove_older_than = target.remove_older_than;
            backup.keep = target.keep;
        }
        backups.push(backup);
        before.push(target.container);
    }
    backups
}

impl ValueReader<'_> {
    /// The entries of `targets`. `None`: one of them is wrong.
    pub(super) fn targets(&mut self, fields: &Fields<'_>, timing: &Timing) -> Option<Vec<Target>> {
        let Some(field) = fields.set("targets") else {
            return Some(Vec::new());
        };
        let targets = self.target_list(&field, timing)?;
        let mut known: Vec<Container> = self.container(fields).into_iter().collect();
        for target in &targets {
            let location = &target.container.location;
            if known.iter().any(|it| it.location == *location) {
                self.report(
                    Diagnostic::error(
                        codes::CONFLICTING_KEYS,
                        format!("the container {location} is named twice"),
                    )
                    .at(target.span.clone())
                    .label("the same container as before")
                    .help("name another container, or remove this target"),
                );
                return None;
            }
            known.push(target.container.clone());
        }
        Some(targets)
    }

    /// As [`ValueReader::targets`], by the list alone.
    pub(super) fn target_list(
        &mut self,
        field: &Field<'_>,
        timing: &Timing,
    ) -> Option<Vec<Target>> {
        let nodes = match &field.node.value {
            Value::List(nodes) if nodes.len() <= MOST_TARGETS => nodes,
            Value::List(nodes) => {
                let count = nodes.len();
                self.report(
                    Diagnostic::error(
                        codes::OUT_OF_RANGE,
                        format!(
                            "a backup has at most {MOST_TARGETS} targets, and this one has {count}"
                        ),
                    )
                    .at(head(field.node))
                    .label("too many targets")
                    .help("use an action `copy` for further ones"),
                );
                return None;
            }
            Value::Broken => return None,
            _ if field.node.is_unset() => return Some(Vec::new()),
            _ => {
                self.wrong_type(
                    field,
                    "a list",
                    "`[{\"storage\": \"offsite\", \"container\": \"www\"}]`",
                );
                return None;
            }
        };
        let targets: Vec<Target> = nodes
            .iter()
            .filter_map(|node| self.target(node, timing))
            .collect();
        (targets.len() == nodes.len()).then_some(targets)
    }

    fn target(&mut self, node: &Node, timing: &Timing) -> Option<Target> {
        if node.members().is_none() {
            if node.value != Value::Broken {
                let message = format!(
                    "an entry of `targets` is an object, and this is {}",
                    node.kind()
                );
                self.report(
                    Diagnostic::error(codes::WRONG_TYPE, message)
                        .at(head(node))
                        .label("expected an object")
                        .help("write `{\"storage\": \"offsite\", \"container\": \"www\"}`"),
                );
            }
            return None;
        }
        let fields = decode::fields(node, Object::Target, None, &mut self.diagnostics);
        decode::missing(
            &fields,
            Object::Target,
            None,
            "a target",
            &mut self.diagnostics,
        );
        for field in fields.iter() {
            self.check(*field, timing);
        }
        let container = self.container(&fields);
        let remove_older_than = self.age_in_days(fields.get("remove_older_than"));
        let keep = self.rules(&fields);
        Some(Target {
            container: container?,
            span: head(node),
            remove_older_than,
            keep: keep?,
        })
    }
}

//! Reads an entry of `job_actions` into an action that is complete and in range.

use std::time::Duration;

use super::action::{Action, Bandwidth, JobAction};
use super::codes;
use super::decode::{self, FieldSource, Fields};
use super::diagnostic::Diagnostic;
use super::json::{Node, Value};
use super::keys::Object;
use super::kind::WorkKind;
use super::timing::Timing;
use super::values::{ValueReader, head};
use super::work;

/// An entry and its action, as fields.
pub(super) struct Entry<'a> {
    /// The keys of the entry itself.
    pub outer: Fields<'a>,
    /// The keys of the action, with the defaults filled in.
    pub action: Fields<'a>,
    /// `None` where the word for it is unknown.
    pub kind: Option<WorkKind>,
}

/// Reads the fields of an entry.
pub(super) fn entry<'a>(
    node: &'a Node,
    defaults: &Fields<'a>,
    values: &mut ValueReader<'_>,
) -> Option<Entry<'a>> {
    if node.members().is_none() {
        if node.value != Value::Broken {
            values.report(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!(
                        "an entry of `job_actions` is an object, and this is {}",
                        node.kind()
                    ),
                )
                .at(head(node))
                .label("expected an object")
                .help("write `{\"freezer_action\": {…}}`"),
            );
        }
        return None;
    }
    let outer = decode::fields(node, Object::Entry, None, &mut values.diagnostics);
    decode::missing(
        &outer,
        Object::Entry,
        None,
        "an entry of `job_actions`",
        &mut values.diagnostics,
    );
    let inner = outer.get("freezer_action")?.node;
    if inner.members().is_none() {
        if inner.value != Value::Broken && !inner.is_unset() {
            values.report(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!(
                        "`freezer_action` is an object, and this is {}",
                        inner.kind()
                    ),
                )
                .at(head(inner))
                .label("expected an object"),
            );
        }
        return None;
    }
    // The kind decides which other keys are right, so it is read first.
    let kind = kind(inner, defaults);
    let mut action = decode::fields(inner, Object::Action, kind, &mut values.diagnostics);
    action.fill(defaults, kind);
    Some(Entry {
        outer,
        action,
        kind,
    })
}

/// The kind of work that an action, or else the defaults, name. `None`: the value is not a known word, which the check
/// of the values reports.
fn kind(action: &Node, defaults: &Fields<'_>) -> Option<WorkKind> {
    let own = action.get("action").map(|member| &member.node);
    let written = own
        .filter(|node| node.value != Value::Null)
        .or_else(|| defaults.get("action").map(|field| field.node));
    match written.map(|node| &node.value) {
        None | Some(Value::Null | Value::Bool(false)) => Some(WorkKind::DEFAULT),
        Some(Value::Text(text)) => match text.content.trim() {
            "" => Some(WorkKind::DEFAULT),
            word => WorkKind::of_word(word),
        },
        Some(_) => None,
    }
}

/// Reads the action of an entry, or one for each target of a backup; empty where it cannot be performed as it is written.
pub(super) fn job_actions(
    entry: &Entry<'_>,
    timing: &Timing,
    values: &mut ValueReader<'_>,
) -> Vec<JobAction> {
    let mandatory = values.flag(entry.outer.get("mandatory")).unwrap_or(false);
    let max_retries = values.count(entry.outer.get("max_retries")).unwrap_or(0);
    let retry_wait = values
        .seconds(entry.outer.get("max_retries_interval"))
        .unwrap_or(Duration::from_secs(60));
    let timeout = timeout_of_either(entry, "timeout", values);
    let stall_timeout = timeout_of_either(entry, "stall_timeout", values);
    let fields = &entry.action;
    let max_priority = values.flag(fields.get("max_priority")).unwrap_or(false);
    let dry_run = values.flag(fields.get("dry_run")).unwrap_or(false);
    let log_file = values.path(fields.get("log_file"));
    let bandwidth = Bandwidth {
        upload: values.rate_limit(fields.get("upload_limit")),
        download: values.rate_limit(fields.get("download_limit")),
    };
    // Report a bad value even where this kind of work does not use it. Equal diagnostics are shown once.
    for field in fields.iter() {
        values.check(*field, timing);
    }
    let Some(kind) = entry.kind else {
        return Vec::new();
    };
    decode::missing(
        fields,
        Object::Action,
        Some(kind),
        kind.named(),
        &mut values.diagnostics,
    );
    let works = work::read(kind, fields, timing, values).unwrap_or_default();
    let action = |work| JobAction {
        action: Action {
            work,
            log_file: log_file.clone(),
            max_priority,
            dry_run,
            bandwidth: bandwidth.clone(),
        },
        mandatory,
        max_retries,
        retry_wait,
        timeout,
        stall_timeout,
    };
    works.into_iter().map(action).collect()
}

/// A timeout may be given beside `freezer_action` or in it. Either wins over a default.
fn timeout_of_either(
    entry: &Entry<'_>,
    name: &str,
    values: &mut ValueReader<'_>,
) -> Option<Duration> {
    let outer_field = entry.outer.set(name);
    let inner_field = entry.action.set(name);
    let outer = values.seconds(outer_field);
    let inner = values.seconds(inner_field);
    if let (Some(a), Some(b), Some(field)) = (outer, inner, inner_field)
        && a != b
        && field.source == FieldSource::Here
    {
        values.report(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                format!("`{name}` is given beside `freezer_action` and in it, with two values"),
            )
            .at(field.key_span.start..field.node.span.end)
            .label("which of the two is meant?")
            .help("keep one of them"),
        );
    }
    outer.or(inner)
}

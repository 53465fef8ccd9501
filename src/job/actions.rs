//! An entry of `job_actions`, turned into an action that is complete and in range.

use std::time::Duration;

use super::action::{Action, JobAction, Work};
use super::codes;
use super::decode::{self, Fields, Source};
use super::diagnostic::Diagnostic;
use super::json::{Node, Value};
use super::keys::{Place, Works};
use super::timing::Timing;
use super::values::{Judge, head};
use super::works;

/// An entry and its action, as fields.
pub(super) struct Entry<'a> {
    /// The entry's own keys.
    pub outer: Fields<'a>,
    /// The action's keys, defaults filled in.
    pub action: Fields<'a>,
    /// The kind of work; `None` where the word is unknown.
    pub works: Option<Works>,
}

/// Reads the fields of an entry.
pub(super) fn entry<'a>(
    node: &'a Node,
    defaults: &Fields<'a>,
    judge: &mut Judge<'_>,
) -> Option<Entry<'a>> {
    if node.members().is_none() {
        if node.value != Value::Broken {
            judge.tell(
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
    let outer = decode::fields(node, Place::Entry, Works::ALL, &mut judge.diagnostics);
    decode::missing(
        &outer,
        Place::Entry,
        Works::ALL,
        "an entry of `job_actions`",
        &mut judge.diagnostics,
    );
    let inner = outer.get("freezer_action")?.node;
    if inner.members().is_none() {
        if inner.value != Value::Broken && !inner.is_unset() {
            judge.tell(
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
    // The word decides which other keys are right, so it is looked up first and judged with them.
    let written = inner
        .get("action")
        .map(|member| &member.node)
        .filter(|node| node.value != Value::Null);
    let written = written.or_else(|| defaults.get("action").map(|field| field.node));
    let works = match written.map(|node| &node.value) {
        None | Some(Value::Null | Value::Bool(false)) => Some(Works::BACKUP),
        Some(Value::Text(text)) if text.content.trim().is_empty() => Some(Works::BACKUP),
        Some(Value::Text(text)) => Works::WORDS
            .into_iter()
            .find(|(word, _)| *word == text.content.trim())
            .map(|(_, works)| works),
        Some(_) => None,
    };
    let mut action = decode::fields(
        inner,
        Place::Action,
        works.unwrap_or(Works::ALL),
        &mut judge.diagnostics,
    );
    action.fill(defaults, works.unwrap_or(Works::ALL));
    Some(Entry {
        outer,
        action,
        works,
    })
}

/// Judges an entry: the action, where it can be performed.
pub(super) fn job_action(
    entry: &Entry<'_>,
    timing: &Timing,
    judge: &mut Judge<'_>,
) -> Option<JobAction> {
    let mandatory = judge.flag(entry.outer.get("mandatory")).unwrap_or(false);
    let max_retries = judge.count(entry.outer.get("max_retries")).unwrap_or(0);
    let retry_wait = judge
        .seconds(entry.outer.get("max_retries_interval"))
        .unwrap_or(Duration::from_secs(60));
    let timeout = either(entry, "timeout", judge);
    let stall_timeout = either(entry, "stall_timeout", judge);
    let fields = &entry.action;
    let max_priority = judge.flag(fields.get("max_priority")).unwrap_or(false);
    let dry_run = judge.flag(fields.get("dry_run")).unwrap_or(false);
    let log_file = judge.path(fields.get("log_file"));
    // A bad value is told also where this kind of work has no use for it; what is told twice is shown once.
    for field in fields.iter() {
        judge.any(*field, timing);
    }
    let works = entry.works?;
    let word = works.words().next().unwrap_or("backup");
    let whose = if word == "admin" || word == "info" || word == "exec" {
        format!("an action `{word}`")
    } else {
        format!("a {word}")
    };
    decode::missing(fields, Place::Action, works, &whose, &mut judge.diagnostics);
    let work = match word {
        "restore" => works::restore(fields, timing, judge).map(Work::Restore),
        "admin" => works::admin(fields, timing, judge).map(Work::Admin),
        "info" => works::info(fields, judge).map(Work::Info),
        "exec" => works::exec(fields, judge).map(Work::Exec),
        "check" => works::check(fields, judge).map(Work::Check),
        _ => works::backup(fields, judge).map(Work::Backup),
    }?;
    let action = Action {
        work,
        log_file,
        max_priority,
        dry_run,
    };
    Some(JobAction {
        action,
        mandatory,
        max_retries,
        retry_wait,
        timeout,
        stall_timeout,
    })
}

/// A timeout may stand beside `freezer_action` or in it; a default gives way to either.
fn either(entry: &Entry<'_>, name: &str, judge: &mut Judge<'_>) -> Option<Duration> {
    let outer_field = entry.outer.set(name);
    let inner_field = entry.action.set(name);
    let outer = judge.seconds(outer_field);
    let inner = judge.seconds(inner_field);
    if let (Some(a), Some(b), Some(field)) = (outer, inner, inner_field)
        && a != b
        && field.source == Source::Here
    {
        judge.tell(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                format!("`{name}` stands beside `freezer_action` and in it, with two values"),
            )
            .at(field.key_span.start..field.node.span.end)
            .label("which of the two is meant?")
            .help("keep one of them"),
        );
    }
    outer.or(inner)
}

//! Parses a job file: from its bytes to a job, or to diagnostics.

use super::codes;
use super::decode::{self, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::encoding::text;
use super::entry;
use super::identity;
use super::json::{self, Node, Value};
use super::keys::{Object, is_remark};
use super::kind::WorkKinds;
use super::secret_text::{self, Secrets};
use super::timing::{self, Timing};
use super::values::{ValueReader, head};
use super::{Host, Job, Parsed, Spans};
use crate::schedule::habits;
use crate::units;

/// The largest number of actions in a job.
pub const ACTION_LIMIT: usize = 1_000;

/// The largest number of diagnostics for one file.
const DIAGNOSTIC_LIMIT: usize = 100;

/// Parses a job file. `file_name` is the name without directories; a job without an id takes its id from it.
///
/// All faults are reported at once. Where the JSON is broken but its structure is clear, the keys and the values are
/// checked too. Where brackets or quotes do not match, only that is reported.
pub fn parse(bytes: &[u8], file_name: &str, host: &Host) -> Parsed {
    let mut values = ValueReader::new(host, file_name);
    let Some(text) = text(bytes, &mut values) else {
        return finish(
            values.diagnostics,
            None,
            Some(identity::derived(file_name)),
            Spans::default(),
        );
    };
    let secrets = Secrets::of(&text);
    let document = json::read(&text);
    values.diagnostics.extend(document.faults);
    let broken = values.diagnostics.iter().any(Diagnostic::is_error);
    let before = values.diagnostics.len();

    let job = document
        .root
        .as_ref()
        .and_then(|root| job_node(root, &mut values));
    let Some(node) = job else {
        if document.structure_lost {
            values.diagnostics.truncate(before);
        }
        let id_unknown = document.root.is_none() || document.structure_lost;
        let id = if id_unknown {
            None
        } else {
            Some(identity::derived(file_name))
        };
        let diagnostics = secrets.hidden(values.diagnostics);
        return finish(diagnostics, None, id, Spans::default());
    };

    let fields = decode::fields(node, Object::Job, None, &mut values.diagnostics);
    let id_given = fields.set("job_id").is_some();
    let mut spans = Spans {
        job_id: fields.set("job_id").map(|field| field.node.span.clone()),
        ..Spans::default()
    };
    let id = identity::job_id(&fields, file_name, &mut values);
    let job = read_job(node, &fields, id.clone(), &mut spans, &mut values);

    if document.structure_lost {
        // The values may belong to other objects than it seems: their faults would mislead.
        values.diagnostics.truncate(before);
        let diagnostics = secrets.hidden(values.diagnostics);
        return finish(diagnostics, None, id.filter(|_| id_given), spans);
    }
    if broken {
        // A key that seems to be missing may be in the part that could not be read. Warnings can wait.
        let checked = values.diagnostics.split_off(before);
        values.diagnostics.extend(
            checked
                .into_iter()
                .filter(|fault| fault.is_error() && fault.code != codes::MISSING_KEY.name),
        );
    }
    finish(secrets.hidden(values.diagnostics), job, id, spans)
}

/// The object that is the job: the outermost one of the file, or the one under `job`.
pub(super) fn job_node<'a>(root: &'a Node, values: &mut ValueReader<'_>) -> Option<&'a Node> {
    let Some(members) = root.members() else {
        let help = match root.value {
            Value::List(_) => "one file holds one job: write each job into its own file",
            _ => "a job begins with `{`",
        };
        if root.value != Value::Broken {
            values.report(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!("a job file holds an object, and this is {}", root.kind()),
                )
                .at(head(root))
                .label("expected an object")
                .help(help),
            );
        }
        return None;
    };
    let Some(wrapper) = members.iter().find(|member| member.key == "job") else {
        return Some(root);
    };
    for member in members {
        if !is_remark(&member.key) && member.key != "job" {
            values.report(
                Diagnostic::error(
                    codes::MISPLACED_KEY,
                    format!("{} is beside `job`", quoted(&member.key)),
                )
                .at(member.key_span.clone())
                .label("outside of the job")
                .help("move it into the object `\"job\": {…}`"),
            );
        }
    }
    if members.iter().filter(|member| member.key == "job").count() > 1 {
        values.report(
            Diagnostic::error(codes::CONFLICTING_KEYS, "`job` is given twice")
                .at(wrapper.key_span.clone())
                .label("the first one")
                .help("one file holds one job: write each job into its own file"),
        );
    }
    if wrapper.node.members().is_none() {
        if wrapper.node.value != Value::Broken {
            values.report(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!("`job` is an object, and this is {}", wrapper.node.kind()),
                )
                .at(head(&wrapper.node))
                .label("expected an object"),
            );
        }
        return None;
    }
    Some(&wrapper.node)
}

/// The fields of an object below a key; none where the key is absent.
pub(super) fn object<'a>(
    fields: &Fields<'a>,
    name: &str,
    object: Object,
    values: &mut ValueReader<'_>,
) -> Fields<'a> {
    let Some(field) = fields.get(name) else {
        return Fields::none(fields.span.clone());
    };
    if field.node.members().is_none() && !field.node.is_unset() && field.node.value != Value::Broken
    {
        let mut wrong = Diagnostic::error(
            codes::WRONG_TYPE,
            format!(
                "{} is an object, and this is {}",
                quoted(field.written),
                field.node.kind()
            ),
        )
        .at(head(field.node))
        .label("expected an object");
        if let (Object::Schedule, Value::Text(text)) = (object, &field.node.value) {
            wrong = wrong.help(match habits::as_members(&text.content) {
                Some(fields) => format!("write `{{{fields}}}`"),
                None => format!("in an object, {}", habits::in_keys(&text.content)),
            });
        }
        values.report(wrong);
    }
    decode::fields(field.node, object, None, &mut values.diagnostics)
}

fn read_job(
    node: &Node,
    fields: &Fields<'_>,
    id: Option<String>,
    spans: &mut Spans,
    values: &mut ValueReader<'_>,
) -> Option<Job> {
    decode::missing(fields, Object::Job, None, "a job", &mut values.diagnostics);
    let client_id = values.name(fields.set("client_id"), "a client id");
    let description = values.text(fields.get("description")).unwrap_or_default();
    let schedule_fields = object(fields, "job_schedule", Object::Schedule, values);
    let timing = Timing::read(&schedule_fields, values);
    let first = schedule_fields
        .iter()
        .find(|field| field.key.name.starts_with("schedule_") && !field.node.is_unset());
    spans.schedule = first.map(|field| field.key_span.clone());
    let initial = timing::initial_state(&schedule_fields, values);
    let max_age = timing::duration(fields.get("max_age"), values);
    let notify = values.receivers(fields.get("notify"));
    let defaults = object(fields, "action_defaults", Object::Action, values);
    for field in defaults.iter() {
        values.check(*field, &timing);
    }
    let mut actions = Vec::new();
    let mut seen = WorkKinds::NONE;
    for (index, node) in action_nodes(fields, values).iter().enumerate() {
        values.action = index;
        let Some(entry) = entry::entry(node, &defaults, values) else {
            continue;
        };
        seen = entry.kind.map_or(WorkKinds::ALL, |kind| seen.with(kind));
        for action in entry::job_actions(&entry, &timing, values) {
            actions.push(action);
            spans.actions.push(match entry.action.set("backup_name") {
                Some(field) => field.node.span.clone(),
                None => entry.action.span.start..entry.action.span.start + 1,
            });
        }
    }
    if seen != WorkKinds::NONE {
        for field in defaults.iter().filter(|field| !field.key.kinds.meets(seen)) {
            values.report(
                Diagnostic::warning(
                    codes::UNUSED_DEFAULT,
                    format!("no action of this job uses {}", quoted(field.written)),
                )
                .at(field.key_span.clone())
                .label("without effect")
                .help("remove it, or move it into the action that needs it"),
            );
        }
    }
    super::lint::secrets(node, values);
    Some(Job {
        id: id?,
        client_id,
        description,
        actions,
        schedule: timing.schedule?,
        initial,
        max_age,
        notify,
        document: secret_text::without_secrets(node.to_json()),
    })
}

/// The entries of `job_actions`. A single entry without a list, as in the overview of the documentation of Freezer, is
/// a list of one.
pub(super) fn action_nodes<'a>(fields: &Fields<'a>, values: &mut ValueReader<'_>) -> &'a [Node] {
    let Some(field) = fields.get("job_actions") else {
        return &[];
    };
    match &field.node.value {
        Value::Object(_) => std::slice::from_ref(field.node),
        Value::List(nodes) if nodes.len() > ACTION_LIMIT => {
            values.report(
                Diagnostic::error(
                    codes::TOO_MANY_ACTIONS,
                    format!(
                        "a job has at most {ACTION_LIMIT} actions, and this one has {}",
                        nodes.len()
                    ),
                )
                .at(head(field.node))
                .label("too many actions")
                .help("split the job"),
            );
            &[]
        }
        Value::List(nodes) => {
            if nodes.is_empty() {
                values.report(
                    Diagnostic::warning(codes::NO_ACTIONS, "a job without actions does nothing")
                        .at(field.node.span.clone())
                        .label("empty")
                        .help("add `{\"freezer_action\": {…}}`"),
                );
            }
            nodes
        }
        _ if field.node.is_unset() || field.node.value == Value::Broken => &[],
        _ => {
            values.report(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!(
                        "{} is a list, and this is {}",
                        quoted(field.written),
                        field.node.kind()
                    ),
                )
                .at(field.node.span.clone())
                .label("expected a list"),
            );
            &[]
        }
    }
}

fn finish(
    mut diagnostics: Vec<Diagnostic>,
    job: Option<Job>,
    job_id: Option<String>,
    spans: Spans,
) -> Parsed {
    diagnostics.sort_by_key(|fault| fault.span.as_ref().map_or(0, |span| span.start));
    let mut seen = std::collections::HashSet::new();
    diagnostics.retain(|fault| {
        seen.insert((
            fault.code.clone(),
            fault.span.clone(),
            fault.message.clone(),
        ))
    });
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    if !failed && job.is_none() {
        diagnostics.push(
            Diagnostic::error(
                codes::INTERNAL,
                "the job cannot be used, and freezerd cannot say why",
            )
            .help("please report this, with the file"),
        );
    }
    if diagnostics.len() > DIAGNOSTIC_LIMIT {
        // Keep errors first. Without them the job would seem to load.
        let kept_errors = diagnostics
            .iter()
            .take(DIAGNOSTIC_LIMIT)
            .any(Diagnostic::is_error);
        if failed && !kept_errors {
            diagnostics.retain(Diagnostic::is_error);
        }
        let more = diagnostics.len().saturating_sub(DIAGNOSTIC_LIMIT);
        diagnostics.truncate(DIAGNOSTIC_LIMIT);
        if more > 0 {
            let are = units::count(more as u64, "more message", "more messages");
            let rest = format!("this file has {are}");
            diagnostics.push(if failed {
                Diagnostic::error(codes::TOO_MANY_FAULTS, rest)
            } else {
                Diagnostic::warning(codes::TOO_MANY_FAULTS, rest)
            });
        }
    }
    Parsed {
        job: job.filter(|_| !failed),
        job_id,
        diagnostics,
        spans,
    }
}

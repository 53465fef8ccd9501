//! The way from a file's bytes to a job.

use std::borrow::Cow;

use super::actions;
use super::codes;
use super::decode::{self, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::identity;
use super::json::{self, Node, Value};
use super::keys::{Place, Works, is_remark};
use super::timing::{self, Timing};
use super::values::{Judge, head};
use super::{Host, Job, Parsed, Places};

/// The largest job file that is read, in bytes.
pub const SIZE_LIMIT: usize = 1 << 20;

/// The most actions that a job may have.
pub const ACTION_LIMIT: usize = 1_000;

/// The most diagnostics that one file gets.
const DIAGNOSTIC_LIMIT: usize = 100;

/// Reads a job file. The name is that of the file, without directories: a job without an id is named after it.
///
/// All faults are told at once. Where the file is broken as JSON but its structure is clear, its keys and values are
/// judged all the same; where brackets or quotes do not pair up, only that is told.
pub fn parse(bytes: &[u8], file_name: &str, host: &Host) -> Parsed {
    let mut judge = Judge {
        host,
        diagnostics: Vec::new(),
    };
    let Some(text) = text(bytes, &mut judge) else {
        return finish(
            judge.diagnostics,
            None,
            Some(identity::derived(file_name)),
            Places::default(),
        );
    };
    let document = json::read(&text);
    judge.diagnostics.extend(document.faults);
    let broken = judge.diagnostics.iter().any(Diagnostic::is_error);
    let before = judge.diagnostics.len();

    let job = document
        .root
        .as_ref()
        .and_then(|root| job_node(root, &mut judge));
    let Some(node) = job else {
        if document.structure_lost {
            judge.diagnostics.truncate(before);
        }
        let told = document.root.is_none() || document.structure_lost;
        let id = if told {
            None
        } else {
            Some(identity::derived(file_name))
        };
        return finish(judge.diagnostics, None, id, Places::default());
    };

    let fields = decode::fields(node, Place::Job, Works::ALL, &mut judge.diagnostics);
    let id_told = fields.set("job_id").is_some();
    let mut places = Places {
        job_id: fields.set("job_id").map(|field| field.node.span.clone()),
        ..Places::default()
    };
    let id = identity::job_id(&fields, file_name, &mut judge);
    let job = read_job(node, &fields, id.clone(), &mut places, &mut judge);

    if document.structure_lost {
        // What was read may hang in the wrong place: its faults would mislead.
        judge.diagnostics.truncate(before);
        return finish(judge.diagnostics, None, id.filter(|_| id_told), places);
    }
    if broken {
        // What seems to be missing may stand where the file could not be read; and advice can wait.
        let judged = judge.diagnostics.split_off(before);
        judge.diagnostics.extend(
            judged
                .into_iter()
                .filter(|fault| fault.is_error() && fault.code != codes::MISSING_KEY.name),
        );
    }
    finish(judge.diagnostics, job, id, places)
}

/// The object that is the job: the file's outermost one, or the one under `job`.
pub(super) fn job_node<'a>(root: &'a Node, judge: &mut Judge<'_>) -> Option<&'a Node> {
    let Some(members) = root.members() else {
        let help = match root.value {
            Value::List(_) => "one file holds one job: write each into a file of its own",
            _ => "a job begins with `{`",
        };
        if root.value != Value::Broken {
            judge.tell(
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
            judge.tell(
                Diagnostic::error(
                    codes::MISPLACED_KEY,
                    format!("{} stands beside `job`", quoted(&member.key)),
                )
                .at(member.key_span.clone())
                .label("outside of the job")
                .help("everything of the job stands inside of `\"job\": {…}`"),
            );
        }
    }
    if members.iter().filter(|member| member.key == "job").count() > 1 {
        judge.tell(
            Diagnostic::error(codes::CONFLICTING_KEYS, "`job` is given twice")
                .at(wrapper.key_span.clone())
                .label("the first one")
                .help("one file holds one job: write each into a file of its own"),
        );
    }
    if wrapper.node.members().is_none() {
        if wrapper.node.value != Value::Broken {
            judge.tell(
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

/// An object below a key; no fields where it is absent.
pub(super) fn object<'a>(
    fields: &Fields<'a>,
    name: &str,
    place: Place,
    judge: &mut Judge<'_>,
) -> Fields<'a> {
    let Some(field) = fields.get(name) else {
        return Fields::none(fields.span.clone());
    };
    if field.node.members().is_none() && !field.node.is_unset() && field.node.value != Value::Broken
    {
        judge.tell(
            Diagnostic::error(
                codes::WRONG_TYPE,
                format!(
                    "{} is an object, and this is {}",
                    quoted(field.written),
                    field.node.kind()
                ),
            )
            .at(head(field.node))
            .label("expected an object"),
        );
    }
    decode::fields(field.node, place, Works::ALL, &mut judge.diagnostics)
}

fn read_job(
    node: &Node,
    fields: &Fields<'_>,
    id: Option<String>,
    places: &mut Places,
    judge: &mut Judge<'_>,
) -> Option<Job> {
    decode::missing(
        fields,
        Place::Job,
        Works::ALL,
        "a job",
        &mut judge.diagnostics,
    );
    let client_id = judge.name(fields.set("client_id"), "a client's id");
    let description = judge.text(fields.get("description")).unwrap_or_default();
    let schedule_fields = object(fields, "job_schedule", Place::Schedule, judge);
    let timing = Timing::read(&schedule_fields, judge);
    let first = schedule_fields
        .iter()
        .find(|field| field.key.name.starts_with("schedule_") && !field.node.is_unset());
    places.schedule = first.map(|field| field.key_span.clone());
    let initial = timing::initial_state(&schedule_fields, judge);
    let defaults = object(fields, "action_defaults", Place::Action, judge);
    for field in defaults.iter() {
        judge.any(*field, &timing);
    }
    let mut actions = Vec::new();
    let mut seen = Works::NONE;
    for node in action_nodes(fields, judge) {
        let Some(entry) = actions::entry(node, &defaults, judge) else {
            continue;
        };
        seen = seen.and(entry.works.unwrap_or(Works::ALL));
        if let Some(action) = actions::job_action(&entry, &timing, judge) {
            actions.push(action);
            places.actions.push(match entry.action.set("backup_name") {
                Some(field) => field.node.span.clone(),
                None => entry.action.span.start..entry.action.span.start + 1,
            });
        }
    }
    if seen != Works::NONE {
        for field in defaults.iter().filter(|field| !field.key.works.meets(seen)) {
            judge.tell(
                Diagnostic::warning(
                    codes::UNUSED_DEFAULT,
                    format!("no action of this job takes {}", quoted(field.written)),
                )
                .at(field.key_span.clone())
                .label("without effect")
                .help("remove it, or move it into the action that it was meant for"),
            );
        }
    }
    super::lint::secrets(node, judge);
    Some(Job {
        id: id?,
        client_id,
        description,
        actions,
        schedule: timing.schedule?,
        initial,
        document: node.to_json(),
    })
}

/// The entries of `job_actions`. One that stands alone, as in the overview of Freezer's documentation, is a list of
/// one.
pub(super) fn action_nodes<'a>(fields: &Fields<'a>, judge: &mut Judge<'_>) -> &'a [Node] {
    let Some(field) = fields.get("job_actions") else {
        return &[];
    };
    match &field.node.value {
        Value::Object(_) => std::slice::from_ref(field.node),
        Value::List(nodes) if nodes.len() > ACTION_LIMIT => {
            judge.tell(
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
                judge.tell(
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
            judge.tell(
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

/// The file as text of the same length, with a mark for each byte that is none.
pub(super) fn text<'a>(bytes: &'a [u8], judge: &mut Judge<'_>) -> Option<Cow<'a, str>> {
    if bytes.len() > SIZE_LIMIT {
        judge.tell(
            Diagnostic::error(
                codes::FILE_TOO_LARGE,
                format!(
                    "a job file has at most {SIZE_LIMIT} bytes, and this one has {}",
                    bytes.len()
                ),
            )
            .help("a job takes a few hundred bytes: is this the right file?"),
        );
        return None;
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        judge.tell(
            Diagnostic::error(codes::NOT_UTF8, "the file is UTF-16, not UTF-8")
                .at(0..0)
                .help("save it as UTF-8: `iconv -f UTF-16 -t UTF-8`"),
        );
        return None;
    }
    let fault = match std::str::from_utf8(bytes) {
        Ok(text) => return Some(Cow::Borrowed(text)),
        Err(fault) => fault,
    };
    let start = fault.valid_up_to();
    let end = fault
        .error_len()
        .map_or(bytes.len(), |length| start + length);
    let mut text = String::with_capacity(bytes.len());
    let mut count = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            text.push('?');
        }
        count += usize::from(!chunk.invalid().is_empty());
    }
    let message = match count {
        1 => "the file is not UTF-8 here".to_owned(),
        2 => "the file is not UTF-8, here and in one more place".to_owned(),
        _ => format!(
            "the file is not UTF-8, here and in {} more places",
            count - 1
        ),
    };
    let written: Vec<String> = bytes
        .get(start..end)
        .unwrap_or(&[])
        .iter()
        .map(|byte| format!("0x{byte:02X}"))
        .collect();
    judge.tell(
        Diagnostic::error(codes::NOT_UTF8, message)
            .at(start..end)
            .label(written.join(" "))
            .help("save the file as UTF-8; if it is Latin-1: `iconv -f ISO-8859-1 -t UTF-8`"),
    );
    Some(Cow::Owned(text))
}

fn finish(
    mut diagnostics: Vec<Diagnostic>,
    job: Option<Job>,
    job_id: Option<String>,
    places: Places,
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
                "the job cannot be used, and freezerd failed to say why",
            )
            .help("please report this, with the file"),
        );
    }
    if diagnostics.len() > DIAGNOSTIC_LIMIT {
        // Errors first, or the job would seem to load.
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
            let rest = format!(
                "there is more to say about this file: {more} further messages are left out"
            );
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
        places,
    }
}

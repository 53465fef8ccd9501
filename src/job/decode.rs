//! Reads an object of the file as fields: resolves aliases, fills in `action_defaults`, and reports every key that does
//! not belong there.

use super::codes;
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Member, Node, Span, Value};
use super::keys::{self, Key, Meaning, Object, Support};
use super::kind::{WorkKind, WorkKinds};
use crate::schedule::habits;

/// Where a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldSource {
    /// The object itself.
    Here,
    /// `action_defaults`.
    Defaults,
}

/// A known key that is present.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub key: &'static Key,
    /// The key as the file writes it.
    pub written: &'a str,
    pub key_span: &'a Span,
    pub node: &'a Node,
    pub source: FieldSource,
}

/// The known keys of one object.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    /// The span of the object.
    pub span: Span,
    fields: Vec<Field<'a>>,
    /// Keys that the user probably meant by unknown ones. They are not reported as missing as well.
    meant: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of an object that is absent.
    pub fn none(span: Span) -> Fields<'a> {
        Fields {
            span,
            fields: Vec::new(),
            meant: Vec::new(),
        }
    }

    /// The field, whatever its value.
    pub fn get(&self, name: &str) -> Option<Field<'a>> {
        self.fields
            .iter()
            .find(|field| field.key.name == name)
            .copied()
    }

    /// The field, unless its value leaves it unset.
    pub fn set(&self, name: &str) -> Option<Field<'a>> {
        self.get(name).filter(|field| !field.node.is_unset())
    }

    /// Every field, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter()
    }

    /// Gives keys that are absent or null the value of the defaults. With a kind of work: only keys for that kind.
    pub fn fill(&mut self, defaults: &Fields<'a>, kind: Option<WorkKind>) {
        for default in &defaults.fields {
            if kind.is_some_and(|kind| !default.key.kinds.has(kind)) {
                continue;
            }
            let field = Field {
                source: FieldSource::Defaults,
                ..*default
            };
            match self
                .fields
                .iter_mut()
                .find(|own| own.key.name == default.key.name)
            {
                Some(own) if own.node.value == Value::Null => *own = field,
                Some(_) => {}
                None => self.fields.push(field),
            }
        }
    }
}

/// Reads an object. With a kind of work, keys for other kinds are reported.
pub(super) fn fields<'a>(
    node: &'a Node,
    object: Object,
    kind: Option<WorkKind>,
    out: &mut Vec<Diagnostic>,
) -> Fields<'a> {
    let mut fields = Fields::none(node.span.clone());
    let Some(members) = node.members() else {
        return fields;
    };
    for member in members {
        if keys::is_remark(&member.key) {
            continue;
        }
        let Some(key) = object.find(&member.key) else {
            if object != Object::Job || !member.key.replace('-', "_").starts_with("session_") {
                fields.meant.extend(unknown(member, object, kind, out));
            }
            continue;
        };
        if let Some(kind) = kind
            && !key.kinds.has(kind)
            && !member.node.is_unset()
        {
            out.push(of_other_kind(member, key, kind));
            continue;
        }
        if let Some(first) = fields.get(key.name) {
            repeated(member, &first, out);
            continue;
        }
        report_support(member, key, out);
        fields.fields.push(Field {
            key,
            written: &member.key,
            key_span: &member.key_span,
            node: &member.node,
            source: FieldSource::Here,
        });
    }
    fields
}

/// Reports the required keys that are absent. `whose` is who needs them, for the sentence.
pub(super) fn missing(
    fields: &Fields<'_>,
    object: Object,
    kind: Option<WorkKind>,
    whose: &str,
    out: &mut Vec<Diagnostic>,
) {
    for key in object.keys() {
        let required = match kind {
            Some(kind) => key.required.has(kind),
            None => key.required != WorkKinds::NONE,
        };
        if !required || fields.set(key.name).is_some() || fields.meant.contains(&key.name) {
            continue;
        }
        // Point at the key where it is there but unset, else at the object that lacks it.
        let (span, label) = match fields.get(key.name) {
            Some(field) if field.node.value == Value::Broken => continue,
            Some(field) => (field.node.span.clone(), "this leaves it unset"),
            None => (
                fields.span.start..fields.span.start + 1,
                "not in this object",
            ),
        };
        out.push(
            Diagnostic::error(codes::MISSING_KEY, format!("{whose} needs `{}`", key.name))
                .at(span)
                .label(label)
                .help(format!(
                    "add `\"{}\": {}`: {}",
                    key.name,
                    key.example,
                    lower_first(key.about)
                )),
        );
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Reports a key that has no effect, or that this version does not support.
fn report_support(member: &Member, key: &Key, out: &mut Vec<Diagnostic>) {
    if member.node.is_unset() || is_minus_one(&member.node) {
        return;
    }
    let name = quoted(&member.key);
    match key.support {
        Support::Used | Support::Kept => {}
        Support::NoEffect(instead) => out.push(
            Diagnostic::warning(codes::NO_EFFECT, format!("{name} has no effect here"))
                .at(member.key_span.clone())
                .label("accepted, and ignored")
                .help(instead),
        ),
        Support::Unsupported(why) => out.push(
            Diagnostic::error(
                codes::UNSUPPORTED_KEY,
                format!("{name} is not supported: {why}"),
            )
            .at(member.key_span.clone())
            .label("not in this version")
            .help("remove it, or set it to `null`, if the job does what you want without it"),
        ),
    }
}

/// Whether the value is Freezer's way to say "no limit".
fn is_minus_one(node: &Node) -> bool {
    match &node.value {
        Value::Number(number) => number == "-1",
        Value::Text(text) => text.content.trim() == "-1",
        _ => false,
    }
}

/// Reports a key that the object has already.
fn repeated(member: &Member, first: &Field<'_>, out: &mut Vec<Diagnostic>) {
    let name = quoted(&member.key);
    let again = if member.key.replace('-', "_") == first.written.replace('-', "_") {
        format!("{name} is given twice")
    } else {
        format!(
            "{name} is another name for {}, which is given already",
            quoted(first.written)
        )
    };
    out.push(if member.node.same_as(first.node) {
        Diagnostic::warning(codes::DUPLICATE_KEY, again)
            .at(member.key_span.clone())
            .label("the same value again")
            .help("remove one of the two")
    } else {
        Diagnostic::error(
            codes::CONFLICTING_KEYS,
            format!("{again}, with another value"),
        )
        .at(member.key_span.start..member.node.span.end.max(member.key_span.end))
        .label("which of the two is meant?")
        .help("keep one of them")
    });
}

/// A key of `freezer_action` that is for another kind of work.
fn of_other_kind(member: &Member, key: &Key, kind: WorkKind) -> Diagnostic {
    let name = quoted(&member.key);
    let this = kind.word();
    let others: Vec<String> = key.kinds.words().map(|word| format!("`{word}`")).collect();
    let help = match (key.name, kind, key.kinds.words().next()) {
        ("path_to_backup", WorkKind::Restore, _) => {
            "`restore_abs_path` names the target of a restore".to_owned()
        }
        ("restore_abs_path", WorkKind::Backup, _) => {
            "`path_to_backup` names what a backup reads".to_owned()
        }
        ("remove_from_date", WorkKind::Backup, _) => {
            "a backup can have `remove_older_than`; for a date, add a separate action with `\"action\": \"admin\"`"
                .to_owned()
        }
        (_, _, Some(word)) => {
            format!("did you mean `\"action\": \"{word}\"`? Otherwise remove the key")
        }
        (_, _, None) => "remove the key".to_owned(),
    };
    Diagnostic::error(
        codes::OTHER_ACTIONS_KEY,
        format!(
            "{name} belongs to {}, and this action is `{this}`",
            others.join(" and ")
        ),
    )
    .at(member.key_span.clone())
    .label(format!("not a key of `{this}`"))
    .help(help)
}

/// Reports a key that the object does not have. Returns the key that the user probably meant.
fn unknown(
    member: &Member,
    object: Object,
    kind: Option<WorkKind>,
    out: &mut Vec<Diagnostic>,
) -> Option<&'static str> {
    let name = quoted(&member.key);
    if let Some(service) = keys::openstack_service(&member.key) {
        if !member.node.is_unset() {
            out.push(
                Diagnostic::error(codes::OPENSTACK_KEY, format!("{name} belongs to {service}"))
                    .at(member.key_span.clone())
                    .label("not available here")
                    .help("freezerd backs up the files of its own host and talks to no OpenStack service; remove the key"),
            );
        }
        return None;
    }
    let habit = keys::habit(&member.key);
    let elsewhere = Object::ALL
        .into_iter()
        .find(|other| *other != object && other.find(&member.key).is_some());
    if let (Some(elsewhere), None) = (elsewhere, habit) {
        out.push(
            Diagnostic::error(
                codes::MISPLACED_KEY,
                format!("{name} is in the wrong object"),
            )
            .at(member.key_span.clone())
            .label(format!("not a key of {}", object.name()))
            .help(format!("move it into {}", elsewhere.name())),
        );
        return None;
    }
    let whose = match kind {
        Some(kind) => format!("`\"action\": \"{}\"`", kind.word()),
        None => object.name().to_owned(),
    };
    let unknown = Diagnostic::error(
        codes::UNKNOWN_KEY,
        format!("{name} is not a key of {whose}"),
    )
    .at(member.key_span.clone())
    .label("unknown key");
    if let Some(habit) = habit {
        let (help, meant) = foreign_word(member, habit, object, kind);
        out.push(unknown.help(help));
        return meant;
    }
    let suggestion = keys::suggestion(&member.key, object, kind)
        .or_else(|| keys::suggestion(&member.key, object, None));
    out.push(match suggestion {
        Some(suggestion) => unknown.help(format!("did you mean `{suggestion}`?")),
        None => unknown.help(
            "`freezerd schema` lists every key; a remark of your own begins with `x-` or `_`",
        ),
    });
    suggestion
}

/// What to write in place of a word of another program, and the key of this object that is meant by it.
fn foreign_word(
    member: &Member,
    habit: Meaning,
    object: Object,
    kind: Option<WorkKind>,
) -> (String, Option<&'static str>) {
    match (habit, habit.key(object, kind)) {
        (_, Some((key, whose))) if whose == object => {
            (format!("the key is `{key}` here"), Some(key))
        }
        (_, Some((key, whose))) => (
            format!("the key is `{key}` here, in {}", whose.name()),
            None,
        ),
        (Meaning::Instead(text), None) => (text.to_owned(), None),
        (Meaning::Time | Meaning::Keys(_), None) => {
            let help = match &member.node.value {
                Value::Text(text) => habits::in_keys(&text.content),
                _ => format!("write the time, for example {}", habits::EXAMPLE),
            };
            (format!("in `job_schedule`, {help}"), None)
        }
    }
}

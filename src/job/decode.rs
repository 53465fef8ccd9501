//! An object of the file, turned into fields: aliases resolved, `action_defaults` filled in, and every key that
//! has no business there told of.

use super::codes;
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Member, Node, Span, Value};
use super::keys::{self, Key, Place, Standing, Works};

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The object itself.
    Here,
    /// `action_defaults`.
    Defaults,
}

/// One key that is known and present.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub key: &'static Key,
    /// The key as the file has it.
    pub written: &'a str,
    pub key_span: &'a Span,
    pub node: &'a Node,
    pub source: Source,
}

/// The known keys of one object.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    /// The object.
    pub span: Span,
    fields: Vec<Field<'a>>,
    /// Keys that were likely meant by others, which are unknown: that they are missing need not be told as well.
    meant: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// No fields: of an object that is absent.
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

    /// The field, where its value says anything.
    pub fn set(&self, name: &str) -> Option<Field<'a>> {
        self.get(name).filter(|field| !field.node.is_unset())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter()
    }

    /// Keys that are absent or null get the value that the defaults have.
    pub fn fill(&mut self, defaults: &Fields<'a>, works: Works) {
        for default in &defaults.fields {
            if !default.key.works.meets(works) {
                continue;
            }
            let field = Field {
                source: Source::Defaults,
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

/// Reads an object. `works` are the kinds of work that keys of an action may belong to; elsewhere all of them.
pub(super) fn fields<'a>(
    node: &'a Node,
    place: Place,
    works: Works,
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
        let Some(key) = place.find(&member.key) else {
            if place != Place::Job || !member.key.replace('-', "_").starts_with("session_") {
                fields.meant.extend(unknown(member, place, works, out));
            }
            continue;
        };
        if !key.works.meets(works) && !member.node.is_unset() {
            out.push(misplaced_work(member, key, works));
            continue;
        }
        if let Some(first) = fields.get(key.name) {
            repeated(member, &first, out);
            continue;
        }
        judge_standing(member, key, out);
        fields.fields.push(Field {
            key,
            written: &member.key,
            key_span: &member.key_span,
            node: &member.node,
            source: Source::Here,
        });
    }
    fields
}

/// The keys that an action cannot do without and that are not there.
pub(super) fn missing(
    fields: &Fields<'_>,
    place: Place,
    works: Works,
    whose: &str,
    out: &mut Vec<Diagnostic>,
) {
    for key in place.keys() {
        if !key.required.meets(works)
            || fields.set(key.name).is_some()
            || fields.meant.contains(&key.name)
        {
            continue;
        }
        // One that is there, but unset, is pointed at; else the object that lacks it.
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
                    placeholder(key),
                    lower_first(key.about)
                )),
        );
    }
}

fn placeholder(key: &Key) -> &'static str {
    match key.name {
        "path_to_backup" => "\"/home\"",
        "restore_abs_path" => "\"/srv/restored\"",
        "container" => "\"/srv/backups\"",
        "backup_name" => "\"home\"",
        "command" => "\"/usr/local/bin/prepare\"",
        "job_actions" => "[{\"freezer_action\": {…}}]",
        _ => "…",
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn judge_standing(member: &Member, key: &Key, out: &mut Vec<Diagnostic>) {
    let unset = member.node.is_unset() || is_minus_one(&member.node);
    let name = quoted(&member.key);
    match key.standing {
        Standing::NoEffect(instead) if !unset => out.push(
            Diagnostic::warning(codes::NO_EFFECT, format!("{name} has no effect here"))
                .at(member.key_span.clone())
                .label("accepted, and ignored")
                .help(instead),
        ),
        Standing::Unsupported(why) if !unset => out.push(
            Diagnostic::error(codes::UNSUPPORTED_KEY, format!("{name} is not supported: {why}"))
                .at(member.key_span.clone())
                .label("not in this version")
                .help("remove it, or set it to `null`; what the job would do without it must be what you want"),
        ),
        _ => {}
    }
}

/// Freezer's way to say "no limit".
fn is_minus_one(node: &Node) -> bool {
    match &node.value {
        Value::Number(number) => number == "-1",
        Value::Text(text) => text.content.trim() == "-1",
        _ => false,
    }
}

/// The same key for a second time.
fn repeated(member: &Member, first: &Field<'_>, out: &mut Vec<Diagnostic>) {
    let name = quoted(&member.key);
    let again = if member.key.replace('-', "_") == first.written.replace('-', "_") {
        format!("{name} is given twice")
    } else {
        format!(
            "{name} is another name of {}, which is given already",
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

/// A key of `freezer_action` that another kind of work has.
fn misplaced_work(member: &Member, key: &Key, works: Works) -> Diagnostic {
    let name = quoted(&member.key);
    let own: Vec<&str> = works.words().collect();
    let others: Vec<String> = key.works.words().map(|word| format!("`{word}`")).collect();
    let this = own.first().copied().unwrap_or("backup");
    let help = match (key.name, this) {
        ("path_to_backup", "restore") => "where a restore goes is `restore_abs_path`".to_owned(),
        ("restore_abs_path", "backup") => "what a backup reads is `path_to_backup`".to_owned(),
        ("remove_from_date", "backup") => {
            "a backup can have `remove_older_than`; a date is for an action of its own, `\"action\": \"admin\"`".to_owned()
        }
        _ => format!("is `\"action\": \"{}\"` meant? Otherwise remove the key", key.works.words().next().unwrap_or(this)),
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

/// A key that the table does not have at this place. Returns the one that was likely meant.
fn unknown(
    member: &Member,
    place: Place,
    works: Works,
    out: &mut Vec<Diagnostic>,
) -> Option<&'static str> {
    let name = quoted(&member.key);
    if let Some(service) = keys::openstack_service(&member.key) {
        if !member.node.is_unset() {
            out.push(
                Diagnostic::error(codes::OPENSTACK_KEY, format!("{name} belongs to {service}"))
                    .at(member.key_span.clone())
                    .label("not available here")
                    .help("this program backs up files of its own host and talks to no OpenStack service; remove the key"),
            );
        }
        return None;
    }
    let elsewhere = Place::ALL
        .into_iter()
        .find(|other| *other != place && other.find(&member.key).is_some());
    if let Some(elsewhere) = elsewhere {
        out.push(
            Diagnostic::error(
                codes::MISPLACED_KEY,
                format!("{name} stands in the wrong object"),
            )
            .at(member.key_span.clone())
            .label(format!("not a key of {}", place.name()))
            .help(format!("it belongs into {}", elsewhere.name())),
        );
        return None;
    }
    let whose = if place == Place::Action && works != Works::ALL {
        let kind = works.words().next().unwrap_or("backup");
        format!("`\"action\": \"{kind}\"`")
    } else {
        place.name().to_owned()
    };
    let unknown = Diagnostic::error(
        codes::UNKNOWN_KEY,
        format!("{name} is not a key of {whose}"),
    )
    .at(member.key_span.clone())
    .label("unknown key");
    let suggestion = keys::suggestion(&member.key, place, works)
        .or_else(|| keys::suggestion(&member.key, place, Works::ALL));
    out.push(match suggestion {
        Some(suggestion) => unknown.help(format!("did you mean `{suggestion}`?")),
        None => unknown.help(
            "`freezerd schema` lists every key; a remark of your own begins with `x-` or `_`",
        ),
    });
    suggestion
}

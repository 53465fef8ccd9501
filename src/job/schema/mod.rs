//! The JSON Schema of job files. It comes from the table of keys that the parser reads.
//!
//! It is for editors: they complete keys, show descriptions and mark most mistakes. The schema accepts every file that
//! the parser accepts, and more: only the parser checks dates, calendars, paths and contradictions.

use serde_json::{Map, Value, json};

use super::keys::{Key, Object, Support, one_of};
use super::kind::{WorkKind, WorkKinds};
use value::value;

mod value;

/// The schema, draft 2020-12.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    definitions.insert("job".to_owned(), job());
    definitions.insert("entry".to_owned(), object(Object::Entry));
    definitions.insert("complete_entry".to_owned(), complete_entry());
    definitions.insert("complete_action".to_owned(), complete_action());
    definitions.insert("schedule".to_owned(), object(Object::Schedule));
    definitions.insert("target".to_owned(), target());
    definitions.insert("keep".to_owned(), object(Object::Keep));
    definitions.insert("defaults".to_owned(), action(None));
    for kind in WorkKind::ALL {
        definitions.insert(kind.word().to_owned(), action(Some(*kind)));
    }
    definitions.insert("action".to_owned(), any_action());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://freezerd.example/schema/job.json",
        "title": "A freezerd job",
        "description": "One job: what is backed up, restored, removed or run, and when.",
        "type": "object",
        "if": { "required": ["job"] },
        "then": {
            "properties": { "job": { "$ref": "#/$defs/job" } },
            "patternProperties": { REMARKS: true },
            "additionalProperties": false
        },
        "else": { "$ref": "#/$defs/job" },
        "$defs": definitions
    })
}

/// Keys that the parser skips.
const REMARKS: &str = "^(x[-_]|_|\\$schema$)";

/// The values that leave a key unset.
fn unset() -> Value {
    json!({ "anyOf": [{ "enum": [null, false] }, { "type": "string", "pattern": "^\\s*$" }] })
}

/// The keys of an object as properties. Other names of a key, and names with `-`, are patterns: an editor offers only
/// the properties.
fn properties(object: Object, kind: Option<WorkKind>) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut patterns = Map::new();
    for key in object.keys() {
        // A key for another kind of work is accepted as long as it is unset.
        let is_own = kind.is_none_or(|kind| key.kinds.has(kind));
        let value = if is_own { value(key) } else { unset() };
        if is_own && !matches!(key.support, Support::Unsupported(_)) {
            properties.insert(key.name.to_owned(), described(key, value.clone()));
        }
        for name in std::iter::once(&key.name).chain(key.aliases) {
            if name.contains('_')
                || *name != key.name
                || matches!(key.support, Support::Unsupported(_))
                || !is_own
            {
                let pattern = format!("^{}$", name.replace('_', "[-_]"));
                patterns.insert(pattern, value.clone());
            }
        }
    }
    patterns.insert(REMARKS.to_owned(), json!(true));
    if object == Object::Job {
        patterns.insert("^session[-_]".to_owned(), json!(true));
    } else {
        // Keys for OpenStack are accepted as long as they are unset, apart from the two for the version of Keystone.
        patterns.insert(
            "^(nova_|cinder|glance_|os_[^ai]|os_a[^u]|os_auth_[^v]|os_i[^d]|trove_|sql_server_|fullbackup_rotation)".to_owned(),
            unset(),
        );
    }
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), properties.into());
    object.insert("patternProperties".to_owned(), patterns.into());
    object.insert("additionalProperties".to_owned(), json!(false));
    object
}

/// An object with its required keys, each under any of its names.
fn object(object: Object) -> Value {
    let mut schema = properties(object, None);
    let required: Vec<Value> = object
        .keys()
        .iter()
        .filter(|key| key.required != WorkKinds::NONE)
        .map(given)
        .collect();
    if !required.is_empty() {
        schema.insert("allOf".to_owned(), required.into());
    }
    schema.into()
}

/// All names of a key with its aliases, each with `_` and with `-`.
fn names(key: &Key) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in std::iter::once(&key.name).chain(key.aliases) {
        names.push((*name).to_owned());
        if name.contains('_') {
            names.push(name.replace('_', "-"));
        }
    }
    names
}

/// A schema for an object that sets the key under one of its names.
fn given(key: &Key) -> Value {
    let choices: Vec<Value> = names(key)
        .into_iter()
        .map(|name| json!({ "required": [&name], "properties": { &name: { "not": unset() } } }))
        .collect();
    match choices.as_slice() {
        [only] => only.clone(),
        _ => json!({ "anyOf": choices }),
    }
}

/// The job. Where it has no `action_defaults`, each action must have the keys that it requires.
fn job() -> Value {
    let mut job = object(Object::Job);
    let each = json!({ "if": { "type": "array" }, "then": { "items": { "$ref": "#/$defs/complete_entry" } }, "else": { "$ref": "#/$defs/complete_entry" } });
    let lists: Map<String, Value> = Object::Job
        .find("job_actions")
        .map(names)
        .unwrap_or_default()
        .into_iter()
        .map(|name| (name, each.clone()))
        .collect();
    if let Some(Value::Array(rules)) = job.get_mut("allOf") {
        rules.push(json!({
            "if": { "anyOf": [{ "required": ["action_defaults"] }, { "required": ["action-defaults"] }] },
            "then": true,
            "else": { "properties": lists }
        }));
    }
    job
}

/// An entry of `targets`, with the keys that it requires.
fn target() -> Value {
    let mut target = object(Object::Target);
    let required = Object::Target.keys().iter();
    let needs: Vec<Value> = required
        .filter(|key| key.required != WorkKinds::NONE)
        .map(given)
        .collect();
    target["allOf"] = needs.into();
    target
}

/// An entry whose action has the keys that it requires.
fn complete_entry() -> Value {
    let action = json!({ "$ref": "#/$defs/complete_action" });
    json!({ "properties": { "freezer_action": &action, "freezer-action": &action } })
}

/// An action that has the keys that its kind requires.
fn complete_action() -> Value {
    let mut branches = Vec::new();
    for kind in WorkKind::ALL.iter().copied() {
        let mut needs: Vec<Value> = Object::Action
            .keys()
            .iter()
            .filter(|key| key.required.has(kind))
            .map(given)
            .collect();
        let choices: Vec<Value> = one_of(kind)
            .iter()
            .filter_map(|name| Object::Action.find(name))
            .map(given)
            .collect();
        if !choices.is_empty() {
            needs.push(json!({ "anyOf": choices }));
        }
        let mut condition = has_word(kind);
        if kind == WorkKind::DEFAULT {
            // An action without a word is of this kind.
            needs.push(reference(kind));
            condition = json!({ "anyOf": [condition, { "not": { "required": ["action"] } }, { "properties": { "action": unset() } }] });
        }
        branches.push(json!({ "if": condition, "then": { "allOf": needs } }));
    }
    json!({ "if": { "type": "object" }, "then": { "allOf": branches } })
}

/// A schema for an object whose `action` names this kind.
fn has_word(kind: WorkKind) -> Value {
    let word = kind.word();
    json!({
        "required": ["action"],
        "properties": { "action": { "type": "string", "pattern": format!("^\\s*{word}\\s*$") } }
    })
}

/// The definition of the keys of a kind.
fn reference(kind: WorkKind) -> Value {
    json!({ "$ref": format!("#/$defs/{}", kind.word()) })
}

/// The keys of one kind of work; `None`: of all kinds. None of them is required here: `action_defaults` may set them.
fn action(kind: Option<WorkKind>) -> Value {
    let mut object = properties(Object::Action, kind);
    if kind.is_some()
        && let Some(Value::Object(properties)) = object.get_mut("properties")
    {
        properties.insert("action".to_owned(), json!(true));
    }
    object.into()
}

/// An action of the kind that `action` names. Where it names none, the defaults may.
fn any_action() -> Value {
    let mut branches: Vec<Value> = Vec::new();
    for kind in WorkKind::ALL.iter().copied() {
        branches.push(json!({ "if": has_word(kind), "then": reference(kind) }));
    }
    branches.push(json!({ "$ref": "#/$defs/defaults" }));
    json!({ "type": "object", "allOf": branches })
}

fn described(key: &Key, value: Value) -> Value {
    let mut value = match value {
        Value::Object(value) => value,
        _ => Map::new(),
    };
    let mut about = key.about.to_owned();
    if let Support::NoEffect(instead) = key.support {
        about.push_str(&format!(" Without effect here: {instead}."));
    }
    value.insert("description".to_owned(), about.into());
    if let Some(default) = key.default {
        value.insert(
            "default".to_owned(),
            serde_json::from_str(default).unwrap_or_default(),
        );
    }
    value.into()
}

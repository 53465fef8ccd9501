//! The JSON Schema of job files, made from the same table of keys that the parser reads.
//!
//! It is for editors: it completes keys, shows their descriptions and marks most mistakes. What it accepts is wider
//! than what the parser does, never narrower: dates, calendars, paths and contradictions are the parser's to judge.

use serde_json::{Map, Value, json};

use super::keys::{Key, Place, Shape, Standing, Works};
use super::{ACTION_LIMIT, identity};

/// The schema, draft 2020-12.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    definitions.insert("job".to_owned(), job());
    definitions.insert("entry".to_owned(), object(Place::Entry));
    definitions.insert("complete_entry".to_owned(), complete_entry());
    definitions.insert("complete_action".to_owned(), complete_action());
    definitions.insert("schedule".to_owned(), object(Place::Schedule));
    definitions.insert("defaults".to_owned(), action(Works::ALL, false));
    for (word, works) in Works::WORDS {
        definitions.insert(word.to_owned(), action(works, true));
    }
    definitions.insert("action".to_owned(), any_action());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://freezerd.example/schema/job.json",
        "title": "A freezerd job",
        "description": "One job: what is backed up, restored, cleared away or run, and when.",
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

/// Keys that nothing looks at.
const REMARKS: &str = "^(x[-_]|_)";

/// What leaves a key unset.
fn unset() -> Value {
    json!({ "anyOf": [{ "enum": [null, false] }, { "type": "string", "pattern": "^\\s*$" }] })
}

/// The keys of a place as properties; those with `-` for `_`, and the other names, as patterns, so that an editor
/// only offers the proper ones.
fn properties(place: Place, works: Works) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut patterns = Map::new();
    for key in place.keys() {
        // A key of another kind of action is fine as long as it says nothing.
        let value = if key.works.meets(works) {
            value(key)
        } else {
            unset()
        };
        if key.works.meets(works) && !matches!(key.standing, Standing::Unsupported(_)) {
            properties.insert(key.name.to_owned(), described(key, value.clone()));
        }
        for name in std::iter::once(&key.name).chain(key.aliases) {
            if name.contains('_')
                || *name != key.name
                || matches!(key.standing, Standing::Unsupported(_))
                || !key.works.meets(works)
            {
                let pattern = format!("^{}$", name.replace('_', "[-_]"));
                patterns.insert(pattern, value.clone());
            }
        }
    }
    patterns.insert(REMARKS.to_owned(), json!(true));
    if place == Place::Job {
        patterns.insert("^session[-_]".to_owned(), json!(true));
    } else {
        // Keys of OpenStack's are fine as long as they say nothing.
        patterns.insert(
            "^(nova_|cinder|glance_|os_|trove_|sql_server_|fullbackup_rotation)".to_owned(),
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

/// An object of a place, with the keys that it cannot do without under any of their names.
fn object(place: Place) -> Value {
    let mut object = properties(place, Works::ALL);
    let required: Vec<Value> = place
        .keys()
        .iter()
        .filter(|key| key.required != Works::NONE)
        .map(given)
        .collect();
    if !required.is_empty() {
        object.insert("allOf".to_owned(), required.into());
    }
    object.into()
}

/// All names of a key: its aliases too, each with `_` and with `-`.
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

/// That a key is there under one of its names, and says something.
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

/// The job. Where it has no `action_defaults`, each action must have all that it needs.
fn job() -> Value {
    let mut job = object(Place::Job);
    let each = json!({ "if": { "type": "array" }, "then": { "items": { "$ref": "#/$defs/complete_entry" } }, "else": { "$ref": "#/$defs/complete_entry" } });
    let lists: Map<String, Value> = Place::Job
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

/// An entry whose action has all that it needs.
fn complete_entry() -> Value {
    let action = json!({ "$ref": "#/$defs/complete_action" });
    json!({ "properties": { "freezer_action": &action, "freezer-action": &action } })
}

/// An action that has all that its kind needs.
fn complete_action() -> Value {
    let mut branches = Vec::new();
    for (word, works) in Works::WORDS {
        let mut needs: Vec<Value> = Place::Action
            .keys()
            .iter()
            .filter(|key| key.required.meets(works))
            .map(given)
            .collect();
        if works == Works::ADMIN {
            let ages = ["remove_older_than", "remove_from_date"];
            let ages: Vec<Value> = ages
                .into_iter()
                .filter_map(|name| Place::Action.find(name))
                .map(given)
                .collect();
            needs.push(json!({ "anyOf": ages }));
        }
        let mut condition = has_word(word);
        if works == Works::BACKUP {
            // Without a word it is a backup.
            needs.push(json!({ "$ref": "#/$defs/backup" }));
            condition = json!({ "anyOf": [condition, { "not": { "required": ["action"] } }, { "properties": { "action": unset() } }] });
        }
        branches.push(json!({ "if": condition, "then": { "allOf": needs } }));
    }
    json!({ "if": { "type": "object" }, "then": { "allOf": branches } })
}

/// That `action` is this word.
fn has_word(word: &str) -> Value {
    json!({
        "required": ["action"],
        "properties": { "action": { "type": "string", "pattern": format!("^\\s*{word}\\s*$") } }
    })
}

/// The keys of one kind of action. Which of them are required cannot be said here: `action_defaults` may have them.
fn action(works: Works, exact: bool) -> Value {
    let mut object = properties(Place::Action, works);
    if exact && let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.insert("action".to_owned(), json!(true));
    }
    object.into()
}

/// An action of any kind: the word in `action` says which. Without one, the defaults may have it.
fn any_action() -> Value {
    let mut branches: Vec<Value> = Vec::new();
    for (word, _) in Works::WORDS {
        branches
            .push(json!({ "if": has_word(word), "then": { "$ref": format!("#/$defs/{word}") } }));
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
    if let Standing::NoEffect(instead) = key.standing {
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

/// What a key takes.
fn value(key: &Key) -> Value {
    if matches!(key.standing, Standing::Unsupported(_)) {
        return json!({ "anyOf": [{ "enum": [-1, "-1"] }, unset()] });
    }
    if !matches!(key.standing, Standing::Used) {
        return json!({});
    }
    let or_unset = |value: Value| json!({ "anyOf": [value, unset()] });
    match key.shape {
        Shape::Text | Shape::Path | Shape::Secret | Shape::Schedule | Shape::Date => {
            or_unset(json!({ "type": ["string", "number"] }))
        }
        Shape::JobId => or_unset(json!({
            "anyOf": [
                { "type": "number", "multipleOf": 1 },
                { "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": identity::ID_LIMIT }
            ]
        })),
        Shape::Flag => json!({
            "anyOf": [
                { "type": ["boolean", "null"] },
                { "type": "string", "pattern": any_case(&["true", "false", "none", ""]) }
            ]
        }),
        Shape::Links => json!({
            "anyOf": [
                { "type": ["boolean", "null"] },
                { "type": "string", "pattern": any_case(&["true", "false", "none", "soft", "hard", "all", ""]) }
            ]
        }),
        Shape::Compression => or_unset(json!({
            "anyOf": [
                { "type": "number", "multipleOf": 1, "minimum": -7, "maximum": 22 },
                { "type": "string", "pattern": "^\\s*([-+]?[0-9]+|zstd|gzip|bzip2|xz)\\s*$" }
            ]
        })),
        Shape::Number {
            least, most, whole, ..
        } => {
            let mut number = json!({ "type": "number", "minimum": least, "maximum": most });
            if whole && let Some(number) = number.as_object_mut() {
                number.insert("multipleOf".to_owned(), json!(1));
            }
            json!({ "anyOf": [number, { "type": "string", "pattern": "^\\s*[-+.0-9eE]*\\s*$" }, unset()] })
        }
        Shape::Timestamp => or_unset(json!({
            "anyOf": [
                { "type": "number", "maximum": 253_402_300_799_u64 },
                { "type": "string", "pattern": "^\\s*[-+]?[0-9]*([.][0-9]*)?\\s*$" }
            ]
        })),
        Shape::Words(words) => {
            let plain: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let pattern = format!("^\\s*({}|)\\s*$", plain.join("|"));
            json!({ "anyOf": [{ "enum": plain }, { "type": "string", "pattern": pattern }, unset()] })
        }
        Shape::Patterns => or_unset(
            json!({ "anyOf": [{ "type": ["string", "number"] }, { "type": "array", "items": { "type": "string", "minLength": 1 } }] }),
        ),
        Shape::Command => or_unset(json!({
            "anyOf": [
                { "type": ["string", "number"] },
                { "type": "array", "minItems": 1, "items": { "type": ["string", "number"] } }
            ]
        })),
        Shape::Actions => or_unset(json!({
            "anyOf": [
                { "type": "array", "maxItems": ACTION_LIMIT, "items": { "$ref": "#/$defs/entry" } },
                { "$ref": "#/$defs/entry" }
            ]
        })),
        Shape::Object(Place::Schedule) => or_unset(json!({ "$ref": "#/$defs/schedule" })),
        Shape::Object(_) if key.name == "action_defaults" => {
            or_unset(json!({ "$ref": "#/$defs/defaults" }))
        }
        Shape::Object(_) => json!({ "$ref": "#/$defs/action" }),
        Shape::Anything => json!({}),
    }
}

/// A pattern for one of some words in any case. JSON Schema has no flag for that.
fn any_case(words: &[&str]) -> String {
    let word = |word: &str| -> String {
        word.chars()
            .map(|it| format!("[{}{it}]", it.to_ascii_uppercase()))
            .collect()
    };
    let words: Vec<String> = words.iter().map(|it| word(it)).collect();
    format!("^\\s*({})\\s*$", words.join("|"))
}

//! The schema and the parser are held together: what loads, the schema accepts. What is wrong in a way that a schema can
//! see, it refuses.

mod keys;
mod parser;

use freezerd::job::{codes, parse};
use serde_json::Value;

use crate::support::host;

/// Whether a value fits a schema: the keywords that ours uses, and a panic at any other.
fn fits(value: &Value, schema: &Value, root: &Value) -> bool {
    let schema = match schema {
        Value::Bool(verdict) => return *verdict,
        Value::Object(schema) => schema,
        other => panic!("{other} is no schema"),
    };
    schema
        .iter()
        .all(|(keyword, wanted)| match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "default" | "then" | "else" => {
                true
            }
            "$ref" => {
                let target = wanted
                    .as_str()
                    .and_then(|it| it.strip_prefix('#'))
                    .and_then(|it| root.pointer(it));
                fits(value, target.expect("a definition"), root)
            }
            "type" => {
                let one = |name: &str| match name {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                match wanted {
                    Value::Array(names) => names.iter().any(|it| one(it.as_str().expect("a name"))),
                    name => one(name.as_str().expect("a name")),
                }
            }
            "enum" => wanted.as_array().expect("a list").contains(value),
            "not" => !fits(value, wanted, root),
            "anyOf" => wanted
                .as_array()
                .expect("a list")
                .iter()
                .any(|it| fits(value, it, root)),
            "allOf" => wanted
                .as_array()
                .expect("a list")
                .iter()
                .all(|it| fits(value, it, root)),
            "if" => {
                let branch = if fits(value, wanted, root) {
                    "then"
                } else {
                    "else"
                };
                schema.get(branch).is_none_or(|it| fits(value, it, root))
            }
            "required" => value.as_object().is_none_or(|it| {
                wanted
                    .as_array()
                    .expect("a list")
                    .iter()
                    .all(|key| it.contains_key(key.as_str().expect("a key")))
            }),
            "properties" => value.as_object().is_none_or(|it| {
                it.iter().all(|(key, value)| {
                    wanted
                        .get(key)
                        .is_none_or(|schema| fits(value, schema, root))
                })
            }),
            "patternProperties" => value.as_object().is_none_or(|it| {
                let patterns = wanted.as_object().expect("an object");
                it.iter().all(|(key, value)| {
                    patterns
                        .iter()
                        .all(|(pattern, schema)| !found(pattern, key) || fits(value, schema, root))
                })
            }),
            "additionalProperties" => value.as_object().is_none_or(|it| {
                it.iter().all(|(key, value)| {
                    let named = schema
                        .get("properties")
                        .is_some_and(|it| it.get(key).is_some());
                    let patterned = schema
                        .get("patternProperties")
                        .and_then(Value::as_object)
                        .is_some_and(|it| it.keys().any(|pattern| found(pattern, key)));
                    named || patterned || fits(value, wanted, root)
                })
            }),
            "items" => value
                .as_array()
                .is_none_or(|it| it.iter().all(|value| fits(value, wanted, root))),
            "minItems" => value
                .as_array()
                .is_none_or(|it| it.len() as u64 >= wanted.as_u64().expect("a count")),
            "maxItems" => value
                .as_array()
                .is_none_or(|it| it.len() as u64 <= wanted.as_u64().expect("a count")),
            "minLength" => value
                .as_str()
                .is_none_or(|it| it.chars().count() as u64 >= wanted.as_u64().expect("a count")),
            "maxLength" => value
                .as_str()
                .is_none_or(|it| it.chars().count() as u64 <= wanted.as_u64().expect("a count")),
            "minimum" => value
                .as_f64()
                .is_none_or(|it| it >= wanted.as_f64().expect("a number")),
            "exclusiveMinimum" => value
                .as_f64()
                .is_none_or(|it| it > wanted.as_f64().expect("a number")),
            "maximum" => value
                .as_f64()
                .is_none_or(|it| it <= wanted.as_f64().expect("a number")),
            "multipleOf" => value
                .as_f64()
                .is_none_or(|it| it % wanted.as_f64().expect("a number") == 0.0),
            "pattern" => value
                .as_str()
                .is_none_or(|it| found(wanted.as_str().expect("a pattern"), it)),
            other => panic!("this test does not know `{other}`"),
        })
}

fn found(pattern: &str, text: &str) -> bool {
    // Most patterns are a key with both of its spellings; a regular expression for each would take its time.
    if let Some(verdict) = is_key(pattern, text) {
        return verdict;
    }
    thread_local! {
        static CACHE: std::cell::RefCell<std::collections::HashMap<String, regex_lite::Regex>> = Default::default();
    }
    CACHE.with_borrow_mut(|cache| {
        cache
            .entry(pattern.to_owned())
            .or_insert_with(|| regex_lite::Regex::new(pattern).expect(pattern))
            .is_match(text)
    })
}

/// Whether a text is the key of a pattern like `^max[-_]level$`; `None` for other patterns.
fn is_key(pattern: &str, text: &str) -> Option<bool> {
    let mut name = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let mut text = text.as_bytes();
    let mut same = true;
    while let Some(first) = name.bytes().next() {
        let next = text.first().copied();
        if let Some(rest) = name.strip_prefix("[-_]") {
            same &= matches!(next, Some(b'-' | b'_'));
            name = rest;
        } else if first.is_ascii_lowercase() {
            same &= next == Some(first);
            name = &name[1..];
        } else {
            return None;
        }
        text = text.get(1..).unwrap_or(&[]);
    }
    Some(same && text.is_empty())
}

/// Says where the two disagree, if they do.
fn disagreement(text: &str, schema: &Value) -> Option<String> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let parsed = parse(text.as_bytes(), "nightly.json", &host());
    let accepted = fits(&value, schema, schema);
    if parsed.job.is_some() && !accepted {
        return Some(format!("loads, but the schema refuses it: {text}"));
    }
    // Whether the defaults have what an action lacks, its kind or a key, is beyond a schema.
    let defaults = text.contains("action_defaults");
    // So is whether a list of paths there may be empty: it may, if no action is a backup.
    let has_no_path = defaults && text.contains("\"path_to_backup\": []");
    let seen = parsed.diagnostics.iter().find(|it| {
        it.is_error()
            && codes::find(&it.code).is_some_and(|code| code.in_schema)
            && !(defaults
                && [codes::MISSING_KEY.name, codes::OTHER_ACTIONS_KEY.name]
                    .contains(&it.code.as_str()))
            && !(has_no_path && it.code == codes::WRONG_TYPE.name)
    });
    match seen {
        Some(fault) if accepted => Some(format!(
            "the schema accepts it, but {}: {} in {text}",
            fault.code, fault.message
        )),
        _ => None,
    }
}

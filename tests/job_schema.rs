//! The schema and the parser are held together: what loads, the schema accepts; what is wrong in a way that a schema
//! can see, it refuses.

mod job_support;

use freezerd::job::keys::{Place, Standing};
use freezerd::job::{codes, parse, schema::schema};
use job_support::{Dice, host};
use serde_json::{Value, json};

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
    let seen = parsed.diagnostics.iter().find(|it| {
        it.is_error()
            && codes::find(&it.code).is_some_and(|code| code.in_schema)
            && !(defaults
                && [codes::MISSING_KEY.name, codes::OTHER_ACTIONS_KEY.name]
                    .contains(&it.code.as_str()))
    });
    match seen {
        Some(fault) if accepted => Some(format!(
            "the schema accepts it, but {}: {} in {text}",
            fault.code, fault.message
        )),
        _ => None,
    }
}

#[test]
fn the_schema_agrees_with_the_parser_on_every_example() {
    let schema = schema();
    let mut texts: Vec<String> = codes::all()
        .filter_map(|code| code.example.files())
        .flat_map(|(before, after)| [before, after])
        .collect();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/jobs");
    for entry in std::fs::read_dir(data).expect("the directory") {
        texts.push(std::fs::read_to_string(entry.expect("a file").path()).expect("a text"));
    }
    let wrong: Vec<String> = texts
        .iter()
        .filter_map(|text| disagreement(text, &schema))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Every key with every kind of value, in every kind of action and at every place.
#[test]
fn the_schema_agrees_with_the_parser_on_every_key_and_kind_of_value() {
    let schema = schema();
    let values = [
        "null",
        "false",
        "true",
        "\"\"",
        "\"x\"",
        "\"True\"",
        "\"/x\"",
        "0",
        "1",
        "-1",
        "1.5",
        "\"3\"",
        "\"-1\"",
        "1e300",
        "[]",
        "[\"x\"]",
        "[1]",
        "[{}]",
        "{}",
        "\"fs\"",
        "\"local\"",
        "\"backup\"",
        "\"stop\"",
        "\"soft\"",
        "\"7 days\"",
    ];
    let mut wrong = Vec::new();
    let mut count = 0;
    for place in Place::ALL {
        for key in place.keys() {
            for name in std::iter::once(key.name).chain(key.aliases.iter().copied()) {
                for (index, value) in values.into_iter().enumerate() {
                    if key.standing != Standing::Used && index > 6 {
                        continue;
                    }
                    let spellings = if value == "null" || value == "\"x\"" {
                        2
                    } else {
                        1
                    };
                    for name in [name.to_owned(), name.replace('_', "-")]
                        .into_iter()
                        .take(spellings)
                    {
                        let texts = match place {
                            Place::Job => vec![
                                format!("{{\"job_actions\": [], \"{name}\": {value}}}"),
                                format!("{{\"{name}\": {value}}}"),
                            ],
                            Place::Entry => vec![
                                format!(
                                    "{{\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"x\"}}, \"{name}\": {value}}}]}}"
                                ),
                                format!("{{\"job_actions\": [{{\"{name}\": {value}}}]}}"),
                            ],
                            Place::Schedule => vec![job_support::with_schedule(&format!(
                                "{{\"{name}\": {value}}}"
                            ))],
                            Place::Action => vec![
                                job_support::backup(&format!("\"{name}\": {value}")),
                                job_support::with_action(&format!(
                                    "{{\"action\": \"exec\", \"command\": \"x\", \"{name}\": {value}}}"
                                )),
                                job_support::with_action(&format!(
                                    "{{\"action\": \"restore\", \"backup_name\": \"a\", \"container\": \"/c\", \"restore_abs_path\": \"/r\", \"{name}\": {value}}}"
                                )),
                                format!(
                                    "{{\"job_actions\": [], \"action_defaults\": {{\"{name}\": {value}}}}}"
                                ),
                            ],
                        };
                        for text in texts {
                            count += 1;
                            wrong.extend(disagreement(&text, &schema));
                        }
                    }
                }
            }
        }
    }
    wrong.dedup();
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong
            .iter()
            .take(40)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn the_schema_says_what_each_key_is_for() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for (place, definition) in [
        (Place::Job, "job"),
        (Place::Entry, "entry"),
        (Place::Schedule, "schedule"),
        (Place::Action, "defaults"),
    ] {
        for key in place.keys() {
            let property = &schema["$defs"][definition]["properties"][key.name];
            if matches!(key.standing, Standing::Unsupported(_)) {
                assert!(property.is_null(), "{} is offered", key.name);
            } else {
                assert!(
                    property["description"]
                        .as_str()
                        .is_some_and(|it| it.ends_with('.')),
                    "{}",
                    key.name
                );
                assert!(key.about.ends_with('.'), "{}", key.name);
            }
        }
    }
    assert_eq!(
        schema["$defs"]["entry"]["properties"]["max_retries_interval"]["default"],
        json!(60)
    );
    // Only what a kind of action takes is offered for it.
    assert!(schema["$defs"]["exec"]["properties"]["path_to_backup"].is_null());
    assert!(!schema["$defs"]["backup"]["properties"]["path_to_backup"].is_null());
}

#[test]
fn the_schema_knows_the_ranges_of_numbers() {
    let schema = schema();
    let entry = |more: &str| {
        let text = format!(
            "{{\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"x\"}}, {more}}}]}}"
        );
        fits(
            &serde_json::from_str(&text).expect("JSON"),
            &schema,
            &schema,
        )
    };
    assert!(entry("\"max_retries\": 3") && entry("\"timeout\": 1"));
    assert!(
        !entry("\"max_retries\": -1") && !entry("\"max_retries\": 1.5") && !entry("\"timeout\": 0")
    );
}

/// Documents made of the table's keys by chance.
#[test]
fn the_schema_agrees_with_the_parser_on_documents_made_by_chance() {
    let schema = schema();
    let mut dice = Dice::new(7);
    let keys: Vec<&str> = Place::Action.keys().iter().map(|key| key.name).collect();
    let values = [
        "null", "false", "true", "\"x\"", "\"/x\"", "1", "0", "\"2\"", "[]", "[\"x\"]",
    ];
    let words = [
        "backup", "restore", "admin", "info", "exec", "check", "nonsense",
    ];
    let mut wrong = Vec::new();
    for _ in 0..1_000 {
        let object = |dice: &mut Dice, with_word: bool| {
            let mut members = Vec::new();
            if with_word {
                members.push(format!("\"action\": \"{}\"", dice.pick(&words)));
            }
            for _ in 0..dice.below(6) {
                members.push(format!("\"{}\": {}", dice.pick(&keys), dice.pick(&values)));
            }
            format!("{{{}}}", members.join(", "))
        };
        let with_word = dice.below(4) > 0;
        let action = object(&mut dice, with_word);
        let text = if dice.below(2) == 0 {
            job_support::with_action(&action)
        } else {
            let defaults = object(&mut dice, false);
            format!(
                "{{\"action_defaults\": {defaults}, \"job_actions\": [{{\"freezer_action\": {action}}}]}}"
            )
        };
        wrong.extend(disagreement(&text, &schema));
    }
    assert!(
        wrong.is_empty(),
        "{}:\n{}",
        wrong.len(),
        wrong
            .iter()
            .take(10)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
}

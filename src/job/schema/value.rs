//! The values that a key takes.

use serde_json::{Value, json};

use super::unset;
use crate::job::identity::ID_LIMIT;
use crate::job::keys::{Bounds, Key, MOST_TARGETS, Object, Shape, Support};
use crate::job::parse::ACTION_LIMIT;
use crate::job::rate_limit::MOST_WINDOWS;
use crate::job::storage::NOT_SUPPORTED;
use crate::job::values::MOST_BYTES;
use crate::keep::Count;

/// The values that a key takes.
pub(super) fn value(key: &Key) -> Value {
    if matches!(key.support, Support::Unsupported(_)) {
        return json!({ "anyOf": [{ "enum": [-1, "-1"] }, unset()] });
    }
    if !matches!(key.support, Support::Used) {
        return json!({});
    }
    let or_unset = |value: Value| json!({ "anyOf": [value, unset()] });
    match key.shape {
        Shape::Text
        | Shape::HostName
        | Shape::BackupName
        | Shape::Container
        | Shape::Path
        | Shape::Secret
        | Shape::SecretText
        | Shape::Schedule
        | Shape::Date => or_unset(json!({ "type": ["string", "number"] })),
        Shape::JobId => or_unset(json!({
            "anyOf": [
                { "type": "number", "multipleOf": 1 },
                { "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": ID_LIMIT }
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
        Shape::Number(bounds) => number(bounds),
        Shape::Age => age(),
        Shape::Count => or_unset(json!({
            "anyOf": [
                { "type": "number", "multipleOf": 1, "minimum": -1, "maximum": Count::MOST },
                { "type": "string", "pattern": "^\\s*(-1|[0-9]{1,7}|[aA][lL][lL]|[uU][nN][lL][iI][mM][iI][tT][eE][dD])\\s*$" }
            ]
        })),
        Shape::Share => json!({
            "anyOf": [
                { "enum": [null, false] },
                { "type": "string", "pattern": any_case(&["false", "none", "off", ""]) },
                { "type": "string", "pattern": "^\\s*[0-9.]+\\s*%\\s*$" }
            ]
        }),
        Shape::Span => {
            or_unset(json!({ "type": "string", "pattern": "^\\s*([0-9]{1,6}[ymdh]){1,4}\\s*$" }))
        }
        Shape::Duration => or_unset(json!({
            "type": "string",
            "pattern": "^0*[1-9][0-9]*[ \\t]+(week|day|hour|minute|second)s?$"
        })),
        Shape::Tags => or_unset(json!({
            "anyOf": [
                { "type": ["string", "number"] },
                { "type": "array", "items": { "type": ["string", "number"], "minLength": 1 } }
            ]
        })),
        Shape::Timestamp => or_unset(json!({
            "anyOf": [
                { "type": "number", "maximum": 253_402_300_799_u64 },
                { "type": "string", "pattern": "^\\s*[-+]?[0-9]*([.][0-9]*)?\\s*$" }
            ]
        })),
        Shape::Storage => json!({ "anyOf": [
            { "type": "string", "not": { "pattern": format!("^\\s*({})\\s*$", NOT_SUPPORTED.join("|")) } },
            unset()
        ] }),
        Shape::Words(_) | Shape::Mode => {
            let words = key.shape.words().unwrap_or_default();
            let plain: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let pattern = format!("^\\s*({}|)\\s*$", plain.join("|"));
            json!({ "anyOf": [{ "enum": plain }, { "type": "string", "pattern": pattern }, unset()] })
        }
        Shape::Paths | Shape::Patterns | Shape::Markers => or_unset(
            json!({ "anyOf": [{ "type": ["string", "number"] }, { "type": "array", "items": { "type": "string", "minLength": 1 } }] }),
        ),
        Shape::Size => or_unset(json!({
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": MOST_BYTES },
                { "type": "string", "pattern": "^\\s*[0-9.]+\\s*([kKmMgGtT]?([iI]?[bB])?)\\s*$" }
            ]
        })),
        Shape::ReadData => json!({
            "anyOf": [
                { "type": ["boolean", "null"] },
                { "type": "string", "pattern": any_case(&["true", "false", "all", "none", ""]) },
                { "type": "string", "pattern": "^\\s*[0-9.]+\\s*(%|/\\s*[0-9]+|[kKmMgGtT]([iI]?[bB])?|[bB])\\s*$" }
            ]
        }),
        Shape::MaxUnused => or_unset(json!({
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": MOST_BYTES },
                { "type": "string", "pattern": any_case(&["unlimited"]) },
                { "type": "string", "pattern": "^\\s*[0-9.]+\\s*(%|[kKmMgGtT]?([iI]?[bB])?)\\s*$" }
            ]
        })),
        Shape::Rate => or_unset(json!({
            "anyOf": [
                { "type": "number", "minimum": -1, "maximum": MOST_BYTES },
                rate_windows(),
                { "type": "array", "minItems": 1, "maxItems": MOST_WINDOWS, "items": {
                    "anyOf": [{ "type": "number", "minimum": -1, "maximum": MOST_BYTES }, rate_windows()]
                } }
            ]
        })),
        Shape::Command => or_unset(json!({
            "anyOf": [
                { "type": ["string", "number"] },
                { "type": "array", "minItems": 1, "items": { "type": ["string", "number"] } }
            ]
        })),
        Shape::Receivers => json!({
            "anyOf": [
                { "type": ["boolean", "null", "string"] },
                { "type": "array", "items": { "type": "string", "minLength": 1 } }
            ]
        }),
        Shape::Actions => or_unset(json!({
            "anyOf": [
                { "type": "array", "maxItems": ACTION_LIMIT, "items": { "$ref": "#/$defs/entry" } },
                { "$ref": "#/$defs/entry" }
            ]
        })),
        Shape::Targets => or_unset(json!({
            "type": "array", "maxItems": MOST_TARGETS, "items": { "$ref": "#/$defs/target" }
        })),
        Shape::Object(Object::Keep) => or_unset(json!({ "$ref": "#/$defs/keep" })),
        Shape::Object(Object::Schedule) => or_unset(json!({ "$ref": "#/$defs/schedule" })),
        Shape::Object(_) if key.name == "action_defaults" => {
            or_unset(json!({ "$ref": "#/$defs/defaults" }))
        }
        Shape::Object(_) => json!({ "$ref": "#/$defs/action" }),
        Shape::Anything => json!({}),
    }
}

/// A rate such as `10M`, or windows such as `mon-fri 08:00-18:00 2M` with commas between them.
fn rate_windows() -> Value {
    let rate = "(-1|[oO][fF][fF]|[0-9.]+\\s*([kKmMgGtT]?([iI]?[bB])?)(/s)?)";
    let days = "[a-zA-Z]{3}[-,a-zA-Z\\s]*\\s";
    let times = "[0-9]{1,2}:[0-9]{2}\\s*-\\s*[0-9]{1,2}:[0-9]{2}\\s";
    let window = format!("\\s*({days})?\\s*({times})?\\s*{rate}\\s*");
    json!({ "type": "string", "pattern": format!("^{window}(,{window})*$") })
}

/// A number, or a text that holds one.
fn number(bounds: Bounds) -> Value {
    let mut number = json!({ "type": "number", "minimum": bounds.least, "maximum": bounds.most });
    if bounds.whole
        && let Some(number) = number.as_object_mut()
    {
        number.insert("multipleOf".to_owned(), json!(1));
    }
    json!({ "anyOf": [number, { "type": "string", "pattern": "^\\s*[-+.0-9eE]*\\s*$" }, unset()] })
}

/// A number of days that is more than 0, or a text that holds one.
fn age() -> Value {
    json!({ "anyOf": [
        { "type": "number", "exclusiveMinimum": 0, "maximum": Bounds::DAYS.most },
        { "type": "string", "pattern": "^\\s*[-+.0-9eE]*\\s*$" },
        unset()
    ] })
}

/// A pattern for one of some words in upper or lower case. JSON Schema has no flag for that.
fn any_case(words: &[&str]) -> String {
    let word = |word: &str| -> String {
        word.chars()
            .map(|it| format!("[{}{it}]", it.to_ascii_uppercase()))
            .collect()
    };
    let words: Vec<String> = words.iter().map(|it| word(it)).collect();
    format!("^\\s*({})\\s*$", words.join("|"))
}

//! The schema agrees with the parser.

use freezerd::job::codes;
use freezerd::job::keys::{Object, Support};
use freezerd::job::schema::schema;

use super::disagreement;
use crate::support::Dice;

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

/// Every key with every kind of value, in every kind of action and in every object.
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
    for object in Object::ALL {
        for key in object.keys() {
            for name in std::iter::once(key.name).chain(key.aliases.iter().copied()) {
                for (index, value) in values.into_iter().enumerate() {
                    if key.support != Support::Used && index > 6 {
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
                        let texts = match object {
                            Object::Job => vec![
                                format!("{{\"job_actions\": [], \"{name}\": {value}}}"),
                                format!("{{\"{name}\": {value}}}"),
                            ],
                            Object::Entry => vec![
                                format!(
                                    "{{\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"x\"}}, \"{name}\": {value}}}]}}"
                                ),
                                format!("{{\"job_actions\": [{{\"{name}\": {value}}}]}}"),
                            ],
                            Object::Schedule => vec![crate::support::with_schedule(&format!(
                                "{{\"{name}\": {value}}}"
                            ))],
                            Object::Action => vec![
                                crate::support::backup(&format!("\"{name}\": {value}")),
                                crate::support::with_action(&format!(
                                    "{{\"action\": \"exec\", \"command\": \"x\", \"{name}\": {value}}}"
                                )),
                                crate::support::with_action(&format!(
                                    "{{\"action\": \"restore\", \"backup_name\": \"a\", \"container\": \"/c\", \"restore_abs_path\": \"/r\", \"{name}\": {value}}}"
                                )),
                                format!(
                                    "{{\"job_actions\": [], \"action_defaults\": {{\"{name}\": {value}}}}}"
                                ),
                            ],
                            Object::Keep => vec![
                                crate::support::backup(&format!(
                                    "\"keep\": {{\"{name}\": {value}}}"
                                )),
                                crate::support::backup(&format!(
                                    "\"targets\": [{{\"container\": \"/d\", \"keep\": {{\"{name}\": {value}}}}}]"
                                )),
                            ],
                            Object::Target => vec![
                                crate::support::backup(&format!(
                                    "\"targets\": [{{\"container\": \"/d\", \"{name}\": {value}}}]"
                                )),
                                crate::support::backup(&format!(
                                    "\"targets\": [{{\"{name}\": {value}}}]"
                                )),
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

/// Documents made of the table's keys by chance.
#[test]
fn the_schema_agrees_with_the_parser_on_documents_made_by_chance() {
    let schema = schema();
    let mut dice = Dice::new(7);
    let keys: Vec<&str> = Object::Action.keys().iter().map(|key| key.name).collect();
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
            let mut named = std::collections::BTreeSet::new();
            for _ in 0..dice.below(6) {
                let (key, value) = (dice.pick(&keys), dice.pick(&values));
                // Of a key that is there twice, the schema sees only one.
                if named.insert(*key) {
                    members.push(format!("\"{key}\": {value}"));
                }
            }
            format!("{{{}}}", members.join(", "))
        };
        let with_word = dice.below(4) > 0;
        let action = object(&mut dice, with_word);
        let text = if dice.below(2) == 0 {
            crate::support::with_action(&action)
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

//! What the schema says of each key.

use freezerd::job::keys::{Object, Support};
use freezerd::job::schema::schema;
use serde_json::json;

use super::fits;

#[test]
fn the_schema_says_what_each_key_is_for() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for (object, definition) in [
        (Object::Job, "job"),
        (Object::Entry, "entry"),
        (Object::Schedule, "schedule"),
        (Object::Action, "defaults"),
        (Object::Target, "target"),
        (Object::Keep, "keep"),
    ] {
        for key in object.keys() {
            let property = &schema["$defs"][definition]["properties"][key.name];
            if matches!(key.support, Support::Unsupported(_)) {
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

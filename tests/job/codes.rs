//! Every kind of fault has an explanation, and its example shows the fault and the correction.

use std::collections::BTreeSet;

use freezerd::job::{codes, explain};

use crate::support::{codes as codes_of, errors, host};

#[test]
fn each_example_has_its_fault_before_and_loads_after() {
    let mut wrong = Vec::new();
    for code in codes::all() {
        let Some((before, after)) = code.example.files() else {
            continue;
        };
        let faulty = freezerd::job::parse(before.as_bytes(), "nightly.json", &host());
        let corrected = freezerd::job::parse(after.as_bytes(), "nightly.json", &host());
        if !codes_of(&faulty).contains(&code.name) {
            wrong.push(format!(
                "{}: before, there is {:?}\n{before}",
                code.name,
                codes_of(&faulty)
            ));
        }
        if !errors(&corrected).is_empty() || codes_of(&corrected).contains(&code.name) {
            wrong.push(format!(
                "{}: after, there is {:?}\n{after}",
                code.name,
                codes_of(&corrected)
            ));
        }
        // The example shows this fault, and no other errors beside it.
        let others: Vec<&str> = errors(&faulty)
            .into_iter()
            .filter(|it| *it != code.name)
            .collect();
        if !others.is_empty() {
            wrong.push(format!(
                "{}: before, there are also {others:?}\n{before}",
                code.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn names_of_codes_are_unique_and_fit_to_type() {
    let mut seen = BTreeSet::new();
    for code in codes::all() {
        assert!(seen.insert(code.name), "{} is there twice", code.name);
        assert!(
            code.name
                .bytes()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-'),
            "{}",
            code.name
        );
        assert_eq!(codes::find(code.name), Some(code));
        assert!(
            code.title.ends_with('.') && code.story.ends_with('.'),
            "{}",
            code.name
        );
    }
    assert_eq!(codes::suggestion("unkown-key"), Some("unknown-key"));
}

/// `schedule/` uses the names of its faults as texts. Each must be a code.
#[test]
fn each_fault_of_a_schedule_has_its_story() {
    let room = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schedule");
    let mut missing = BTreeSet::new();
    let in_folder = |folder: &str| -> Vec<std::path::PathBuf> {
        std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_file())
            .collect()
    };
    let mut files = in_folder(room);
    files.extend(in_folder(&format!("{room}/refusal")));
    for file in files {
        let text = std::fs::read_to_string(file).expect("a text");
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for line in code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for piece in line.split('"').skip(1).step_by(2) {
                let parts: Vec<&str> = piece.split('-').collect();
                let kebab = parts.len() > 1
                    && parts.iter().all(|it| {
                        !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_lowercase())
                    });
                if kebab && codes::find(piece).is_none() {
                    missing.insert(piece.to_owned());
                }
            }
        }
    }
    // The source of a zone, not a code.
    missing.remove("built-in");
    assert!(missing.is_empty(), "without a story: {missing:?}");
}

#[test]
fn a_story_is_told_with_its_example() {
    let story = explain(codes::MISSING_COMMA);
    assert_eq!(
        story,
        "missing-comma
=============

The comma between two members or values is missing.

JSON separates members by commas. The caret shows where the comma belongs: at
the end of the first member, not at the start of the next one.

Before:

    {
      \"job_actions\": []
      \"description\": \"nightly\"
    }

After:

    {
      \"job_actions\": [],
      \"description\": \"nightly\"
    }
"
    );
    for code in codes::all() {
        let story = explain(code);
        let odd = story.chars().find(|it| it.is_control() && *it != '\n');
        assert_eq!(odd, None, "{}", code.name);
    }
}

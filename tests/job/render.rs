//! Diagnostics as a person sees them, compared as a whole, and as a program does.

use freezerd::job::diagnostic::{Diagnostic, Severity, position};
use freezerd::job::render::{Look, locate, render, render_all};
use freezerd::job::{codes, parse};

use crate::support::{backup, host, read, with_action};

fn drawn(text: &str) -> String {
    render_all(
        &read(text).diagnostics,
        "jobs.d/nightly.json",
        text.as_bytes(),
        Look::PLAIN,
    )
}

#[test]
fn a_missing_comma() {
    let text = "{\n  \"job_actions\": []\n  \"description\": \"every night\"\n}\n";
    assert_eq!(
        drawn(text),
        "\
error[missing-comma]: the comma between two members is missing
 --> jobs.d/nightly.json:2:20
  |
1 | {
2 |   \"job_actions\": []
  |                    ^ expected `,` here

"
    );
}

#[test]
fn a_misspelt_key() {
    let text = "{\"job_actions\": [{\n  \"freezer_action\": {\n    \"action\": \"exec\",\n    \"comand\": \"sync\"\n  }\n}]}";
    assert_eq!(
        drawn(text),
        "\
error[unknown-key]: `comand` is not a key of `\"action\": \"exec\"`
 --> jobs.d/nightly.json:4:5
  |
3 |     \"action\": \"exec\",
4 |     \"comand\": \"sync\"
  |     ^^^^^^^^ unknown key
  |
  = help: did you mean `command`?

"
    );
}

#[test]
fn a_fault_inside_of_a_schedule() {
    let text = "{\n  \"job_actions\": [{\"freezer_action\": {\"action\": \"exec\", \"command\": \"sync\"}}],\n  \"job_schedule\": {\n    \"schedule_day_of_week\": \"mon-fri\",\n    \"schedule_hour\": \"3, 22-4\"\n  }\n}\n";
    assert_eq!(
        drawn(text),
        "\
error[backward-range]: the range runs backward: 22 comes after 4
 --> jobs.d/nightly.json:5:26
  |
4 |     \"schedule_day_of_week\": \"mon-fri\",
5 |     \"schedule_hour\": \"3, 22-4\"
  |                          ^^^^ the smaller value comes first
  |
  = help: write `22-23,0-4`

"
    );
}

#[test]
fn a_fault_of_the_whole_file() {
    let text = " ".repeat((1 << 20) + 1);
    assert_eq!(
        drawn(&text),
        "\
error[file-too-large]: a job file has at most 1048576 bytes, and this one has 1048577
--> jobs.d/nightly.json
 = help: a job takes a few hundred bytes: is this the right file?

"
    );
}

#[test]
fn a_place_at_the_end_of_an_empty_file() {
    assert_eq!(
        drawn(""),
        "\
error[empty-file]: the file is empty
 --> jobs.d/nightly.json:1:1
  |
1 | 
  | ^
  |
  = help: a job begins with `{` and has at least `\"job_actions\"`

"
        .replace("1 | \n", "1 |\n")
    );
}

#[test]
fn a_long_line_is_cut_and_its_column_stays_true() {
    let text = with_action(&format!(
        "{{\"action\": \"exec\", \"command\": \"sync\", \"x-a\": \"{}\", \"comand\": 1, \"x-b\": \"{}\"}}",
        "a".repeat(400_000),
        "b".repeat(400_000)
    ));
    let drawn = drawn(&text);
    assert!(drawn.len() < 1_000, "{} bytes", drawn.len());
    let column = text.find("\"comand\"").expect("it is there") + 1;
    assert!(
        drawn.contains(&format!("nightly.json:1:{column}\n")),
        "{drawn}"
    );
    let marked: Vec<&str> = drawn
        .lines()
        .filter(|line| line.contains("comand") || line.contains("^^^^^^^^"))
        .collect();
    assert_eq!(
        marked[1].find("\"comand\""),
        marked[2].find("^^^^^^^^").map(|it| it + "…".len() - 1),
        "{drawn}"
    );
}

#[test]
fn a_long_value_is_not_underlined_to_its_end() {
    let text = backup(&format!("\"log_file\": \"{}\"", "x".repeat(300_000)));
    assert!(drawn(&text).len() < 2_000);
}

#[test]
fn columns_count_characters() {
    let text = "{\"description\": \"日本語 é\", \"job_actions\": [],}";
    assert!(
        drawn(text).contains("nightly.json:1:43\n"),
        "{}",
        drawn(text)
    );
    assert_eq!(position("a\nbé|".as_bytes(), 5), (2, 3));
    assert_eq!(position(b"", 0), (1, 1));
    assert_eq!(position(b"ab", 99), (1, 3));
}

#[test]
fn no_control_character_of_the_file_reaches_the_terminal() {
    let nasty = "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\u{2066}\u{7f}\r";
    let texts = [
        format!(
            "{{\"{nasty}\": \"{nasty}\", \"job_id\": \"{nasty}\", \"job_actions\": [{{\"freezer_action\": {{\"action\": \"{nasty}\"}}}}]}}"
        ),
        format!("{nasty} {{"),
        format!("{{\"a\": {nasty}}}"),
        with_action(
            "{\"action\": \"exec\", \"command\": \"x\", \"\\u001b[31m\": 1, \"log_file\": \"\\u001b[31m\", \"hostname\": \"a\\u001b\"}",
        ),
        crate::support::with_schedule(
            "{\"schedule_hour\": \"\\u001b[31m\", \"schedule_timezone\": \"\\u009b2J\", \"schedule_interval\": \"\\u202e\"}",
        ),
    ];
    for text in &texts {
        let parsed = read(text);
        assert!(!parsed.diagnostics.is_empty());
        for fault in &parsed.diagnostics {
            let drawn = render(
                fault,
                &format!("dir/{nasty}.json"),
                text.as_bytes(),
                Look::PLAIN,
            );
            let odd = drawn.chars().find(|it| {
                (it.is_control() && *it != '\n')
                    || ('\u{202a}'..='\u{202e}').contains(it)
                    || ('\u{2066}'..='\u{2069}').contains(it)
            });
            assert_eq!(odd, None, "{drawn:?}");
        }
        // In colour, the only escapes are those of the colours (and of links, which we do not make).
        let drawn = render_all(
            &parsed.diagnostics,
            "a.json",
            text.as_bytes(),
            Look {
                color: true,
                ..Look::PLAIN
            },
        );
        assert!(drawn.contains('\u{1b}'));
        for piece in drawn.split('\u{1b}').skip(1) {
            let end = piece.find('m').expect("a colour");
            assert!(
                piece.starts_with('[')
                    && piece[1..end]
                        .bytes()
                        .all(|it| it.is_ascii_digit() || it == b';'),
                "{piece:?}"
            );
        }
        assert!(!drawn.contains('\u{9b}') && !drawn.contains('\u{7}'));
    }
}

#[test]
fn all_places_can_be_drawn() {
    let text = "é\t\r\n{\"日\": \u{1b}}\n\n\u{feff}x";
    for start in 0..=text.len() + 2 {
        for end in start..=text.len() + 2 {
            let fault = Diagnostic::error(codes::WRONG_TYPE, "m")
                .at(start..end)
                .label("l")
                .help("h");
            for look in [
                Look::PLAIN,
                Look {
                    color: true,
                    unicode: true,
                    width: 0,
                },
            ] {
                assert!(!render(&fault, "a.json", text.as_bytes(), look).is_empty());
            }
            locate(&fault, "a.json", text.as_bytes());
        }
    }
    let fault = Diagnostic::error(codes::WRONG_TYPE, "m").at(3..9);
    render(&fault, "a.json", &[0xff, 0xfe, 0x80, 0x00], Look::PLAIN);
    render(&fault, "", b"", Look::PLAIN);
}

#[test]
fn diagnostics_are_data_too() {
    let text = "{\n  \"job_actions\": [],\n  \"job_id\": \"é b\"\n}";
    let parsed = parse(text.as_bytes(), "a.json", &host());
    let fault = crate::support::only(&parsed, "bad-job-id");
    let located = locate(fault, "jobs.d/a.json", text.as_bytes());
    assert_eq!(
        serde_json::to_value(&located).expect("plain data"),
        serde_json::json!({
            "file": "jobs.d/a.json",
            "line": 3,
            "column": 13,
            "end_line": 3,
            "end_column": 18,
            "code": "bad-job-id",
            "severity": "error",
            "message": "a `job_id` cannot contain `é`",
            "label": "letters, digits, `_` and `-` only",
            "help": "write `--b`, or remove the key: then the id comes from the name of the file"
        })
    );
    let whole = locate(
        &Diagnostic::warning(codes::NO_ACTIONS, "m"),
        "a.json",
        text.as_bytes(),
    );
    assert_eq!(
        (whole.line, whole.end_column, whole.severity),
        (None, None, Severity::Warning)
    );
}

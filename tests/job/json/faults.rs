//! What is wrong with a text that is not JSON, and where.

use crate::support::{codes, errors, only, places, pointed, read};

/// `code line:column` for a text's only faults.
#[track_caller]
fn faults(text: &str, expected: &[&str]) {
    let parsed = read(text);
    let found: Vec<String> = places(text, &parsed)
        .into_iter()
        .filter(|it| !it.starts_with("no-actions"))
        .collect();
    assert_eq!(found, expected, "{text}\n{:#?}", parsed.diagnostics);
}

#[test]
fn a_missing_comma_is_shown_where_it_belongs() {
    faults(
        "{\n  \"job_actions\": []\n  \"description\": \"x\"\n}",
        &["missing-comma 2:20"],
    );
    faults(
        "{\"job_actions\": [{\"x-a\": 1} {\"x-b\": 2}]}",
        &["missing-comma 1:28"],
    );
    faults(
        "{\"job_actions\": [], \"x-a\": [1 2 \"3\" true]}",
        &[
            "missing-comma 1:30",
            "missing-comma 1:32",
            "missing-comma 1:36",
        ],
    );
    faults(
        "{\"job_actions\": [] description: \"x\"}",
        &["missing-comma 1:19", "unquoted-key 1:20"],
    );
}

#[test]
fn commas_that_are_too_many_are_pointed_at() {
    faults("{\"job_actions\": [],}", &["trailing-comma 1:19"]);
    faults(
        "{\"job_actions\": [], \"x-a\": [1,\n ]}",
        &["trailing-comma 1:30"],
    );
    faults(
        "{, \"job_actions\": [],, \"x-a\": [,1]}",
        &["extra-comma 1:2", "extra-comma 1:22", "extra-comma 1:32"],
    );
}

#[test]
fn dots_in_place_of_something_are_called_that() {
    faults("{\"job_actions\": [ ... ]}", &["ellipsis 1:19"]);
    faults(
        "{\"job_actions\": [], ...\n}",
        &["trailing-comma 1:19", "ellipsis 1:21"],
    );
    faults(
        "{\"job_actions\": [], ..., \"description\": \"x\"}",
        &["ellipsis 1:21"],
    );
    faults("{\"job_actions\": [], \"x-a\": …}", &["ellipsis 1:28"]);
}

#[test]
fn comments_and_other_quotes_are_known() {
    faults(
        "{ // all\n \"job_actions\": [] /* none\n */, # x\n \"x-a\": 'b' }",
        &[
            "comment 1:3",
            "comment 2:20",
            "comment 3:6",
            "other-quotes 4:9",
        ],
    );
    faults(
        "{'job_actions': [], “description”: “x”}",
        &["other-quotes 1:2", "other-quotes 1:21", "other-quotes 1:36"],
    );
}

#[test]
fn words_without_quotes_are_known() {
    let text = "{\"job_actions\": [], \"x-a\": True, \"x-b\": None, \"x-c\": int, \"x-d\": secs, \"x-e\": yes, \"x-f\": /etc/passwd}";
    let parsed = read(text);
    assert_eq!(errors(&parsed), ["bare-word"; 6]);
    let helps: Vec<&str> = parsed
        .diagnostics
        .iter()
        .filter_map(|it| it.help.as_deref().or(it.label.as_deref()))
        .collect();
    assert_eq!(helps[0], "write `true`");
    assert_eq!(helps[1], "write `null`");
    assert!(helps[2].contains("stands for a number"), "{helps:?}");
    assert!(helps[3].contains("number of seconds"), "{helps:?}");
    assert_eq!(helps[4], "write `true`");
    assert_eq!(helps[5], "write `\"/etc/passwd\"`");
}

#[test]
fn a_word_that_is_true_in_other_languages_is_taken_as_meant() {
    // So that nothing else is told of it.
    faults(
        &crate::support::backup("\"dry_run\": True, \"hostname\": None"),
        &["bare-word 1:162", "bare-word 1:180"],
    );
}

#[test]
fn quotes_that_are_missing_are_told_once() {
    faults(
        "{\n \"description\": \"x,\n \"job_actions\": []\n}",
        &["unterminated-text 2:17"],
    );
    faults(
        "{\n \"description: \"x\",\n \"job_actions\": []\n}",
        &["unterminated-text 2:2"],
    );
    faults(
        "{\n \"description\": x\",\n \"job_actions\": []\n}",
        &["bare-word 2:17"],
    );
    faults(
        "{\n \"description\": \"one\ntwo\",\n \"job_actions\": []\n}",
        &["line-break-in-text 2:17"],
    );
    faults(
        "{\"job_actions\": [], \"x-a\": \"b",
        &["unexpected-end 1:28"],
    );
}

#[test]
fn brackets_that_do_not_pair_up_name_the_other_one() {
    faults("{\"job_actions\": []\n}}", &["stray-bracket 2:2"]);
    faults("{\"job_actions\": [}", &["missing-closing 1:18"]);
    faults("{\"job_actions\": [{]}", &["missing-closing 1:19"]);
    faults("{\n\"job_actions\": [\n", &["unexpected-end 2:17"]);
    let parsed = read("{\n\"job_actions\": [\n");
    let fault = only(&parsed, "unexpected-end");
    assert!(fault.message.contains("line 2"), "{}", fault.message);
    assert_eq!(fault.label.as_deref(), Some("expected `]}`"));
}

#[test]
fn a_job_without_its_outer_braces_is_called_that() {
    let text = "\"job\": {\"job_actions\": []}";
    let parsed = read(text);
    assert_eq!(errors(&parsed), ["missing-outer-braces"]);
    assert_eq!(pointed(text, &parsed.diagnostics[0]), "\"job\"");
}

#[test]
fn text_after_the_end_is_told() {
    faults("{\"job_actions\": []} x", &["text-after-end 1:21"]);
    faults(
        "{\"job_actions\": []}, \"job_id\": \"x\"}",
        &["text-after-end 1:20"],
    );
}

#[test]
fn a_byte_order_mark_is_accepted_with_a_warning() {
    let parsed = read("\u{feff}{\"job_actions\": []}");
    assert_eq!(codes(&parsed), ["byte-order-mark", "no-actions"]);
    assert!(parsed.job.is_some());
}

#[test]
fn line_ends_of_windows_are_fine() {
    let text = crate::support::backup("").replace(", ", ",\r\n");
    assert!(read(&text).job.is_some());
    faults(
        "{\r\n  \"job_actions\": []\r\n  \"description\": \"x\"\r\n}\r\n",
        &["missing-comma 2:20"],
    );
}

#[test]
fn numbers_are_told_how_to_be_written() {
    for (written, help) in [
        ("03", "write `3`"),
        ("-007", "write `-7`"),
        ("1.", "write `1`"),
        ("+5", "write `5`"),
        ("1_000", "write `1000`"),
        (".5", "write `0.5`"),
        ("60s", "put a text in quotes: `\"60s\"`"),
        (
            "2015-06-02T16:20:00",
            "put it in quotes: `\"2015-06-02T16:20:00\"`",
        ),
    ] {
        let parsed = read(&format!("{{\"job_actions\": [], \"x-a\": {written}}}"));
        assert_eq!(
            only(&parsed, "bad-number").help.as_deref(),
            Some(help),
            "{written}"
        );
    }
}

#[test]
fn a_file_of_nul_bytes_is_told_as_that() {
    let parsed = read(&"\0".repeat(4096));
    assert_eq!(errors(&parsed), ["nul-bytes"]);
    assert_eq!(
        parsed.diagnostics[0].message,
        "the file consists of 4096 NUL bytes"
    );
    assert_eq!(errors(&read("{\"job_actions\": []}\0\0")), ["nul-bytes"]);
}

#[test]
fn other_encodings_are_told() {
    let host = crate::support::host();
    let parse = |bytes: &[u8]| freezerd::job::parse(bytes, "a.json", &host);
    let latin = parse(b"{\"job_actions\": [], \"description\": \"t\xe4glich\", \"x-a\": \"\xfc\"}");
    assert_eq!(errors(&latin), ["not-utf8"]);
    assert!(
        latin.diagnostics[0].message.contains("one more place"),
        "{:?}",
        latin.diagnostics
    );
    assert_eq!(
        latin
            .diagnostics
            .iter()
            .find(|it| it.is_error())
            .and_then(|it| it.span.clone()),
        Some(37..38)
    );
    let wide: Vec<u8> = "\u{feff}{}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(errors(&parse(&wide)), ["not-utf8"]);
}

#[test]
fn a_file_of_something_else_ends_after_a_bounded_number_of_faults() {
    let parsed = read(&"int main(void) { return 0; }\n".repeat(2_000));
    assert!(parsed.diagnostics.len() <= 41);
    let parsed = read(&format!("[{}]", "'x' ".repeat(100)));
    assert!(errors(&parsed).contains(&"too-many-faults"));
}

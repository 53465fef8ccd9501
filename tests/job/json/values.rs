//! What has no fault is read as `serde_json` reads it.

use freezerd::job::json::{self, DEPTH_LIMIT};

use crate::support::{Dice, errors, read};

#[test]
fn what_has_no_fault_is_what_serde_json_reads() {
    let good = [
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.5",
        "-1.5e+3",
        "1E2",
        "0.0e-0",
        "\"\"",
        " \t\r\n{ } \n",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "1e308",
        "1e-999",
        r#""\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t""#,
        "\"é😀\u{7f}\u{2028}\"",
        r#"{"a":{"b":[1,[2,{"c":null}]]},"d":""}"#,
        r#"{"":0}"#,
        r#"{"a":1,"a":2}"#,
        "[[],[[]],{}]",
        "\"\\u0000\"",
    ];
    for text in good {
        let document = json::read(text);
        assert!(document.faults.is_empty(), "{text}: {:?}", document.faults);
        let value: serde_json::Value = serde_json::from_str(text).expect(text);
        assert_eq!(document.root.expect("a value").to_json(), value, "{text}");
    }
    let bad = [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "nul",
        "True",
        "tru",
        "nulll",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "0x1",
        "1_000",
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        "'a'",
        "\"",
        "\"a",
        "\"\n\"",
        "\"\t\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\ud800""#,
        r#""\ud800\u0041""#,
        r#""\udc00""#,
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "{\"a\"}",
        "{1:2}",
        "1 2",
        "{} {}",
        "[1]]",
        "// x\n1",
        "/* x */ 1",
        "# x\n1",
        "1 // x",
        "\u{a0}1",
        "\u{b}1",
        "\0",
        "1\0",
        "...",
        "[...]",
        "{\"a\":...}",
        "“a”",
        "{\"a\"::1}",
        "{:1}",
        "\"job\": {}",
    ];
    for text in bad {
        assert!(
            serde_json::from_str::<serde_json::Value>(text).is_err(),
            "{text}"
        );
        assert!(!json::read(text).faults.is_empty(), "{text} has no fault");
    }
    // What serde_json refuses and a job file may have, with a warning.
    assert!(serde_json::from_str::<serde_json::Value>("\u{feff}{}").is_err());
    assert!(
        json::read("\u{feff}{}")
            .faults
            .iter()
            .all(|fault| !fault.is_error())
    );
}

#[test]
fn the_depth_that_is_read_is_that_of_serde_json() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(serde_json::from_str::<serde_json::Value>(&nested(DEPTH_LIMIT)).is_ok());
    assert!(serde_json::from_str::<serde_json::Value>(&nested(DEPTH_LIMIT + 1)).is_err());
    assert!(json::read(&nested(DEPTH_LIMIT)).faults.is_empty());
    assert_eq!(errors(&read(&nested(DEPTH_LIMIT + 1))), ["too-deep"]);
}

#[test]
fn nesting_of_ten_thousand_levels_is_one_clear_error() {
    for text in [
        "[".repeat(10_000),
        "{\"a\":".repeat(10_000),
        "[{\"job\":".repeat(10_000),
    ] {
        let parsed = read(&text);
        assert_eq!(errors(&parsed), ["too-deep"]);
        assert!(parsed.job.is_none());
    }
}

/// A generated document is read by both or refused by both, and read alike.
#[test]
fn generated_documents_are_judged_as_serde_json_judges_them() {
    let mut dice = Dice::new(20_260_602);
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"a\"",
        "\"b\"",
        "\"\\n\"",
        "1",
        "-2.5",
        "1e3",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "0",
        "01",
        "\"",
        "\\",
        "x",
        "é",
        "\"é\"",
        "'",
        "...",
        "//",
        "\t",
        "-",
        ".",
        "\"\\u00e9\"",
        "{\"a\":1}",
        "[1,2]",
        "\u{7}",
    ];
    for _ in 0..60_000 {
        let length = 1 + dice.below(12);
        let text: String = (0..length).map(|_| *dice.pick(&tokens)).collect();
        let document = json::read(&text);
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(value) => {
                assert!(
                    document.faults.is_empty(),
                    "{text:?}: {:?}",
                    document.faults
                );
                assert_eq!(
                    document.root.map(|root| root.to_json()),
                    Some(value),
                    "{text:?}"
                );
            }
            Err(fault) => assert!(
                !document.faults.is_empty(),
                "{text:?} has no fault, but {fault}"
            ),
        }
    }
}

//! `upload_limit` and `download_limit`.

use std::num::NonZeroU64;

use freezerd::job::action::Bandwidth;
use freezerd::job::rate_limit::RateLimit;

use crate::support::*;

fn bandwidth(keys: &str) -> Bandwidth {
    job(&backup(keys)).actions.remove(0).action.bandwidth
}

/// So many bytes a second at all times; 0: no limit.
fn fixed(bytes: u64) -> Option<RateLimit> {
    Some(RateLimit::always(NonZeroU64::new(bytes)))
}

#[test]
fn a_limit_is_a_number_of_bytes_a_second_or_a_text() {
    for (written, bytes) in [
        ("10485760", 10 << 20),
        ("\"10M\"", 10 << 20),
        ("\"120K\"", 120 << 10),
        ("\"1.5 MiB/s\"", 3 << 19),
        ("\"10 MB\"", 10_000_000),
        ("\"2048\"", 2048),
    ] {
        let limit = bandwidth(&format!("\"upload_limit\": {written}"));
        assert_eq!(limit.upload, fixed(bytes), "{written}");
        assert_eq!(limit.download, None);
        let limit = bandwidth(&format!("\"download-limit\": {written}"));
        assert_eq!(limit.download, fixed(bytes), "{written}");
    }
}

#[test]
fn minus_one_zero_and_off_mean_no_limit() {
    for written in ["-1", "\"-1\"", "0", "\"0\"", "\"off\"", "[\"off\"]", "[0]"] {
        let text = format!("\"upload_limit\": {written}, \"download_limit\": {written}");
        let limits = bandwidth(&text);
        assert_eq!(limits.upload, fixed(0), "{written}");
        assert_eq!(limits.download, fixed(0), "{written}");
        assert_eq!(codes(&read(&backup(&text))), Vec::<&str>::new());
    }
}

#[test]
fn null_leaves_the_limit_to_the_storage_and_the_settings() {
    for written in ["null", "false", "\"\""] {
        let text = format!("\"upload_limit\": {written}, \"download_limit\": {written}");
        assert!(bandwidth(&text).is_unset(), "{written}");
        assert_eq!(codes(&read(&backup(&text))), Vec::<&str>::new());
    }
}

#[test]
fn a_list_of_texts_is_windows_by_time_of_day() {
    for written in [
        r#"["mon-fri 08:00-18:00 2M", "sat,sun 4M", "20M"]"#,
        r#"["Mon-Fri 8:00-18:00 2 MiB/s", "sat, sun 4M", 20971520]"#,
        r#""mon-fri 08:00-18:00 2M, sat,sun 4M, 20M""#,
    ] {
        let limit = bandwidth(&format!("\"upload_limit\": {written}"));
        let limit = limit.upload.expect("a limit").to_string();
        assert_eq!(
            limit, "mon-fri 08:00-18:00 2M, sat,sun 4M, 20M",
            "{written}"
        );
    }
}

#[test]
fn each_wrong_window_is_named_with_its_mend() {
    let text = backup(
        r#""upload_limit": ["mon-fry 08:00-18:00 2M", "8-18 2M", "mon-fri", "sat 10", true, "fri-mon 1M"]"#,
    );
    let parsed = read(&text);
    let said = |it: &freezerd::job::diagnostic::Diagnostic| {
        let span = it.span.clone().expect("a place");
        (
            it.code.clone(),
            text[span].to_owned(),
            it.help.clone().unwrap_or_default(),
        )
    };
    let said: Vec<(String, String, String)> = parsed.diagnostics.iter().map(said).collect();
    let expected = [
        (
            "bad-rate-window",
            "\"mon-fry 08:00-18:00 2M\"",
            "mon, tue, wed",
        ),
        ("bad-rate-window", "\"8-18 2M\"", "write `08:00-18:00`"),
        ("bad-rate-window", "\"mon-fri\"", "`mon-fri 08:00-18:00 2M`"),
        ("out-of-range", "\"sat 10\"", "`10M`"),
        ("wrong-type", "true", ""),
        ("bad-rate-window", "\"fri-mon 1M\"", "write `fri-sun,mon`"),
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for ((code, place, help), expected) in said.iter().zip(expected) {
        assert_eq!((code.as_str(), place.as_str()), (expected.0, expected.1));
        assert!(help.contains(expected.2), "{help}");
    }
    let mut messages = parsed.diagnostics.iter().map(|it| &it.message);
    assert!(
        messages.all(|it| it.contains("`upload_limit`")),
        "{parsed:#?}"
    );
}

#[test]
fn a_window_that_can_never_be_used_is_refused_where_it_is() {
    let text = backup(r#""upload_limit": ["20M", "mon-fri 08:00-18:00 2M"]"#);
    let parsed = read(&text);
    assert_eq!(errors(&parsed), ["bad-rate-window"]);
    let span = parsed.diagnostics[0].span.clone().expect("a place");
    assert_eq!(&text[span], "\"mon-fri 08:00-18:00 2M\"");
    let parsed = read(&backup(r#""upload_limit": ["08:00-08:00 2M", "20M"]"#));
    assert_eq!(errors(&parsed), ["bad-rate-window"]);
}

#[test]
fn a_limit_that_is_a_mistake_is_refused() {
    for (bad, code) in [
        ("10", "out-of-range"),
        ("1023", "out-of-range"),
        ("-2", "wrong-type"),
        ("\"10 Mbit/s\"", "wrong-type"),
        ("\"fast\"", "wrong-type"),
        ("true", "wrong-type"),
        ("[]", "wrong-type"),
    ] {
        for key in ["upload_limit", "download_limit"] {
            let parsed = read(&backup(&format!("\"{key}\": {bad}")));
            assert_eq!(errors(&parsed), [code], "{bad}");
        }
    }
}

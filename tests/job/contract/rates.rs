//! `upload_limit` and `download_limit`.

use freezerd::job::action::Bandwidth;

use crate::support::*;

fn bandwidth(keys: &str) -> Bandwidth {
    job(&backup(keys)).actions.remove(0).action.bandwidth
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
        assert_eq!(limit.upload.map(u64::from), Some(bytes), "{written}");
        assert_eq!(limit.download, None);
        let limit = bandwidth(&format!("\"download-limit\": {written}"));
        assert_eq!(limit.download.map(u64::from), Some(bytes), "{written}");
    }
}

#[test]
fn minus_one_zero_and_null_mean_no_limit() {
    for written in ["-1", "\"-1\"", "0", "\"0\"", "null", "false", "\"\""] {
        let text = format!("\"upload_limit\": {written}, \"download_limit\": {written}");
        assert!(bandwidth(&text).is_unlimited(), "{written}");
        assert_eq!(codes(&read(&backup(&text))), Vec::<&str>::new());
    }
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

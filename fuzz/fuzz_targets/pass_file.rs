//! Any bytes as a pass file. A password is never empty, and has no white space at its ends.
#![no_main]

use freezerd::secret::password::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(password) = parse(bytes) else {
        return;
    };
    assert!(!password.as_bytes().is_empty());
    if let Ok(text) = std::str::from_utf8(password.as_bytes()) {
        assert_eq!(text.trim(), text);
        let is_marked = text.starts_with('\u{feff}');
        if !is_marked {
            let again = parse(text.as_bytes()).expect("a password");
            assert_eq!(again.as_bytes(), password.as_bytes());
            assert_eq!(again.literal(), None);
        }
    }
    if let Some(literal) = password.literal() {
        assert_ne!(literal, password.as_bytes());
        assert!(bytes.starts_with(literal));
    }
});

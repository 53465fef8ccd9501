//! Any text as one of the small texts that people and other programs write: a location, an address, a time, an id, a
//! size, the name of a marker. What is read is written to a text that is read in the same way.
#![no_main]

use freezerd::inspect::find::ids::IdBeginning;
use freezerd::location::{HttpAddress, Location};
use freezerd::repository::time::Time;
use freezerd::source::tree::selection::Marker;
use freezerd::storage::id::Id;
use freezerd::units::parse_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(location) = text.parse::<Location>() {
        let written = location.to_string();
        assert_eq!(written.parse(), Ok(location.clone()));
        assert_eq!(location.cmp(&location), std::cmp::Ordering::Equal);
    }
    if let Ok(address) = HttpAddress::parse(text) {
        let written = address.as_str();
        assert!(written.ends_with('/') && !written.contains('@'));
        assert!(!written.chars().any(char::is_control));
        assert_eq!(HttpAddress::parse(written), Ok(address.clone()));
        let _ = (address.is_encrypted(), address.is_loopback());
    }
    let top = HttpAddress::parse("https://h/top").expect("an address");
    if let Ok(below) = top.join(text) {
        assert!(below.as_str().starts_with("https://h/top/"));
        assert_eq!(HttpAddress::parse(below.as_str()), Ok(below));
    }
    if let Ok(time) = Time::parse(text) {
        assert!(time.is_in_range());
        assert_eq!(Time::parse(&time.to_string()), Ok(time));
    }
    if let Ok(id) = Id::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(beginning) = IdBeginning::parse(text) {
        let whole = format!("{text:0<64}").to_ascii_lowercase();
        assert!(beginning.begins(&Id::parse(&whole).expect("digits")));
    }
    if let Ok(marker) = Marker::parse(text) {
        assert!(!marker.name.is_empty() && !marker.name.contains(&b'/'));
    }
    let _ = parse_bytes(text);
});

//! Any bytes as the list of a directory that an FTP server sends, in both forms. It says the same in whatever pieces it
//! comes; no entry is a dot or has a line end in its name; a name that is written as a line for machines is read again.
#![no_main]

use freezerd::storage::ftp::lines::names;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, list) = input;
    for for_machines in [true, false] {
        let whole = names(list, for_machines, usize::MAX);
        assert_eq!(names(list, for_machines, usize::from(piece)), whole);
        for name in whole.into_iter().flatten() {
            assert!(name != b"." && name != b".." && !name.contains(&b'\n'));
            // The line would be too long, or its end another one.
            if name.len() > 8192 || name.ends_with(b"\r") {
                continue;
            }
            let line = [b"type=file;size=7; ", &name[..], b"\r\n"].concat();
            assert_eq!(names(&line, true, usize::MAX), Some(vec![name]));
        }
    }
});

//! A file tree with everything that is odd.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Odd names, links, holes, attributes, times.
pub fn odd_tree(root: &Path) {
    fs::create_dir_all(root.join("deep/er/empty")).unwrap();
    for name in [
        &b"plain.txt"[..],
        b"not utf-8 \xff\xfe",
        b"new\nline\tand \"quotes\" and \\",
        b"<html>&co",
        b"control \x01\x7f\x08\x0c\x07",
        "unicode h\u{f6}he \u{1f600} \u{a0}\u{200b}\u{2028}\u{feff}\u{378}".as_bytes(),
        b"cut off \xe2\x82",
    ] {
        fs::write(root.join(OsStr::from_bytes(name)), name).unwrap();
    }
    fs::write(root.join("empty file"), "").unwrap();
    // Several chunks.
    let mut random = fastrand::Rng::with_seed(5);
    let large: Vec<u8> = (0..3_000_000).map(|_| random.u8(..)).collect();
    fs::write(root.join("deep/large"), &large).unwrap();
    fs::write(root.join("deep/text"), "the same line\n".repeat(200_000)).unwrap();
    fs::hard_link(root.join("plain.txt"), root.join("deep/second name")).unwrap();
    symlink("../plain.txt", root.join("deep/link")).unwrap();
    symlink(
        OsStr::from_bytes(b"to \xff<nowhere>\x01\n"),
        root.join("odd link"),
    )
    .unwrap();
    let pipe = root.join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o640);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    fs::set_permissions(root.join("deep/er"), fs::Permissions::from_mode(0o3755)).unwrap();
    fs::set_permissions(root.join("deep/text"), fs::Permissions::from_mode(0o4711)).unwrap();
    for (name, value) in [("user.empty", &b""[..]), ("user.bytes", b"\0\xff<>")] {
        let set = rustix::fs::setxattr(
            root.join("plain.txt"),
            name,
            value,
            rustix::fs::XattrFlags::empty(),
        );
        if let Err(error) = set {
            eprintln!("SKIPPED: no extended attributes here: {error}");
        }
    }
    let before_1970 = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec {
            tv_sec: -2,
            tv_nsec: 500_000_000,
        },
        last_modification: rustix::fs::Timespec {
            tv_sec: -86_401,
            tv_nsec: 1,
        },
    };
    rustix::fs::utimensat(
        rustix::fs::CWD,
        root.join("empty file"),
        &before_1970,
        rustix::fs::AtFlags::empty(),
    )
    .unwrap();
}

//! Which files are read, and when.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use freezerd::intake::{Catalog, Directory, FileChange, FileState, is_job_file, scan};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{directory, mode, temporary, told, trust, write};
use crate::support::{backup, host};

#[test]
fn only_job_files_of_the_directory_itself_count() {
    let place = temporary();
    for name in [
        "b.json",
        "a.conf",
        ".c.json",
        "d.json~",
        "e.txt",
        "f.json.dpkg-new",
    ] {
        write(place.path(), name, "{}");
    }
    fs::create_dir(place.path().join("sub.json")).expect("a directory");
    write(&place.path().join("sub.json"), "g.json", "{}");
    let names = directory(place.path()).names().expect("names");
    assert_eq!(names, ["a.conf", "b.json", "sub.json"]);
    assert!(is_job_file(OsStr::new("a.json")));
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let place = temporary();
    let at = |name: &str| place.path().join(name);
    write(place.path(), "file.json", &backup(""));
    symlink("file.json", at("link.json")).expect("a link");
    symlink("nowhere", at("dangling.json")).expect("a link");
    symlink("/etc/shadow", at("shadow.json")).expect("a link");
    fs::create_dir(at("directory.json")).expect("a directory");
    mknodat(
        CWD,
        at("pipe.json"),
        FileType::Fifo,
        Mode::from_raw_mode(0o644),
        0,
    )
    .expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.json")).expect("a socket");
    let directory = directory(place.path());
    let read = |name: &str| told(&directory.read(OsStr::new(name)));
    assert_eq!(read("file.json"), "content");
    assert_eq!(read("link.json"), "symbolic-link");
    assert_eq!(read("dangling.json"), "symbolic-link");
    assert_eq!(read("shadow.json"), "symbolic-link");
    for name in ["directory.json", "pipe.json", "socket.json"] {
        assert_eq!(read(name), "not-a-file", "{name}");
    }
    assert_eq!(read("missing.json"), "gone");
    assert_eq!(read("../file.json"), "gone");
    assert_eq!(read(""), "gone");
    let devices = Directory::open(Path::new("/dev"), None).expect("devices").0;
    for name in ["null", "zero"] {
        assert_eq!(
            told(&devices.read(OsStr::new(name))),
            "not-a-file",
            "{name}"
        );
    }
}

#[test]
fn a_file_with_another_name_is_read_with_a_warning() {
    let place = temporary();
    let path = write(place.path(), "a.json", &backup(""));
    fs::hard_link(&path, place.path().join("elsewhere")).expect("a link");
    assert_eq!(
        told(&directory(place.path()).read(OsStr::new("a.json"))),
        "content but hard-link"
    );
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let place = temporary();
    let sized = |name: &str, size: u64| {
        let path = write(place.path(), name, "");
        fs::File::options()
            .write(true)
            .open(path)
            .expect("a file")
            .set_len(size)
            .expect("a size");
    };
    sized("largest.json", 1 << 20);
    sized("larger.json", (1 << 20) + 1);
    sized("huge.json", 1 << 40);
    let directory = directory(place.path());
    assert_eq!(told(&directory.read(OsStr::new("largest.json"))), "content");
    assert_eq!(
        told(&directory.read(OsStr::new("larger.json"))),
        "file-too-large"
    );
    assert_eq!(
        told(&directory.read(OsStr::new("huge.json"))),
        "file-too-large"
    );
}

#[test]
fn a_directory_that_is_none_is_told() {
    let place = temporary();
    let path = write(place.path(), "a.json", "{}");
    for path in [path.as_path(), Path::new("/nowhere/at/all")] {
        let faults = Directory::open(path, Some(trust())).expect_err("no directory");
        assert_eq!(faults[0].code, "unreadable");
    }
}

#[test]
fn a_file_that_is_being_written_is_never_taken_for_done() {
    let place = temporary();
    let path = write(place.path(), "a.json", "");
    let directory = directory(place.path());
    let done = AtomicBool::new(false);
    // Every byte of a version is the same, so that a mixture of two shows.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut version = 0_u8;
            while !done.load(Ordering::Relaxed) {
                version = (version + 1) % 26;
                let text = vec![b'a' + version; 40_000 + usize::from(version) * 1_000];
                fs::write(&path, text).expect("a write");
            }
        });
        let (mut whole, mut changing) = (0, 0);
        for _ in 0..3_000 {
            match directory.read(OsStr::new("a.json")) {
                FileState::Content { bytes, .. } => {
                    let mixed = bytes
                        .first()
                        .is_some_and(|first| bytes.iter().any(|it| it != first));
                    assert!(!mixed, "two versions in one");
                    whole += 1;
                }
                FileState::Changing => changing += 1,
                other => panic!("{other:?}"),
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(whole + changing == 3_000);
    });
}

#[test]
fn a_rescan_reads_only_what_changed() {
    let place = temporary();
    write(place.path(), "a.json", &backup(""));
    write(place.path(), "b.json", "{");
    let directory = directory(place.path());
    let mut catalog = Catalog::new(host(), "db1", BTreeMap::new());
    let rescan = |catalog: &mut Catalog| -> Vec<String> {
        let changes = scan(&directory, catalog).expect("a listing");
        let files = changes
            .iter()
            .map(|(file, state)| format!("{file} {}", told(state)))
            .collect();
        catalog.update(changes);
        files
    };
    assert_eq!(rescan(&mut catalog), ["a.json content", "b.json content"]);
    assert!(rescan(&mut catalog).is_empty());
    // The same size and, put back, the same time: the inode's own time still tells.
    let path = place.path().join("b.json");
    let modified = fs::metadata(&path)
        .and_then(|it| it.modified())
        .expect("a time");
    fs::write(&path, "[").expect("a write");
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|it| it.set_modified(modified))
        .expect("a time");
    assert_eq!(rescan(&mut catalog), ["b.json content"]);
    fs::rename(&path, place.path().join("c.json")).expect("a rename");
    assert_eq!(rescan(&mut catalog), ["c.json content", "b.json gone"]);
    // A change of mode alone counts.
    mode(&place.path().join("a.json"), 0o666);
    assert_eq!(rescan(&mut catalog), ["a.json untrusted-mode"]);
    mode(&place.path().join("a.json"), 0o600);
    assert_eq!(rescan(&mut catalog), ["a.json content"]);
    assert!(rescan(&mut catalog).is_empty());
}

#[test]
fn whatever_stands_beside_them_good_files_load() {
    let place = temporary();
    let text = backup("");
    write(place.path(), "good.json", &text);
    write(place.path(), "empty.json", "");
    write(place.path(), "nul.json", &"\0".repeat(512));
    write(place.path(), "deep.json", &"[".repeat(10_000));
    write(place.path(), "windows.json", &text.replace(", ", ",\r\n"));
    write(place.path(), "mark.json", &format!("\u{feff}{text}"));
    fs::write(
        place.path().join("latin.json"),
        b"{\"description\": \"\xfc\"}",
    )
    .expect("a file");
    fs::write(
        place.path().join("wide.json"),
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
    )
    .expect("a file");
    for name in ["latin.json", "wide.json"] {
        mode(&place.path().join(name), 0o644);
    }
    symlink("good.json", place.path().join("link.json")).expect("a link");
    mknodat(
        CWD,
        place.path().join("pipe.json"),
        FileType::Fifo,
        Mode::from_raw_mode(0o644),
        0,
    )
    .expect("a pipe");
    let odd = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"odd-\xff.json");
    let odd_there = fs::write(place.path().join(odd), &text).is_ok();
    for cut in (0..text.len()).step_by(7) {
        write(place.path(), &format!("cut-{cut}.json"), &text[..cut]);
    }
    let mut catalog = Catalog::new(host(), "db1", BTreeMap::new());
    let changes = scan(&directory(place.path()), &catalog).expect("a listing");
    let mut loaded: Vec<String> = catalog
        .update(changes)
        .into_iter()
        .filter_map(|change| match change {
            FileChange::Loaded { job, .. } => Some(job.id.clone()),
            _ => None,
        })
        .collect();
    loaded.retain(|it| !(odd_there && it.starts_with("odd-")));
    loaded.sort();
    assert_eq!(loaded, ["good", "mark", "windows"]);
}

#[test]
fn many_files_are_read_and_only_what_changed_is_read_again() {
    let place = temporary();
    let text = backup("");
    for number in 0..2_000 {
        write(place.path(), &format!("job-{number}.json"), &text);
    }
    let directory = directory(place.path());
    let mut catalog = Catalog::new(host(), "db1", BTreeMap::new());
    let changes = scan(&directory, &catalog).expect("a listing");
    assert_eq!(catalog.update(changes).len(), 2_000);
    assert!(scan(&directory, &catalog).expect("a listing").is_empty());
    write(place.path(), "job-7.json", "{}");
    assert_eq!(scan(&directory, &catalog).expect("a listing").len(), 1);
}

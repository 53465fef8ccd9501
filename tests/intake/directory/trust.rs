//! Whose files are trusted, and what a user may not read.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use freezerd::intake::{Directory, FileState, Trust};

use super::{directory, me, mode, temporary, told, trust, write};

/// Owner, mode, group; whether it is the trusted user's own group; and what is told of the file.
#[test]
fn files_are_trusted_as_cron_trusts_crontabs() {
    if me() != 0 {
        println!(
            "SKIPPED: files_are_trusted_as_cron_trusts_crontabs needs root to give files away"
        );
        return;
    }
    let place = temporary();
    let path = write(place.path(), "a.json", "{}");
    let root = Trust {
        user: 0,
        own_group: None,
        owners: vec![],
    };
    let ada = Trust {
        user: 1000,
        own_group: Some(1000),
        owners: vec![],
    };
    let eve = Trust {
        user: 1001,
        own_group: None,
        owners: vec![],
    };
    let friend = Trust {
        user: 0,
        own_group: None,
        owners: vec![4242],
    };
    for (trust, owner, group, bits, expected) in [
        (&root, 0, 0, 0o644, "content"),
        (&root, 0, 0, 0o600, "content"),
        (&root, 0, 0, 0o664, "untrusted-mode"),
        (&root, 0, 0, 0o646, "untrusted-mode"),
        (&root, 0, 0, 0o666, "untrusted-mode"),
        (&root, 1000, 0, 0o644, "untrusted-owner"),
        (&root, 1000, 0, 0o666, "untrusted-owner,untrusted-mode"),
        (&ada, 1000, 1000, 0o644, "content"),
        (&ada, 0, 0, 0o644, "content"),
        (&ada, 1000, 1000, 0o664, "content but group-writable"),
        (&ada, 1000, 100, 0o664, "untrusted-mode"),
        (&ada, 1000, 1000, 0o666, "untrusted-mode"),
        (&ada, 1001, 1000, 0o644, "untrusted-owner"),
        (&eve, 1001, 100, 0o664, "untrusted-mode"),
        (&friend, 4242, 100, 0o644, "content"),
        (&friend, 4243, 100, 0o644, "untrusted-owner"),
    ] {
        chown(&path, Some(owner), Some(group)).expect("an owner");
        mode(&path, bits);
        let directory = Directory::open(place.path(), Some(trust.clone()))
            .expect("the directory is root's")
            .0;
        assert_eq!(
            told(&directory.read(OsStr::new("a.json"))),
            expected,
            "{trust:?} {owner}:{group} {bits:o}"
        );
        let all = Directory::open(place.path(), None).expect("a directory").0;
        assert_eq!(told(&all.read(OsStr::new("a.json"))), "content");
    }
}

#[test]
fn the_directory_must_be_trusted_too() {
    if me() != 0 {
        println!("SKIPPED: the_directory_must_be_trusted_too needs root to give directories away");
        return;
    }
    let place = temporary();
    let open = |trust: Trust| match Directory::open(place.path(), Some(trust)) {
        Ok((_, warnings)) => format!(
            "open {}",
            warnings
                .iter()
                .map(|it| it.code.as_str())
                .collect::<Vec<_>>()
                .join(",")
        ),
        Err(faults) => faults
            .iter()
            .map(|it| it.code.as_str())
            .collect::<Vec<_>>()
            .join(","),
    };
    let root = || Trust {
        user: 0,
        own_group: None,
        owners: vec![],
    };
    let ada = || Trust {
        user: 1000,
        own_group: Some(1000),
        owners: vec![],
    };
    assert_eq!(open(root()), "open ");
    mode(place.path(), 0o1777);
    assert_eq!(open(root()), "untrusted-mode");
    mode(place.path(), 0o775);
    assert_eq!(open(root()), "untrusted-mode");
    chown(place.path(), Some(1000), Some(1000)).expect("an owner");
    assert_eq!(open(ada()), "open group-writable");
    mode(place.path(), 0o755);
    assert_eq!(open(ada()), "open ");
    assert_eq!(open(root()), "untrusted-owner");
}

#[test]
fn what_is_refused_is_told_how_to_be_mended() {
    if me() != 0 {
        println!("SKIPPED: what_is_refused_is_told_how_to_be_mended needs root to give files away");
        return;
    }
    let place = temporary();
    let path = write(place.path(), "it's.json", "{}");
    chown(&path, Some(4242), Some(0)).expect("an owner");
    mode(&path, 0o666);
    let FileState::Refused { diagnostics, .. } =
        directory(place.path()).read(OsStr::new("it's.json"))
    else {
        panic!()
    };
    let shown = format!("'{}/it'\\''s.json'", place.path().display());
    assert_eq!(
        diagnostics[0].message,
        "the file belongs to user 4242, which is not a trusted user"
    );
    assert_eq!(
        diagnostics[0].help,
        Some(format!(
            "`chown root {shown}`, or name the user in `trusted_owners`"
        ))
    );
    assert_eq!(
        diagnostics[1].message,
        "its group and everybody else may write to the file (mode 0666)"
    );
    assert_eq!(diagnostics[1].help, Some(format!("`chmod go-w {shown}`")));
}

const CHILD: &str = "FREEZERD_TEST_AS_NOBODY";

/// What an ordinary user cannot read: seen from a child process that is one.
#[test]
fn what_the_user_may_not_read_is_refused() {
    if std::env::var_os(CHILD).is_some() {
        return in_the_child();
    }
    if me() != 0 {
        return in_the_child();
    }
    // A copy that an ordinary user can reach, wherever the build is.
    let place = temporary();
    let program = place.path().join("test");
    let copied = std::env::current_exe().and_then(|it| fs::copy(it, &program));
    if let Err(fault) = copied {
        println!("SKIPPED: what_the_user_may_not_read_is_refused could not copy itself: {fault}");
        return;
    }
    mode(&program, 0o755);
    let output = std::process::Command::new(&program)
        .args([
            "--exact",
            "directory::trust::what_the_user_may_not_read_is_refused",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .uid(65_534)
        .gid(65_534)
        .output();
    match output {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && told.contains("1 passed"),
                "{told}"
            );
        }
        Err(fault) => println!(
            "SKIPPED: what_the_user_may_not_read_is_refused could not become another user: {fault}"
        ),
    }
}

fn in_the_child() {
    let place = temporary();
    let closed = write(place.path(), "closed.json", "{}");
    mode(&closed, 0o000);
    let own = write(place.path(), "own.json", "{}");
    mode(&own, 0o664);
    let directory = directory(place.path());
    assert_eq!(
        told(&directory.read(OsStr::new("closed.json"))),
        "unreadable"
    );
    assert_eq!(
        told(&directory.read(OsStr::new("own.json"))),
        "untrusted-mode"
    );
    let group = rustix::process::getegid().as_raw();
    let own_group = Trust {
        own_group: Some(group),
        ..trust()
    };
    let directory = Directory::open(place.path(), Some(own_group))
        .expect("a directory")
        .0;
    assert_eq!(
        told(&directory.read(OsStr::new("own.json"))),
        "content but group-writable"
    );
    // Root's files are trusted by everybody.
    let root = Directory::open(Path::new("/etc"), Some(trust()))
        .expect("root's directory")
        .0;
    assert_eq!(told(&root.read(OsStr::new("passwd"))), "content");
    let hidden = place.path().join("hidden");
    fs::create_dir(&hidden).expect("a directory");
    mode(&hidden, 0o000);
    let faults = Directory::open(&hidden, Some(trust())).expect_err("it is closed");
    assert_eq!(faults[0].code, "unreadable");
    mode(&hidden, 0o755);
}

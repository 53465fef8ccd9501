//! Tests of paths on which other users have a say.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn trust() -> Trust {
    Trust {
        user: rustix::process::geteuid().as_raw(),
        own_group: None,
        owners: Vec::new(),
    }
}

fn directory() -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    fs::set_permissions(top.path(), fs::Permissions::from_mode(0o755)).unwrap();
    top
}

fn refused(path: &Path) -> PathFault {
    let asked = fault_of(path, &trust()).expect("a fault").fault;
    assert_eq!(open_to_append(path, &trust()).unwrap_err().fault, asked);
    asked
}

#[test]
fn a_file_in_a_directory_of_the_user_is_created_for_the_user_alone() {
    let top = directory();
    let path = top.path().join("log");
    assert!(fault_of(&path, &trust()).is_none());
    assert!(!path.exists(), "to ask changes nothing");
    let file = open_to_append(&path, &trust()).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_link_is_followed_only_on_the_way_and_never_at_the_end() {
    let top = directory();
    fs::create_dir(top.path().join("real")).unwrap();
    symlink("real", top.path().join("way")).unwrap();
    symlink("../real/./", top.path().join("real/back")).unwrap();
    let path = top.path().join("way/back/../real/log");
    open_to_append(&path, &trust()).unwrap();
    assert!(top.path().join("real/log").exists());
    symlink("real/log", top.path().join("end")).unwrap();
    assert_eq!(refused(&top.path().join("end")), PathFault::Link);
    symlink("circle", top.path().join("circle")).unwrap();
    assert_eq!(refused(&top.path().join("circle/log")), PathFault::Links);
}

#[test]
fn a_directory_that_others_may_write_to_needs_the_sticky_bit() {
    let top = directory();
    let path = top.path().join("open/log");
    fs::create_dir(top.path().join("open")).unwrap();
    for (mode, accepted) in [
        (0o777, false),
        (0o775, false),
        (0o1777, true),
        (0o1775, true),
    ] {
        fs::set_permissions(top.path().join("open"), fs::Permissions::from_mode(mode)).unwrap();
        match accepted {
            true => drop(open_to_append(&path, &trust()).unwrap()),
            false => assert_eq!(refused(&path), PathFault::DirectoryMode(mode)),
        }
    }
    // Everything below such a directory is refused, too.
    fs::create_dir(top.path().join("open/own")).unwrap();
    fs::set_permissions(top.path().join("open"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(
        refused(&top.path().join("open/own/log")),
        PathFault::DirectoryMode(0o777)
    );
}

#[test]
fn in_a_directory_of_many_users_a_file_with_a_second_name_is_refused() {
    let top = directory();
    fs::write(top.path().join("secret"), "").unwrap();
    fs::create_dir(top.path().join("tmp")).unwrap();
    fs::hard_link(top.path().join("secret"), top.path().join("tmp/log")).unwrap();
    open_to_append(&top.path().join("tmp/log"), &trust()).unwrap();
    fs::set_permissions(top.path().join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    assert_eq!(refused(&top.path().join("tmp/log")), PathFault::HardLink);
}

#[test]
fn what_is_not_a_file_is_not_opened() {
    let top = directory();
    assert_eq!(refused(top.path()), PathFault::NotAFile);
    assert_eq!(refused(Path::new("/dev/null")), PathFault::NotAFile);
    let fifo = top.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert_eq!(refused(&fifo), PathFault::NotAFile);
    fs::write(top.path().join("file"), "").unwrap();
    assert_eq!(
        refused(&top.path().join("file/log")),
        PathFault::System(Errno::NOTDIR)
    );
}

#[test]
fn what_another_user_owns_is_refused() {
    if rustix::process::geteuid().as_raw() != 0 {
        println!("SKIPPED: only root can give files to another user");
        return;
    }
    let top = directory();
    let give = |name: &str| {
        rustix::fs::chownat(
            rustix::fs::CWD,
            top.path().join(name),
            Some(rustix::fs::Uid::from_raw(65534)),
            None,
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .unwrap();
    };
    fs::create_dir_all(top.path().join("home/below")).unwrap();
    give("home");
    let below = top.path().join("home/below/log");
    assert_eq!(refused(&below), PathFault::DirectoryOwner(65534));
    let trusting = Trust {
        owners: vec![65534],
        ..trust()
    };
    assert!(fault_of(&below, &trusting).is_none());

    fs::create_dir(top.path().join("tmp")).unwrap();
    fs::set_permissions(top.path().join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    symlink("/", top.path().join("tmp/way")).unwrap();
    give("tmp/way");
    assert_eq!(
        refused(&top.path().join("tmp/way/log")),
        PathFault::LinkOwner(65534)
    );
    fs::write(top.path().join("tmp/log"), "").unwrap();
    give("tmp/log");
    assert_eq!(
        refused(&top.path().join("tmp/log")),
        PathFault::FileOwner(65534)
    );
    // Whatever the kernel thinks of the files of others in such a directory.
    open_to_append(&top.path().join("tmp/log"), &trusting).unwrap();
    fs::write(top.path().join("log"), "").unwrap();
    give("log");
    assert!(
        fault_of(&top.path().join("log"), &trust()).is_none(),
        "only a trusted user can have put it there"
    );
}

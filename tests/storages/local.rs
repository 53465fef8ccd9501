//! What the local storage promises besides.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use freezerd::storage::error::ErrorKind;
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;
use freezerd::storage::{FileKind, FileName, Storage, StrayKind};

use crate::support::named;

fn local() -> (tempfile::TempDir, Local) {
    let directory = tempfile::tempdir().unwrap();
    let local = Local::new(directory.path().join("repository"));
    local.create_layout().unwrap();
    (directory, local)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn walk(path: &Path, found: &mut impl FnMut(&Path)) {
    found(path);
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), found);
        }
    }
}

#[test]
fn local_files_belong_to_their_owner_alone_whatever_the_umask_is() {
    let directory = tempfile::tempdir().unwrap();
    // The umask belongs to the whole process, so another process has it.
    let me = std::env::current_exe().unwrap();
    for umask in ["000", "077", "0277"] {
        let root = directory.path().join(umask);
        let ran = std::process::Command::new("sh")
            .args([
                "-c",
                "umask $1; exec \"$0\" --exact --ignored local::write_one_of_each",
            ])
            .arg(&me)
            .arg(umask)
            .env("FREEZERD_TEST_ROOT", &root)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
        walk(&root, &mut |path| {
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(path), expected, "{}", path.display());
        });
    }
}

#[test]
#[ignore = "a part of the test on the umask"]
fn write_one_of_each() {
    let Some(root) = std::env::var_os("FREEZERD_TEST_ROOT") else {
        return;
    };
    let local = Local::new(root);
    local.create_layout().unwrap();
    for kind in FileKind::ALL {
        local.write(named(kind, b"x"), b"x").unwrap();
    }
}

#[test]
fn rights_of_others_are_taken_away() {
    let (_directory, local) = local();
    let key = named(FileKind::Key, b"key");
    local.write(key, b"key").unwrap();
    local.write(FileName::CONFIG, b"config").unwrap();
    let open = [
        local.root().to_owned(),
        local.root().join("keys"),
        local.root().join(key.to_string()),
        local.root().join("config"),
    ];
    for path in &open {
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
    let mut changed = local.protect().unwrap();
    changed.sort();
    let mut expected = open.to_vec();
    expected.sort();
    assert_eq!(changed, expected);
    for path in &open {
        assert_eq!(mode(path) & 0o077, 0);
    }
    assert!(local.protect().unwrap().is_empty());
}

#[test]
fn everything_that_is_not_an_ordinary_file_is_reported() {
    let (_directory, local) = local();
    let root = local.root();
    let good = named(FileKind::Snapshot, b"good");
    local.write(good, b"good").unwrap();
    let linked = named(FileKind::Snapshot, b"linked");
    let dangling = named(FileKind::Snapshot, b"dangling");
    symlink(root.join(good.to_string()), root.join(linked.to_string())).unwrap();
    symlink("/nowhere", root.join(dangling.to_string())).unwrap();
    let folder = named(FileKind::Snapshot, b"folder");
    fs::create_dir(root.join(folder.to_string())).unwrap();
    fs::write(root.join("snapshots/README"), "").unwrap();
    fs::write(root.join(format!("snapshots/{}-tmp-1", good.id)), "").unwrap();

    let listing = local.list(FileKind::Snapshot).unwrap();
    let kind_of = |path: String| {
        let found = listing.strays.iter().find(|stray| stray.path == path);
        found.map(|stray| stray.kind)
    };
    assert_eq!(kind_of(linked.to_string()), Some(StrayKind::Link));
    assert_eq!(kind_of(dangling.to_string()), Some(StrayKind::Link));
    assert_eq!(kind_of(folder.to_string()), Some(StrayKind::NotAFile));
    assert_eq!(kind_of("snapshots/README".into()), Some(StrayKind::NotAnId));
    assert_eq!(
        kind_of(format!("snapshots/{}-tmp-1", good.id)),
        Some(StrayKind::Temporary)
    );
    // None of them counts as absent.
    let ids: Vec<Id> = listing.files.iter().map(|file| file.id).collect();
    for file in [good, linked, dangling, folder] {
        assert!(ids.contains(&file.id), "{file}");
    }
    assert_eq!(local.read(linked, 9).unwrap(), b"good");
    assert_eq!(
        local.read(dangling, 9).unwrap_err().kind,
        ErrorKind::NotFound
    );
    assert_eq!(local.read(folder, 9).unwrap_err().kind, ErrorKind::NotAFile);
}

#[test]
fn a_pack_in_the_wrong_directory_is_reported() {
    let (_directory, local) = local();
    let pack = named(FileKind::Pack, b"pack");
    local.write(pack, b"pack").unwrap();
    let wrong = local.root().join("data/zz");
    let other = local.root().join(format!("data/{:02x}", pack.id.0[0] ^ 1));
    for directory in [&wrong, &other] {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join(pack.id.to_string()), "").unwrap();
    }
    fs::write(local.root().join("data").join(pack.id.to_string()), "").unwrap();
    let listing = local.list(FileKind::Pack).unwrap();
    assert_eq!(listing.files.len(), 1);
    let kinds: Vec<StrayKind> = listing.strays.iter().map(|stray| stray.kind).collect();
    assert_eq!(kinds.len(), 3);
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == StrayKind::Misplaced)
            .count(),
        2
    );
    assert!(kinds.contains(&StrayKind::NotAnId));
}

#[test]
fn a_directory_that_cannot_be_listed_is_not_an_empty_one() {
    let (_directory, local) = local();
    let snapshots = local.root().join("snapshots");
    fs::remove_dir(&snapshots).unwrap();
    assert_eq!(local.list(FileKind::Snapshot).unwrap().files, []);
    symlink("/nowhere", &snapshots).unwrap();
    assert!(local.list(FileKind::Snapshot).is_err());
    fs::remove_file(&snapshots).unwrap();
    fs::write(&snapshots, "a file").unwrap();
    assert_eq!(
        local.list(FileKind::Snapshot).unwrap_err().kind,
        ErrorKind::NotAFile
    );
    symlink("/nowhere", local.root().join("data/ab")).unwrap();
    assert!(local.list(FileKind::Pack).is_err());
}

#[test]
fn a_pipe_in_place_of_a_file_does_not_block() {
    let (_directory, local) = local();
    let file = named(FileKind::Snapshot, b"pipe");
    let path = local.root().join(file.to_string());
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert_eq!(local.read(file, 9).unwrap_err().kind, ErrorKind::NotAFile);
}

#[test]
fn old_leftovers_are_swept_and_new_ones_stay() {
    let (_directory, local) = local();
    let kept = named(FileKind::Pack, b"kept");
    local.write(kept, b"kept").unwrap();
    let left = local.root().join(format!("{kept}-tmp-9"));
    fs::write(&left, "half").unwrap();
    fs::write(local.root().join("config-tmp-1"), "half").unwrap();
    // As `restic` over SFTP and `rest-server` leave them on the disk of the server.
    for (kind, end) in [
        (FileKind::Index, "-restic-temp-5577006791947779410"),
        (FileKind::Snapshot, ".rest-server-temp5577006791947779410"),
    ] {
        let name = format!("{}{end}", named(kind, b"half"));
        fs::write(local.root().join(name), "half").unwrap();
    }
    fs::write(local.root().join("data/notes.txt"), "a person's").unwrap();
    assert_eq!(local.sweep(Duration::from_secs(3600)).unwrap(), 0);
    assert!(left.exists());
    assert_eq!(local.sweep(Duration::ZERO).unwrap(), 4);
    assert!(!left.exists());
    assert!(local.root().join("data/notes.txt").exists());
    assert_eq!(local.read(kept, 9).unwrap(), b"kept");
}

#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let (_directory, local) = local();
    let file = named(FileKind::Pack, b"pack");
    // A file stands where the directory of packs would be made.
    fs::write(local.root().join(format!("data/{:02x}", file.id.0[0])), "").unwrap();
    let error = local.write(file, b"pack").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotAFile);
    assert!(error.to_string().contains(&file.to_string()), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

//! `freezerd dump`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::is_root;
use crate::restic_support::restics;
use crate::support::{Repository, flip, repositories};

/// A file of several blobs, the same each time.
fn large() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(5);
    std::iter::repeat_with(|| random.u8(..))
        .take(9_000_000)
        .collect()
}

#[test]
fn a_file_comes_byte_for_byte() {
    for repository in repositories() {
        repository.file("large", large());
        repository.file("empty", "");
        let odd = OsStr::from_bytes(b"not\xffutf8");
        fs::write(repository.source("").join(odd), "odd").unwrap();
        let first = repository.backup();
        repository.file("large", "small");
        repository.backup();
        let dump = |path: &Path, snapshot: &str| {
            let mut command = repository.command(&["dump", "--snapshot", snapshot]);
            let output = command.arg(path).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            output.stdout
        };
        assert!(dump(&repository.source("large"), &first) == large());
        assert_eq!(dump(&repository.source("large"), "latest"), b"small");
        assert_eq!(dump(&repository.source("empty"), &first), b"");
        assert_eq!(dump(&repository.source("").join(odd), &first), b"odd");
        assert!(repository.files("locks").is_empty());
        for (arguments, code) in [
            (&["dump"][..], 64),
            (&["dump", "/no/such/file"], 66),
            (&["dump", "/", "--snapshot", "x"], 66),
            (&["dump", "/", "--json"], 64),
        ] {
            repository.freezerd(arguments).exits(code);
        }
    }
}

/// Everything about an entry that an archive keeps, except for access times.
fn describe(path: &Path) -> String {
    let about = fs::symlink_metadata(path).unwrap();
    let content = match about.file_type() {
        it if it.is_file() => {
            let content = fs::read(path).unwrap();
            freezerd::storage::id::Id::of(&content).to_string()
        }
        it if it.is_symlink() => format!("{:?}", fs::read_link(path).unwrap()),
        _ => String::new(),
    };
    let shown = Command::new("getfattr")
        .args([
            "--no-dereference",
            "--dump",
            "--match=-",
            "--absolute-names",
        ])
        .arg(path)
        .output();
    let attributes = shown.map_or_else(
        |_| String::new(),
        |shown| {
            let text = String::from_utf8_lossy(&shown.stdout).into_owned();
            text.lines().skip(1).collect::<Vec<_>>().join(" ")
        },
    );
    format!(
        "{:o} {}:{} {} {}.{:09} {:x} {content} {attributes}",
        about.mode(),
        about.uid(),
        about.gid(),
        about.nlink(),
        about.mtime(),
        about.mtime_nsec(),
        about.rdev(),
    )
}

/// All entries of a tree by their paths.
fn tree(top: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut pending = vec![top.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().as_os_str().as_bytes();
            found.push((name.escape_ascii().to_string(), describe(&path)));
            if path.is_dir() && !path.is_symlink() {
                pending.push(path);
            }
        }
    }
    found.sort();
    found
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let ran = Command::new(program).args(arguments).arg(path).status();
    ran.is_ok_and(|status| status.success())
}

/// Files with everything that an archive can keep.
fn fill(repository: &Repository) {
    repository.file("plain", "content");
    repository.file("large", large());
    repository.file("dir/inner/file", "x");
    repository.file(
        &format!("{}/{}", "d".repeat(200), "\u{e4}".repeat(120)),
        "long names",
    );
    repository.file("new\nline", "x");
    let source = repository.source("");
    fs::write(source.join(OsStr::from_bytes(b"not\xffutf8")), "odd").unwrap();
    fs::write(source.join(OsStr::from_bytes(&[0xff; 200])), "odd and long").unwrap();
    fs::hard_link(source.join("plain"), source.join("dir/second name")).unwrap();
    symlink("plain", source.join("link")).unwrap();
    symlink("t".repeat(300), source.join("long link")).unwrap();
    let set_mode = |name: &str, mode| {
        fs::set_permissions(source.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    repository.file("setuid", "x");
    set_mode("setuid", 0o6711);
    fs::create_dir(source.join("sticky")).unwrap();
    set_mode("sticky", 0o1777);
    repository.file("unreadable", "x");
    set_mode("unreadable", 0);
    for (name, date) in [
        ("old", "1950-06-01 12:00:00.25"),
        ("new", "2100-01-01 00:00:00.000000001"),
    ] {
        repository.file(name, name);
        assert!(run("touch", &["--date", date], &source.join(name)));
    }
    // Where a file system has no attributes, there is nothing to compare.
    run(
        "setfattr",
        &["-n", "user.test", "-v", "va=l%\"ue"],
        &source.join("plain"),
    );
    run(
        "setfattr",
        &["-n", "user.a=b%c", "-v", "1"],
        &source.join("dir"),
    );
    run(
        "setfacl",
        &["-m", "u:1234:rx,g:77:r"],
        &source.join("dir/inner"),
    );
    run(
        "setfacl",
        &["-d", "-m", "u:1234:rwx"],
        &source.join("dir/inner"),
    );
    assert!(run("mkfifo", &[], &source.join("fifo")));
    if is_root() {
        assert!(
            Command::new("mknod")
                .arg(source.join("device"))
                .args(["b", "259", "70000"])
                .status()
                .unwrap()
                .success()
        );
        repository.file("owned", "x");
        std::os::unix::fs::chown(source.join("owned"), Some(3_000_000), Some(4_000_000)).unwrap();
    }
}

#[test]
fn a_directory_comes_as_an_archive_that_tar_extracts_with_all_of_its_metadata() {
    for repository in repositories() {
        fill(&repository);
        repository.backup();
        let before = tree(&repository.source(""));
        for path in ["/", "source"] {
            let target = repository.host.path("extracted");
            fs::create_dir(&target).unwrap();
            let source = repository.source("");
            let path = if path == "/" { Path::new("/") } else { &source };
            let mut dump = repository
                .command(&["dump", path.to_str().unwrap()])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let extracted = Command::new("tar")
                .args(["-x", "-p", "--xattrs", "--xattrs-include=*", "--acls", "-C"])
                .arg(&target)
                .stdin(dump.stdout.take().unwrap())
                .output()
                .unwrap();
            assert!(extracted.status.success(), "{extracted:?}");
            assert!(dump.wait().unwrap().success());
            let below = source.strip_prefix("/").unwrap();
            let after = tree(&target.join(below));
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before, after);
            }
            assert_eq!(before.len(), after.len());
            // The entry of the directory itself is in the archive too.
            assert_eq!(describe(&source), describe(&target.join(below)));
            assert!(
                Command::new("chmod")
                    .args(["-R", "u+rwX"])
                    .arg(&target)
                    .status()
                    .unwrap()
                    .success()
            );
            fs::remove_dir_all(&target).unwrap();
        }
    }
}

#[test]
fn the_archive_has_the_entries_of_restics_archive() {
    for repository in repositories() {
        repository.file("dir/a", "a");
        repository.file("dir/b/c", "c");
        symlink("a", repository.source("dir/link")).unwrap();
        repository.backup();
        let names = |command: &mut Command| {
            let archive = command.output().unwrap();
            assert!(archive.status.success(), "{archive:?}");
            let file = repository.host.path("archive");
            fs::write(&file, archive.stdout).unwrap();
            let listed = Command::new("tar").arg("-tvf").arg(&file).output().unwrap();
            assert!(listed.status.success());
            String::from_utf8(listed.stdout).unwrap()
        };
        let directory = repository.source("dir");
        let directory = directory.to_str().unwrap();
        let ours = names(&mut repository.command(&["dump", directory]));
        let password = crate::restic_support::PASSWORD;
        let mut theirs = repository.restic.command(&repository.path, password);
        let theirs = names(theirs.args(["dump", "latest", directory]));
        let without_top: Vec<&str> = ours.lines().skip(1).collect();
        assert_eq!(without_top, theirs.lines().collect::<Vec<_>>());
    }
}

#[test]
fn a_damaged_pack_ends_the_dump_with_an_error() {
    for repository in repositories() {
        repository.file("large", large());
        repository.backup();
        // The last pack of data, so that something comes before it.
        let file = repository.source("large");
        let path = file.to_str().unwrap();
        let packs = repository.packs_of("data");
        for pack in &packs {
            flip(&repository.pack(pack), 1000);
        }
        for path in [path, "/"] {
            let ran = repository.freezerd(&["dump", path]).exits(1);
            let said = ran.stderr();
            assert!(
                said.contains(&format!("{}: cannot read the data blob", file.display())),
                "{said}"
            );
            let out = &ran.output.stdout;
            assert!(path == "/" || large().starts_with(out) && out.len() < 9_000_000);
            let target = repository.host.path("target");
            let ran = repository.freezerd(&["dump", path, "--target", target.to_str().unwrap()]);
            ran.exits(1);
            assert!(!target.exists());
        }
        let left: Vec<String> = fs::read_dir(repository.host.path(""))
            .unwrap()
            .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(repository.files("locks").is_empty());
    }
}

#[test]
fn a_target_has_its_name_only_when_it_is_whole_and_its_owner_alone_reads_it() {
    let Some(restic) = restics().pop() else {
        return;
    };
    let repository = Repository::new(restic, 2);
    repository.file("a", "content");
    repository.backup();
    let target = repository.host.file("target", "old");
    let path = repository.source("a");
    let arguments = [
        "dump",
        path.to_str().unwrap(),
        "--target",
        target.to_str().unwrap(),
        "--json",
    ];
    let answer = repository.freezerd(&arguments).exits(0).json();
    assert_eq!(
        (&answer["bytes"], &answer["archive"]),
        (&7.into(), &false.into())
    );
    assert_eq!(fs::read(&target).unwrap(), b"content");
    assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o600);
    let nowhere = repository.host.path("none/target");
    let arguments = ["dump", "/", "--target", nowhere.to_str().unwrap()];
    let refused = repository.freezerd(&arguments).exits(73);
    assert!(!refused.stderr().contains(".tmp"), "{}", refused.stderr());
}

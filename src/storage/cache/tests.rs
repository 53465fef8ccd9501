use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::storage::memory::{Memory, Request};

pub(super) const REPOSITORY: Id = Id([7; 32]);

/// A key that this process has not read.
const KEY: Id = Id([8; 32]);

/// A storage with a cache of this size, and what the cache said.
pub(super) fn cached(
    memory: &Memory,
    directory: &Path,
    size: u64,
) -> (Cached, Arc<Mutex<Vec<String>>>) {
    let (cached, told) = unopened(memory, directory, size, "s3:x/y");
    cached.belongs_to(REPOSITORY, KEY);
    (cached, told)
}

/// As [`cached`], before it is known which repository is at this location.
pub(super) fn unopened(
    memory: &Memory,
    directory: &Path,
    size: u64,
    location: &str,
) -> (Cached, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let place = CachePlace {
        directory: directory.to_owned(),
        size,
    };
    let tell: Tell = Box::new(move |notice| {
        list.lock().unwrap().push(match notice {
            Notice::Fault(fault) => fault.to_string(),
            Notice::Unlisted(count) => format!("{count} not listed"),
        });
    });
    let inner = Arc::new(memory.clone());
    let cached = Cached::new(inner, Some(place), location.to_owned(), tell);
    (cached, told)
}

fn large(memory: &Memory, directory: &TempDir) -> Cached {
    cached(memory, &directory.path().join("cache"), 1 << 30).0
}

pub(super) fn large_unopened(memory: &Memory, directory: &TempDir) -> Cached {
    unopened(memory, &directory.path().join("cache"), 1 << 30, "s3:x/y").0
}

/// A file of the server, named by its content.
pub(super) fn put(memory: &Memory, kind: FileKind, content: &[u8]) -> FileName {
    let file = FileName::new(kind, Id::of(content));
    memory.write(file, content).unwrap();
    file
}

pub(super) fn kept(directory: &TempDir, file: FileName) -> std::path::PathBuf {
    let kind = file.kind.directory().unwrap();
    let repository = directory.path().join("cache").join(REPOSITORY.to_string());
    repository.join(kind).join(file.id.to_string())
}

#[test]
fn index_files_and_snapshots_are_read_once() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let index = put(&memory, FileKind::Index, b"index");
    let snapshot = put(&memory, FileKind::Snapshot, b"snapshot");
    let lock = put(&memory, FileKind::Lock, b"lock");
    for _ in 0..3 {
        let cached = large(&memory, &directory);
        assert_eq!(cached.read(index, 99).unwrap(), b"index");
        assert_eq!(cached.read(snapshot, 99).unwrap(), b"snapshot");
        assert_eq!(cached.read(lock, 99).unwrap(), b"lock");
    }
    assert_eq!(memory.count(Request::Read), 2 + 3);
    let cached = large(&memory, &directory);
    assert_eq!(cached.read(index, 2).unwrap_err().kind, ErrorKind::TooLarge);
}

#[test]
fn a_pack_of_trees_is_read_as_a_whole_once_and_one_with_data_never() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let trees = put(&memory, FileKind::Pack, b"0123456789");
    let data = put(&memory, FileKind::Pack, b"abcdefghij");
    for _ in 0..2 {
        let cached = large(&memory, &directory);
        let mut buffer = [0; 3];
        for _ in 0..2 {
            cached.read_trees(trees.id, 4, &mut buffer).unwrap();
            assert_eq!(&buffer, b"456");
            cached.read_range(data, 4, &mut buffer).unwrap();
            assert_eq!(&buffer, b"efg");
        }
        assert_eq!(cached.size(trees).unwrap(), 10);
        let beyond = cached.read_trees(trees.id, 8, &mut buffer).unwrap_err();
        assert_eq!(beyond.kind, ErrorKind::TooShort);
    }
    assert_eq!(memory.count(Request::Read), 1);
    assert_eq!(memory.count(Request::Size), 0);
    assert!(!kept(&directory, data).exists());
}

#[test]
fn what_is_written_is_there_for_the_next_action() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let cached = large(&memory, &directory);
    let (trees, data) = (Id::of(b"trees"), Id::of(b"data"));
    cached
        .write(FileName::new(FileKind::Pack, trees), b"trees")
        .unwrap();
    cached.write_data(data, b"data").unwrap();
    let next = large(&memory, &directory);
    let mut buffer = [0; 4];
    next.read_trees(trees, 0, &mut buffer).unwrap();
    assert_eq!(memory.count(Request::Read), 0);
    assert!(!kept(&directory, FileName::new(FileKind::Pack, data)).exists());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = kept(&directory, FileName::new(FileKind::Pack, trees));
    assert_eq!(mode(&file), 0o600);
    assert!(
        file.ancestors()
            .skip(1)
            .take(3)
            .all(|path| mode(path) == 0o700)
    );
}

#[test]
fn a_damaged_file_of_the_cache_is_read_from_the_server_again() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let index = put(&memory, FileKind::Index, b"index");
    let trees = put(&memory, FileKind::Pack, b"0123456789");
    let mut buffer = [0; 2];
    let fill = |buffer: &mut [u8]| {
        let cached = large(&memory, &directory);
        assert_eq!(cached.read(index, 99).unwrap(), b"index");
        cached.read_trees(trees.id, 0, buffer).unwrap();
        assert_eq!(buffer, b"01");
    };
    fill(&mut buffer);
    for damage in [&b""[..], b"wrong content"] {
        fs::write(kept(&directory, index), damage).unwrap();
        fs::write(kept(&directory, trees), damage).unwrap();
        fill(&mut buffer);
        assert_eq!(fs::read(kept(&directory, index)).unwrap(), b"index");
    }
    // Also what another process does while this one has compared the file already.
    let cached = large(&memory, &directory);
    cached.read_trees(trees.id, 0, &mut buffer).unwrap();
    fs::write(kept(&directory, trees), b"98").unwrap();
    cached.read_trees(trees.id, 0, &mut buffer).unwrap();
    assert_eq!(&buffer, b"01");
    // A link, a directory or a pipe in its place is not followed and not waited for.
    for make in ["ln -s /etc/passwd", "mkdir", "mkfifo"] {
        let _ = fs::remove_file(kept(&directory, index));
        let _ = fs::remove_dir(kept(&directory, index));
        let command = format!("{make} {}", kept(&directory, index).display());
        let made = std::process::Command::new("sh")
            .args(["-c", &command])
            .status();
        assert!(made.unwrap().success());
        let cached = large(&memory, &directory);
        assert_eq!(cached.read(index, 99).unwrap(), b"index");
    }
}

#[test]
fn what_is_damaged_on_the_server_is_not_kept() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let trees = put(&memory, FileKind::Pack, b"0123456789");
    let index = put(&memory, FileKind::Index, b"index");
    memory.damage(trees, b"9876543210".to_vec());
    memory.damage(index, b"wrong".to_vec());
    let cached = large(&memory, &directory);
    let mut buffer = [0; 2];
    for _ in 0..3 {
        cached.read_trees(trees.id, 0, &mut buffer).unwrap();
        assert_eq!(&buffer, b"98", "the caller finds out what is wrong with it");
    }
    assert_eq!(memory.count(Request::Read), 1);
    assert_eq!(cached.read(index, 99).unwrap(), b"wrong");
    assert!(!kept(&directory, trees).exists() && !kept(&directory, index).exists());
}

#[test]
fn what_the_server_does_not_have_any_more_goes() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let [one, other] = [b"one", b"two"].map(|content| put(&memory, FileKind::Snapshot, content));
    let cached = large(&memory, &directory);
    for file in [one, other] {
        cached.read(file, 99).unwrap();
    }
    memory.remove(one).unwrap();
    cached.list(FileKind::Index).unwrap();
    assert!(kept(&directory, one).exists());
    cached.list(FileKind::Snapshot).unwrap();
    assert!(!kept(&directory, one).exists() && kept(&directory, other).exists());
    cached.remove(other).unwrap();
    assert!(!kept(&directory, other).exists());
}

#[test]
fn a_cache_that_cannot_be_used_costs_one_warning() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let index = put(&memory, FileKind::Index, b"index");
    let snapshot = put(&memory, FileKind::Snapshot, b"snapshot");
    let foreign = directory.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o777)).unwrap();
    let occupied = directory.path().join("occupied");
    let repository = occupied.join(REPOSITORY.to_string());
    fs::create_dir_all(&repository).unwrap();
    for path in [&occupied, &repository] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    for kind in ["index", "snapshots"] {
        fs::write(repository.join(kind), "a file").unwrap();
    }
    let file = directory.path().join("file");
    fs::write(&file, "a file").unwrap();
    for (place, words) in [
        (&foreign, "does not belong to this user alone"),
        (&occupied, "cannot write"),
        (&file, "cannot create"),
    ] {
        let (cached, told) = cached(&memory, place, 1 << 30);
        for _ in 0..2 {
            assert_eq!(cached.read(index, 99).unwrap(), b"index");
            assert_eq!(cached.read(snapshot, 99).unwrap(), b"snapshot");
        }
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(words), "{told:?}");
    }
}

#[test]
fn several_processes_use_one_cache_while_it_is_cleared() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let top = directory.path().join("cache");
    let files: Vec<(FileName, [u8; 100])> = (0..50_u8)
        .map(|number| {
            let content = [number; 100];
            (put(&memory, FileKind::Index, &content), content)
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let (cached, _) = cached(&memory, &top, 2000);
                    for (file, content) in &files {
                        assert_eq!(cached.read(*file, 999).unwrap(), content);
                    }
                }
            });
        }
        for _ in 0..50 {
            for repository in overview::overview(&top).unwrap_or_default() {
                let _ = overview::clear(&repository);
            }
        }
    });
}

#[test]
fn the_config_is_read_once_and_never_kept_on_the_disk() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let cached = large(&memory, &directory);
    assert_eq!(
        cached.size(FileName::CONFIG).unwrap_err().kind,
        ErrorKind::NotFound
    );
    memory.write(FileName::CONFIG, b"config").unwrap();
    for _ in 0..2 {
        assert_eq!(cached.size(FileName::CONFIG).unwrap(), 6);
        assert_eq!(cached.read(FileName::CONFIG, 99).unwrap(), b"config");
    }
    assert_eq!(memory.count(Request::Read), 2);
    let too_large = cached.read(FileName::CONFIG, 5).unwrap_err();
    assert_eq!(too_large.kind, ErrorKind::TooLarge);
}

#[test]
fn a_file_that_has_another_length_on_the_server_is_read_there() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let files = [FileKind::Index, FileKind::Snapshot, FileKind::Key]
        .map(|kind| put(&memory, kind, format!("{kind:?}").as_bytes()));
    let open = || {
        let cached = large_unopened(&memory, &directory);
        cached.earlier_key();
        cached.list(FileKind::Key).unwrap();
        cached.belongs_to(REPOSITORY, files[2].id);
        cached
            .lists(&[FileKind::Index, FileKind::Snapshot])
            .unwrap();
        cached
    };
    for file in files {
        let cached = large_unopened(&memory, &directory);
        cached.read(file, 99).unwrap();
        cached.belongs_to(REPOSITORY, files[2].id);
        cached.read(file, 99).unwrap();
        assert!(kept(&directory, file).exists());
        assert_eq!(
            open().read(file, 99).unwrap(),
            memory.read(file, 99).unwrap()
        );
        memory.damage(file, b"I".to_vec());
        assert_eq!(open().read(file, 99).unwrap(), b"I");
        // A list that lacks a snapshot is found out by what is kept.
        let stays = file.kind == FileKind::Snapshot;
        assert_eq!(kept(&directory, file).exists(), stays);
    }
}

#[test]
fn a_pipe_in_place_of_a_location_is_waited_for_by_nobody() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let place = directory.path().join("cache").join(REPOSITORY.to_string());
    large(&memory, &directory);
    fs::remove_file(place.join("place")).unwrap();
    let here = rustix::fs::CWD;
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(here, place.join("place"), kind, mode, 0).unwrap();
    assert_eq!(large_unopened(&memory, &directory).earlier_key(), None);
    let found = overview::overview(&directory.path().join("cache")).unwrap();
    assert_eq!(found[0].location, "");
    large(&memory, &directory);
}

#[test]
fn people_see_what_is_kept_and_can_remove_it() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    let top = directory.path().join("cache");
    assert_eq!(overview::overview(&top).unwrap(), []);
    let index = put(&memory, FileKind::Index, b"index");
    let cached = large(&memory, &directory);
    cached.read(index, 99).unwrap();
    let found = overview::overview(&top).unwrap();
    let [repository] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(repository.location, "s3:x/y");
    assert_eq!((repository.files, repository.size), (1, 5));
    assert!(repository.last_use.is_some());
    overview::clear(repository).unwrap();
    overview::clear(repository).unwrap();
    assert_eq!(overview::overview(&top).unwrap(), []);
    // The process that used it goes on, and what it keeps has a place again.
    cached.read(index, 99).unwrap();
    let found = overview::overview(&top).unwrap();
    assert_eq!((&*found[0].location, found[0].files), ("s3:x/y", 1));
}

#[test]
fn the_list_of_the_keys_that_came_with_the_config_is_good_for_one_question() {
    let (memory, directory) = (Memory::new(), tempfile::tempdir().unwrap());
    memory.write(FileName::CONFIG, b"config").unwrap();
    let key = put(&memory, FileKind::Key, b"key");
    let cached = large(&memory, &directory);
    assert_eq!(cached.size(FileName::CONFIG).unwrap(), 6);
    assert_eq!(memory.count(Request::List), 1);
    assert_eq!(cached.list(FileKind::Key).unwrap().files[0].id, key.id);
    assert_eq!(memory.count(Request::List), 1);
    // It is gone, and who asks again learns of it.
    memory.remove(key).unwrap();
    assert_eq!(cached.list(FileKind::Key).unwrap().files, []);
    assert_eq!(memory.count(Request::List), 2);
}

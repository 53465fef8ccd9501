//! How often a server is waited for. Each time costs a way to the server and back, whatever is asked together.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freezerd::repository::indexed::Files;
use freezerd::repository::key::Ahead;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::lock::{Settle, Timing, acquire};
use freezerd::repository::open::Repository;
use freezerd::repository::snapshot::Snapshot;
use freezerd::repository::time::Time;
use freezerd::storage::cache::{CachePlace, Cached, Notice};
use freezerd::storage::id::Id;
use freezerd::storage::sftp::Sftp;
use freezerd::storage::{FileKind, FileName, Storage};

use crate::sftp_server::Server;

const COST: Cost = Cost { n: 16, r: 1, p: 1 };

/// What an action uses: the server behind a cache in this directory.
fn cached(sftp: &Arc<Sftp>, directory: &Path) -> Arc<dyn Storage> {
    let inner: Arc<dyn Storage> = Arc::<Sftp>::clone(sftp);
    let place = CachePlace {
        directory: directory.to_owned(),
        size: 1 << 20,
    };
    let tell = Box::new(|notice: Notice<'_>| panic!("{notice:?}"));
    Arc::new(Cached::new(inner, Some(place), "r".to_owned(), tell))
}

#[test]
fn a_backup_of_what_has_not_changed_waits_thirteen_times() {
    let Some(server) = Server::start() else {
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let made = Arc::new(server.storage("r"));
    Repository::init(cached(&made, cache.path()), b"p", COST).unwrap();

    let sftp = Arc::new(server.storage("r"));
    let storage = cached(&sftp, cache.path());
    let ahead = Ahead::begin(&*storage, b"p").unwrap();
    assert_eq!(sftp.waits(), 0);
    let mut before = 0;
    let mut steps = Vec::new();
    let mut done = |step| {
        steps.push((step, sftp.waits() - before));
        before = sftp.waits();
    };
    assert!(storage.size(FileName::CONFIG).unwrap() > 0);
    assert_eq!(
        storage.has_directory(FileKind::Snapshot).unwrap(),
        Some(true)
    );
    let repository = Repository::open_ahead(Arc::clone(&storage), b"p", Some(&ahead)).unwrap();
    done("open");
    let timing = Timing {
        settle: Settle::default(),
        ..Timing::default()
    };
    let lock = acquire(
        &repository.storage,
        &repository.cipher,
        false,
        Duration::ZERO,
        timing,
        |_| false,
    )
    .unwrap();
    done("lock");
    let files = Files::list(&repository).unwrap();
    assert_eq!((files.snapshots.files.len(), files.packs.len()), (0, 0));
    done("list");
    let snapshot = Snapshot::new(Time::now(), Id::of(b"tree"), vec!["/x".to_owned()]);
    snapshot.write(&*storage, &repository.cipher).unwrap();
    done("snapshot");
    storage.sweep(Duration::from_secs(3600)).unwrap();
    done("sweep");
    drop(lock);
    done("unlock");
    // To open: what is there, the config and the list of keys. The key is that of the last time. A lock has a name when it is written
    // and seen before others are looked for. A snapshot is on the server's disk before it has a name, and so is the name
    // before anybody relies on it.
    let expected = [
        ("open", 2),
        ("lock", 4),
        ("list", 2),
        ("snapshot", 4),
        ("sweep", 0),
        ("unlock", 1),
    ];
    assert_eq!(steps, expected);
    assert_eq!(Files::list(&repository).unwrap().snapshots.files.len(), 1);
}

#[test]
fn the_packs_of_all_directories_are_listed_in_two_steps() {
    let Some(server) = Server::start() else {
        return;
    };
    let sftp = server.storage("r");
    sftp.create_layout().unwrap();
    let directories = server.files("r/data");
    for first in 0..=255_u8 {
        let mut id = Id::of(&[first]);
        id.0[0] = first;
        let path = directories
            .join(format!("{first:02x}"))
            .join(id.to_string());
        fs::write(path, "pack").unwrap();
    }
    // One is missing, and one is something else.
    fs::remove_dir_all(directories.join("07")).unwrap();
    fs::remove_dir_all(directories.join("08")).unwrap();
    fs::write(directories.join("08"), "").unwrap();
    let before = sftp.waits();
    let listing = sftp.list(FileKind::Pack).unwrap();
    assert_eq!(sftp.waits() - before, 2);
    assert_eq!(listing.files.len(), 254);
    assert_eq!(listing.strays.len(), 1);
}

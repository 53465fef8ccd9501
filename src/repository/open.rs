//! Making and opening a repository.

use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::crypto::{Cipher, SecretKeys};
use super::error::{Doing, Error, ErrorKind, What};
use super::index::load::{Loaded, load};
use super::key::cost::Cost;
use super::key::{self, Ahead, OpenKey};
use crate::kill_point::{self, Point};
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::{self, FileKind, FileName, Storage};

/// An open repository: where its files are, and what is needed to read and write them. Operations are functions of
/// their own.
#[derive(Clone)]
pub struct Repository {
    pub storage: Arc<dyn Storage>,
    pub cipher: Arc<Cipher>,
    pub config: Config,
    /// The key that opened it. Its problems are other key files that cannot be read.
    pub key: Arc<OpenKey>,
}

impl Repository {
    /// Makes a repository of version 2 with one key.
    ///
    /// # Errors
    /// `Exists` when there is a repository, or the remains of one.
    pub fn init(
        storage: Arc<dyn Storage>,
        password: &[u8],
        cost: Cost,
    ) -> Result<Repository, Error> {
        Repository::init_with(storage, password, cost, Config::new()?)
    }

    /// Makes a repository that cuts files into the same chunks as another one: what is copied from there is found again
    /// by backups here.
    ///
    /// # Errors
    /// As [`Repository::init`].
    pub fn init_like(
        other: &Config,
        storage: Arc<dyn Storage>,
        password: &[u8],
        cost: Cost,
    ) -> Result<Repository, Error> {
        let config = Config {
            chunker_polynomial: other.chunker_polynomial,
            ..Config::new()?
        };
        Repository::init_with(storage, password, cost, config)
    }

    fn init_with(
        storage: Arc<dyn Storage>,
        password: &[u8],
        cost: Cost,
        config: Config,
    ) -> Result<Repository, Error> {
        let exists = || Error::new(ErrorKind::Exists, Doing::Init, What::Repository);
        match storage.size(FileName::CONFIG) {
            Ok(_) => return Err(exists()),
            Err(error) if error.kind == StorageErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        // A repository that lost its config still has snapshots; one that was half made has a key at most.
        for kind in [FileKind::Key, FileKind::Snapshot] {
            if !storage.list(kind)?.files.is_empty() {
                return Err(exists());
            }
        }
        storage.create_layout()?;
        let keys = SecretKeys::random()?;
        let cipher = Arc::new(Cipher::new(&keys));
        let id = key::add(&*storage, &keys, password, cost)?;
        // The config comes last: with it, there is a repository.
        if let Err(error) = config.write(&*storage, &cipher) {
            if error.kind == ErrorKind::Storage(StorageErrorKind::Exists) {
                // Another process was quicker. Its repository must not keep a key that does not fit.
                storage.remove(FileName::new(FileKind::Key, id))?;
            }
            return Err(error);
        }
        kill_point::reached(Point::ConfigWritten);
        storage.belongs_to(config.id, id);
        let key = Arc::new(OpenKey {
            keys,
            id,
            problems: Vec::new(),
        });
        Ok(Repository {
            storage,
            cipher,
            config,
            key,
        })
    }

    /// Opens a repository with a password.
    ///
    /// # Errors
    /// `NotARepository` when there is none; those of [`key::open`] and [`Config::read`].
    pub fn open(storage: Arc<dyn Storage>, password: &[u8]) -> Result<Repository, Error> {
        Repository::open_ahead(storage, password, None)
    }

    /// As [`Repository::open`], where the derivation of a key with the same password may have begun already.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open_ahead(
        storage: Arc<dyn Storage>,
        password: &[u8],
        ahead: Option<&Ahead>,
    ) -> Result<Repository, Error> {
        if let Err(error) = wait_for_config(&*storage) {
            return Err(match error.kind {
                StorageErrorKind::NotFound => {
                    Error::new(ErrorKind::NotARepository, Doing::Open, What::Repository).with(error)
                }
                _ => error.into(),
            });
        }
        let mut config = None;
        let key = key::open(&*storage, password, ahead, |keys| {
            match Config::read(&*storage, &Cipher::new(keys)) {
                Ok(found) => config = Some(found),
                Err(error) if error.is_damage() => return Ok(false),
                Err(error) => return Err(error),
            }
            Ok(true)
        })?;
        let cipher = Arc::new(Cipher::new(&key.keys));
        let config = match config {
            Some(config) => config,
            None => Config::read(&*storage, &cipher)?,
        };
        storage.belongs_to(config.id, key.id);
        Ok(Repository {
            storage,
            cipher,
            config,
            key: Arc::new(key),
        })
    }

    /// Asks whether this version of the format is written.
    ///
    /// # Errors
    /// `ReadOnlyVersion` for version 1.
    pub fn writable(&self) -> Result<(), Error> {
        match self.config.version {
            2 => Ok(()),
            _ => Err(Error::new(
                ErrorKind::ReadOnlyVersion,
                Doing::Write,
                What::Repository,
            )),
        }
    }

    /// Loads all index files.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn load_index(&self) -> Result<Loaded, Error> {
        load(&*self.storage, &self.cipher)
    }
}

/// How often, and after which time, an empty config is looked at again.
const LOOKS: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Asks for the config. Some servers, such as rclone's, show a file before its content is written: another host may be
/// making the repository.
fn wait_for_config(storage: &dyn Storage) -> Result<(), storage::error::Error> {
    let mut left = if storage.traits().remote { LOOKS } else { 0 };
    while storage.size(FileName::CONFIG)? == 0 && left > 0 {
        left -= 1;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::cache::{CachePlace, Cached, Notice};
    use crate::storage::memory::{Memory, Request};

    const COST: Cost = Cost { n: 16, r: 1, p: 1 };

    fn kind(result: Result<Repository, Error>) -> ErrorKind {
        match result {
            Ok(_) => panic!("it succeeded"),
            Err(error) => error.kind,
        }
    }

    #[test]
    fn a_repository_is_made_once_and_opened_with_its_password() {
        let memory = Memory::new();
        let storage: Arc<dyn Storage> = Arc::new(memory.clone());
        let open = |password: &[u8]| Repository::open(Arc::clone(&storage), password);
        assert_eq!(kind(open(b"p")), ErrorKind::NotARepository);
        let made = Repository::init(Arc::clone(&storage), b"p", COST).unwrap();
        assert_eq!(
            kind(Repository::init(Arc::clone(&storage), b"p", COST)),
            ErrorKind::Exists
        );
        assert_eq!(kind(open(b"q")), ErrorKind::WrongPassword);
        let opened = open(b"p").unwrap();
        assert_eq!(opened.config, made.config);
        assert!(opened.load_index().unwrap().index.is_empty());
        opened.writable().unwrap();
        let old = Repository {
            config: Config {
                version: 1,
                ..opened.config.clone()
            },
            ..opened
        };
        assert_eq!(old.writable().unwrap_err().kind, ErrorKind::ReadOnlyVersion);
        // Without its config, it is not made anew over the keys.
        memory.remove(FileName::CONFIG).unwrap();
        assert_eq!(
            kind(Repository::init(storage, b"p", COST)),
            ErrorKind::Exists
        );
    }

    #[test]
    fn a_config_that_a_server_shows_before_its_content_is_waited_for() {
        let memory = Memory::new();
        Repository::init(Arc::new(memory.clone()), b"p", COST).unwrap();
        let config = memory.read(FileName::CONFIG, 1 << 20).unwrap();
        memory.damage(FileName::CONFIG, Vec::new());
        assert!(matches!(
            kind(Repository::open(Arc::new(memory.clone()), b"p")),
            ErrorKind::Damaged(_)
        ));
        let looks = memory.count(Request::Size);
        std::thread::scope(|scope| {
            let far: Arc<dyn Storage> = Arc::new(memory.far());
            let opened = scope.spawn(|| Repository::open(far, b"p"));
            while memory.count(Request::Size) == looks {
                std::thread::yield_now();
            }
            memory.damage(FileName::CONFIG, config);
            opened.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_key_that_a_creation_left_does_not_stand_in_the_way_of_the_right_one() {
        let memory = Memory::new();
        let storage: Arc<dyn Storage> = Arc::new(memory.clone());
        let made = Repository::init(Arc::clone(&storage), b"p", COST).unwrap();
        for _ in 0..4 {
            let other = SecretKeys::random().unwrap();
            key::add(&*storage, &other, b"p", COST).unwrap();
        }
        let opened = Repository::open(Arc::clone(&storage), b"p").unwrap();
        assert_eq!((opened.config, opened.key.id), (made.config, made.key.id));
        memory.damage(FileName::CONFIG, b"damaged".to_vec());
        assert!(matches!(
            kind(Repository::open(storage, b"p")),
            ErrorKind::Damaged(_)
        ));
    }

    #[test]
    fn the_key_that_opened_a_repository_before_is_derived_while_the_server_is_asked() {
        let directory = tempfile::tempdir().unwrap();
        let memory = Memory::new();
        let far = || -> Arc<dyn Storage> {
            let place = CachePlace {
                directory: directory.path().join("cache"),
                size: 1 << 20,
            };
            let tell = Box::new(|notice: Notice<'_>| panic!("{notice:?}"));
            let inner = Arc::new(memory.far());
            Arc::new(Cached::new(inner, Some(place), "s3:x/y".to_owned(), tell))
        };
        let open = |password: &[u8]| {
            let storage = far();
            let ahead = Ahead::begin(&*storage, password);
            let has_begun = ahead.is_some();
            let opened = Repository::open_ahead(storage, password, ahead.as_ref());
            (has_begun, opened)
        };
        let made = Repository::init(far(), b"old", COST).unwrap();
        key::add(&memory, &made.key.keys, b"other", COST).unwrap();
        memory
            .remove(FileName::new(FileKind::Key, made.key.id))
            .unwrap();
        let old = key::add(&memory, &made.key.keys, b"old", COST).unwrap();

        // The first time, the key in the cache is not there any more.
        let (_, opened) = open(b"old");
        assert_eq!(opened.unwrap().key.id, old);
        let (has_begun, opened) = open(b"old");
        let opened = opened.unwrap();
        assert!(has_begun);
        assert_eq!((opened.key.id, &opened.config), (old, &made.config));

        // A wrong password stays wrong, and another right one is as good.
        assert_eq!(kind(open(b"wrong").1), ErrorKind::WrongPassword);
        assert_ne!(open(b"other").1.unwrap().key.id, old);
        assert_eq!(open(b"old").1.unwrap().key.id, old);

        // The server loses a part of the key.
        let file = FileName::new(FileKind::Key, old);
        let content = memory.read(file, 1 << 20).unwrap();
        memory.damage(file, content[1..].to_vec());
        let refused = kind(open(b"old").1);
        assert_eq!(refused, ErrorKind::KeysUnreadable { others: true });
        memory.damage(file, content);
        assert!(open(b"old").1.is_ok());

        // Another host removes the key. That this host has kept it opens nothing.
        let new = key::change_password(&memory, &opened.key, b"new", COST).unwrap();
        let (has_begun, refused) = open(b"old");
        assert!(has_begun);
        assert_eq!(kind(refused), ErrorKind::WrongPassword);
        assert_eq!(open(b"new").1.unwrap().key.id, new.id);
    }

    #[test]
    fn an_init_that_loses_power_leaves_no_repository_or_a_whole_one() {
        for after in 0..3 {
            let memory = Memory::delayed();
            memory.fail(Request::Sync, after, StorageErrorKind::Io);
            let storage: Arc<dyn Storage> = Arc::new(memory.clone());
            let made = Repository::init(Arc::clone(&storage), b"p", COST).is_ok();
            memory.lose_power();
            match Repository::open(storage, b"p") {
                Ok(_) => assert!(made),
                Err(error) => {
                    assert!(!made);
                    assert_eq!(error.kind, ErrorKind::NotARepository);
                }
            }
        }
    }
}

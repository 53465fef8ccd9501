//! Hints of the kernel that a directory changed. They are only hints: reading the directory shows what changed, and a
//! regular rescan reads it even without a hint.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Watches a path, whichever directory is there.
pub struct DirectoryWatch {
    dir: PathBuf,
    hints: mpsc::UnboundedSender<()>,
    active: Option<Active>,
    complained: bool,
}

struct Active {
    _watcher: RecommendedWatcher,
    /// The device and inode of the directory that is watched.
    identity: (u64, u64),
    /// The directory was deleted. A new one may have the same inode.
    deleted: Arc<AtomicBool>,
}

impl Active {
    fn watches(&self, identity: (u64, u64)) -> bool {
        self.identity == identity && !self.deleted.load(Ordering::Relaxed)
    }
}

impl DirectoryWatch {
    /// Watches `dir`; a hint goes to `hints` when something in it may have changed.
    pub fn new(dir: &Path, hints: mpsc::UnboundedSender<()>) -> DirectoryWatch {
        let mut watch = DirectoryWatch {
            dir: dir.to_owned(),
            hints,
            active: None,
            complained: false,
        };
        watch.renew();
        watch
    }

    /// Watches the directory that is there now. True when that is another one, or none.
    pub fn renew(&mut self) -> bool {
        let identity = std::fs::metadata(&self.dir)
            .map(|meta| (meta.dev(), meta.ino()))
            .ok();
        if let (Some(active), Some(identity)) = (&self.active, identity)
            && active.watches(identity)
        {
            return false;
        }
        let had = self.active.take().is_some();
        let Some(identity) = identity else { return had };
        match self.start(identity) {
            Ok(active) => {
                self.active = Some(active);
                self.complained = false;
                true
            }
            Err(error) => {
                if !self.complained {
                    tracing::warn!(
                        "cannot watch {}: {error}; it is read every second instead",
                        self.dir.display()
                    );
                    self.complained = true;
                }
                had
            }
        }
    }

    /// Whether the kernel tells of changes. Without that, somebody has to look.
    pub fn is_active(&self) -> bool {
        self.active.is_some()
    }

    fn start(&self, identity: (u64, u64)) -> notify::Result<Active> {
        let hints = self.hints.clone();
        let deleted = Arc::new(AtomicBool::new(false));
        let (directory, gone) = (self.dir.clone(), Arc::clone(&deleted));
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if event.as_ref().is_ok_and(|event| {
                    matches!(event.kind, EventKind::Remove(_)) && event.paths.contains(&directory)
                }) {
                    gone.store(true, Ordering::Relaxed);
                }
                // Reading a file changes nothing, and the daemon does it itself. An error may hide a change.
                let quiet = event.is_ok_and(|event| {
                    !event.need_rescan()
                        && matches!(
                            event.kind,
                            EventKind::Access(
                                AccessKind::Open(_) | AccessKind::Read | AccessKind::Any
                            ) | EventKind::Access(AccessKind::Close(
                                notify::event::AccessMode::Read
                            ))
                        )
                });
                if !quiet {
                    let _ = hints.send(());
                }
            })?;
        watcher.watch(&self.dir, RecursiveMode::NonRecursive)?;
        Ok(Active {
            _watcher: watcher,
            identity,
            deleted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_was_deleted_and_made_again_is_watched_even_with_the_same_inode() {
        // ext4 gives the inode to the next directory.
        let place = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = place.path().join("watched");
        std::fs::create_dir(&path).unwrap();
        let (sender, mut hints) = mpsc::unbounded_channel();
        let mut watch = DirectoryWatch::new(&path, sender);
        for round in 0..20 {
            std::fs::remove_dir_all(&path).unwrap();
            std::fs::create_dir(&path).unwrap();
            // Each hint is answered by a look, as the daemon does it. The deletion gives a hint itself.
            while !watch.renew() {
                hints.blocking_recv().unwrap();
            }
            while hints.try_recv().is_ok() {}
            std::fs::write(path.join("new"), b"").unwrap();
            hints.blocking_recv().unwrap();
            assert!(watch.is_active(), "{round}");
        }
    }
}

//! Hints of the kernel that a directory changed. They are only hints: reading the directory shows what changed, and a
//! regular rescan reads it even without a hint.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Watches a path, whichever directory is there.
pub struct DirectoryWatch {
    dir: PathBuf,
    hints: mpsc::UnboundedSender<()>,
    /// The watcher, and the device and inode of the directory that it watches.
    active: Option<(RecommendedWatcher, (u64, u64))>,
    complained: bool,
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
        if identity.is_some() && self.active.as_ref().map(|(_, watched)| *watched) == identity {
            return false;
        }
        let had = self.active.take().is_some();
        let Some(identity) = identity else { return had };
        match self.start() {
            Ok(watcher) => {
                self.active = Some((watcher, identity));
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

    fn start(&self) -> notify::Result<RecommendedWatcher> {
        let hints = self.hints.clone();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
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
        Ok(watcher)
    }
}

//! The kernel's word that a directory changed. Only a hint: what changed is found by looking, and a rescan looks
//! even when no word came.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// A directory that is watched, also when another takes its place.
pub struct Watch {
    dir: PathBuf,
    hints: mpsc::UnboundedSender<()>,
    /// The watcher, and which directory it watches: device and inode.
    active: Option<(RecommendedWatcher, (u64, u64))>,
    complained: bool,
}

impl Watch {
    /// Watches `dir`; a hint goes to `hints` when something in it may have changed.
    pub fn new(dir: &Path, hints: mpsc::UnboundedSender<()>) -> Watch {
        let mut watch = Watch {
            dir: dir.to_owned(),
            hints,
            active: None,
            complained: false,
        };
        watch.renew();
        watch
    }

    /// Looks whether the directory is still the one that is watched, and watches the one that is there. True when
    /// that changed.
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
                        "cannot watch {}: {error}; changes are found by the rescan alone",
                        self.dir.display()
                    );
                    self.complained = true;
                }
                had
            }
        }
    }

    fn start(&self) -> notify::Result<RecommendedWatcher> {
        let hints = self.hints.clone();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // Reading a file, as the daemon does itself, changes nothing. An error may hide a change.
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

//! Several questions to a storage, asked at the same time where a second one costs little.

use super::error::Error;
use super::{FileKind, FileName, First, Listing, Storage};

/// The lists of these kinds, in their order.
pub(super) fn lists<S>(storage: &S, kinds: &[FileKind]) -> Result<Vec<Listing>, Error>
where
    S: Storage + ?Sized,
{
    if !storage.traits().connects_quickly {
        return kinds.iter().map(|kind| storage.list(*kind)).collect();
    }
    std::thread::scope(|scope| {
        let begin = |kind: &FileKind| {
            let kind = *kind;
            let thread = std::thread::Builder::new();
            let begun = thread.spawn_scoped(scope, move || storage.list(kind));
            (kind, begun.ok())
        };
        let begun: Vec<_> = kinds.iter().map(begin).collect();
        let ends = begun.into_iter().map(|(kind, thread)| match thread {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => storage.list(kind),
        });
        ends.collect()
    })
}

/// The config, and the list of the keys.
pub(super) fn first<S>(storage: &S, limit: u64) -> Result<First, Error>
where
    S: Storage + ?Sized,
{
    let config = || storage.read(FileName::CONFIG, limit);
    if !storage.traits().connects_quickly {
        return config().map(First::of_config);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new();
        let keys = thread.spawn_scoped(scope, || storage.list(FileKind::Key));
        let config = config();
        // What cannot be listed is asked for again when it is needed.
        let keys = keys.ok().and_then(|thread| thread.join().ok()?.ok());
        Ok(First {
            keys,
            ..First::of_config(config?)
        })
    })
}

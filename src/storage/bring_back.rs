//! Packs that a server keeps in an archive, and brings back for some days when it is asked to. That takes from minutes to
//! two days, and costs money: nothing is asked for unless somebody wants it.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Storage;
use super::error::{Error, ErrorKind};
use super::id::Id;

/// How a server is to bring packs back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub tier: Tier,
    /// For how many days the server keeps what it has brought back.
    pub days: NonZeroU32,
}

/// How fast a server brings packs back, and at what price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Hours.
    Standard,
    /// Up to two days, for the lowest price.
    Bulk,
    /// Minutes, for the highest price. Not from the deepest archive.
    Expedited,
}

impl Tier {
    /// The word for it in messages.
    pub fn word(self) -> &'static str {
        match self {
            Tier::Standard => "standard",
            Tier::Bulk => "bulk",
            Tier::Expedited => "expedited",
        }
    }
}

/// Whether a pack can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    Readable,
    /// It is in the archive, and the server was asked for it now.
    Asked,
    /// The server was asked for it before.
    OnItsWay,
}

/// What is known of several packs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroughtBack {
    /// How many can be read, or do not exist: whoever reads them hears of that.
    pub readable: usize,
    /// Those that the server was asked for now, in no order.
    pub asked: Vec<Id>,
    /// Those that the server was asked for before, in no order.
    pub on_their_way: Vec<Id>,
}

/// Asks for those of the packs that are in an archive, several at a time. `moved` is called after each pack.
///
/// # Errors
/// When the server cannot be asked, or does not do it. The packs that were asked for before are on their way.
pub fn bring_back(
    storage: &dyn Storage,
    packs: &[Id],
    moved: &(dyn Fn() + Sync),
) -> Result<BroughtBack, Error> {
    let next = AtomicUsize::new(0);
    let has_failed = AtomicBool::new(false);
    let found: Mutex<Result<BroughtBack, Error>> = Mutex::new(Ok(BroughtBack::default()));
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let Some(pack) = packs.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let answer = match storage.bring_back(*pack) {
                Err(error) if error.kind == ErrorKind::NotFound => Ok(Whereabouts::Readable),
                answer => answer,
            };
            let mut found = lock(&found);
            match (answer, &mut *found) {
                (Ok(Whereabouts::Readable), Ok(found)) => found.readable += 1,
                (Ok(Whereabouts::Asked), Ok(found)) => found.asked.push(*pack),
                (Ok(Whereabouts::OnItsWay), Ok(found)) => found.on_their_way.push(*pack),
                (Err(error), Ok(_)) => {
                    has_failed.store(true, Ordering::Relaxed);
                    *found = Err(error);
                }
                // The first failure counts.
                (_, Err(_)) => {}
            }
            drop(found);
            moved();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..storage.traits().parallel.min(packs.len()) {
            // Without it, the others do more.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

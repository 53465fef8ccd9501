//! Packs in an archive of the server: who reads them asks for them, and waits until they can be read.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use super::Context;
use super::error::ActionError;
use super::report::log;
use super::repository::Opened;
use crate::job::action::Container;
use crate::location::Location;
use crate::repository::error::Error as EngineError;
use crate::repository::index::Index;
use crate::storage::Storage;
use crate::storage::bring_back::{BroughtBack, Terms, bring_back};
use crate::storage::error::Error as StorageError;
use crate::storage::id::Id;
use crate::units;

/// How long the pauses between two questions are: twice as long each time.
#[derive(Clone, Copy)]
struct Pauses {
    first: Duration,
    longest: Duration,
}

impl Pauses {
    /// An archive needs minutes at least. A build with debug assertions takes milliseconds from
    /// `FREEZERD_ARCHIVE_PAUSE`: no test waits for minutes.
    fn usual() -> Pauses {
        #[cfg(debug_assertions)]
        if let Some(pause) = std::env::var("FREEZERD_ARCHIVE_PAUSE")
            .ok()
            .and_then(|pause| pause.parse().ok())
            .map(Duration::from_millis)
        {
            return Pauses {
                first: pause,
                longest: pause,
            };
        }
        Pauses {
            first: Duration::from_secs(60),
            longest: Duration::from_secs(10 * 60),
        }
    }
}

/// The container whose packs are asked for.
#[derive(Clone, Copy)]
pub(super) struct Archive<'a> {
    pub storage: &'a dyn Storage,
    pub place: &'a Location,
    terms: Terms,
    /// For how long the packs are waited for.
    limit: Duration,
}

impl<'a> Archive<'a> {
    /// The archive of a container. `None`: nothing is asked for there.
    pub fn of(container: &'a Container, storage: &'a dyn Storage) -> Option<Archive<'a>> {
        Some(Archive {
            storage,
            place: &container.location,
            terms: storage.brings_back()?,
            limit: container.connection.s3.as_deref()?.archive?.wait,
        })
    }
}

/// Is told what becomes of the packs.
pub(super) trait Told {
    fn line(&self, line: &str);
    /// Packs are waited for. Called again when more of them can be read.
    fn waits(&self, reason: &str);
    /// All packs can be read.
    fn there(&self);
    /// They are not waited for any more.
    fn given_up(&self);
}

/// An action, whose slot others have meanwhile.
struct Action<'a>(&'a Context);

impl Action<'_> {
    /// What a person asks for directly has no slot.
    fn has_slot(&self) -> bool {
        self.0.request.run > 0
    }
}

impl Told for Action<'_> {
    fn line(&self, line: &str) {
        log(line);
    }

    fn waits(&self, reason: &str) {
        self.0.reporter.waits(reason);
        if self.has_slot() {
            self.0.slot.give_back();
        }
    }

    fn there(&self) {
        if self.has_slot() {
            self.0.slot.take_again();
        }
        self.0.reporter.goes_on();
    }

    fn given_up(&self) {
        self.0.reporter.goes_on();
    }
}

/// The archive that an action asks before it reads packs. `None`: it does not ask, as a rehearsal does not: that costs
/// money.
pub(super) fn archive_of<'a>(context: &Context, opened: &'a Opened) -> Option<Archive<'a>> {
    let archive = Archive::of(&opened.container, &*opened.repository.storage)?;
    (!context.request.action.dry_run).then_some(archive)
}

/// Asks for those of the packs that an action reads and that are in the archive, and waits until all of them can be
/// read. Other actions have its slot meanwhile.
///
/// # Errors
/// As [`bring_all`].
pub(super) fn await_packs(
    context: &Context,
    archive: Archive<'_>,
    index: &Index,
    packs: &BTreeSet<Id>,
) -> Result<(), ActionError> {
    context.reporter.phase("asking the archive");
    // It is alive, and nothing more is done yet.
    let moved = || context.reporter.advance(0, 0);
    bring_all(archive, index, packs, &Action(context), &moved)
}

/// Asks for those of the packs that are in the archive, and waits until all of them can be read. `moved` is called after
/// each question.
///
/// # Errors
/// When the server cannot be asked, and when the time is over.
pub(super) fn bring_all(
    archive: Archive<'_>,
    index: &Index,
    packs: &BTreeSet<Id>,
    told: &dyn Told,
    moved: &(dyn Fn() + Sync),
) -> Result<(), ActionError> {
    if packs.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    let mut missing: Vec<Id> = packs.iter().copied().collect();
    let first = ask(archive, &mut missing, moved).map_err(|error| failed(archive, error))?;
    tell(&first, archive.terms, index, told);
    if missing.is_empty() {
        told.line(&units::count(
            packs.len() as u64,
            "pack is needed, and can be read",
            "packs are needed, and all of them can be read",
        ));
        return Ok(());
    }
    let waits = |missing: usize| {
        told.waits(&format!(
            "the archive of the server: {} of {} can be read now; {} is waited for, for up to {}",
            packs.len() - missing,
            count(packs.len()),
            archive.place,
            units::duration(archive.limit)
        ));
    };
    waits(missing.len());
    let pauses = Pauses::usual();
    let mut pause = pauses.first;
    while !missing.is_empty() {
        let left = archive.limit.saturating_sub(began.elapsed());
        if left.is_zero() {
            told.given_up();
            return Err(ActionError::StillArchived {
                place: archive.place.clone(),
                missing: missing.len() as u64,
                total: packs.len() as u64,
                limit: archive.limit,
            });
        }
        std::thread::sleep(pause.min(left));
        pause = pause.saturating_mul(2).min(pauses.longest);
        let before = missing.len();
        match ask(archive, &mut missing, moved) {
            Ok(_) if !missing.is_empty() && missing.len() != before => waits(missing.len()),
            Ok(_) => {}
            // The network may be away for a night. The packs come all the same.
            Err(error) if error.kind.is_passing() => told.line(&format!("warning: {error}")),
            Err(error) => {
                told.given_up();
                return Err(failed(archive, error));
            }
        }
    }
    told.line("all packs can be read");
    told.there();
    Ok(())
}

/// Asks for all that are missing. Those that can be read are not missing any more.
fn ask(
    archive: Archive<'_>,
    missing: &mut Vec<Id>,
    moved: &(dyn Fn() + Sync),
) -> Result<BroughtBack, StorageError> {
    let found = bring_back(archive.storage, missing, moved)?;
    missing.clear();
    missing.extend(&found.asked);
    missing.extend(&found.on_their_way);
    Ok(found)
}

fn tell(found: &BroughtBack, terms: Terms, index: &Index, told: &dyn Told) {
    if !found.asked.is_empty() {
        let asked: HashSet<Id> = found.asked.iter().copied().collect();
        let sizes = index.pack_sizes().into_iter();
        let sizes = sizes.filter(|(pack, _)| asked.contains(pack));
        told.line(&format!(
            "asked the server for {} ({}) in its archive: the tier is {}, and it keeps them for {}",
            count(found.asked.len()),
            units::bytes(sizes.map(|(_, size)| size).sum()),
            terms.tier.word(),
            units::count(u64::from(terms.days.get()), "day", "days")
        ));
    }
    if !found.on_their_way.is_empty() {
        let count = found.on_their_way.len() as u64;
        told.line(&format!(
            "{} on the way from the archive of the server, asked for before",
            units::count(count, "pack is", "packs are")
        ));
    }
}

fn failed(archive: Archive<'_>, error: StorageError) -> ActionError {
    ActionError::Engine {
        doing: "get packs out of the archive",
        place: archive.place.clone(),
        source: Box::new(EngineError::from(error)),
    }
}

fn count(packs: usize) -> String {
    units::count(packs as u64, "pack", "packs")
}

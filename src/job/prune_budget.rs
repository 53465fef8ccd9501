//! When a removal of snapshots also prunes the container: the budget of the settings, what is known of the container, and
//! the decision. Pure.
//!
//! How much waste a removal leaves is an estimate: what the removed snapshots had added. It is too high where other snapshots
//! need some of that, and too low where a snapshot was the last one that needed what an earlier one had added. So a prune also
//! comes after a time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::window::Window;
use crate::schedule::zone::Zone;
use crate::units;

/// When an action that removes snapshots prunes its container. Ordered from often to never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PruneWhen {
    Always,
    /// When the budget asks for it.
    Needed,
    Never,
}

impl PruneWhen {
    /// The words of the key `prune`, and what they mean.
    pub const WORDS: [(&'static str, &'static str); 3] = [
        (
            "needed",
            "when the settings `prune_waste` and `prune_every` ask for it",
        ),
        ("always", "in each run"),
        ("never", "another job, another host or a person does it"),
    ];

    /// What a word of the key says.
    pub fn of_word(word: &str) -> Option<PruneWhen> {
        match word {
            "needed" => Some(PruneWhen::Needed),
            "always" => Some(PruneWhen::Always),
            "never" => Some(PruneWhen::Never),
            _ => None,
        }
    }

    /// The word of the key.
    pub fn word(self) -> &'static str {
        match self {
            PruneWhen::Needed => "needed",
            PruneWhen::Always => "always",
            PruneWhen::Never => "never",
        }
    }
}

/// How much waste may be in a container, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PruneBudget {
    /// The share of the container, in percent.
    pub waste_percent: f64,
    /// The longest time after a prune for which what is removed may stay.
    pub every: Duration,
    /// The hours in which a prune begins. `None`: at any time.
    pub window: Option<Window>,
}

impl Default for PruneBudget {
    fn default() -> PruneBudget {
        PruneBudget {
            waste_percent: 5.0,
            every: Duration::from_secs(7 * 24 * 60 * 60),
            window: None,
        }
    }
}

/// What is known of the waste in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waste {
    /// When it was pruned last. `None`: no prune is known.
    pub pruned: Option<DateTime<Utc>>,
    /// How many snapshots were removed since.
    pub snapshots: u64,
    /// The bytes that these had added, and what the last prune could not free. `None`: it is not known.
    pub bytes: Option<u64>,
    /// The bytes of the container, when somebody looked last. `None`: nobody has since the prune.
    #[serde(default)]
    pub size: Option<u64>,
}

impl Default for Waste {
    /// Nothing is known.
    fn default() -> Waste {
        Waste {
            pruned: None,
            snapshots: 0,
            bytes: Some(0),
            size: None,
        }
    }
}

impl Waste {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Waste::default()
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.snapshots == 0 && self.bytes == Some(0)
    }

    /// With more snapshots that are removed.
    pub fn with(self, snapshots: u64, bytes: Option<u64>) -> Waste {
        let sum = |(one, other): (u64, u64)| one.saturating_add(other);
        Waste {
            snapshots: self.snapshots.saturating_add(snapshots),
            bytes: self.bytes.zip(bytes).map(sum),
            ..self
        }
    }
}

/// What decides whether a prune is needed.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    pub budget: PruneBudget,
    /// With what is being removed.
    pub waste: Waste,
    /// The bytes of the container. `None`: not known, and then no share of it is reached.
    pub size: Option<u64>,
    /// Files of the container cannot be read that say what is needed.
    pub is_damaged: bool,
    /// The free bytes on the disk of the container, if they are few.
    pub little_space: Option<u64>,
    pub now: DateTime<Utc>,
    /// The zone of the window.
    pub zone: &'a Zone,
    /// The clock may be wrong: no time counts.
    pub clock_in_doubt: bool,
}

/// Whether a removal also prunes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    Prune(Reason),
    Later(Wait),
}

/// Why a container is pruned now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// The action wants it so.
    Always,
    NoneKnown,
    /// The prune finds out whether it is certain what is needed. If not, nothing is removed.
    Damage,
    /// A removed snapshot does not say what it had added, or a removal was interrupted.
    NotCounted,
    Share {
        bytes: u64,
        size: u64,
    },
    Time {
        pruned: DateTime<Utc>,
    },
    /// So many bytes are free.
    LittleSpace(u64),
}

/// Why a container is not pruned now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// The action wants it so.
    Never,
    NothingRemoved,
    /// For the budget: the share, or the first run after this instant.
    Budget {
        percent: f64,
        by: DateTime<Utc>,
        window: Option<InWindow>,
    },
    /// It is needed.
    Window(InWindow),
    Clock,
}

/// A prune comes in these hours, and with a run at any hour only from this instant on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InWindow {
    pub window: Window,
    pub at_any_hour: DateTime<Utc>,
}

/// The clocks of two runs may differ by this much.
const TOLERANCE: TimeDelta = TimeDelta::hours(1);

/// A longer time is as good as none.
const LONGEST: TimeDelta = TimeDelta::days(1000 * 365);

impl Circumstances<'_> {
    /// Decides about an action that prunes when it is needed.
    pub fn decide(&self) -> Decision {
        let Circumstances { budget, waste, .. } = *self;
        if self.is_damaged {
            return Decision::Prune(Reason::Damage);
        }
        // A prune that is yet to come was noted by a wrong clock.
        let known = waste.pruned.filter(|it| *it <= self.now + TOLERANCE);
        let Some(pruned) = known else {
            return Decision::Prune(Reason::NoneKnown);
        };
        if waste.is_none() {
            return Decision::Later(Wait::NothingRemoved);
        }
        if let Some(free) = self.little_space {
            return Decision::Prune(Reason::LittleSpace(free));
        }
        let every = TimeDelta::from_std(budget.every).unwrap_or(LONGEST);
        let every = every.min(LONGEST);
        let after = |time: TimeDelta| pruned.checked_add_signed(time).unwrap_or(self.now);
        // The runs of a job do not begin at the same second of each period.
        let tolerance = TOLERANCE.min(every / 10);
        let has_passed = |time: TimeDelta| self.now - pruned >= time - tolerance;
        let window = budget.window.map(|window| InWindow {
            window,
            // A window in which the job never runs must not keep the waste for ever.
            at_any_hour: after(every * 2),
        });
        let reason = match (waste.bytes, self.size) {
            (None, _) => Reason::NotCounted,
            (Some(bytes), Some(size)) if budget.is_reached(bytes, size) => {
                Reason::Share { bytes, size }
            }
            _ if !has_passed(every) => {
                return Decision::Later(Wait::Budget {
                    percent: budget.waste_percent,
                    by: after(every),
                    window,
                });
            }
            _ if self.clock_in_doubt => return Decision::Later(Wait::Clock),
            _ => Reason::Time { pruned },
        };
        match window {
            Some(_) if self.clock_in_doubt => Decision::Later(Wait::Clock),
            Some(wait)
                if !wait.window.has(self.zone.to_local(self.now).time())
                    && !has_passed(every * 2) =>
            {
                Decision::Later(Wait::Window(wait))
            }
            _ => Decision::Prune(reason),
        }
    }
}

impl PruneBudget {
    /// Whether it is what holds without settings.
    pub fn is_usual(&self) -> bool {
        *self == PruneBudget::default()
    }

    /// Whether so many bytes of waste are too many in a container of a size.
    fn is_reached(&self, bytes: u64, size: u64) -> bool {
        bytes as f64 * 100.0 >= size as f64 * self.waste_percent
    }
}

impl Reason {
    /// The reason as a clause: `the last prune was on …`. `at` shows an instant.
    pub fn words(self, at: impl Fn(DateTime<Utc>) -> String) -> String {
        match self {
            Reason::Always => "each run does it".to_owned(),
            Reason::NoneKnown => "no earlier prune of it is known".to_owned(),
            Reason::Damage => "a file of it cannot be read".to_owned(),
            Reason::NotCounted => {
                "it is not known how much the removed snapshots have left".to_owned()
            }
            Reason::Share { bytes, size } => format!(
                "up to {} of {} may be waste now (`prune_waste`)",
                units::bytes(bytes),
                units::bytes(size)
            ),
            Reason::Time { pruned } => {
                format!("the last prune was on {} (`prune_every`)", at(pruned))
            }
            Reason::LittleSpace(free) => {
                format!("only {} are free on its disk", units::bytes(free))
            }
        }
    }
}

impl Wait {
    /// What is waited for, as a clause: `the next prune comes …`. `at` shows an instant.
    pub fn words(self, at: impl Fn(DateTime<Utc>) -> String) -> String {
        match self {
            Wait::Never => "this action does not prune (`prune`)".to_owned(),
            // Another program or another host may have.
            Wait::NothingRemoved => {
                "no job of this host has removed any since the last prune".to_owned()
            }
            Wait::Budget {
                percent,
                by,
                window,
            } => {
                let by = at(by);
                let need = format!(
                    "the next prune comes when {percent} % of the container may be waste, or with the first run after {by}"
                );
                window.map_or(need.clone(), |wait| format!("{need}, {}", wait.words(at)))
            }
            Wait::Window(wait) => {
                format!("a prune is needed, and comes {}", wait.words(at))
            }
            Wait::Clock => {
                "the next prune waits until the clock of this host is certain".to_owned()
            }
        }
    }

    /// The instant from which on the next run prunes, whatever its hour, if something was removed and a time is known.
    pub fn latest(self) -> Option<DateTime<Utc>> {
        match self {
            Wait::Budget { by, window, .. } => Some(window.map_or(by, |wait| wait.at_any_hour)),
            Wait::Window(wait) => Some(wait.at_any_hour),
            Wait::Never | Wait::NothingRemoved | Wait::Clock => None,
        }
    }
}

impl InWindow {
    fn words(self, at: impl Fn(DateTime<Utc>) -> String) -> String {
        format!(
            "in the hours {} (`prune_window`), or after {} at any hour",
            self.window,
            at(self.at_any_hour)
        )
    }
}

#[cfg(test)]
mod tests;

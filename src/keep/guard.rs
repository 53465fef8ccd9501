//! Whether a new snapshot looks as if its source were damaged. Pure: numbers in, an alarm or none out.

use serde::{Deserialize, Serialize};

/// What a backup has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Entries that are not directories.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that the snapshot before does not have.
    pub new: u64,
    /// Files that are different in the snapshot before.
    pub changed: u64,
}

/// At which shares, in percent, an alarm is raised. `None`: never.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// More than this share of the files or of the bytes is gone.
    pub shrink: Option<f64>,
    /// More than this share of the files is changed or replaced, and far more than in the backups before.
    pub churn: Option<f64>,
}

impl Guards {
    /// A source seldom loses half of its files or bytes in one step, unless a disk is not mounted or somebody deletes
    /// it. How much usually changes is too different between sources for a limit that fits all.
    pub const USUAL: Guards = Guards {
        shrink: Some(50.0),
        churn: None,
    };

    /// Whether they are the usual ones.
    pub fn are_usual(&self) -> bool {
        *self == Guards::USUAL
    }
}

impl Default for Guards {
    fn default() -> Guards {
        Guards::USUAL
    }
}

/// What looks wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Much is gone.
    Shrink,
    /// Much is changed or replaced.
    Churn,
}

impl Alarm {
    /// All of them.
    pub const ALL: [Alarm; 2] = [Alarm::Shrink, Alarm::Churn];

    /// The word in tags and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Alarm::Shrink => "shrink",
            Alarm::Churn => "churn",
        }
    }
}

/// Fewer files than this, and fewer bytes, may be gone or changed in any source.
const FEW_FILES: u64 = 20;
const FEW_BYTES: u64 = 1 << 20;

/// So many backups before tell how much usually changes, and as many are needed at least.
const HISTORY: usize = 10;
const LEAST_HISTORY: usize = 3;

/// How many times as much as in the backups before is unusual.
const UNUSUAL: f64 = 3.0;

/// Compares a new snapshot with those before it, of which the newest whole one comes last. Each was compared with the one
/// before it when it was made, but for those with `None`.
pub fn alarm(
    new: Counted,
    before: &[(Counted, Option<Counted>)],
    guards: &Guards,
) -> Option<Alarm> {
    let (last, _) = before.last()?;
    if let Some(limit) = guards.shrink
        && (has_lost(last.files, new.files, FEW_FILES, limit)
            || has_lost(last.bytes, new.bytes, FEW_BYTES, limit))
    {
        return Some(Alarm::Shrink);
    }
    let limit = guards.churn?;
    let shares = before.iter().rev().take(HISTORY);
    let shares: Vec<f64> = shares
        .filter_map(|(counted, parent)| Some(churn(*counted, (*parent)?)))
        .collect();
    if shares.len() < LEAST_HISTORY || touched(new, *last) < FEW_FILES {
        return None;
    }
    let most = shares.into_iter().fold(0.0, f64::max);
    let share = churn(new, *last);
    (share > limit && share > UNUSUAL * most).then_some(Alarm::Churn)
}

fn has_lost(before: u64, now: u64, few: u64, limit: f64) -> bool {
    let lost = before.saturating_sub(now);
    lost >= few && percent(lost, before) > limit
}

/// How many files of the snapshot before are changed, or are gone and have others in their place.
fn touched(new: Counted, before: Counted) -> u64 {
    let gone = (before.files + new.new).saturating_sub(new.files);
    new.changed + new.new.min(gone)
}

fn churn(new: Counted, before: Counted) -> f64 {
    percent(touched(new, before), before.files)
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(files: u64, bytes: u64, new: u64, changed: u64) -> Counted {
        Counted {
            files,
            bytes,
            new,
            changed,
        }
    }

    const MEGABYTE: u64 = 1 << 20;

    #[test]
    fn half_of_the_files_or_of_the_bytes_is_too_much_to_lose() {
        let before = [(counted(100, 100 * MEGABYTE, 0, 0), None)];
        for (files, megabytes, expected) in [
            (100, 100, None),
            (50, 100, None),
            (49, 100, Some(Alarm::Shrink)),
            (100, 50, None),
            (100, 49, Some(Alarm::Shrink)),
            (200, 300, None),
        ] {
            let new = counted(files, megabytes * MEGABYTE, 0, 0);
            let found = alarm(new, &before, &Guards::USUAL);
            assert_eq!(found, expected, "{files} {megabytes}");
        }
        // A small source may lose all of its few files.
        let small = [(counted(10, 1000, 0, 0), None)];
        assert_eq!(alarm(counted(1, 1, 0, 0), &small, &Guards::USUAL), None);
        // There is nothing to compare the first snapshot with.
        assert_eq!(alarm(counted(1, 1, 0, 0), &[], &Guards::USUAL), None);
        let never = Guards {
            shrink: None,
            churn: None,
        };
        assert_eq!(alarm(counted(0, 0, 0, 0), &before, &never), None);
    }

    #[test]
    fn a_change_is_unusual_only_against_the_history_of_the_same_source() {
        let guards = Guards {
            shrink: None,
            churn: Some(30.0),
        };
        let state = counted(1000, MEGABYTE, 0, 0);
        let history = |changed| vec![(counted(1000, MEGABYTE, 0, changed), Some(state)); 5];
        // Every file is encrypted in place, or gets another name.
        let encrypted = counted(1000, MEGABYTE, 0, 900);
        let renamed = counted(1000, MEGABYTE, 900, 0);
        for new in [encrypted, renamed] {
            assert_eq!(alarm(new, &history(10), &guards), Some(Alarm::Churn));
            // Here, most files change each time.
            assert_eq!(alarm(new, &history(800), &guards), None);
            // Nobody knows yet what is usual.
            assert_eq!(alarm(new, &history(10)[..2], &guards), None);
        }
        // Many new files beside the old ones are no damage.
        let grown = counted(1900, MEGABYTE, 900, 0);
        assert_eq!(alarm(grown, &history(10), &guards), None);
        assert_eq!(alarm(encrypted, &history(10), &Guards::USUAL), None);
    }
}

//! Which snapshots belong together: those of one host and one backup name that have a path in common. Two backups of
//! different paths may share a name, and are still told apart.
//!
//! A list of paths may change. The snapshots from before the change have a path in common with those after it, so they
//! stay in the same lineage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::snapshot::Snapshot;

/// Whether a snapshot has exactly these paths.
pub fn has_same_paths(paths: &[PathBuf], snapshot: &Snapshot) -> bool {
    let wanted: BTreeSet<&Path> = paths.iter().map(PathBuf::as_path).collect();
    wanted == paths_of(snapshot)
}

/// Whether a snapshot has all of these paths.
pub fn has_all_paths(paths: &[PathBuf], snapshot: &Snapshot) -> bool {
    let held = paths_of(snapshot);
    paths.iter().all(|path| held.contains(path.as_path()))
}

/// Whether a snapshot has one of these paths.
pub fn shares_path(paths: &[PathBuf], snapshot: &Snapshot) -> bool {
    let held = paths_of(snapshot);
    paths.iter().any(|path| held.contains(path.as_path()))
}

/// Whether a path is one of the snapshot's, or lies in one of them.
pub fn covers(snapshot: &Snapshot, path: &Path) -> bool {
    snapshot.paths.iter().any(|top| path.starts_with(top))
}

/// The snapshots that a backup of these paths continues, oldest first. `snapshots` are those of its host and name, oldest
/// first.
///
/// A snapshot with only some of the paths, or with more, counts until the first one has exactly these paths. Later ones
/// belong to another backup that shares the name and a path.
pub fn earlier(paths: &[PathBuf], snapshots: &[Snapshot]) -> Vec<Snapshot> {
    let first_exact = snapshots
        .iter()
        .position(|snapshot| has_same_paths(paths, snapshot))
        .unwrap_or(snapshots.len());
    snapshots
        .iter()
        .enumerate()
        .filter(|(place, snapshot)| match *place < first_exact {
            true => shares_path(paths, snapshot),
            false => has_same_paths(paths, snapshot),
        })
        .map(|(_, snapshot)| snapshot.clone())
        .collect()
}

/// A snapshot that is never removed by age, and a path that it is kept for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The place in the list of snapshots.
    pub place: usize,
    /// Empty for snapshots without paths.
    pub path: String,
}

/// For each path, its newest snapshot and its newest whole one. `snapshots` are those of one host and name, oldest first.
pub fn kept(snapshots: &[Snapshot]) -> Vec<Kept> {
    let mut newest: BTreeMap<String, usize> = BTreeMap::new();
    let mut newest_whole: BTreeMap<String, usize> = BTreeMap::new();
    for (place, snapshot) in snapshots.iter().enumerate() {
        for path in paths_or_none(snapshot) {
            newest.insert(path.clone(), place);
            if !snapshot.partial {
                newest_whole.insert(path, place);
            }
        }
    }
    let mut kept: Vec<Kept> = newest
        .into_iter()
        .chain(newest_whole)
        .map(|(path, place)| Kept { place, path })
        .collect();
    kept.sort_by(|one, other| (one.place, &one.path).cmp(&(other.place, &other.path)));
    kept.dedup_by_key(|kept| kept.place);
    kept
}

/// The lineages among the snapshots, each in the order of the snapshots: those in one lineage are linked by paths that
/// they have in common.
pub fn groups<'a>(snapshots: &[&'a Snapshot]) -> Vec<Vec<&'a Snapshot>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<usize>)> = Vec::new();
    for (place, snapshot) in snapshots.iter().enumerate() {
        let mut paths: BTreeSet<String> = paths_or_none(snapshot).into_iter().collect();
        let mut places = Vec::new();
        // A snapshot with paths of several groups joins them.
        groups.retain_mut(|(group_paths, group_places)| {
            let apart = group_paths.is_disjoint(&paths);
            if !apart {
                paths.append(group_paths);
                places.append(group_places);
            }
            apart
        });
        places.push(place);
        places.sort_unstable();
        groups.push((paths, places));
    }
    groups.sort_by(|(_, one), (_, other)| one.cmp(other));
    let snapshots_at = |places: Vec<usize>| places.into_iter().map(|place| snapshots[place]);
    groups
        .into_iter()
        .map(|(_, places)| snapshots_at(places).collect())
        .collect()
}

/// The lineages among the snapshots of one host and name, oldest first: places in the list, each once.
///
/// Snapshots with exactly the same paths are of one lineage. One whose paths changed goes on under the new ones: those that
/// share a path and begin after the last snapshot with the old ones. Lists of paths that take turns are backups beside each
/// other.
pub fn lineages(snapshots: &[Snapshot]) -> Vec<Vec<usize>> {
    let mut lineages: Vec<(BTreeSet<&Path>, Vec<usize>)> = Vec::new();
    for (place, snapshot) in snapshots.iter().enumerate() {
        let paths = paths_of(snapshot);
        match lineages.iter_mut().find(|(of, _)| *of == paths) {
            Some((_, places)) => places.push(place),
            None => lineages.push((paths, vec![place])),
        }
    }
    // By their first snapshots: an earlier one can only go on as one that comes behind it.
    let mut at = 0;
    while at < lineages.len() {
        let (paths, places) = &lineages[at];
        let end = places.last().copied();
        let goes_on = |(of, later): &(BTreeSet<&Path>, Vec<usize>)| {
            later.first().copied() > end && !of.is_disjoint(paths)
        };
        match lineages[at + 1..].iter().position(goes_on) {
            None => at += 1,
            Some(next) => {
                let (_, mut places) = lineages.remove(at);
                let (_, later) = &mut lineages[at + next];
                places.append(later);
                *later = places;
            }
        }
    }
    lineages.into_iter().map(|(_, places)| places).collect()
}

/// The paths of some snapshots, each once, in their order.
pub fn paths_of_all(snapshots: &[&Snapshot]) -> Vec<String> {
    let paths: BTreeSet<&String> = snapshots
        .iter()
        .flat_map(|snapshot| &snapshot.paths)
        .collect();
    paths.into_iter().cloned().collect()
}

fn paths_of(snapshot: &Snapshot) -> BTreeSet<&Path> {
    snapshot.paths.iter().map(Path::new).collect()
}

fn paths_or_none(snapshot: &Snapshot) -> Vec<String> {
    match snapshot.paths.is_empty() {
        true => vec![String::new()],
        false => snapshot.paths.clone(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::samples;

    /// Snapshots, oldest first. A `?` at the end of the paths stands for a partial one.
    fn snapshots(of: &[&str]) -> Vec<Snapshot> {
        let made = of.iter().enumerate().map(|(place, paths)| {
            let time = DateTime::from_timestamp(place as i64, 0).unwrap();
            let whole = paths.trim_end_matches('?');
            Snapshot {
                paths: whole.split_whitespace().map(str::to_owned).collect(),
                partial: whole.len() < paths.len(),
                ..samples::snapshot(&place.to_string(), time)
            }
        });
        made.collect()
    }

    fn paths(text: &str) -> Vec<PathBuf> {
        text.split_whitespace().map(PathBuf::from).collect()
    }

    fn ids<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>) -> String {
        let ids: Vec<&str> = snapshots.into_iter().map(|it| it.id.as_str()).collect();
        ids.join(" ")
    }

    #[test]
    fn a_backup_continues_the_snapshots_with_its_paths_and_those_from_before_its_paths_changed() {
        for (wanted, held, expected) in [
            ("/a", &["/a", "/b", "/a"][..], "0 2"),
            // The list has grown, then shrunk.
            ("/a /b", &["/a", "/a"], "0 1"),
            ("/a /b", &["/a", "/a /b", "/a /b"], "0 1 2"),
            ("/a", &["/a /b", "/a"], "0 1"),
            // Another backup shares the name and a path.
            ("/a /b", &["/a /b", "/b /c", "/a /b", "/b /c"], "0 2"),
            ("/b /c", &["/a /b", "/b /c", "/a /b", "/b /c"], "0 1 3"),
            ("/b", &["/a", "/c"], ""),
            // A directory is another path than what is in it.
            ("/a/x", &["/a"], ""),
        ] {
            let held = snapshots(held);
            let found = earlier(&paths(wanted), &held);
            assert_eq!(ids(&found), expected, "{wanted} {held:?}");
        }
    }

    #[test]
    fn the_newest_and_the_newest_whole_snapshot_of_each_path_are_kept() {
        for (held, expected) in [
            (&["/a", "/a"][..], "1"),
            (&["/a", "/b", "/b"], "0 2"),
            (&["/a", "/a?", "/a?"], "0 2"),
            (&["/a", "/a /b"], "1"),
            (&["/a /b", "/a"], "0 1"),
            (&["/a", "/a /b?"], "0 1"),
            (&["", ""], "1"),
            (&[], ""),
        ] {
            let held = snapshots(held);
            let kept = kept(&held);
            let places = kept.iter().map(|kept| &held[kept.place]);
            assert_eq!(ids(places), expected, "{held:?}");
        }
    }

    #[test]
    fn a_lineage_goes_on_when_its_paths_change_and_others_are_beside_it() {
        for (held, expected) in [
            (&["/a", "/b", "/a"][..], "0 2|1"),
            (&["/a", "/a", "/a /b", "/a /b"], "0 1 2 3"),
            (&["/a", "/a /b", "/b", "/b"], "0 1 2 3"),
            // They take turns.
            (&["/a", "/a /b", "/a", "/a /b"], "0 2|1 3"),
            // Only one of two goes on as the new one.
            (&["/a", "/b", "/a /b"], "0 2|1"),
            (&["/a", "/b"], "0|1"),
            (&["", ""], "0 1"),
            (&[], ""),
        ] {
            let held = snapshots(held);
            let found: Vec<String> = lineages(&held)
                .into_iter()
                .map(|places| ids(places.iter().map(|place| &held[*place])))
                .collect();
            let mut found = found;
            found.sort();
            assert_eq!(found.join("|"), expected, "{held:?}");
        }
    }

    #[test]
    fn lineages_are_linked_by_common_paths() {
        let held = snapshots(&["/a", "/c", "/a /b", "/d", "/b", "/c"]);
        let held: Vec<&Snapshot> = held.iter().collect();
        let found: Vec<String> = groups(&held).into_iter().map(ids).collect();
        assert_eq!(found, ["0 2 4", "1 5", "3"]);
        assert_eq!(paths_of_all(&held), ["/a", "/b", "/c", "/d"]);
    }
}

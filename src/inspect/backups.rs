//! Which backups a container holds: the newest snapshot of a container is the newest of one of them. Pure.

use std::fmt;

use crate::repository::snapshot::Snapshot;

/// The snapshots of one host and one name that share paths with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBackup {
    pub host: String,
    /// Empty in snapshots that restic made.
    pub backup_name: String,
    /// All that were ever backed up together.
    pub paths: Vec<String>,
    pub count: u64,
}

/// The backups that snapshots, each with its backup name, belong to, in the order of their first snapshots. A backup goes on when its list of paths
/// changes, as long as one path stays.
pub fn backups<'a>(snapshots: impl Iterator<Item = (&'a Snapshot, &'a str)>) -> Vec<HeldBackup> {
    let mut found: Vec<HeldBackup> = Vec::new();
    for (snapshot, name) in snapshots {
        let mut own = HeldBackup {
            host: snapshot.hostname.clone(),
            backup_name: name.to_owned(),
            paths: snapshot.paths.clone(),
            count: 1,
        };
        let mut place = found.len();
        // One snapshot may join two that were apart so far.
        for at in (0..found.len()).rev() {
            if found[at].continues(&own) {
                let mut other = found.remove(at);
                own.paths.retain(|path| !other.paths.contains(path));
                other.paths.append(&mut own.paths);
                other.count += own.count;
                own = other;
                place = at;
            }
        }
        found.insert(place.min(found.len()), own);
    }
    found
}

impl HeldBackup {
    fn continues(&self, other: &HeldBackup) -> bool {
        self.host == other.host
            && self.backup_name == other.backup_name
            && (self.paths == other.paths || self.paths.iter().any(|it| other.paths.contains(it)))
    }
}

/// A text as far as it goes into a message: it comes from the repository, and may be of any length.
fn short(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `www of web1 (/srv/www; 3 snapshots)`.
impl fmt::Display for HeldBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 3;
        let name = match self.backup_name.as_str() {
            "" => "one without a name".to_owned(),
            name => short(name),
        };
        let host = short(&self.host);
        let paths: Vec<String> = self.paths.iter().take(MOST).map(|it| short(it)).collect();
        let mut paths = paths.join(", ");
        if self.paths.len() > MOST {
            paths.push_str(&format!(" and {} more", self.paths.len() - MOST));
        }
        let count = crate::units::count(self.count, "snapshot", "snapshots");
        match paths.as_str() {
            "" => write!(f, "{name} of {host} ({count})"),
            paths => write!(f, "{name} of {host} ({paths}; {count})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::time::Time;
    use crate::storage::id::Id;

    #[test]
    fn a_backup_goes_on_as_long_as_one_of_its_paths_stays() {
        // Snapshots as host, name, paths; the backups as their paths and counts.
        for (held, expected) in [
            (&["a www /w", "a www /w"][..], "/w 2"),
            (&["a www /w", "b www /w"], "/w 1; /w 1"),
            (&["a www /w", "a - /w"], "/w 1; /w 1"),
            (&["a www /w", "a www /v"], "/w 1; /v 1"),
            (&["a www /w", "a www /w,/v", "a www /v"], "/w,/v 3"),
            (&["a www /w", "a www /v", "a www /w,/v"], "/w,/v 3"),
            (&["a www -", "a www -"], " 2"),
            (&[], ""),
        ] {
            let snapshots: Vec<(Snapshot, &str)> = held
                .iter()
                .map(|text| {
                    let words: Vec<&str> = text.split(' ').collect();
                    let paths = match words[2] {
                        "-" => Vec::new(),
                        paths => paths.split(',').map(str::to_owned).collect(),
                    };
                    let mut snapshot = Snapshot::new(Time::utc(0, 0), Id::default(), paths);
                    snapshot.hostname = words[0].to_owned();
                    (snapshot, words[1].trim_matches('-'))
                })
                .collect();
            let found = backups(snapshots.iter().map(|(it, name)| (it, *name)));
            let texts: Vec<String> = found
                .iter()
                .map(|it| format!("{} {}", it.paths.join(","), it.count))
                .collect();
            assert_eq!(texts.join("; "), expected, "{held:?}");
        }
    }
}

//! Snapshots that a host seems to have made under an earlier name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::job::action::Lineage;

/// What is looked at of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    pub host: &'a str,
    pub backup_name: &'a str,
    pub paths: &'a [String],
    pub time: DateTime<Utc>,
}

/// A host whose snapshots end before those of a lineage begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierHost {
    pub host: String,
    /// When its snapshots were made, oldest first.
    pub times: Vec<DateTime<Utc>>,
}

/// The hosts, by name, that have snapshots of this backup name and one of these paths, and made none since the lineage has
/// snapshots of its own. A host that goes on beside it is another host. Without paths, those of the lineage's snapshots
/// count.
pub fn earlier_hosts<'a>(
    lineage: &Lineage,
    paths: &[PathBuf],
    snapshots: impl Iterator<Item = Made<'a>> + Clone,
) -> Vec<EarlierHost> {
    let of_name = snapshots.filter(|made| made.backup_name == lineage.backup_name);
    let own = of_name.clone().filter(|made| made.host == lineage.host);
    let mut wanted: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    if wanted.is_empty() {
        wanted.extend(own.clone().flat_map(|made| made.paths).map(Path::new));
        wanted.sort_unstable();
        wanted.dedup();
    }
    let shares = |made: &Made<'_>| made.paths.iter().any(|it| wanted.contains(&Path::new(it)));
    let begun = own.filter(shares).map(|made| made.time).min();
    let mut others: BTreeMap<&str, Vec<DateTime<Utc>>> = BTreeMap::new();
    for made in of_name.filter(|made| made.host != lineage.host && shares(made)) {
        others.entry(made.host).or_default().push(made.time);
    }
    others
        .into_iter()
        .map(|(host, mut times)| {
            times.sort_unstable();
            let host = host.to_owned();
            EarlierHost { host, times }
        })
        .filter(|host| begun.is_none_or(|begun| host.times.last().is_some_and(|it| *it < begun)))
        .collect()
}

/// How many snapshots without a name there are of this host and one of these paths, from before the lineage has snapshots
/// of its own. `restic` makes such.
pub fn unnamed<'a>(
    lineage: &Lineage,
    paths: &[PathBuf],
    snapshots: impl Iterator<Item = Made<'a>> + Clone,
) -> u64 {
    let shares = |made: &Made<'_>| {
        made.host == lineage.host
            && made
                .paths
                .iter()
                .any(|it| paths.contains(&PathBuf::from(it)))
    };
    let of_paths = snapshots.filter(shares);
    let own = of_paths
        .clone()
        .filter(|made| made.backup_name == lineage.backup_name);
    let begun = own.map(|made| made.time).min();
    let is_before = |made: &Made<'_>| begun.is_none_or(|begun| made.time < begun);
    let without = of_paths.filter(|made| made.backup_name.is_empty());
    without.filter(is_before).count() as u64
}

/// The command that makes snapshots without a name those of the job.
pub fn adopt_unnamed_command(job: &str) -> String {
    format!("freezerd adopt {job} --from-name ''")
}

/// The command that makes the snapshots of another host those of the job.
pub fn adopt_command(job: &str, host: &str) -> String {
    // The name comes from a container. What a shell would understand in another way is not proposed.
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let host = match host.chars().all(is_plain) && !host.starts_with('-') && !host.is_empty() {
        true => host,
        false => "HOST",
    };
    format!("freezerd adopt {job} --from-host {host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_ended_before_the_lineage_begins_may_be_the_same_host() {
        // Snapshots as host, name, path; one a second. The hosts that are found.
        for (held, expected) in [
            (&["old www /w", "old www /w"][..], "old"),
            (&["old www /w", "new www /w"], "old"),
            // It goes on beside the other one.
            (&["old www /w", "new www /w", "old www /w"], ""),
            (&["old www /other", "old db /w"], ""),
            (&["b www /w", "a www /w", "new www /w"], "a b"),
            (&["new www /w"], ""),
            (&[], ""),
        ] {
            let rows: Vec<(Vec<&str>, Vec<String>)> = held
                .iter()
                .map(|text| {
                    let words: Vec<&str> = text.split(' ').collect();
                    let path = vec![words[2].to_owned()];
                    (words, path)
                })
                .collect();
            let made = rows.iter().enumerate().map(|(at, (words, paths))| Made {
                host: words[0],
                backup_name: words[1],
                paths,
                time: DateTime::from_timestamp(at as i64, 0).unwrap(),
            });
            let lineage = Lineage {
                host: "new".to_owned(),
                backup_name: "www".to_owned(),
            };
            let found = earlier_hosts(&lineage, &["/w".into()], made);
            let names: Vec<&str> = found.iter().map(|it| it.host.as_str()).collect();
            assert_eq!(names.join(" "), expected, "{held:?}");
        }
    }

    #[test]
    fn snapshots_of_restic_from_before_the_lineage_are_counted() {
        for (held, expected) in [
            (&["new - /w", "new - /w,/x"][..], 2),
            (&["new - /w", "new www /w", "new - /w"], 1),
            (&["new - /v", "old - /w", "new db /w"], 0),
            (&[], 0),
        ] {
            let rows: Vec<(Vec<&str>, Vec<String>)> = held
                .iter()
                .map(|text| {
                    let words: Vec<&str> = text.split(' ').collect();
                    let paths = words[2].split(',').map(str::to_owned).collect();
                    (words, paths)
                })
                .collect();
            let made = rows.iter().enumerate().map(|(at, (words, paths))| Made {
                host: words[0],
                backup_name: words[1].trim_matches('-'),
                paths,
                time: DateTime::from_timestamp(at as i64, 0).unwrap(),
            });
            let lineage = Lineage {
                host: "new".to_owned(),
                backup_name: "www".to_owned(),
            };
            assert_eq!(
                unnamed(&lineage, &["/w".into()], made),
                expected,
                "{held:?}"
            );
        }
    }

    #[test]
    fn a_proposed_command_has_no_name_that_a_shell_reads_in_another_way() {
        let plain = "freezerd adopt www --from-host web-1.example";
        assert_eq!(adopt_command("www", "web-1.example"), plain);
        for odd in ["$(reboot)", "a b", "-x", "", "a\nb", "a;b", "é"] {
            let command = adopt_command("www", odd);
            assert_eq!(command, "freezerd adopt www --from-host HOST", "{odd:?}");
        }
    }
}

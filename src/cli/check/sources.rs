//! Looks at the sources of backups that do not exist, and at what may be meant by their names.

use std::path::{Path, PathBuf};

use crate::intake::{CheckedContent, CheckedFile};
use crate::job::action::Work;
use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, quoted};

/// Adds a warning for each source that does not exist and is written like several paths, or like a pattern.
pub(super) fn look_at(checked: &mut CheckedFile) {
    let CheckedContent::Job(job) = &checked.content else {
        return;
    };
    let works = job.actions.iter().map(|entry| &entry.action.work);
    let backups = works.filter_map(|work| match work {
        Work::Backup(backup) => Some(backup),
        _ => None,
    });
    // A backup to several targets is one action for each of them.
    let mut paths: Vec<&PathBuf> = backups.flat_map(|backup| &backup.paths).collect();
    paths.dedup();
    let warnings = paths.into_iter().filter_map(|path| doubt(path));
    checked.diagnostics.extend(warnings);
}

fn doubt(path: &Path) -> Option<Diagnostic> {
    let text = path.to_str()?;
    let exists = || path.symlink_metadata().is_ok();
    let (why, help) = if separates(text) {
        (
            "it is one path, not several",
            "write a list with one path in each text: `[\"/srv/www\", \"/etc\"]`",
        )
    } else if text.contains(['*', '?', '[', '{']) {
        (
            "`*` and other signs of patterns are parts of a name in it",
            "name the directory, and choose what to leave out with `exclude`",
        )
    } else {
        return None;
    };
    if exists() {
        return None;
    }
    let name = quoted(text);
    let fault = Diagnostic::warning(
        codes::DOUBTFUL_SOURCE,
        format!("the source {name} does not exist: {why}"),
    );
    Some(fault.help(help))
}

/// Whether a second absolute path begins behind a separator: `/srv,/etc`, `/srv /etc`, `/srv:/etc`.
fn separates(text: &str) -> bool {
    text.match_indices('/').any(|(place, _)| {
        let before = text[..place].trim_end_matches(' ');
        (before.len() < place && place > 0) || before.ends_with([',', ':', ';', '|', '\n'])
    })
}

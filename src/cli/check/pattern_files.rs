//! Looks at the files of `exclude_from`, as far as they can be read now.

use crate::intake::{CheckedContent, CheckedFile};
use crate::job::action::Work;
use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::patterns::{Judgement, judge};
use crate::source::patterns::file;

/// The most diagnostics about one file of patterns.
const MOST: usize = 20;

/// Adds what is wrong with the files of patterns of a job. All are warnings: the job loads without them.
pub(super) fn look_at(checked: &mut CheckedFile) {
    let CheckedContent::Job(job) = &checked.content else {
        return;
    };
    for entry in &job.actions {
        let Work::Backup(backup) = &entry.action.work else {
            continue;
        };
        for path in &backup.exclude_from {
            let name = quoted(&path.to_string_lossy());
            let lines = match file::read(path) {
                Ok(lines) => lines,
                Err(fault) => {
                    checked.diagnostics.push(
                        Diagnostic::warning(
                            codes::EXCLUDE_FILE,
                            format!("the file {name} {fault}"),
                        )
                        .help("until it can be read, the backup fails before it writes anything"),
                    );
                    continue;
                }
            };
            let judged = lines.iter().filter_map(|line| {
                let at = format!("line {} of {name}", line.number);
                let pattern = quoted(&line.text);
                Some(match judge(&line.text, &backup.paths)? {
                    Judgement::Unusable(fault) => Diagnostic::warning(
                        codes::EXCLUDE_FILE,
                        format!("{at}: the pattern {pattern} can match nothing: {fault}"),
                    )
                    .help("the backup does not use this line"),
                    Judgement::Doubtful(doubt) => Diagnostic::warning(
                        codes::DOUBTFUL_PATTERN,
                        format!("{at}: the pattern {pattern}: {doubt}"),
                    )
                    .help(doubt.help()),
                })
            });
            checked.diagnostics.extend(judged.take(MOST));
        }
    }
}

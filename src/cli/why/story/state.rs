//! The sentences on a job's state.

use std::time::Duration;

use super::Facts;
use crate::job::{Event, Status};
use crate::record::{FileRecord, FileVerdict, JobRecord, Standing};
use crate::units;

/// The sentences on the job's state.
pub(super) fn state(facts: &Facts<'_>) -> Vec<String> {
    let name = facts.job_id;
    let mut sentences = Vec::new();
    let Some(record) = facts.record else {
        sentences.push(match facts.file.map(|file| (&file.file, &file.verdict)) {
            Some((file, FileVerdict::Foreign { client_id, .. })) => format!(
                "{name} does not run here: according to {file} it is a job of {client_id}, and this host is {}.",
                facts.client_id
            ),
            Some((file, FileVerdict::Invalid { summary, .. })) => format!(
                "{name} never ran from {file}, which is invalid: {summary}. `freezerd check` shows all faults."
            ),
            _ => format!("{name} is not a job any more: its file was deleted."),
        });
        return sentences;
    };
    let schedule = facts.upcoming.map_or_else(String::new, |upcoming| {
        format!(" ({}, {})", upcoming.schedule, upcoming.zone.name())
    });
    sentences.push(match record.status() {
        Status::Running => format!("{name} is running{schedule}."),
        Status::Aborting => format!("{name} is being aborted{schedule}."),
        Status::Scheduled if facts.open.is_some() => {
            format!("{name} is on its schedule{schedule}, and a run is due.")
        }
        Status::Scheduled => format!("{name} is on its schedule{schedule}."),
        Status::Stop if record.standing == Standing::Finished => {
            format!("{name} is finished{}.", because(record))
        }
        Status::Stop => format!("{name} is stopped{}.", because(record)),
        Status::Removed => format!("{name} is removed{}.", because(record)),
    });
    if record.standing != Standing::OnSchedule
        && let Some(event) = facts.events.iter().find(|event| {
            event.accepted && ["stop", "abort", "remove"].contains(&event.command.as_str())
        })
    {
        sentences.push(format!(
            "{} requested that ({}) on {}; `freezerd start {name}` puts it back on its schedule.",
            event.by,
            event.command,
            facts.at(event.handled)
        ));
    }
    if let (Some(pending), Some(run)) = (record.pending, record.run) {
        let what = match pending {
            Event::Start => "goes back on its schedule",
            Event::Stop | Event::Abort => "is stopped",
            Event::Remove => "is removed",
        };
        sentences.push(format!("It {what} when run {} has ended.", run.number));
    }
    if let Some(FileRecord {
        file,
        verdict: FileVerdict::Invalid { summary, .. },
        seen,
    }) = facts.file
    {
        sentences.push(format!(
            "{file} is invalid since {}: {summary}. The last good content stays in force.",
            facts.at(*seen)
        ));
    }
    if record.file.is_none() {
        sentences.push("Its file was deleted: the job is removed when its run ends.".to_owned());
    }
    if record.failures > 1 {
        sentences.push(format!("Its last {} runs failed.", record.failures));
    }
    if let (Some(max_age), Some(since)) = (record.max_age, record.too_old_at())
        && since <= facts.now
    {
        sentences.push(format!(
            "It has not succeeded within its max_age of {}.",
            units::duration(Duration::from_secs(max_age))
        ));
    }
    if let Some(event) = facts.events.first().filter(|event| !event.accepted) {
        sentences.push(format!(
            "{} requested {} on {}, which was refused: {name} {}.",
            event.by,
            event.command,
            facts.at(event.handled),
            event.answer
        ));
    }
    sentences
}

/// The reason after a colon, or nothing.
fn because(record: &JobRecord) -> String {
    record
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"))
}

#[cfg(test)]
mod tests {
    use super::super::cases::*;
    use super::*;
    use crate::cli::next::upcoming::Upcoming;
    use crate::cli::why::story::Story;

    #[test]
    fn a_stopped_job_says_who_stopped_it_and_how_to_start_it() {
        let case = Case {
            record: Some(JobRecord {
                standing: Standing::Stopped,
                reason: Some("stopped by hand".into()),
                ..record()
            }),
            upcoming: Some(Upcoming {
                firings: Vec::new(),
                off: Some("it is stopped: stopped by hand".into()),
                ..upcoming()
            }),
            events: vec![event("stop", true)],
            ..Case::new()
        };
        let story = case.story();
        assert_eq!(
            story.state,
            [
                "nightly is stopped: stopped by hand.",
                "alice requested that (stop) on Tue 2026-06-02 09:00:00; `freezerd start nightly` puts it back on its \
                 schedule."
            ]
        );
        assert_eq!(
            story.next,
            ["No run is to come: it is stopped: stopped by hand."]
        );
    }

    #[test]
    fn a_refused_event_is_reported() {
        let case = Case {
            events: vec![event("abort", false)],
            ..Case::new()
        };
        assert_eq!(
            case.story().state[1],
            "alice requested abort on Tue 2026-06-02 09:00:00, which was refused: nightly has no run to abort."
        );
    }

    #[test]
    fn an_invalid_file_is_reported_with_what_becomes_of_the_job() {
        let invalid = || {
            file(FileVerdict::Invalid {
                job_id: Some("nightly".into()),
                report: String::new(),
                summary: "there is no job_actions".into(),
            })
        };
        let goes_on = Case {
            file: invalid(),
            ..Case::new()
        };
        assert_eq!(
            goes_on.story().state[1],
            "nightly.json is invalid since Tue 2026-06-02 11:00:00: there is no job_actions. The last good content \
             stays in force."
        );
        let never = Case {
            record: None,
            upcoming: None,
            file: invalid(),
            ..Case::new()
        };
        assert_eq!(
            never.story(),
            Story {
                state: vec![
                    "nightly never ran from nightly.json, which is invalid: there is no job_actions. `freezerd check` \
                     shows all faults."
                        .into()
                ],
                ..Story::default()
            }
        );
    }

    #[test]
    fn a_foreign_job_names_its_host() {
        let case = Case {
            record: None,
            upcoming: None,
            file: file(FileVerdict::Foreign {
                job_id: "nightly".into(),
                client_id: "there".into(),
            }),
            ..Case::new()
        };
        assert_eq!(
            case.story().state,
            [
                "nightly does not run here: according to nightly.json it is a job of there, and this host is here."
            ]
        );
    }
}

//! What the ledger knows about a job, as sentences. Pure: facts in, sentences out.

use chrono::{DateTime, Utc};

use crate::cli::next::upcoming::Upcoming;
use crate::cli::prunes::JobPrune;
use crate::record::{EventRecord, FileRecord, JobRecord, RunRecord};
use crate::schedule::zone::Zone;

mod next;
mod runs;
mod state;

#[cfg(test)]
mod cases;

/// The facts that a story is made of.
pub struct Facts<'a> {
    pub job_id: &'a str,
    /// Of this host.
    pub client_id: &'a str,
    pub now: DateTime<Utc>,
    pub zone: &'a Zone,
    /// Whether a daemon is running.
    pub daemon: bool,
    /// `None`: no such job runs here, or it does not any more.
    pub record: Option<&'a JobRecord>,
    /// `None`: the job's content cannot be read with these settings.
    pub upcoming: Option<&'a Upcoming>,
    pub file: Option<&'a FileRecord>,
    /// The job's open run.
    pub open: Option<&'a RunRecord>,
    /// What the agent of the open run waits for at the moment, as it says it itself.
    pub agent_waits: Option<&'a str>,
    /// The newest first.
    pub runs: &'a [RunRecord],
    /// The last lines of the command with which the newest run failed.
    pub last_words: &'a [String],
    /// The containers from which the job removes snapshots.
    pub prunes: &'a [JobPrune],
    /// The newest first.
    pub events: &'a [EventRecord],
}

/// Three paragraphs, each a list of sentences.
#[derive(Debug, Default, PartialEq)]
pub struct Story {
    /// The state of the job.
    pub state: Vec<String>,
    /// The last runs, the newest first.
    pub lately: Vec<String>,
    /// What is due next.
    pub next: Vec<String>,
}

/// Makes the story of a job.
pub fn story(facts: &Facts<'_>) -> Story {
    Story {
        state: state::state(facts),
        lately: runs::runs(facts),
        next: next::next(facts),
    }
}

impl Facts<'_> {
    /// An instant in the reader's zone.
    fn at(&self, instant: DateTime<Utc>) -> String {
        self::instant(self.zone, instant)
    }
}

/// An instant in a zone.
pub fn instant(zone: &Zone, instant: DateTime<Utc>) -> String {
    zone.to_local(instant).format("%a %F %T").to_string()
}

#[cfg(test)]
mod tests {
    use super::cases::*;
    use super::*;
    use crate::record::RunState;

    #[test]
    fn a_job_without_problems_has_a_short_story() {
        let story = Case::of_run(run(7, RunState::Ended)).story();
        assert_eq!(
            story,
            Story {
                state: vec!["nightly is on its schedule (every day at 02:00, UTC).".into()],
                lately: vec![
                    "Run 7, due Tue 2026-06-02 02:00:00, started on time and succeeded after 3 min."
                        .into()
                ],
                next: vec!["It is due next on Wed 2026-06-03 02:00:00, in 14 h.".into()],
            }
        );
    }
}

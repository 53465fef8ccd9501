//! The sentences on what is due next.

use std::time::Duration;

use super::Facts;
use crate::units;

/// The sentences on what is due next.
pub(super) fn next(facts: &Facts<'_>) -> Vec<String> {
    let Some(record) = facts.record else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    if let Some(upcoming) = facts.upcoming {
        if let Some(owed) = &upcoming.owed {
            let due = if owed.due.count == 1 {
                format!("The run due {}", facts.at(owed.due.last))
            } else {
                format!(
                    "{} due times from {} to {}",
                    owed.due.count,
                    facts.at(owed.due.first),
                    facts.at(owed.due.last)
                )
            };
            let (passed, them) = if owed.due.count == 1 {
                ("has passed", "it")
            } else {
                ("have passed", "them")
            };
            sentences.push(match &owed.refusal {
                None => format!(
                    "{due} {passed}, and freezerd starts one run for {them} as soon as possible."
                ),
                Some(why) => format!("{due} {passed}, and no run makes up for {them}: {why}."),
            });
        }
        if let Some(firing) = upcoming.firings.first() {
            let notes = upcoming.notes(firing);
            let notes = if notes.is_empty() {
                String::new()
            } else {
                format!(" ({})", notes.join("; "))
            };
            let ahead = (firing.at - facts.now).to_std().unwrap_or(Duration::ZERO);
            sentences.push(format!(
                "It is due next on {}, in {}{notes}.",
                facts.at(firing.at),
                units::duration(ahead)
            ));
        } else if let Some(off) = &upcoming.off {
            sentences.push(format!("No run is to come: {off}."));
        } else if upcoming.continuous && record.run.is_some() {
            sentences.push(
                "It runs again one second after this run has ended, and later than that if the run fails.".to_owned(),
            );
        } else if upcoming.owed.is_none() && facts.open.is_none() {
            sentences.push("It is not due any more.".to_owned());
        }
    } else {
        sentences.push(
            "When it is due is unknown with these settings: run the command with the settings of the daemon."
                .to_owned(),
        );
    }
    for prune in facts.prunes {
        sentences.push(prune.sentence(facts.now, |instant| facts.at(instant)));
    }
    if !facts.daemon {
        sentences.push("freezerd is not running now: nothing starts until it runs.".to_owned());
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::super::cases::*;
    use crate::cli::next::upcoming::{Owed, Upcoming};
    use crate::schedule::Due;

    #[test]
    fn an_owed_run_is_reported_and_that_no_daemon_runs() {
        let owed = |refusal: Option<&str>| {
            Some(Owed {
                due: Due {
                    first: at("2026-05-31T02:00:00Z"),
                    last: at("2026-06-02T02:00:00Z"),
                    count: 3,
                },
                refusal: refusal.map(str::to_owned),
            })
        };
        let case = |refusal| Case {
            upcoming: Some(Upcoming {
                owed: owed(refusal),
                ..upcoming()
            }),
            daemon: false,
            ..Case::new()
        };
        let story = case(None).story();
        assert_eq!(
            story.next,
            [
                "3 due times from Sun 2026-05-31 02:00:00 to Tue 2026-06-02 02:00:00 have passed, and freezerd starts one run \
                 for them as soon as possible.",
                "It is due next on Wed 2026-06-03 02:00:00, in 14 h.",
                "freezerd is not running now: nothing starts until it runs."
            ]
        );
        let story = case(Some("it was missed, and schedule_catch_up is skip")).story();
        assert!(story.next[0].ends_with(
            "have passed, and no run makes up for them: it was missed, and schedule_catch_up is skip."
        ));
    }
}

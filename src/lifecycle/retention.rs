//! What the ledger does not have to remember any more.

use chrono::{DateTime, TimeDelta, Utc};

/// How much history is kept. The settings are `history_age` and `history_runs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// A row goes when it has been over for longer than this.
    pub age: TimeDelta,
    /// How many rows of a job are kept. The oldest beyond that go.
    pub runs: u64,
}

/// How long an occurrence stays claimed, even without its row. A clock that is set back by days brings the same instants
/// a second time, and the claim keeps them from running twice.
pub const CLAIMED: TimeDelta = TimeDelta::days(7);

/// How long the answer to an event is remembered.
pub const ANSWERED: TimeDelta = TimeDelta::days(30);

/// How many answers are remembered.
pub const ANSWERS: u64 = 10_000;

/// How long a message to a receiver is remembered after it was sent or given up.
pub const TOLD: TimeDelta = TimeDelta::days(30);

/// What decides whether a row goes.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// When the row ended. For a skipped row, when it was made.
    pub at: DateTime<Utc>,
    /// The row is closed.
    pub over: bool,
    /// The job has more rows than are kept, and this is one of the oldest.
    pub surplus: bool,
    /// Another row, which stays, makes up for this one.
    pub made_up_for: bool,
    /// The job still exists.
    pub of_known_job: bool,
    /// The job has no newer row.
    pub newest: bool,
    /// The row is the job's last success.
    pub last_success: bool,
}

impl HistoryLimits {
    /// Whether a row is too old, or one too many.
    pub fn outlived(self, at: DateTime<Utc>, surplus: bool, now: DateTime<Utc>) -> bool {
        surplus || is_older(at, self.age, now)
    }

    /// Whether a row goes. While a job exists, its newest row and its last success stay: people ask for them.
    pub fn forget(self, row: &Row, now: DateTime<Utc>) -> bool {
        let asked_for = row.of_known_job && (row.newest || row.last_success);
        self.outlived(row.at, row.surplus, now) && row.over && !row.made_up_for && !asked_for
    }
}

/// Whether the claim of an occurrence without a row can be forgotten.
pub fn forget_claim(due: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    is_older(due, CLAIMED, now)
}

/// Whether an answer can be forgotten. While the event's file exists, the answer keeps the event from being carried out
/// twice.
pub fn forget_answer(
    handled: DateTime<Utc>,
    surplus: bool,
    file_is_there: bool,
    now: DateTime<Utc>,
) -> bool {
    !file_is_there && (surplus || is_older(handled, ANSWERED, now))
}

/// Whether a message to a receiver can be forgotten. `over`: when it was sent or given up.
pub fn forget_message(over: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    over.is_some_and(|over| is_older(over, TOLD, now))
}

fn is_older(at: DateTime<Utc>, age: TimeDelta, now: DateTime<Utc>) -> bool {
    // An age that reaches back before the first instant is not a limit.
    now.checked_sub_signed(age)
        .is_some_and(|horizon| at < horizon)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HistoryLimits = HistoryLimits {
        age: TimeDelta::days(400),
        runs: 10,
    };

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a small number")
    }

    fn old() -> Row {
        Row {
            at: now() - TimeDelta::days(401),
            over: true,
            surplus: false,
            made_up_for: false,
            of_known_job: true,
            newest: false,
            last_success: false,
        }
    }

    #[test]
    fn a_row_goes_by_its_age_or_by_the_number_of_rows() {
        assert!(LIMITS.forget(&old(), now()));
        let young = Row {
            at: now() - TimeDelta::days(399),
            ..old()
        };
        assert!(!LIMITS.forget(&young, now()));
        let surplus = Row {
            surplus: true,
            ..young
        };
        assert!(LIMITS.forget(&surplus, now()));
    }

    #[test]
    fn what_people_ask_for_stays() {
        for stays in [
            Row {
                over: false,
                ..old()
            },
            Row {
                made_up_for: true,
                ..old()
            },
            Row {
                newest: true,
                ..old()
            },
            Row {
                last_success: true,
                ..old()
            },
        ] {
            let stays = Row {
                surplus: true,
                ..stays
            };
            assert!(!LIMITS.forget(&stays, now()), "{stays:?}");
        }
    }

    #[test]
    fn of_a_job_that_is_gone_everything_goes_in_time() {
        let last = Row {
            of_known_job: false,
            newest: true,
            last_success: true,
            ..old()
        };
        assert!(LIMITS.forget(&last, now()));
        let young = Row { at: now(), ..last };
        assert!(!LIMITS.forget(&young, now()));
    }

    #[test]
    fn a_limit_before_all_time_keeps_everything() {
        let limits = HistoryLimits {
            age: TimeDelta::MAX,
            runs: 10,
        };
        assert!(!limits.forget(&old(), now()));
    }

    #[test]
    fn a_message_stays_until_it_is_sent_and_then_for_a_month() {
        let days = |days| Some(now() - TimeDelta::days(days));
        assert!(!forget_message(None, now()));
        assert!(!forget_message(days(29), now()));
        assert!(forget_message(days(31), now()));
    }

    #[test]
    fn an_answer_stays_as_long_as_the_event_could_come_again() {
        let old = now() - TimeDelta::days(31);
        assert!(forget_answer(old, false, false, now()));
        assert!(!forget_answer(old, true, true, now()));
        assert!(!forget_answer(now(), false, false, now()));
        assert!(forget_answer(now(), true, false, now()));
    }
}

//! Sleeping by the wall clock.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The longest sleep. A clock that is set forward over a due time, or a host that was suspended, is noticed after
/// this long at most, since timers count elapsed time and not the time of day.
const LONGEST: Duration = Duration::from_secs(30);

/// Sleeps until the wall clock may have reached `until`; comes back earlier now and then. The caller looks at the
/// clock again: a run fires because its time has come, never because a timer ended.
pub async fn sleep(until: Option<DateTime<Utc>>) {
    tokio::time::sleep(nap(until, Utc::now())).await;
}

fn nap(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    match until {
        None => LONGEST,
        Some(until) => (until - now)
            .to_std()
            .unwrap_or(Duration::ZERO)
            .min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nap_never_outlasts_the_due_time_nor_half_a_minute() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        assert_eq!(nap(at(1_005), now), Duration::from_secs(5));
        assert_eq!(nap(at(9_999), now), LONGEST);
        assert_eq!(nap(at(900), now), Duration::ZERO);
        assert_eq!(nap(None, now), LONGEST);
    }
}

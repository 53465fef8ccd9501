//! The last drill of a job, in words.

use super::logging;
use crate::record::PastDrill;
use crate::schedule::zone::Zone;

/// How the last drill of a job ended, and when the last one was a success: `failed at …; the last good one was at …`.
pub fn drill_words(last: &PastDrill, zone: &Zone) -> String {
    let ended = logging::moment(Some(last.ended), zone);
    let of_partial = match &last.found {
        Some(found) if found.partial => " (of a partial snapshot)",
        _ => "",
    };
    match (last.success, last.last_success) {
        (true, _) => format!("succeeded at {ended}{of_partial}"),
        (false, Some(good)) => format!(
            "failed at {ended}; the last good one was at {}",
            logging::moment(Some(good), zone)
        ),
        (false, None) => format!("failed at {ended}; none was good yet"),
    }
}

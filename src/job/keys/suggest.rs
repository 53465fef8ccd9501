//! What the user probably meant.

use super::key::Support;
use super::object::Object;
use crate::job::kind::WorkKind;

/// The key of an object that looks most like what the user wrote. With a kind of work: only keys for that kind.
pub fn suggestion(written: &str, object: Object, kind: Option<WorkKind>) -> Option<&'static str> {
    let name = written.to_lowercase().replace(['-', ' ', '.'], "_");
    let candidates = object.keys().iter().filter(|key| {
        kind.is_none_or(|kind| key.kinds.has(kind))
            && !matches!(key.support, Support::Unsupported(_))
    });
    let mut best: Option<(f64, &'static str)> = None;
    for key in candidates {
        for candidate in std::iter::once(&key.name).chain(key.aliases) {
            let likeness = likeness(&name, candidate);
            if likeness > best.map_or(0.0, |(likeness, _)| likeness) {
                best = Some((likeness, key.name));
            }
        }
    }
    best.filter(|(likeness, _)| *likeness >= 0.62)
        .map(|(_, name)| name)
}

/// The word that looks most like what the user wrote.
pub fn suggested_word<'a>(
    written: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.trim().to_lowercase();
    words
        .into_iter()
        .map(|word| (likeness(&written, word), word))
        .filter(|(likeness, _)| *likeness >= 0.55)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// How much two names look alike: 1 means equal. Two swapped letters count as one mistake. A name that is the
/// beginning or the end of the other counts as close.
fn likeness(written: &str, candidate: &str) -> f64 {
    // Our names are short. To compare a long one would cost the square of its length.
    if written.len() > 64 || written.is_empty() {
        return 0.0;
    }
    let distance = strsim::normalized_damerau_levenshtein(written, candidate);
    let bare = candidate.strip_prefix("schedule_").unwrap_or(candidate);
    if written == bare {
        return 0.95;
    }
    let contained =
        written.len() >= 4 && (candidate.starts_with(written) || candidate.ends_with(written));
    if contained {
        distance.max(0.7)
    } else {
        distance
    }
}

//! What to say of a key that does not exist.

/// A key that is this different from a known one, in letters, may be a mistake for it.
const MOST_DIFFERENT: usize = 3;

/// A sentence that names the known key that may be meant, or else all known keys.
pub fn unknown_key(name: &str, known: &[&str]) -> String {
    let begun = known.iter().find(|key| key.starts_with(name));
    let closest = || {
        let distances = known
            .iter()
            .map(|key| (strsim::damerau_levenshtein(name, key), key));
        let (_, key) = distances.min().filter(|(far, _)| *far <= MOST_DIFFERENT)?;
        Some(key)
    };
    match begun
        .filter(|_| name.len() >= MOST_DIFFERENT)
        .or_else(closest)
    {
        Some(key) => format!("there is no key {name:?}; did you mean {key:?}?"),
        None => format!(
            "there is no key {name:?}; the keys are {}",
            known.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_begins_so_or_else_the_most_similar_one_is_named() {
        let known = ["host", "osrc", "username"];
        for (name, says) in [
            ("user", "did you mean \"username\"?"),
            ("hosts", "did you mean \"host\"?"),
            ("bogus_words", "the keys are host, osrc, username"),
        ] {
            assert!(unknown_key(name, &known).ends_with(says), "{name}");
        }
    }
}

//! Takes secrets out of what a server or a program says.

use zeroize::Zeroizing;

/// What stands for a secret.
const MASK: &str = "***";

/// A shorter text may be anything.
const SHORTEST: usize = 4;

/// The text without these secrets.
pub(super) fn masked(text: &str, secrets: &[Zeroizing<String>]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        if secret.len() >= SHORTEST && text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), MASK);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_left_in_a_text() {
        let secrets = ["canary", "x"].map(|it| Zeroizing::new(it.to_owned()));
        let text = masked("bad password canary, canary: next", &secrets);
        assert_eq!(text, "bad password ***, ***: next");
    }
}

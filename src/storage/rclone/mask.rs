//! Takes secrets out of what rclone says.

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

/// The secrets that the environment has for rclone, for example `RCLONE_S3_SECRET_ACCESS_KEY`.
pub(super) fn of_environment() -> Vec<Zeroizing<String>> {
    const WORDS: [&str; 6] = ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH"];
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| {
            let is_rclones = name.starts_with("RCLONE_") || name.starts_with("AWS_");
            is_rclones && WORDS.iter().any(|word| name.contains(word))
        })
        .map(|(_, value)| Zeroizing::new(value))
        .collect()
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

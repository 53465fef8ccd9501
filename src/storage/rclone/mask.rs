//! Secrets that rclone has, and may say.

use zeroize::Zeroizing;

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

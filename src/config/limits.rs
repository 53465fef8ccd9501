//! Reads `memory_limit` and `cpu_limit`.

use super::{ConfigError, Raw, refuse};
use crate::units;

/// Deriving a repository's key from its password takes 128 MiB, so no backup or restore can begin with less than that.
const LEAST_MEMORY: u64 = 256 << 20;

/// In percent of one processor. The kernel shares out no less than a hundredth of a processor.
const CPU_RANGE: std::ops::RangeInclusive<u32> = 1..=100_000;

/// Whether the text of a limit switches it off.
pub(super) fn is_off(text: &str) -> bool {
    matches!(text.trim(), "" | "off")
}

pub(super) fn memory(raw: &Raw) -> Result<Option<u64>, ConfigError> {
    if is_off(&raw.text) {
        return Ok(None);
    }
    match units::parse_bytes(&raw.text) {
        Some(bytes) if bytes >= LEAST_MEMORY => Ok(Some(bytes)),
        Some(_) => Err(refuse(
            raw,
            &format!(
                "expected {} at least, which a backup cannot do without; or off",
                units::memory(LEAST_MEMORY)
            ),
        )),
        None => Err(refuse(
            raw,
            "expected a size such as \"2 GiB\" or \"512 MiB\", or off",
        )),
    }
}

pub(super) fn cpu(raw: &Raw) -> Result<Option<u32>, ConfigError> {
    if is_off(&raw.text) {
        return Ok(None);
    }
    raw.text
        .trim()
        .strip_suffix('%')
        .and_then(|number| number.trim().parse().ok())
        .filter(|percent| CPU_RANGE.contains(percent))
        .map(Some)
        .ok_or_else(|| {
            refuse(
                raw,
                "expected percent of one processor, such as \"50 %\" or \"150 %\", or off",
            )
        })
}

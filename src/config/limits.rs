//! What an action may use of the host.

use super::{ConfigError, Raw, refuse};
use crate::units;

/// Limits for an action and all that it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Memory in bytes; `None`: any.
    pub memory: Option<u64>,
    /// Processor time in percent of one processor; `None`: all.
    pub cpu: Option<u32>,
}

impl Limits {
    /// Whether there is any.
    pub fn is_off(&self) -> bool {
        *self == Limits::default()
    }
}

/// The key of a repository is made from its password in 128 MiB: no backup or restore begins with less than that.
const LEAST_MEMORY: u64 = 256 << 20;

/// The kernel deals out processor time in pieces of a hundredth of a processor at least.
const CPU_RANGE: std::ops::RangeInclusive<u32> = 1..=100_000;

/// Whether a limit's text says that there is none.
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

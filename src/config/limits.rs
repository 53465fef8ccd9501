//! Reads the limits.

use super::chosen::Chosen;
use super::error::ConfigError;
use super::read::is_off;
use crate::job::rate_limit::RateLimit;
use crate::units;

/// To make the key of a repository from its password takes 128 MiB. No backup and no restore can start with less.
const LEAST_MEMORY: u64 = 256 << 20;

/// In percent. The kernel cannot limit processor time to less than a hundredth of a processor.
const CPU_RANGE: std::ops::RangeInclusive<u32> = 1..=100_000;

pub(super) fn memory(chosen: &Chosen) -> Result<Option<u64>, ConfigError> {
    if is_off(&chosen.text) {
        return Ok(None);
    }
    match units::parse_bytes(&chosen.text) {
        Some(bytes) if bytes >= LEAST_MEMORY => Ok(Some(bytes)),
        Some(_) => Err(ConfigError::refuse(
            chosen,
            format!(
                "expected at least {}, which every backup needs; or off",
                units::memory(LEAST_MEMORY)
            ),
        )),
        None => Err(ConfigError::refuse(
            chosen,
            "expected a size such as \"2 GiB\" or \"512 MiB\", or off",
        )),
    }
}

pub(super) fn cpu(chosen: &Chosen) -> Result<Option<u32>, ConfigError> {
    if is_off(&chosen.text) {
        return Ok(None);
    }
    chosen
        .text
        .trim()
        .strip_suffix('%')
        .and_then(|number| number.trim().parse().ok())
        .filter(|percent| CPU_RANGE.contains(percent))
        .map(Some)
        .ok_or_else(|| {
            ConfigError::refuse(
                chosen,
                "expected percent of one processor, such as \"50 %\" or \"150 %\", or off",
            )
        })
}

/// A rate or windows, separated by commas; `None`: no limit.
pub(super) fn rate(chosen: &Chosen) -> Result<Option<RateLimit>, ConfigError> {
    if is_off(&chosen.text) {
        return Ok(None);
    }
    match RateLimit::parse(&chosen.text) {
        Ok(limit) => Ok(Some(limit).filter(|limit| !limit.is_unlimited())),
        Err(wrong) => Err(ConfigError::refuse(
            chosen,
            format!("the limit {wrong}; {}", wrong.fault.help()),
        )),
    }
}

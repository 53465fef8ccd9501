//! The settings of the prunes that follow removals.

use super::chosen::Chosen;
use super::error::ConfigError;
use super::read;
use crate::job::share::MaxUnused;
use crate::job::window::Window;

/// A share in percent.
pub(super) fn waste(chosen: &Chosen) -> Result<f64, ConfigError> {
    match MaxUnused::parse(&chosen.text) {
        Some(MaxUnused::Percent(percent)) => Ok(percent),
        _ => Err(ConfigError::refuse(
            chosen,
            "expected a share such as \"5%\", less than 100%",
        )),
    }
}

/// The hours in which a prune begins; `any`: none are named.
pub(super) fn window(chosen: &Chosen) -> Result<Option<Window>, ConfigError> {
    if chosen.text.trim() == "any" {
        return Ok(None);
    }
    let expected = "expected two times such as \"22:00-06:00\", or any";
    read::window(chosen, expected, "any").map(Some)
}

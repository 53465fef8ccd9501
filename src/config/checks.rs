//! The settings of the checks that nobody has to write.

use super::chosen::Chosen;
use super::error::ConfigError;
use super::read::is_off;
use crate::job::check_policy::{DataWithin, Every};
use crate::job::window::Window;
use crate::schedule::interval::parse_duration;

/// How often; `None`: never.
pub(super) fn every(chosen: &Chosen) -> Result<Option<Every>, ConfigError> {
    match chosen.text.trim() {
        "day" => Ok(Some(Every::Day)),
        "week" => Ok(Some(Every::Week)),
        "month" => Ok(Some(Every::Month)),
        "never" => Ok(None),
        _ => Err(ConfigError::refuse(
            chosen,
            "expected day, week, month or never",
        )),
    }
}

/// Within which time all data is read.
pub(super) fn data_within(chosen: &Chosen) -> Result<DataWithin, ConfigError> {
    if chosen.text.trim() == "auto" {
        return Ok(DataWithin::Auto);
    }
    if is_off(&chosen.text) {
        return Ok(DataWithin::Never);
    }
    match parse_duration(&chosen.text) {
        Ok(time) if !time.is_zero() => Ok(DataWithin::Time(time)),
        _ => Err(ConfigError::refuse(
            chosen,
            "expected a duration such as \"90 days\", auto, or off",
        )),
    }
}

/// The hours in which a check starts.
pub(super) fn window(chosen: &Chosen) -> Result<Window, ConfigError> {
    Window::parse(&chosen.text)
        .ok_or_else(|| ConfigError::refuse(chosen, "expected two times such as \"01:00-05:00\""))
}

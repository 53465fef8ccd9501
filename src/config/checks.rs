//! The settings of the checks that nobody has to write.

use super::chosen::Chosen;
use super::error::ConfigError;
use super::read::{self, is_off};
use crate::job::check_policy::{DataWithin, Every};
use crate::job::window::Window;
use crate::schedule::interval::parse_duration;
use crate::units;

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
    let expected = "expected two times such as \"01:00-05:00\"";
    read::window(chosen, expected, "00:00-24:00")
}

/// Refuses a time for all data in which it is not certain that even one check comes.
pub(super) fn fit(all: &[Chosen]) -> Result<(), ConfigError> {
    let of = |name: &str| all.iter().find(|it| it.setting.name == name);
    let (Some(often), Some(soon)) = (of("check_every"), of("check_data_within")) else {
        return Ok(());
    };
    let (Some(every), DataWithin::Time(within)) = (every(often)?, data_within(soon)?) else {
        return Ok(());
    };
    let longest = every.longest();
    if within >= longest {
        return Ok(());
    }
    let days = units::count(longest.as_secs() / (24 * 60 * 60), "day", "days");
    let more_often = match every {
        Every::Day => "",
        Every::Week | Every::Month => ", or more frequent checks",
    };
    Err(ConfigError::refuse(
        soon,
        format!(
            "with check_every = {:?} ({}), up to {days} pass from one check to the next; expected at least \
             {days:?}{more_often}",
            often.text, often.origin
        ),
    ))
}

//! The options that say which snapshots are kept.

use std::collections::BTreeMap;

use crate::keep::span::Span;
use crate::keep::{Count, Period, Rules};

/// Rules that count in place of those of the job. They mean what the keys `keep_…` of a job mean.
#[derive(Debug, clap::Args)]
pub struct RuleOptions {
    /// Remove only snapshots that are older than this number of days
    #[arg(long, value_name = "DAYS", value_parser = days)]
    older_than: Option<f64>,
    /// Keep so many of the newest snapshots; `all` in place of a number keeps all, here and in the next options
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    keep_last: Option<Counted>,
    /// Keep the newest snapshot of each of so many hours
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    keep_hourly: Option<Counted>,
    /// Keep the newest snapshot of each of so many days
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    keep_daily: Option<Counted>,
    /// Keep the newest snapshot of each of so many weeks
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    keep_weekly: Option<Counted>,
    /// Keep the newest snapshot of each of so many months
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    keep_monthly: Option<Counted>,
    /// Keep the newest snapshot of each of so many quarters of a year
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    keep_quarterly: Option<Counted>,
    /// Keep the newest snapshot of each of so many years
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    keep_yearly: Option<Counted>,
    /// Keep all snapshots that are at most so much older than the newest one, such as 30d or 1y6m
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    keep_within: Option<Span>,
    /// Keep the newest snapshot of each hour within SPAN
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    keep_within_hourly: Option<Span>,
    /// Keep the newest snapshot of each day within SPAN
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    keep_within_daily: Option<Span>,
    /// Keep the newest snapshot of each week within SPAN
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    keep_within_weekly: Option<Span>,
    /// Keep the newest snapshot of each month within SPAN
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    keep_within_monthly: Option<Span>,
    /// Keep the newest snapshot of each quarter of a year within SPAN
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    keep_within_quarterly: Option<Span>,
    /// Keep the newest snapshot of each year within SPAN
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    keep_within_yearly: Option<Span>,
    /// Keep snapshots that have all of these tags; can be repeated
    #[arg(long = "keep-tags", alias = "keep-tag", value_name = "TAG[,TAG]")]
    keep_tags: Vec<String>,
}

/// The number of an option; inside, `None` is 0. clap understands an `Option` in an `Option` in another way.
#[derive(Clone, Copy, Debug)]
pub struct Counted(Option<Count>);

impl RuleOptions {
    /// Whether options are given that together keep nothing, as `--keep-last 0`.
    pub fn keep_nothing(&self) -> bool {
        let given = [
            self.keep_last,
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_quarterly,
            self.keep_yearly,
        ];
        given.iter().any(Option::is_some) && self.read().1.is_empty()
    }

    /// The age, and the rules.
    pub fn read(&self) -> (Option<f64>, Rules) {
        let counts = [
            (Period::Each, self.keep_last),
            (Period::Hour, self.keep_hourly),
            (Period::Day, self.keep_daily),
            (Period::Week, self.keep_weekly),
            (Period::Month, self.keep_monthly),
            (Period::Quarter, self.keep_quarterly),
            (Period::Year, self.keep_yearly),
        ];
        let spans = [
            (Period::Each, self.keep_within),
            (Period::Hour, self.keep_within_hourly),
            (Period::Day, self.keep_within_daily),
            (Period::Week, self.keep_within_weekly),
            (Period::Month, self.keep_within_monthly),
            (Period::Quarter, self.keep_within_quarterly),
            (Period::Year, self.keep_within_yearly),
        ];
        let tags = |text: &String| text.split(',').map(|tag| tag.trim().to_owned()).collect();
        let rules = Rules {
            counts: counts
                .into_iter()
                .filter_map(|(period, count)| Some((period, count?.0?)))
                .collect(),
            spans: spans
                .into_iter()
                .filter_map(|(period, span)| Some((period, span?)))
                .collect::<BTreeMap<Period, Span>>(),
            tags: self.keep_tags.iter().map(tags).collect(),
        };
        (self.older_than, rules)
    }
}

fn count(text: &str) -> Result<Counted, String> {
    Count::parse(text).map(Counted).ok_or_else(|| {
        format!(
            "expected a whole number from 0 to {}, or `all`",
            Count::MOST
        )
    })
}

fn days(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(days) if days > 0.0 && days <= 365_000.0 => Ok(days),
        _ => Err("expected a number of days, more than 0".to_owned()),
    }
}

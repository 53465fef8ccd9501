//! A set of years, stored as spans. As bits it would take a kilobyte for each schedule.

/// The smallest value of `schedule_year`.
pub(crate) const FIRST_YEAR: u32 = 1970;
/// The largest value of `schedule_year`.
pub(crate) const LAST_YEAR: u32 = 9999;

/// Every `step`th number from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub first: u32,
    pub last: u32,
    /// At least 1.
    pub step: u32,
}

impl Span {
    /// The first number of the span that is at least `from`.
    pub fn next_from(self, from: u32) -> Option<u32> {
        let past = from.saturating_sub(self.first);
        let next = self.first + past.div_ceil(self.step) * self.step;
        (next <= self.last).then_some(next)
    }

    /// The numbers of the span in ascending order.
    pub fn values(self) -> impl Iterator<Item = u32> {
        (self.first..=self.last).step_by(self.step as usize)
    }
}

/// The years of several spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Years(pub Vec<Span>);

impl Years {
    /// All years from [`FIRST_YEAR`] to [`LAST_YEAR`].
    pub fn every() -> Years {
        Years(vec![Span {
            first: FIRST_YEAR,
            last: LAST_YEAR,
            step: 1,
        }])
    }

    /// The first year of the set that is at least `from`.
    pub fn next_from(&self, from: u32) -> Option<u32> {
        self.0.iter().filter_map(|span| span.next_from(from)).min()
    }

    /// Whether a year is in the set.
    pub fn contains(&self, year: u32) -> bool {
        self.next_from(year) == Some(year)
    }
}

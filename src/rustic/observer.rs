//! How a repository says what it is doing. It never prints: the caller decides where the words go.

/// Is told how the work goes. Called from several threads at once.
pub trait Observer: Send + Sync {
    /// A new phase of the work begins, named by one word or two: `backing up`. Counts start again at zero.
    fn phase(&self, phase: &str);

    /// What there is to do in this phase, as far as it is known.
    fn total(&self, files: Option<u64>, bytes: Option<u64>);

    /// This much more is done.
    fn advance(&self, files: u64, bytes: u64);

    /// The work goes on, although no count has changed.
    fn pulse(&self);

    /// A sentence for the log.
    fn log(&self, line: &str);
}

/// Ignores everything.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn phase(&self, _: &str) {}
    fn total(&self, _: Option<u64>, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {}
    fn pulse(&self) {}
    fn log(&self, _: &str) {}
}

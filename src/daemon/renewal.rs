//! Making way for a newer version without ending what runs.
//!
//! A package that replaces the program does not stop its service: it sends SIGUSR1, and the daemon goes on as usual
//! until the first moment at which no action runs. Should that moment not come, nothing new is started any more, so
//! that it does. What is claimed and waits is in the ledger, and the next daemon finds it there.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long the daemon goes on as usual.
pub(super) const PATIENCE: Duration = Duration::from_secs(3600);

/// Whether the daemon was asked to make way, and how urgent it is.
#[derive(Debug, Default)]
pub(super) enum Renewal {
    /// Nobody asked.
    #[default]
    Unasked,
    /// As soon as no action runs; from the given instant on nothing new starts.
    Asked(Instant),
    /// Nothing new starts.
    Insisted,
}

impl Renewal {
    /// Somebody asks. True when somebody did before.
    pub(super) fn ask(&mut self) -> bool {
        if let Renewal::Unasked = self {
            *self = Renewal::Asked(Instant::now() + PATIENCE);
            return false;
        }
        true
    }

    /// Nothing new is to start. True when that is new.
    pub(super) fn insist(&mut self) -> bool {
        let first = !matches!(self, Renewal::Insisted);
        *self = Renewal::Insisted;
        first
    }

    /// Somebody asked.
    pub(super) fn is_asked(&self) -> bool {
        !matches!(self, Renewal::Unasked)
    }

    /// Ends when there is no more patience; never where none is needed.
    pub(super) async fn patience(&self) {
        match self {
            Renewal::Asked(limit) => sleep_until(*limit).await,
            Renewal::Unasked | Renewal::Insisted => std::future::pending().await,
        }
    }

    /// The end of the status line.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Renewal::Unasked => "",
            Renewal::Asked(_) => "; makes way for a new start when nothing runs",
            Renewal::Insisted => "; starts nothing more, and makes way for a new start",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn patience_ends_only_for_who_was_asked_once() {
        let mut renewal = Renewal::Unasked;
        let ends = async |renewal: &Renewal| {
            tokio::time::timeout(Duration::from_millis(20), renewal.patience())
                .await
                .is_ok()
        };
        assert!(!ends(&renewal).await);
        assert!(!renewal.ask());
        assert!(!ends(&renewal).await, "an hour is not over yet");
        assert!(ends(&Renewal::Asked(Instant::now())).await);
        assert!(renewal.ask(), "asked for the second time");
        assert!(renewal.insist());
        assert!(!renewal.insist(), "once is enough");
        assert!(!ends(&renewal).await);
    }
}

//! Makes way for a newer version without ending what runs.
//!
//! A package that replaces the program does not stop its service. It sends SIGUSR1, and the daemon goes on as usual until
//! the first moment at which no action runs. When that moment does not come for an hour, the daemon starts nothing new,
//! so that it comes. The claimed runs that wait are in the ledger, where the next daemon finds them.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long the daemon goes on as usual.
pub(super) const PATIENCE: Duration = Duration::from_secs(3600);

/// Whether the daemon was asked to make way, and how urgently.
#[derive(Debug, Default)]
pub(super) enum Renewal {
    /// Nobody asked.
    #[default]
    Unasked,
    /// The daemon ends as soon as no action runs. From this instant on it starts nothing new.
    Asked(Instant),
    /// The daemon starts nothing new, and ends as soon as no action runs.
    Insisted,
}

impl Renewal {
    /// Somebody asks. True when somebody has asked before.
    pub(super) fn ask(&mut self) -> bool {
        if let Renewal::Unasked = self {
            *self = Renewal::Asked(Instant::now() + PATIENCE);
            return false;
        }
        true
    }

    /// From now on nothing new starts. True when that was not so before.
    pub(super) fn insist(&mut self) -> bool {
        let first = !matches!(self, Renewal::Insisted);
        *self = Renewal::Insisted;
        first
    }

    /// Whether somebody has asked.
    pub(super) fn is_asked(&self) -> bool {
        !matches!(self, Renewal::Unasked)
    }

    /// Waits until nothing new may start: for ever, unless somebody has asked once.
    pub(super) async fn patience(&self) {
        match self {
            Renewal::Asked(limit) => sleep_until(*limit).await,
            Renewal::Unasked | Renewal::Insisted => std::future::pending().await,
        }
    }

    /// What the status line says about it.
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
    async fn patience_ends_only_after_the_first_request() {
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

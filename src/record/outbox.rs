//! A message to a receiver, and what became of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::tell::message::Message;

/// A message to one receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// What is sent. Its `id` is the number of the message on this host.
    pub message: Message,
    /// The name of the receiver in the settings.
    pub receiver: String,
    /// When it was written.
    pub made: DateTime<Utc>,
    pub state: OutboxState,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum OutboxState {
    /// It is to be sent.
    Waiting {
        /// Not before this instant.
        next: DateTime<Utc>,
        /// How many times it was sent in vain.
        tries: u32,
        /// When it was first sent in vain.
        #[serde(default)]
        since: Option<DateTime<Utc>>,
        /// Why the last try failed, as a sentence for people.
        #[serde(default)]
        error: Option<String>,
        /// At the last try, the receiver was there and refused this message.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refused: bool,
    },
    /// The receiver has accepted it.
    Sent { at: DateTime<Utc> },
    /// It is not sent any more.
    GivenUp {
        at: DateTime<Utc>,
        /// Why, as a sentence for people.
        reason: String,
    },
}

impl OutboxRow {
    /// How many times it was sent in vain, if it is still to be sent.
    pub fn tries(&self) -> u32 {
        match self.state {
            OutboxState::Waiting { tries, .. } => tries,
            OutboxState::Sent { .. } | OutboxState::GivenUp { .. } => 0,
        }
    }

    /// Whether its receiver was there at the last try, and refused it.
    pub fn is_refused(&self) -> bool {
        matches!(self.state, OutboxState::Waiting { refused: true, .. })
    }

    /// Whether it is still to be sent.
    pub fn waits(&self) -> bool {
        matches!(self.state, OutboxState::Waiting { .. })
    }

    /// Whether it is not sent any more although its receiver has not accepted it.
    pub fn is_given_up(&self) -> bool {
        matches!(self.state, OutboxState::GivenUp { .. })
    }

    /// When it was sent or given up.
    pub fn over(&self) -> Option<DateTime<Utc>> {
        match self.state {
            OutboxState::Waiting { .. } => None,
            OutboxState::Sent { at } | OutboxState::GivenUp { at, .. } => Some(at),
        }
    }
}

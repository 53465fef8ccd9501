//! What goes into the scheduler, and what comes out.

use std::time::Duration;

use super::notice::Notice;
use super::outbox::{Delivery, Refusal};
use crate::control::event::EventFile;
use crate::intake::FileChange;
use crate::protocol::Request;
use crate::record::AttemptEnd;
use crate::schedule::zone::Zone;

/// What the scheduler learns.
#[derive(Clone, Debug)]
pub enum Message {
    /// The jobs directory changed. The first message of this kind has every file.
    Files(Vec<FileChange>),
    /// Somebody dropped an event file.
    Asked(EventFile),
    /// Time has passed.
    Tick,
    /// The agent of an attempt is gone.
    Ended {
        run: u64,
        /// The action's index, from 0.
        action: u32,
        /// The attempt, from 1.
        attempt: u32,
        end: AttemptEnd,
    },
    /// The agent of a run waits for the network, and does not need its slot meanwhile.
    SlotReturned { run: u64 },
    /// The agent of a run can go on, and waits for a slot.
    SlotWanted { run: u64 },
    /// A delivery has come to its end.
    Delivered {
        receiver: String,
        /// The rows that were sent.
        ids: Vec<u64>,
        result: Result<(), Refusal>,
    },
    /// The host has another time zone now.
    Zone(Zone),
    /// Start nothing new. Rows are still claimed, and wait for the next daemon; running attempts go on.
    Drain,
    /// The daemon stops: start nothing new, and end the running attempts.
    Shutdown,
}

/// What the scheduler wants done.
#[derive(Clone, Debug)]
pub enum Order {
    /// Start an agent.
    Spawn(Box<Spawn>),
    /// Tell the agent of a run that it has its slot again.
    SlotGiven { run: u64 },
    /// End the agent of a run.
    End { run: u64, why: EndCause },
    /// An event was handled: delete its file.
    Answered {
        /// The event's id.
        event: String,
    },
    /// Report something in the log.
    Tell(Box<Notice>),
    /// Send a message to a receiver.
    Send(Box<Delivery>),
}

/// Why an agent is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// Somebody aborted the run.
    Abort,
    /// The daemon stops.
    Shutdown,
}

/// An attempt to start.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// What the agent gets on standard input.
    pub request: Request,
    /// How long the attempt may take; `None`: no limit.
    pub timeout: Option<Duration>,
    /// How long the attempt may show no progress. `None`: as the settings say; zero: no limit.
    pub stall_timeout: Option<Duration>,
}

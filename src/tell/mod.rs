//! How a notice gets out: the receivers that `freezerd.toml` defines, and how a message is sent to each.
//!
//! This room knows neither the ledger nor the state of jobs. It gets a [`message::Message`] and a [`receiver::Receiver`],
//! and says whether the receiver has accepted the message. When a message is sent, and whether it is sent again, is decided
//! elsewhere.

pub mod channel;
mod fields;
pub mod keys;
pub mod kind;
pub mod message;
mod reading;
pub mod receiver;
pub mod secret;
pub mod send;
pub mod template;
pub mod times;

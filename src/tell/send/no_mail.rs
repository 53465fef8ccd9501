//! In place of `mail.rs`, in a build without mail.

use super::error::SendError;
use super::program::Composed;
use crate::tell::channel::{Letter, Mail};
use crate::tell::message::Message;
use crate::tell::receiver::Receiver;

/// This build cannot.
pub(super) fn compose(_: &Letter, _: &Message, _: bool) -> Result<Composed, SendError> {
    Err(SendError::NoMail)
}

/// This build cannot.
pub(super) fn send(_: &Mail, _: &Receiver, _: &Message) -> Result<(), SendError> {
    Err(SendError::NoMail)
}

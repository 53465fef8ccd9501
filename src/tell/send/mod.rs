//! Sends a message to a receiver, and says whether it was accepted.
//!
//! Nothing is tried again here. No error repeats an address, a header or a body: they may hold secrets.

use std::time::Duration;

use super::channel::Channel;
use super::message::Message;
use super::receiver::Receiver;
pub use error::{Class, SendError};

mod bodies;
mod error;
mod http;
#[cfg(feature = "mail")]
mod mail;
#[cfg(not(feature = "mail"))]
#[path = "no_mail.rs"]
mod mail;
mod ping;
pub mod program;
mod webhook;

/// A receiver that is given up by its own clock has this much more, to say so itself.
const GRACE: Duration = Duration::from_secs(2);

/// Sends a message. It returns when the receiver has accepted or refused it, or when its time is over.
///
/// The caller gives a message that was not accepted again, with the same id. A receiver whose time was over may have got it
/// all the same.
///
/// # Errors
/// When the receiver has not accepted it.
pub async fn send(receiver: &Receiver, message: &Message) -> Result<(), SendError> {
    let limit = receiver.timeout;
    let sent = async {
        match &receiver.channel {
            Channel::Command(words) => program::tell(words, receiver, message).await,
            Channel::Sendmail(sendmail) => {
                let letter = mail::compose(&sendmail.letter, message, receiver.log)?;
                program::hand_over(sendmail, &letter, limit).await
            }
            _ => {
                let (receiver, message) = (receiver.clone(), message.clone());
                let sent = tokio::task::spawn_blocking(move || over_network(&receiver, &message));
                sent.await.unwrap_or(Err(SendError::Internal))
            }
        }
    };
    match tokio::time::timeout(limit + GRACE, sent).await {
        Ok(result) => result,
        Err(_) => Err(SendError::Silent(limit)),
    }
}

/// Sends over a connection. It blocks.
fn over_network(receiver: &Receiver, message: &Message) -> Result<(), SendError> {
    match &receiver.channel {
        Channel::Mail(server) => mail::send(server, receiver, message),
        Channel::Webhook(hook) => webhook::send(hook, receiver, message),
        Channel::Ping(check) => ping::send(check, receiver, message),
        Channel::Ntfy(ntfy) => bodies::ntfy(ntfy, receiver, message),
        Channel::Gotify(gotify) => bodies::gotify(gotify, receiver, message),
        Channel::Slack(url) => bodies::slack(url, receiver, message),
        Channel::Discord(url) => bodies::discord(url, receiver, message),
        Channel::Teams(url) => bodies::teams(url, receiver, message),
        Channel::Matrix(matrix) => bodies::matrix(matrix, receiver, message),
        // They are no servers.
        Channel::Sendmail(_) | Channel::Command(_) => Err(SendError::Internal),
    }
}

//! A request to any address.

use super::error::SendError;
use super::http::{Headers, ask, bearer, read_token, read_url};
use crate::storage::http::Method;
use crate::tell::channel::{Webhook, WebhookMethod};
use crate::tell::message::Message;
use crate::tell::receiver::Receiver;

/// Sends the JSON of the message, or what the receiver has in its place.
pub(super) fn send(
    hook: &Webhook,
    receiver: &Receiver,
    message: &Message,
) -> Result<(), SendError> {
    let url = read_url(&hook.url)?;
    let mut headers: Headers<'_> = vec![("idempotency-key", message.key())];
    for (name, value) in &hook.headers {
        headers.retain(|(other, _)| *other != name.as_str());
        headers.push((name.as_str(), value.clone()));
    }
    if let Some(token) = &hook.token {
        headers.push(bearer(&read_token(token)?));
    }
    let method = match hook.method {
        WebhookMethod::Get => Method::Get,
        WebhookMethod::Post => Method::Post,
        WebhookMethod::Put => Method::Put,
    };
    let body = match (&hook.body, method) {
        (_, Method::Get) => String::new(),
        (Some(template), _) => template.fill(message, receiver.log),
        (None, _) => message.to_json(receiver.log).to_string(),
    };
    if method != Method::Get {
        headers.push(("content-type", hook.content_type.clone()));
    }
    ask(receiver, method, &url, &headers, body.as_bytes()).map(drop)
}

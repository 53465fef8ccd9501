//! The requests of services: the message in the form that each takes, within its limits.

use serde_json::{Value, json};

use super::error::SendError;
use super::http::{Headers, ask, bearer, post, read_token, read_url};
use crate::storage::http::Method;
use crate::tell::channel::{Gotify, Matrix, Ntfy};
use crate::tell::message::{Message, Severity};
use crate::tell::receiver::Receiver;
use crate::tell::secret::Secret;
use crate::tell::template::percent;

/// A text of at most so many bytes. One that is longer ends with `…`.
pub(super) fn clipped(text: &str, limit: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}

/// ntfy makes an attachment of a longer message.
const NTFY: usize = 4000;

/// Sends to a topic of ntfy.
pub(super) fn ntfy(ntfy: &Ntfy, receiver: &Receiver, message: &Message) -> Result<(), SendError> {
    let (priority, tag) = match message.kind.severity() {
        Severity::Info => (2, "information_source"),
        Severity::Warning => (3, "warning"),
        Severity::Error => (4, "rotating_light"),
    };
    let body = json!({
        "topic": ntfy.topic,
        "title": clipped(&message.subject, 250),
        "message": clipped(&message.body(receiver.log), NTFY),
        "priority": priority,
        "tags": [tag, message.kind.word()],
    });
    let mut headers = Headers::new();
    if let Some(token) = &ntfy.token {
        headers.push(bearer(&read_token(token)?));
    }
    post(receiver, ntfy.server.as_str(), headers, &body).map(drop)
}

/// Sends to a Gotify server.
pub(super) fn gotify(
    gotify: &Gotify,
    receiver: &Receiver,
    message: &Message,
) -> Result<(), SendError> {
    let priority = match message.kind.severity() {
        Severity::Info => 2,
        Severity::Warning => 5,
        Severity::Error => 8,
    };
    let body = json!({
        "title": clipped(&message.subject, 1000),
        "message": clipped(&message.body(receiver.log), 60_000),
        "priority": priority,
    });
    let token = read_token(&gotify.token)?;
    let headers = vec![("x-gotify-key", token.to_string())];
    let url = format!("{}message", gotify.server.as_str());
    post(receiver, &url, headers, &body).map(drop)
}

/// Sends to an incoming webhook of Slack.
pub(super) fn slack(url: &Secret, receiver: &Receiver, message: &Message) -> Result<(), SendError> {
    let url = read_url(url)?;
    post(
        receiver,
        &url,
        Headers::new(),
        &slack_body(receiver.log, message),
    )
    .map(drop)
}

/// With these three characters, a text could call everybody in the channel.
fn slack_body(with_log: bool, message: &Message) -> Value {
    let escaped = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let subject = clipped(&message.subject, 500);
    let text = clipped(&message.body(with_log), 3000);
    json!({"text": format!("*{}*\n{}", escaped(&subject), escaped(&text))})
}

/// Sends to a webhook of Discord.
pub(super) fn discord(
    url: &Secret,
    receiver: &Receiver,
    message: &Message,
) -> Result<(), SendError> {
    let url = read_url(url)?;
    // Without it, Discord says that all is well before it has looked at the message.
    let url = match url.contains('?') {
        true => format!("{}&wait=true", *url),
        false => format!("{}?wait=true", *url),
    };
    post(
        receiver,
        &url,
        Headers::new(),
        &discord_body(receiver.log, message),
    )
    .map(drop)
}

/// Nobody is called, whatever the text says.
fn discord_body(with_log: bool, message: &Message) -> Value {
    let text = format!("**{}**\n{}", message.subject, message.body(with_log));
    json!({"content": clipped(&text, 1900), "allowed_mentions": {"parse": []}})
}

/// Sends to a workflow of Teams.
pub(super) fn teams(url: &Secret, receiver: &Receiver, message: &Message) -> Result<(), SendError> {
    let url = read_url(url)?;
    let answer = post(
        receiver,
        &url,
        Headers::new(),
        &teams_body(receiver.log, message),
    )?;
    // The older webhooks of Teams say so in an answer with status 200.
    match answer.contains("HTTP error 429") {
        true => Err(SendError::Status {
            status: 429,
            after: None,
        }),
        false => Ok(()),
    }
}

fn teams_body(with_log: bool, message: &Message) -> Value {
    let color = match message.kind.severity() {
        Severity::Info => "Good",
        Severity::Warning => "Warning",
        Severity::Error => "Attention",
    };
    let subject = clipped(&message.subject, 1000);
    let text = clipped(&message.body(with_log), 12_000);
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    {"type": "TextBlock", "text": subject, "weight": "Bolder", "color": color, "wrap": true},
                    {"type": "TextBlock", "text": text, "wrap": true},
                ],
            },
        }],
    })
}

/// Sends to a room. The name of the message is that of the transaction, so the server takes it once.
pub(super) fn matrix(
    matrix: &Matrix,
    receiver: &Receiver,
    message: &Message,
) -> Result<(), SendError> {
    let url = format!(
        "{}_matrix/client/v3/rooms/{}/send/m.room.message/{}",
        matrix.homeserver.as_str(),
        percent(&matrix.room),
        percent(&message.key()),
    );
    let text = format!("{}\n{}", message.subject, message.body(receiver.log));
    let body = json!({"msgtype": "m.text", "body": clipped(&text, 40_000)});
    let headers = [
        bearer(&read_token(&matrix.token)?),
        ("content-type", "application/json".to_owned()),
    ];
    ask(
        receiver,
        Method::Put,
        &url,
        &headers,
        body.to_string().as_bytes(),
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tell::message::tests::failed;

    #[test]
    fn a_text_that_is_cut_is_still_text_and_says_so() {
        assert_eq!(clipped("abc", 3), "abc");
        for limit in 3..12 {
            let cut = clipped("üüüüüüü", limit);
            assert!(cut.len() <= limit && cut.ends_with('…'), "{limit}: {cut}");
        }
    }

    #[test]
    fn nobody_can_be_called_by_a_text() {
        let slack = slack_body(false, &failed());
        let text = slack["text"].as_str().unwrap();
        assert!(text.contains("&lt;!channel&gt; &amp;"), "{text}");
        assert!(!text.contains('<'), "{text}");
        let discord = discord_body(false, &failed());
        assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
    }

    #[test]
    fn a_long_message_is_within_the_limits_of_each_service() {
        let mut long = failed();
        long.subject = "ä".repeat(5000);
        long.text = "<\"\\ü>\n".repeat(20_000);
        assert!(slack_body(true, &long).to_string().len() < 40_000);
        let discord = discord_body(true, &long);
        assert!(discord["content"].as_str().unwrap().chars().count() < 2000);
        assert!(teams_body(true, &long).to_string().len() < 28_000);
    }

    #[test]
    fn the_log_is_sent_only_where_it_is_wanted() {
        for (with, without) in [
            (slack_body(true, &failed()), slack_body(false, &failed())),
            (
                discord_body(true, &failed()),
                discord_body(false, &failed()),
            ),
            (teams_body(true, &failed()), teams_body(false, &failed())),
        ] {
            assert!(with.to_string().contains("secret log line"));
            assert!(!without.to_string().contains("secret log line"));
        }
    }
}

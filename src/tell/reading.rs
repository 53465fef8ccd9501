//! From the keys of a receiver to the way to it: one function for each type that has more than an address.

use super::channel::{
    Channel, Gotify, Letter, Mail, MailTls, Matrix, Ntfy, Ping, Sendmail, Webhook, WebhookMethod,
    is_loopback,
};
use super::fields::{Fields, fault, general};
use super::kind::ReceiverKind;
use super::secret::{PASSWORD, TOKEN, URL};
use super::template::{Form, Template};
use crate::job::storage::Fault;
use crate::location::HttpAddress;

/// The way to the receiver that these keys describe.
pub(super) fn channel(fields: &Fields) -> Result<Channel, Fault> {
    Ok(match fields.kind {
        ReceiverKind::Mail => Channel::Mail(Box::new(mail(fields)?)),
        ReceiverKind::Sendmail => Channel::Sendmail(sendmail(fields)?),
        ReceiverKind::Webhook => Channel::Webhook(Box::new(webhook(fields)?)),
        ReceiverKind::Ntfy => Channel::Ntfy(ntfy(fields)?),
        ReceiverKind::Gotify => Channel::Gotify(Gotify {
            server: server(fields, "url", "https://gotify.example")?,
            token: fields.needed_secret(TOKEN)?,
        }),
        ReceiverKind::Slack => Channel::Slack(fields.needed_secret(URL)?),
        ReceiverKind::Discord => Channel::Discord(fields.needed_secret(URL)?),
        ReceiverKind::Teams => Channel::Teams(fields.needed_secret(URL)?),
        ReceiverKind::Matrix => Channel::Matrix(Matrix {
            homeserver: server(fields, "homeserver", "https://matrix.example")?,
            room: room(fields)?,
            token: fields.needed_secret(TOKEN)?,
        }),
        ReceiverKind::Ping => Channel::Ping(ping(fields)?),
        ReceiverKind::Command => Channel::Command(command(fields)?),
    })
}

/// The address of a server that the receiver cannot do without.
fn server(fields: &Fields, key: &'static str, example: &str) -> Result<HttpAddress, Fault> {
    match fields.address(key)? {
        Some(address) => Ok(address),
        None => general(format!(
            "the key `{key}` is missing; write for example `{key} = \"{example}\"`"
        )),
    }
}

fn mail(fields: &Fields) -> Result<Mail, Fault> {
    let (tls, port) = match fields.text("tls")?.as_deref() {
        None | Some("tls") => (MailTls::Implicit, 465),
        Some("starttls") => (MailTls::Starttls, 587),
        Some("none") => (MailTls::None, 25),
        Some(_) => {
            return fault("tls", "`tls` takes \"tls\", \"starttls\" or \"none\"");
        }
    };
    let host = fields.needed("host", "mail.example")?;
    if host.contains([' ', '/', '@']) {
        return fault(
            "host",
            "`host` takes the name of a server, without a scheme",
        );
    }
    let username = fields.text("username")?;
    let password = fields.secret(PASSWORD)?;
    match (&username, &password) {
        (None, Some(_)) => return fault("username", "a password needs a `username`"),
        (Some(_), None) => {
            return general("a `username` needs a password: name it with `password_file`");
        }
        (Some(_), Some(_)) if tls == MailTls::None && !is_loopback(&host) => {
            return fault(
                "tls",
                "without TLS, everybody on the way could read the password: write `tls = \"tls\"` or `tls = \"starttls\"`",
            );
        }
        _ => {}
    }
    Ok(Mail {
        host,
        port: fields.port("port")?.unwrap_or(port),
        tls,
        username,
        password,
        letter: letter(fields)?,
    })
}

fn sendmail(fields: &Fields) -> Result<Sendmail, Fault> {
    let program = fields.text("program")?;
    Ok(Sendmail {
        program: program.unwrap_or_else(|| "/usr/sbin/sendmail".to_owned()),
        letter: letter(fields)?,
    })
}

fn letter(fields: &Fields) -> Result<Letter, Fault> {
    let from = fields.needed("from", "freezerd@web1.example")?;
    let to = fields.words("to")?;
    if to.is_empty() {
        return general(
            "the key `to` is missing; write for example `to = [\"admin@example.org\"]`",
        );
    }
    if !is_address(&from) {
        return fault(
            "from",
            "`from` takes an address such as \"freezerd@web1.example\"",
        );
    }
    if !to.iter().all(|address| is_address(address)) {
        return fault("to", "`to` takes addresses such as \"admin@example.org\"");
    }
    Ok(Letter { from, to })
}

/// Whether this can be an address: `a@b`, or `Name <a@b>`.
fn is_address(text: &str) -> bool {
    let plain = match text.trim().strip_suffix('>') {
        Some(named) => match named.rsplit_once('<') {
            Some((_, plain)) => plain,
            None => return false,
        },
        None => text.trim(),
    };
    let parts = plain.rsplit_once('@');
    parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !plain.contains([' ', '<', '>', ',', ';'])
}

fn webhook(fields: &Fields) -> Result<Webhook, Fault> {
    let method = match fields.text("method")?.as_deref() {
        None | Some("POST") => WebhookMethod::Post,
        Some("PUT") => WebhookMethod::Put,
        Some("GET") => WebhookMethod::Get,
        Some(_) => return fault("method", "`method` takes \"POST\", \"PUT\" or \"GET\""),
    };
    let content_type = fields.text("content_type")?;
    let content_type = content_type.unwrap_or_else(|| "application/json".to_owned());
    let media = content_type.split(';').next().unwrap_or_default().trim();
    let form = match media {
        "application/x-www-form-urlencoded" => Form::Fields,
        media if media == "application/json" || media.ends_with("+json") => Form::Json,
        _ => Form::Plain,
    };
    let body = match fields.lines("body")? {
        None if form != Form::Json => {
            return fault(
                "content_type",
                "a message is JSON; another `content_type` needs a `body`",
            );
        }
        None => None,
        Some(_) if method == WebhookMethod::Get => {
            return fault("body", "a request with the method GET has no body");
        }
        Some(text) => match Template::parse(text, form) {
            Ok(template) => Some(template),
            Err(wrong) => return fault("body", format!("`body`: {wrong}")),
        },
    };
    Ok(Webhook {
        url: fields.needed_secret(URL)?,
        method,
        headers: headers(fields)?,
        content_type,
        body,
        token: fields.secret(TOKEN)?,
    })
}

fn headers(fields: &Fields) -> Result<Vec<(String, String)>, Fault> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let mut headers = Vec::new();
    for line in fields.words("headers")? {
        let parts = line.split_once(':').filter(|(name, value)| {
            !name.is_empty() && name.bytes().all(is_token) && value.is_ascii()
        });
        let Some((name, value)) = parts else {
            return fault(
                "headers",
                "`headers` takes texts such as \"X-Team: backup\"",
            );
        };
        let name = name.to_ascii_lowercase();
        if [
            "host",
            "content-length",
            "content-type",
            "authorization",
            "transfer-encoding",
        ]
        .contains(&name.as_str())
        {
            return fault(
                "headers",
                format!(
                    "freezerd writes the header {name:?} itself; `content_type` and the keys of the token say what is in it"
                ),
            );
        }
        headers.push((name, value.trim().to_owned()));
    }
    Ok(headers)
}

fn ntfy(fields: &Fields) -> Result<Ntfy, Fault> {
    let server = match fields.address("url")? {
        Some(address) => address,
        None => match HttpAddress::parse("https://ntfy.sh") {
            Ok(address) => address,
            Err(error) => return fault("url", error.to_string()),
        },
    };
    let topic = fields.needed("topic", "backups-8f2c01ab")?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if topic.len() > 64 || !topic.bytes().all(is_word) {
        return fault(
            "topic",
            "`topic` takes at most 64 letters, digits, `-` and `_`",
        );
    }
    Ok(Ntfy {
        server,
        topic,
        token: fields.secret(TOKEN)?,
    })
}

fn room(fields: &Fields) -> Result<String, Fault> {
    let room = fields.needed("room", "!abc:matrix.example")?;
    match room.starts_with('!') {
        true => Ok(room),
        false => fault(
            "room",
            "`room` takes the id of a room, which begins with `!`: the settings of the room show it",
        ),
    }
}

fn ping(fields: &Fields) -> Result<Ping, Fault> {
    let slug = match fields.text("slug")? {
        None => None,
        Some(text) => match Template::parse(&text, Form::Slug) {
            Ok(template) => Some(template),
            Err(wrong) => return fault("slug", format!("`slug`: {wrong}")),
        },
    };
    let create = fields.switch("create")?;
    if create && slug.is_none() {
        return fault("create", "only a check that has a `slug` can be made");
    }
    Ok(Ping {
        url: fields.needed_secret(URL)?,
        slug,
        create,
    })
}

fn command(fields: &Fields) -> Result<Vec<String>, Fault> {
    let words = fields.words("command")?;
    match words.first() {
        None => general(
            "the key `command` is missing; write for example `command = [\"/usr/local/bin/tell\"]`",
        ),
        Some(first) if first.is_empty() => fault("command", "`command` begins with a program"),
        Some(_) => Ok(words),
    }
}

//! The keys of a receiver: one row for each. The reader, the suggestions, `config show` and the pages come from it.

use super::kind::ReceiverKind;
use ReceiverKind::{
    Command, Discord, Gotify, Mail, Matrix, Ntfy, Ping, Sendmail, Slack, Teams, Webhook,
};

/// A key of a section `[notify.NAME]`.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverKey {
    pub name: &'static str,
    /// The types of receivers that take it.
    pub kinds: &'static [ReceiverKind],
    /// What the manual calls the value.
    pub value: &'static str,
    /// A sentence or two for the manual.
    pub about: &'static str,
    /// Whether its value may be shown: it is never a secret.
    pub is_open: bool,
    /// The first version that has the key.
    pub since: &'static str,
}

const fn key(
    name: &'static str,
    kinds: &'static [ReceiverKind],
    value: &'static str,
    about: &'static str,
) -> ReceiverKey {
    ReceiverKey {
        name,
        kinds,
        value,
        about,
        is_open: true,
        since: "0.1.0",
    }
}

impl ReceiverKey {
    const fn hidden(mut self) -> ReceiverKey {
        self.is_open = false;
        self
    }
}

const ALL: &[ReceiverKind] = ReceiverKind::ALL;

const MAILS: &[ReceiverKind] = &[Mail, Sendmail];

const WITH_SECRET_URL: &[ReceiverKind] = &[Webhook, Slack, Discord, Teams, Ping];

const WITH_URL: &[ReceiverKind] = &[Webhook, Ntfy, Gotify, Slack, Discord, Teams, Ping];

const WITH_TOKEN: &[ReceiverKind] = &[Webhook, Ntfy, Gotify, Matrix];

const WITH_SERVER: &[ReceiverKind] = &[
    Mail, Webhook, Ntfy, Gotify, Slack, Discord, Teams, Matrix, Ping,
];

const KEYS: &[ReceiverKey] = &[
    key(
        "type",
        ALL,
        "word",
        "The type of the receiver. `mail` is a mail server, and `sendmail` the program of this host. `webhook` is any address \
         that takes a request. `ntfy`, `gotify`, `slack`, `discord`, `teams` and `matrix` are the services of these names. \
         `ping` is a check of healthchecks.io, or of a server that takes the same pings. `command` is a program of this host. \
         Required.",
    ),
    key(
        "events",
        ALL,
        "list of words",
        "The kinds of messages that it gets, or `all`. Default: all but `started`, `succeeded`, `digest` and `test`; of a \
         `ping`: `started`, `succeeded`, `failed` and `partial`.",
    ),
    key(
        "quiet_hours",
        ALL,
        "text, or list of texts",
        "Local times at which it is left alone, such as `22:00-07:00` or `mon-fri 22:00-07:00`. What happens meanwhile is told \
         afterwards. A night belongs to the day on which it begins. Default: none.",
    ),
    key(
        "digest",
        ALL,
        "text",
        "When it gets one message for all that happened: a local time such as `daily 08:00` or `weekly mon 08:00`. Default: \
         `off`, it gets each message at once.",
    ),
    key(
        "repeat",
        ALL,
        "duration",
        "After how long it is told again of what has not changed, such as `6 hours`. Default: `off`, it is told of changes \
         only.",
    ),
    key(
        "log",
        ALL,
        "true or false",
        "Send the end of the log of the run, too. A log names paths, and what commands print. Default: `false`.",
    ),
    key(
        "timeout",
        ALL,
        "duration",
        "How long it has to accept a message, up to `10 minutes`. Default: `30 seconds`.",
    ),
    key(
        "host",
        &[Mail],
        "text",
        "The name or the address of the mail server, for example `mail.example`. Required.",
    ),
    key(
        "port",
        &[Mail],
        "number",
        "Its port. Default: 465; with `tls = \"starttls\"` 587; with `tls = \"none\"` 25.",
    ),
    key(
        "tls",
        &[Mail],
        "word",
        "How the connection is encrypted: `tls` from the beginning; `starttls`, from this command on, and without it nothing \
         is sent; `none`. Default: `tls`.",
    ),
    key(
        "username",
        &[Mail],
        "text",
        "The user at the mail server. Default: no login. A login needs a connection that is encrypted, or a server on this \
         host.",
    ),
    key(
        "password_file",
        &[Mail],
        "path",
        "A file that holds the password of the user. White space at its ends is not a part of the password. `%d/NAME` is a \
         credential that systemd gives to the service (`LoadCredential=NAME:FILE`).",
    ),
    key(
        "password_command",
        &[Mail],
        "text, or list of words",
        "A command that prints the password. `/bin/sh -c` runs a text. It runs for each message, and has a minute.",
    ),
    key(
        "password_env",
        &[Mail],
        "name",
        "The variable of the environment of the service that holds the password.",
    ),
    key(
        "password",
        &[Mail],
        "text",
        "The password itself. Whoever reads `freezerd.toml` has it then, and `freezerd check` warns of it.",
    )
    .hidden(),
    key(
        "program",
        &[Sendmail],
        "text",
        "The program that takes the mail at its standard input. Default: `/usr/sbin/sendmail`.",
    ),
    key(
        "from",
        MAILS,
        "address",
        "The address that mails come from, such as `freezerd@web1.example`, or `Backups <freezerd@web1.example>`. Required.",
    ),
    key(
        "to",
        MAILS,
        "address, or list of addresses",
        "The addresses that mails go to. Required.",
    ),
    key(
        "url_file",
        WITH_SECRET_URL,
        "path",
        "A file that holds the address that requests go to. It is read as `password_file` is. Whoever knows the address can \
         send messages, so it is a secret: no log and no error shows it.",
    ),
    key(
        "url_command",
        WITH_SECRET_URL,
        "text, or list of words",
        "A command that prints the address. It is run as `password_command` is.",
    ),
    key(
        "url_env",
        WITH_SECRET_URL,
        "name",
        "The variable of the environment of the service that holds the address.",
    ),
    key(
        "url",
        WITH_URL,
        "URL",
        "For `ntfy` and `gotify`, the address of the server; default for `ntfy`: `https://ntfy.sh`. For the others, the \
         address that requests go to itself. Whoever reads `freezerd.toml` has it then, and `freezerd check` warns of it.",
    )
    .hidden(),
    key(
        "homeserver",
        &[Matrix],
        "URL",
        "The address of the Matrix server, for example `https://matrix.example`. Required.",
    ),
    key(
        "room",
        &[Matrix],
        "text",
        "The id of the room, such as `!abc:matrix.example`. The user of the token must be in it. Required.",
    ),
    key(
        "topic",
        &[Ntfy],
        "word",
        "The topic. Whoever knows the name of a topic without access control can read it. Required.",
    ),
    key(
        "token_file",
        WITH_TOKEN,
        "path",
        "A file that holds the token by which the server knows who sends. It is read as `password_file` is. `gotify` needs \
         the token of an application, `matrix` the access token of a user. A `webhook` gets it as `Authorization: Bearer`.",
    ),
    key(
        "token_command",
        WITH_TOKEN,
        "text, or list of words",
        "A command that prints the token. It is run as `password_command` is.",
    ),
    key(
        "token_env",
        WITH_TOKEN,
        "name",
        "The variable of the environment of the service that holds the token.",
    ),
    key(
        "token",
        WITH_TOKEN,
        "text",
        "The token itself. Whoever reads `freezerd.toml` has it then, and `freezerd check` warns of it.",
    )
    .hidden(),
    key(
        "method",
        &[Webhook],
        "word",
        "The method of the request: `POST`, `PUT`, or `GET`, which has no body. Default: `POST`.",
    ),
    key(
        "headers",
        &[Webhook],
        "list of texts",
        "Further headers of the request, each as `Name: value`. They are no place for secrets: the token has keys of its own.",
    )
    .hidden(),
    key(
        "body",
        &[Webhook],
        "text",
        "A text in place of the JSON of the message. `{subject}`, `{text}`, `{kind}`, `{severity}`, `{host}`, `{job}`, \
         `{run}`, `{at}`, `{id}` and `{log}` are filled. In JSON, a placeholder stands between quotation marks.",
    )
    .hidden(),
    key(
        "content_type",
        &[Webhook],
        "text",
        "What the body is, and how placeholders are written in it: `application/json`, \
         `application/x-www-form-urlencoded`, or any text. Default: `application/json`.",
    ),
    key(
        "slug",
        &[Ping],
        "text",
        "The slug of the check, with placeholders, such as `{host}-{job}`. The address is then that of the project, with the \
         ping key. Default: none, the address is that of one check.",
    ),
    key(
        "create",
        &[Ping],
        "true or false",
        "Make a check that does not exist. It needs a `slug`. Default: `false`.",
    ),
    key(
        "command",
        &[Command],
        "list of words",
        "A program and its arguments. It gets the message as JSON at its standard input, and the facts in variables \
         `FREEZERD_NOTICE_…`. Exit code 0 means that it has accepted the message. Required.",
    )
    .hidden(),
    key(
        "ca_file",
        WITH_SERVER,
        "path",
        "A file with the certificates that are trusted, in PEM format. Default: those that the system trusts.",
    ),
];

/// Every key, in the order in which they are shown.
pub fn receiver_keys() -> impl Iterator<Item = &'static ReceiverKey> {
    KEYS.iter()
}

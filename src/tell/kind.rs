//! The types of receivers: one row for each. The reader, the suggestions and the pages come from it.

struct Row {
    word: &'static str,
    /// What the type is, for the pages: a clause.
    about: &'static str,
}

/// Makes the types from their rows.
macro_rules! receiver_kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $word:literal, $about:literal;)*) => {
        /// A type of receiver: the value of `type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReceiverKind {
            $($(#[doc = $doc])* $kind,)*
        }

        impl ReceiverKind {
            /// In the order in which they are shown.
            pub const ALL: &'static [ReceiverKind] = &[$(ReceiverKind::$kind),*];

            const fn row(self) -> Row {
                match self {
                    $(ReceiverKind::$kind => Row { word: $word, about: $about },)*
                }
            }
        }
    };
}

receiver_kinds! {
    Mail = "mail", "mail, by a server that speaks SMTP";
    Sendmail = "sendmail", "mail, by the program `sendmail` of this host";
    Webhook = "webhook", "a request with JSON, or with a text of your own, to any address";
    Ntfy = "ntfy", "a topic of ntfy.sh, or of an ntfy server of your own";
    Gotify = "gotify", "an application of a Gotify server";
    Slack = "slack", "an incoming webhook of Slack, or of a server that takes the same, such as Mattermost";
    Discord = "discord", "a webhook of a Discord channel";
    Teams = "teams", "a workflow of Microsoft Teams that waits for a webhook";
    Matrix = "matrix", "a room on a Matrix server";
    Ping = "ping", "a check of healthchecks.io, or of a server that takes the same pings";
    Command = "command", "a program of this host";
}

impl ReceiverKind {
    /// The word in `freezerd.toml`.
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// What it is, as a clause.
    pub const fn about(self) -> &'static str {
        self.row().about
    }

    /// The type that a word names.
    pub fn of_word(word: &str) -> Option<ReceiverKind> {
        ReceiverKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.word() == word)
    }
}

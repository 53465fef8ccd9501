//! Values with rules of their own: modes, links, compression and commands.

use super::{ValueReader, head};
use crate::job::action::Command;
use crate::job::codes;
use crate::job::decode::Field;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::Value;
use crate::job::keys::openstack_service;
use crate::job::pipeline;
use crate::job::shell_words::{self, Unread};

impl ValueReader<'_> {
    /// The mode, which is `fs` in this version.
    pub fn mode(&mut self, field: Option<Field<'_>>) {
        let Some(field) = field.filter(|field| !field.node.is_unset()) else {
            return;
        };
        let Value::Text(text) = &field.node.value else {
            self.word(Some(field));
            return;
        };
        let written = text.content.trim();
        if let Some(service) = openstack_service(written) {
            self.report(
                Diagnostic::error(codes::OPENSTACK_KEY, format!("the mode {} belongs to {service}", quoted(written)))
                    .at(field.node.span.clone())
                    .label("not available here")
                    .help("freezerd backs up the files of its own host: write `\"mode\": \"fs\"`, or remove the key"),
            );
        } else if matches!(
            written,
            "mysql" | "mongo" | "mongodb" | "postgres" | "postgresql" | "sqlite"
        ) {
            self.report(
                Diagnostic::error(codes::UNSUPPORTED_MODE, format!("this version does not have the mode {}", quoted(written)))
                    .at(field.node.span.clone())
                    .label("only `fs` is available")
                    .help("add an `exec` action before this one that dumps the database into a directory, and back up that directory"),
            );
        } else {
            self.word(Some(field));
        }
    }

    /// Whether the backup follows symbolic links.
    pub fn links(&mut self, field: Option<Field<'_>>) -> bool {
        let Some(field) = field else { return false };
        if let Value::Text(text) = &field.node.value {
            match text.content.trim().to_ascii_lowercase().as_str() {
                "soft" | "all" => return true,
                "none" => return false,
                "hard" => {
                    self.report(
                        Diagnostic::warning(codes::NO_EFFECT, "`hard` has no effect")
                            .at(field.node.span.clone())
                            .label("accepted, and ignored")
                            .help(
                                "hard links are backed up as hard links, and their content is stored once",
                            ),
                    );
                    return false;
                }
                _ => {}
            }
        }
        self.flag(Some(field)).unwrap_or(false)
    }

    /// The level for zstd.
    pub fn compression(&mut self, field: Option<Field<'_>>) -> Option<i32> {
        let field = field?;
        let written = self.text(Some(field))?;
        let written = written.trim();
        if let Ok(level) = written.parse::<i32>() {
            if (-7..=22).contains(&level) {
                return Some(level);
            }
            self.report(
                Diagnostic::error(codes::OUT_OF_RANGE, "the levels of zstd are -7 to 22")
                    .at(field.node.span.clone())
                    .label(format!("{level} is out of range")),
            );
            return None;
        }
        match written {
            "zstd" => {}
            "gzip" | "bzip2" | "xz" => self.report(
                Diagnostic::warning(
                    codes::NO_EFFECT,
                    format!("{} is not used for compression", quoted(written)),
                )
                .at(field.node.span.clone())
                .label("accepted, and ignored")
                .help("zstd compresses the snapshots; a number from -7 to 22 sets its level"),
            ),
            _ => self.report(
                Diagnostic::error(
                    codes::BAD_WORD,
                    format!("{} is not a known compression", quoted(written)),
                )
                .at(field.node.span.clone())
                .label("unknown word")
                .help("write a level for zstd, from -7 (fast) to 22 (small)"),
            ),
        }
        None
    }

    /// Warns where a shell hides the failure of a command whose output it gives to another, and where there is no shell
    /// that would read the command.
    pub fn warn_of_shell(&mut self, field: &Field<'_>, command: &Command) {
        let hidden = match command {
            Command::Shell(text) => pipeline::hidden_failure(text),
            Command::Words(words) => {
                self.warn_of_no_shell(field, words);
                pipeline::hidden_failure_of_words(words)
            }
        };
        let Some(hidden) = hidden else {
            return;
        };
        let whose = match hidden.program {
            Some(program) => format!("{} fails", quoted(&program)),
            None => "a command before the `|` fails".to_owned(),
        };
        self.report(
            Diagnostic::warning(
                codes::HIDDEN_FAILURE,
                format!(
                    "nobody will notice if {whose}: of a pipeline, the shell reports only the last command"
                ),
            )
            .at(field.node.span.clone())
            .label("a failure before the last `|` counts as success")
            .help("let bash report it: `\"command\": [\"bash\", \"-o\", \"pipefail\", \"-c\", \"…\"]`"),
        );
    }

    fn warn_of_no_shell(&mut self, field: &Field<'_>, words: &[String]) {
        let program = words.first().map(String::as_str).unwrap_or_default();
        let message = match shell_words::unread_sign(words) {
            None => return,
            Some(Unread::Sign(sign)) => {
                format!(
                    "{} is only an argument of {}",
                    quoted(sign),
                    quoted(program)
                )
            }
            Some(Unread::Line) => format!("the name of the program would be {}", quoted(program)),
        };
        self.report(
            Diagnostic::warning(codes::NO_SHELL, format!("no shell reads this list: {message}"))
                .at(field.node.span.clone())
                .label("a list is a program and its arguments")
                .help("write the command as one text, which `/bin/sh` runs, or as `[\"bash\", \"-o\", \"pipefail\", \"-c\", \"…\"]`"),
        );
    }

    /// A text for the shell, or a list of words.
    pub fn command(&mut self, field: Option<Field<'_>>) -> Option<Command> {
        let field = field.filter(|field| !field.node.is_unset())?;
        let Value::List(nodes) = &field.node.value else {
            let command = self.text(Some(field))?;
            if command.contains('\0') {
                self.report(
                    Diagnostic::error(codes::BAD_COMMAND, "a command cannot contain a NUL byte")
                        .at(field.node.span.clone())
                        .label("contains a NUL byte"),
                );
                return None;
            }
            return Some(Command::Shell(command));
        };
        let mut words = Vec::new();
        for node in nodes {
            let word = match &node.value {
                Value::Text(text) if !text.content.contains('\0') => text.content.clone(),
                Value::Number(number) => number.clone(),
                Value::Broken => return None,
                _ => {
                    self.report(
                        Diagnostic::error(
                            codes::BAD_COMMAND,
                            format!("a word of a command is a text, and this is {}", node.kind()),
                        )
                        .at(head(node))
                        .label("expected a text"),
                    );
                    return None;
                }
            };
            words.push(word);
        }
        if words.first().is_none_or(|program| program.is_empty()) {
            self.report(
                Diagnostic::error(codes::BAD_COMMAND, "a command needs a program")
                    .at(field.node.span.clone())
                    .label("the program is missing")
                    .help("write `[\"/usr/bin/program\", \"argument\"]`"),
            );
            return None;
        }
        Some(Command::Words(words))
    }
}

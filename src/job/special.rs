//! Values with rules of their own: modes, links, compression, ages and commands; and any value by its key.

use super::action::Command;
use super::codes;
use super::decode::Field;
use super::diagnostic::{Diagnostic, quoted};
use super::json::Value;
use super::keys::{Shape, Standing, openstack_service};
use super::timing::Timing;
use super::values::{Judge, head};

impl Judge<'_> {
    /// Judges a value by its key alone, for what is wrong with it: also where nothing makes use of it.
    pub fn any(&mut self, field: Field<'_>, timing: &Timing) {
        if field.key.standing != Standing::Used {
            return;
        }
        let given = Some(field);
        match (field.key.name, field.key.shape) {
            ("mode", _) => self.mode(given),
            ("storage", _) => {
                self.storage(given);
            }
            ("remove_older_than", _) => {
                self.age_in_days(given);
            }
            ("backup_name", _) => {
                self.backup_name(given);
            }
            ("hostname" | "restore_from_host", _) => {
                self.name(given, "a host's name");
            }
            (_, Shape::Text | Shape::JobId) => {
                self.text(given);
            }
            (_, Shape::Path) => {
                self.path(given);
            }
            (_, Shape::Secret) => {
                self.secret(given);
            }
            (_, Shape::Flag) => {
                self.flag(given);
            }
            (_, Shape::Number { .. }) => {
                self.number(given);
            }
            (_, Shape::Words(_)) => {
                self.word(given);
            }
            (_, Shape::Patterns) => {
                self.patterns(given);
            }
            (_, Shape::Links) => {
                self.links(given);
            }
            (_, Shape::Compression) => {
                self.compression(given);
            }
            (_, Shape::Command) => {
                self.command(given);
            }
            (_, Shape::Date) => {
                timing.moment(given, self);
            }
            (_, Shape::Timestamp) => {
                self.timestamp(given);
            }
            // Read where they stand: objects as objects, the schedule by its own room.
            (_, Shape::Schedule | Shape::Actions | Shape::Object(_) | Shape::Anything) => {}
        }
    }

    /// The mode is `fs` or refused.
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
            self.tell(
                Diagnostic::error(codes::OPENSTACK_KEY, format!("the mode {} belongs to {service}", quoted(written)))
                    .at(field.node.span.clone())
                    .label("not available here")
                    .help("this program backs up files of its own host: write `\"mode\": \"fs\"`, or leave it out"),
            );
        } else if matches!(
            written,
            "mysql" | "mongo" | "mongodb" | "postgres" | "postgresql" | "sqlite"
        ) {
            self.tell(
                Diagnostic::error(codes::UNSUPPORTED_MODE, format!("this version has no mode {}", quoted(written)))
                    .at(field.node.span.clone())
                    .label("only `fs` is there")
                    .help("let an `exec` action before this one dump the database into a directory, and back that up"),
            );
        } else {
            self.word(Some(field));
        }
    }

    pub fn links(&mut self, field: Option<Field<'_>>) -> bool {
        let Some(field) = field else { return false };
        if let Value::Text(text) = &field.node.value {
            match text.content.trim().to_ascii_lowercase().as_str() {
                "soft" | "all" => return true,
                "hard" | "none" => return false,
                _ => {}
            }
        }
        self.flag(Some(field)).unwrap_or(false)
    }

    pub fn compression(&mut self, field: Option<Field<'_>>) -> Option<i32> {
        let field = field?;
        let written = self.text(Some(field))?;
        let written = written.trim();
        if let Ok(level) = written.parse::<i32>() {
            if (-7..=22).contains(&level) {
                return Some(level);
            }
            self.tell(
                Diagnostic::error(codes::OUT_OF_RANGE, "zstd's levels go from -7 to 22")
                    .at(field.node.span.clone())
                    .label(format!("{level} is out of range")),
            );
            return None;
        }
        match written {
            "zstd" => {}
            "gzip" | "bzip2" | "xz" => self.tell(
                Diagnostic::warning(
                    codes::NO_EFFECT,
                    format!("{} is not used for compression", quoted(written)),
                )
                .at(field.node.span.clone())
                .label("accepted, and ignored")
                .help("snapshots are compressed with zstd; a number from -7 to 22 sets its level"),
            ),
            _ => self.tell(
                Diagnostic::error(
                    codes::BAD_WORD,
                    format!("{} is no compression that is known", quoted(written)),
                )
                .at(field.node.span.clone())
                .label("unknown word")
                .help("write a level of zstd, from -7 (fast) to 22 (small)"),
            ),
        }
        None
    }

    /// An age of 0 would remove all but the newest snapshot, and is what "off" looks like elsewhere.
    pub fn age_in_days(&mut self, field: Option<Field<'_>>) -> Option<f64> {
        let days = self.number(field)?;
        if days > 0.0 {
            return Some(days);
        }
        let field = field?;
        self.tell(
            Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!("{} takes more than 0 days", quoted(field.written)),
            )
            .at(field.node.span.clone())
            .label("would remove every snapshot but the newest")
            .help(
                "write `null`, or leave it out, to keep all; a fraction is fine: 0.5 is half a day",
            ),
        );
        None
    }

    /// The command: a text for the shell, or words.
    pub fn command(&mut self, field: Option<Field<'_>>) -> Option<Command> {
        let field = field.filter(|field| !field.node.is_unset())?;
        let Value::List(nodes) = &field.node.value else {
            let command = self.text(Some(field))?;
            if command.contains('\0') {
                self.tell(
                    Diagnostic::error(codes::BAD_COMMAND, "a command has no NUL byte")
                        .at(field.node.span.clone())
                        .label("no command of Linux can"),
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
                    self.tell(
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
            self.tell(
                Diagnostic::error(codes::BAD_COMMAND, "a command needs a program")
                    .at(field.node.span.clone())
                    .label("there is none")
                    .help("write `[\"/usr/bin/program\", \"argument\"]`"),
            );
            return None;
        }
        Some(Command::Words(words))
    }
}

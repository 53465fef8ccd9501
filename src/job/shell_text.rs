//! The simple commands of a shell text, read roughly: enough for a lint.

/// A command between two operators.
#[derive(Debug, Default)]
pub(super) struct Simple {
    /// Without quotes, and without redirections. Substitutions stay as they are written.
    pub words: Vec<String>,
    /// The commands inside of `$(…)` and backquotes that are the whole value of a variable: their status is that of the
    /// assignment.
    pub assigned: Vec<String>,
    /// Whether its output goes to the next one.
    pub is_piped: bool,
}

/// The simple commands of a text, in order.
pub(super) fn simple_commands(text: &str) -> Vec<Simple> {
    let mut reader = Reader {
        rest: text,
        commands: Vec::new(),
        command: Simple::default(),
        word: None,
        skips_word: false,
        is_in_test: false,
    };
    reader.read();
    reader.commands
}

struct Reader<'a> {
    rest: &'a str,
    commands: Vec<Simple>,
    command: Simple,
    /// The word that is being read; `None` between words.
    word: Option<String>,
    /// Whether the next word is the file of a redirection.
    skips_word: bool,
    /// Whether a `[[` is open, in which `|` is not an operator.
    is_in_test: bool,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn push(&mut self, text: &str) {
        self.word.get_or_insert_default().push_str(text);
    }

    fn read(&mut self) {
        while let Some(character) = self.next() {
            match character {
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(escaped) => self.push(escaped.encode_utf8(&mut [0; 4])),
                },
                '\'' => {
                    let text = self.up_to('\'');
                    self.push(&text);
                }
                '"' => self.double_quotes(),
                '`' => {
                    let inside = self.up_to('`');
                    self.substitution(&inside);
                }
                '$' if self.takes("(") => {
                    let inside = self.parentheses();
                    self.substitution(&inside);
                }
                '#' if self.word.is_none() => {
                    let line = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[line..];
                }
                '>' | '<' => self.redirection(),
                '&' if self.takes(">") => self.redirection(),
                '|' | '&' | ';' if self.is_in_test => {
                    self.push(character.encode_utf8(&mut [0; 4]));
                }
                '|' => {
                    let is_or = self.takes("|");
                    // `|&` takes the errors along.
                    self.takes("&");
                    self.end_command(!is_or);
                }
                ';' | '&' | '\n' => self.end_command(false),
                '(' | ')' => self.end_word(),
                character if character.is_whitespace() => self.end_word(),
                character => self.push(character.encode_utf8(&mut [0; 4])),
            }
        }
        self.end_command(false);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        match word.as_str() {
            "[[" => self.is_in_test = true,
            "]]" => self.is_in_test = false,
            _ => {}
        }
        if !std::mem::take(&mut self.skips_word) {
            self.command.words.push(word);
        }
    }

    fn end_command(&mut self, is_piped: bool) {
        self.end_word();
        self.skips_word = false;
        self.is_in_test = false;
        let mut command = std::mem::take(&mut self.command);
        command.is_piped = is_piped;
        self.commands.push(command);
    }

    /// `>file`, `2>&1`, `>|file`: neither the number before nor the file behind is a word of the command.
    fn redirection(&mut self) {
        let is_number = |word: &String| word.bytes().all(|it| it.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_number) {
            self.word = None;
        }
        self.end_word();
        self.rest = self.rest.trim_start_matches(['>', '<', '&', '|']);
        self.skips_word = true;
    }

    /// The text before the next `end`, which is skipped.
    fn up_to(&mut self, end: char) -> String {
        let (inside, rest) = self.rest.split_once(end).unwrap_or((self.rest, ""));
        let inside = inside.to_owned();
        self.rest = rest;
        inside
    }

    fn double_quotes(&mut self) {
        self.push("");
        while let Some(character) = self.next() {
            match character {
                '"' => return,
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(escaped @ ('"' | '\\' | '$' | '`')) => {
                        self.push(escaped.encode_utf8(&mut [0; 4]));
                    }
                    Some(other) => self.push(&format!("\\{other}")),
                },
                '`' => {
                    let inside = self.up_to('`');
                    self.substitution(&inside);
                }
                '$' if self.takes("(") => {
                    let inside = self.parentheses();
                    self.substitution(&inside);
                }
                character => self.push(character.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// Adds a substitution to the word as it is written, and notes it if it is the value of a variable.
    fn substitution(&mut self, inside: &str) {
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let begun = self.word.as_deref().unwrap_or_default();
        let is_value = begun
            .strip_suffix('=')
            .is_some_and(|name| !name.is_empty() && name.chars().all(is_name));
        if is_value && self.command.words.is_empty() && !inside.starts_with('(') {
            self.command.assigned.push(inside.to_owned());
        }
        self.push(&format!("$({inside})"));
    }

    /// The text up to the parenthesis that closes a substitution.
    fn parentheses(&mut self) -> String {
        let start = self.rest;
        let mut depth = 1_u32;
        let mut quote = None;
        while let Some(character) = self.next() {
            match (quote, character) {
                (_, '\\') if quote != Some('\'') => {
                    self.next();
                }
                (None, '\'' | '"') => quote = Some(character),
                (Some(open), close) if open == close => quote = None,
                (None, '(') => depth = depth.saturating_add(1),
                (None, ')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let length = start.len() - self.rest.len() - 1;
                return start[..length].to_owned();
            }
        }
        // It is not closed, so nothing is known about it.
        String::new()
    }
}

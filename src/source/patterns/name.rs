//! A pattern of one name, without slashes.

use super::PatternFault;

/// A pattern of one name.
#[derive(Clone, Debug)]
pub(super) struct NamePattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
enum Token {
    /// This character.
    Character(Character),
    /// `?`
    AnyOne,
    /// `*`
    AnyNumber,
    /// `[…]`: one character of these ranges, or, if negated, of none of them.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// A character of a name: of UTF-8, or a byte that is not part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Character {
    Text(char),
    Byte(u8),
}

impl NamePattern {
    /// Matches every name.
    pub(super) fn any() -> NamePattern {
        NamePattern {
            tokens: vec![Token::AnyNumber],
        }
    }

    /// Reads the pattern.
    ///
    /// # Errors
    /// When a class or an escape is not complete, or a class has no character.
    pub(super) fn new(text: &str) -> Result<NamePattern, PatternFault> {
        let mut characters = text.chars();
        let mut tokens = Vec::new();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '?' => Token::AnyOne,
                '*' => {
                    // Several are as good as one.
                    if matches!(tokens.last(), Some(Token::AnyNumber)) {
                        continue;
                    }
                    Token::AnyNumber
                }
                '\\' => match characters.next() {
                    Some(character) => Token::Character(Character::Text(character)),
                    None => return Err(PatternFault::OpenEscape),
                },
                '[' => {
                    let (class, rest) = read_class(characters.as_str())?;
                    characters = rest.chars();
                    class
                }
                character => Token::Character(Character::Text(character)),
            });
        }
        Ok(NamePattern { tokens })
    }

    /// Whether the pattern matches the whole name. Takes at most (pattern × name) steps.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let (mut token, mut rest) = (0, name);
        // Where to go on when a token does not match: behind the last `*`, with one more character for it.
        let mut retry: Option<(usize, &[u8])> = None;
        loop {
            match (self.tokens.get(token), next_character(rest)) {
                (None, None) => return true,
                (Some(Token::AnyNumber), _) => {
                    token += 1;
                    retry = Some((token, rest));
                    continue;
                }
                (Some(one), Some((character, after))) if one.matches(character) => {
                    token += 1;
                    rest = after;
                    continue;
                }
                _ => {}
            }
            let Some((behind, swallowed)) = retry else {
                return false;
            };
            let Some((_, after)) = next_character(swallowed) else {
                return false;
            };
            retry = Some((behind, after));
            token = behind;
            rest = after;
        }
    }
}

impl Token {
    fn matches(&self, character: Character) -> bool {
        match self {
            Token::Character(wanted) => *wanted == character,
            Token::AnyOne | Token::AnyNumber => true,
            Token::Class { negated, ranges } => {
                let is_in = match character {
                    Character::Text(character) => ranges
                        .iter()
                        .any(|(first, last)| (*first..=*last).contains(&character)),
                    Character::Byte(_) => false,
                };
                is_in != *negated
            }
        }
    }
}

/// The first character of a name, and the rest.
fn next_character(name: &[u8]) -> Option<(Character, &[u8])> {
    let first = *name.first()?;
    if first.is_ascii() {
        return Some((Character::Text(char::from(first)), &name[1..]));
    }
    // A character has four bytes at most.
    let head = &name[..name.len().min(4)];
    let valid = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    Some(match valid.chars().next() {
        Some(character) => (Character::Text(character), &name[character.len_utf8()..]),
        None => (Character::Byte(first), &name[1..]),
    })
}

/// Reads a class from behind its `[`, and returns what follows its `]`.
fn read_class(text: &str) -> Result<(Token, &str), PatternFault> {
    let (negated, mut rest) = match text.strip_prefix(['!', '^']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut ranges = Vec::new();
    let mut is_first = true;
    loop {
        // A `]` at the start stands for itself.
        if let Some(after) = rest.strip_prefix(']').filter(|_| !is_first) {
            // Of a negated one, nothing is excepted.
            if !negated && ranges.iter().all(|(first, last)| first > last) {
                return Err(PatternFault::EmptyClass);
            }
            return Ok((Token::Class { negated, ranges }, after));
        }
        is_first = false;
        if let Some((named, after)) = read_named_class(rest) {
            ranges.extend_from_slice(named);
            rest = after;
            continue;
        }
        let (first, after) = read_class_character(rest)?;
        rest = after;
        let last = match rest.strip_prefix('-') {
            Some(after) if !after.starts_with(']') => {
                let (last, after) = read_class_character(after)?;
                rest = after;
                last
            }
            _ => first,
        };
        ranges.push((first, last));
    }
}

fn read_class_character(text: &str) -> Result<(char, &str), PatternFault> {
    let text = text.strip_prefix('\\').unwrap_or(text);
    let mut characters = text.chars();
    let character = characters.next().ok_or(PatternFault::OpenClass)?;
    Ok((character, characters.as_str()))
}

/// Reads `[:alpha:]` and the like.
fn read_named_class(text: &str) -> Option<(&'static [(char, char)], &str)> {
    let (name, after) = text.strip_prefix("[:")?.split_once(":]")?;
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "blank" => &[(' ', ' '), ('\t', '\t')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[(' ', ' '), ('\t', '\r')],
        "upper" => &[('A', 'Z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some((ranges, after))
}

//! The source files as text, and the names that their code imports.

use std::fs;
use std::path::{Path, PathBuf};

/// All `.rs` files below a directory, sorted.
pub fn files_below(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(Path::new(directory), &mut found);
    found.sort();
    found
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a source directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

pub fn text_of(file: &Path) -> String {
    fs::read_to_string(file).expect("a source file")
}

/// The path of the module that a file below `src` is: `src/job/keys/mod.rs` is `["job", "keys"]`.
pub fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix("src").expect("a file below src");
    let mut names: Vec<String> = inside
        .with_extension("")
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    if names.last().is_some_and(|name| name == "mod") || names == ["lib"] {
        names.pop();
    }
    names
}

/// A path that some code names.
#[derive(Debug)]
pub struct Import {
    /// From the crate's root: `["job", "keys", "Key"]`.
    pub path: Vec<String>,
    /// It stands in a `#[cfg(test)]` module.
    pub in_test: bool,
    /// It is re-exported: `pub use`.
    pub exported: bool,
}

/// The paths of this crate that the code of a module names: in `use`, or inline after `crate::`, `super::` or `self::`.
pub fn imports(text: &str, module: &[String]) -> Vec<Import> {
    let code = without_comments_and_literals(text);
    let tokens = tokens(&code);
    let token = |index: usize| tokens.get(index).copied().unwrap_or("");
    let mut found = Vec::new();
    // The inline modules around the present token: the number of open braces, and whether it is for tests.
    let mut inline: Vec<(usize, String, bool)> = Vec::new();
    let mut braces = 0;
    let mut index = 0;
    while index < tokens.len() {
        match token(index) {
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                if inline.last().is_some_and(|(depth, ..)| *depth == braces) {
                    inline.pop();
                }
            }
            "mod" if token(index + 2) == "{" => {
                let test = index >= 7 && tokens[index - 7..index].concat() == "#[cfg(test)]";
                inline.push((braces, token(index + 1).to_owned(), test));
            }
            start @ ("use" | "crate" | "super" | "self" | "freezerd") => {
                let is_use = start == "use";
                if is_use || (token(index + 1) == "::" && token(index.wrapping_sub(1)) != "::") {
                    let mut here = module.to_vec();
                    here.extend(inline.iter().map(|(_, name, _)| name.clone()));
                    let exported = is_use && matches!(token(index.wrapping_sub(1)), "pub" | ")");
                    let mut paths = Vec::new();
                    index = tree(&tokens, index + usize::from(is_use), &[], &mut paths);
                    let in_test = inline.iter().any(|(.., test)| *test);
                    found.extend(paths.into_iter().map(|path| Import {
                        path: absolute(&path, &here),
                        in_test,
                        exported,
                    }));
                    continue;
                }
            }
            _ => {}
        }
        index += 1;
    }
    found
}

/// Reads `a::b::{c, d::e}` from a token on, into one path for each leaf. Returns the index after it.
fn tree(
    tokens: &[&str],
    mut index: usize,
    prefix: &[String],
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(index).copied() {
            Some("{") => {
                index += 1;
                while tokens.get(index).is_some_and(|token| *token != "}") {
                    if tokens[index] == "," {
                        index += 1;
                    } else {
                        index = tree(tokens, index, &path, paths);
                    }
                }
                return index + 1;
            }
            Some(name) if is_name(name) || name == "*" => path.push(name.to_owned()),
            _ => {}
        }
        index += 1;
        if tokens.get(index) != Some(&"::")
            || !tokens
                .get(index + 1)
                .is_some_and(|next| is_name(next) || matches!(*next, "{" | "*"))
        {
            break;
        }
        index += 1;
    }
    if tokens.get(index) == Some(&"as") {
        index += 2;
    }
    paths.push(path);
    index
}

/// A path from the crate's root. One that begins with another name may be relative to this module, or to another crate.
fn absolute(path: &[String], module: &[String]) -> Vec<String> {
    let mut from = module.to_vec();
    let mut rest = path;
    match path.first().map(String::as_str) {
        Some("crate" | "freezerd") => {
            from.clear();
            rest = &path[1..];
        }
        Some("self") => rest = &path[1..],
        _ => {}
    }
    while rest.first().is_some_and(|name| name == "super") {
        from.pop();
        rest = &rest[1..];
    }
    from.extend(rest.iter().filter(|name| *name != "self").cloned());
    from
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

/// The code alone: comments, strings and characters become blanks.
fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = literal(rest).unwrap_or(0);
        if skipped > 0 {
            code.push(' ');
            rest = &rest[skipped..];
        } else {
            // A name is taken whole, so that its last letter does not begin a raw string.
            let name = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let length = name.max(first.len_utf8());
            code.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    code
}

/// How long the comment or literal is that begins here.
fn literal(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    let string = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - string.len();
    if let Some(raw) = string.strip_prefix('r')
        && raw.trim_start_matches('#').starts_with('"')
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let close = format!("\"{}", "#".repeat(hashes));
        let body = &raw[hashes + 1..];
        let end = body
            .find(&close)
            .map_or(body.len(), |end| end + close.len());
        return Some(prefix + 1 + hashes + 1 + end);
    }
    let quote = string.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    if prefix > 1 {
        return None;
    }
    let mut escaped = false;
    for (index, character) in string.char_indices().skip(1) {
        if quote == '\'' && index > 1 && character != '\'' && !string[1..].starts_with('\\') {
            // A lifetime.
            return None;
        }
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(prefix + index + 1),
            _ => {}
        }
    }
    None
}

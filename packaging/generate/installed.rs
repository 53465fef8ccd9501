//! The pages of the project as a package installs them: all in one directory, with links among them that work there.

use std::io;
use std::path::Path;

/// The pages that a package installs, by their place in the project.
const PAGES: [&str; 10] = [
    "README.md",
    "SECURITY.md",
    "docs/commands.md",
    "docs/comparison.md",
    "docs/containers.md",
    "docs/jobs.md",
    "docs/monitoring.md",
    "docs/notices.md",
    "docs/schedules.md",
    "docs/settings.md",
];

/// Returns each page's file name and its text. The current directory is that of the project.
///
/// # Errors
/// When a page cannot be read. The error names it.
pub fn pages() -> io::Result<Vec<(String, String)>> {
    PAGES
        .iter()
        .map(|page| {
            let text = std::fs::read_to_string(page)
                .map_err(|error| io::Error::new(error.kind(), format!("{page}: {error}")))?;
            Ok((name(page).to_owned(), relinked(&text)))
        })
        .collect()
}

fn name(page: &str) -> &str {
    Path::new(page)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(page)
}

/// The file that a link leads to in the package. `None`: the package does not have it.
fn destination(target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with('#') {
        return Some(target.to_owned());
    }
    let (file, anchor) = match target.split_once('#') {
        Some((file, anchor)) => (file, format!("#{anchor}")),
        None => (target, String::new()),
    };
    let name = name(file);
    match name {
        "CHANGELOG.md" => Some("changelog.gz".to_owned()),
        _ if PAGES.iter().any(|page| self::name(page) == name) => Some(format!("{name}{anchor}")),
        _ => None,
    }
}

/// The text with links for the package. A link to what is not in the package becomes plain text, and a picture that is
/// not in it is left out.
fn relinked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, label, target, after)) = next_link(rest) {
        match (destination(target), before.strip_suffix('!')) {
            (Some(target), _) => out.push_str(&format!("{before}[{label}]({target})")),
            (None, Some(before)) => out.push_str(before),
            (None, None) => out.push_str(&format!("{before}{label}")),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The first link of a text: what is before it, its label, its target, and what follows.
fn next_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let middle = text.find("](")?;
    let (head, tail) = text.split_at(middle);
    let begin = head.rfind('[')?;
    let (target, after) = tail.strip_prefix("](")?.split_once(')')?;
    let (before, label) = head.split_at(begin);
    Some((before, label.strip_prefix('[')?, target, after))
}

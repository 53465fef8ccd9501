//! Doc comments: which items lack one, and which comments only repeat the name of their item.

/// The faults of the doc comments in a file, as `line: what`.
pub fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut in_attribute = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if in_attribute {
            in_attribute = !line.ends_with(']');
        } else if let Some(words) = line.strip_prefix("///") {
            comment.push(words);
        } else if line.starts_with("#[") {
            in_attribute = !line.ends_with(']');
        } else if !line.is_empty() {
            // The name is empty where a macro fills it in.
            if let Some(name) = item(line).or_else(|| field(line))
                && !name.is_empty()
            {
                if comment.is_empty() && item(line).is_some() && line.starts_with("pub ") {
                    faults.push(format!("{number}: `{name}` has no comment"));
                } else if repeats(&comment, name) {
                    faults.push(format!(
                        "{number}: the comment of `{name}` only repeats its name"
                    ));
                }
            }
            comment.clear();
        }
    }
    faults
}

/// The name of the function, type or constant that a line declares.
fn item(line: &str) -> Option<&str> {
    let declared = line
        .strip_prefix("pub ")
        .or_else(|| line.strip_prefix("pub(crate) "))
        .or_else(|| line.strip_prefix("pub(super) "))
        .unwrap_or(line);
    let mut words = declared.split_ascii_whitespace();
    loop {
        match words.next()? {
            "async" | "unsafe" | "extern" => {}
            "const" => {
                let name = words.next()?;
                let name = if name == "fn" { words.next()? } else { name };
                return Some(leading_name(name));
            }
            "fn" | "struct" | "enum" | "trait" | "static" | "type" => {
                return Some(leading_name(words.next()?));
            }
            _ => return None,
        }
    }
}

/// The name at the start of a line, as of a field or a variant.
fn field(line: &str) -> Option<&str> {
    let declared = line
        .strip_prefix("pub ")
        .or_else(|| line.strip_prefix("pub(crate) "))
        .or_else(|| line.strip_prefix("pub(super) "))
        .unwrap_or(line);
    let name = leading_name(declared);
    (!name.is_empty()).then_some(name)
}

fn leading_name(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Whether a comment has three words or fewer, and they are the words of the name.
fn repeats(comment: &[&str], name: &str) -> bool {
    let comment = comment.join(" ").to_ascii_lowercase();
    let words: Vec<&str> = comment
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty() && !matches!(*word, "the" | "a" | "an" | "its" | "all"))
        .collect();
    let name = name.to_ascii_lowercase().replace('_', "");
    (1..=3).contains(&words.len())
        && words.iter().all(|word| {
            name.contains(word) || (word.len() > 3 && name.contains(word.trim_end_matches('s')))
        })
}

#[test]
fn a_comment_that_repeats_the_name_is_found() {
    let text = "/// The job id.\npub job_id: String,\n/// The id in the file.\npub job_id: String,\n\
                pub fn naked() {}\n/// The files.\n#[derive(Debug)]\npub struct Files;\n";
    assert_eq!(
        faults(text),
        [
            "2: the comment of `job_id` only repeats its name",
            "5: `naked` has no comment",
            "8: the comment of `Files` only repeats its name"
        ]
    );
}

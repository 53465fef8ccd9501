//! The id of a job: from the file, or from the name of the file.

use super::codes;
use super::decode::Fields;
use super::diagnostic::{Diagnostic, quoted};
use super::values::ValueReader;

/// The longest id, in bytes. The id becomes a part of file names.
pub const ID_LIMIT: usize = 200;

/// The id of a job whose file gives none: the name of the file without its ending and without a `job_` at its
/// beginning. Each character that an id cannot contain becomes `-`.
pub fn derived(file_name: &str) -> String {
    let stem = file_name
        .strip_suffix(".json")
        .or_else(|| file_name.strip_suffix(".conf"))
        .unwrap_or(file_name);
    let stem = stem
        .strip_prefix("job_")
        .filter(|rest| !rest.is_empty())
        .unwrap_or(stem);
    let id = cleaned(stem);
    if id.is_empty() { "job".to_owned() } else { id }
}

fn cleaned(text: &str) -> String {
    text.trim()
        .chars()
        .take(ID_LIMIT)
        .map(|it| if may_stand(it) { it } else { '-' })
        .collect()
}

fn may_stand(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// The id of the job; `None` where the file gives one that cannot be used.
pub(super) fn job_id(
    fields: &Fields<'_>,
    file_name: &str,
    values: &mut ValueReader<'_>,
) -> Option<String> {
    let Some(field) = fields.set("job_id") else {
        return Some(derived(file_name));
    };
    let id = values.text(Some(field))?;
    let fault = if id.len() > ID_LIMIT {
        format!(
            "a `job_id` has at most {ID_LIMIT} characters, and this one has {}",
            id.chars().count()
        )
    } else if let Some(odd) = id.chars().find(|it| !may_stand(*it)) {
        format!(
            "a `job_id` cannot contain {}",
            super::diagnostic::name_of_character(odd)
        )
    } else {
        return Some(id);
    };
    values.report(
        Diagnostic::error(codes::BAD_JOB_ID, fault)
            .at(field.node.span.clone())
            .label("letters, digits, `_` and `-` only")
            .help(format!(
                "write {}, or remove the key: then the id comes from the name of the file",
                quoted(&cleaned(&id))
            )),
    );
    None
}

//! The bytes of a job file as text.

use std::borrow::Cow;

use super::codes;
use super::diagnostic::Diagnostic;
use super::values::ValueReader;

/// The largest job file that is read, in bytes.
pub const SIZE_LIMIT: usize = 1 << 20;

/// The file as a text of the same length. Each byte that is not UTF-8 becomes a `?`, and is reported.
pub(super) fn text<'a>(bytes: &'a [u8], values: &mut ValueReader<'_>) -> Option<Cow<'a, str>> {
    if bytes.len() > SIZE_LIMIT {
        values.report(
            Diagnostic::error(
                codes::FILE_TOO_LARGE,
                format!(
                    "a job file has at most {SIZE_LIMIT} bytes, and this one has {}",
                    bytes.len()
                ),
            )
            .help("a job takes a few hundred bytes: is this the right file?"),
        );
        return None;
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        values.report(
            Diagnostic::error(codes::NOT_UTF8, "the file is UTF-16, not UTF-8")
                .at(0..0)
                .help("save it as UTF-8: `iconv -f UTF-16 -t UTF-8`"),
        );
        return None;
    }
    let fault = match std::str::from_utf8(bytes) {
        Ok(text) => return Some(Cow::Borrowed(text)),
        Err(fault) => fault,
    };
    let start = fault.valid_up_to();
    let end = fault
        .error_len()
        .map_or(bytes.len(), |length| start + length);
    let mut text = String::with_capacity(bytes.len());
    let mut count = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            text.push('?');
        }
        count += usize::from(!chunk.invalid().is_empty());
    }
    let message = match count {
        1 => "the file is not UTF-8 here".to_owned(),
        2 => "the file is not UTF-8, here and in one more place".to_owned(),
        _ => format!(
            "the file is not UTF-8, here and in {} more places",
            count - 1
        ),
    };
    let written: Vec<String> = bytes
        .get(start..end)
        .unwrap_or(&[])
        .iter()
        .map(|byte| format!("0x{byte:02X}"))
        .collect();
    values.report(
        Diagnostic::error(codes::NOT_UTF8, message)
            .at(start..end)
            .label(written.join(" "))
            .help("save the file as UTF-8; if it is Latin-1: `iconv -f ISO-8859-1 -t UTF-8`"),
    );
    Some(Cow::Owned(text))
}

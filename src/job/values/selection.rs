//! What a backup selects: sources, patterns, markers, sizes.

use std::path::{Path, PathBuf};

use super::ValueReader;
use crate::job::codes;
use crate::job::decode::{Field, Fields};
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::Value;
use crate::job::patterns::{Judgement, judge};
use crate::job::sources::{Named, Sources, plain};
use crate::source::patterns::{PatternFault, Patterns};
use crate::source::tree::selection::Marker;
use crate::units;

/// The largest size in a job file. Below 2^53 every whole number is exact.
pub(in crate::job) const MOST_BYTES: f64 = 8e15;

/// Directories where other disks are usually mounted, below `/`.
const MOUNTS: [&str; 3] = ["mnt/disk", "media/disk", "srv/disk"];

/// The patterns of a key, each with the field that points at it alone.
pub(in crate::job) type WrittenPatterns<'a> = Vec<(String, Field<'a>)>;

impl ValueReader<'_> {
    /// Warns about a backup of `/` whose patterns leave out no directory at its top, nor one where disks are mounted.
    pub fn warn_of_whole_server(
        &mut self,
        field: Option<Field<'_>>,
        exclude: &WrittenPatterns<'_>,
    ) {
        let Some(field) = field else {
            return;
        };
        let texts: Vec<&str> = exclude.iter().map(|(text, _)| text.as_str()).collect();
        let (patterns, _) = Patterns::new(Path::new("/"), &texts);
        // A pattern that begins with a slash shows that its writer has thought of the top.
        let leaves_out = |path: &&str| patterns.leave_out(Path::new(path), true);
        if texts.iter().any(|text| text.starts_with('/')) || MOUNTS.iter().any(leaves_out) {
            return;
        }
        self.report(
            Diagnostic::warning(
                codes::WHOLE_SERVER,
                "this is everything on the server, with all disks and network shares that are mounted",
            )
            .at(field.node.span.clone())
            .label("no directory at its top is left out")
            .help("add `\"one_file_system\": true`, or patterns such as `\"exclude\": [\"/tmp/\", \"/mnt/\"]`"),
        );
    }

    /// The sources of a backup. `None` if there is none, or one of them is wrong.
    pub fn sources(&mut self, field: Option<Field<'_>>) -> Option<Sources> {
        let field = field.filter(|field| !field.node.is_unset())?;
        let paths = self.paths(Some(field));
        let expected = match &field.node.value {
            Value::List(nodes) => nodes.len(),
            _ => 1,
        };
        if expected == 0 {
            self.wrong_type(&field, "a path, or a list of paths", "the list is empty");
        }
        if paths.len() < expected.max(1) {
            return None;
        }
        let named = paths.into_iter().map(|(path, field)| Named {
            path: plain(&path),
            span: field.node.span.clone(),
        });
        let sources = Sources::new(named.collect());
        for repeated in &sources.repeated {
            self.report_nested(
                repeated,
                format!("{} is there twice", shown(&repeated.path)),
            );
        }
        for (nested, top) in &sources.nested {
            self.report_nested(
                nested,
                format!("{} lies in {}", shown(&nested.path), shown(top)),
            );
        }
        Some(sources)
    }

    fn report_nested(&mut self, source: &Named, message: String) {
        self.report(
            Diagnostic::warning(codes::NESTED_SOURCE, message)
                .at(source.span.clone())
                .label("backed up once, with the other one")
                .help("remove it from the list"),
        );
    }

    /// One pattern, or a list of them.
    pub fn patterns<'a>(&mut self, field: Option<Field<'a>>) -> WrittenPatterns<'a> {
        self.texts(field, "a pattern, or a list of patterns")
    }

    /// Reports the patterns that can match nothing in these sources, or probably do not mean what the user wants.
    pub fn judge_patterns(&mut self, patterns: &WrittenPatterns<'_>, sources: &[PathBuf]) {
        for (text, field) in patterns {
            let diagnostic = match judge(text, sources) {
                None => continue,
                Some(Judgement::Unusable(fault)) => Diagnostic::error(
                    codes::BAD_PATTERN,
                    format!("the pattern {} can match nothing: {fault}", quoted(text)),
                )
                .label("not a usable pattern")
                .help(advice(fault)),
                Some(Judgement::Doubtful(doubt)) => Diagnostic::warning(
                    codes::DOUBTFUL_PATTERN,
                    format!("the pattern {}: {doubt}", quoted(text)),
                )
                .label("probably matches something else")
                .help(doubt.help()),
            };
            self.report(diagnostic.at(field.node.span.clone()));
        }
    }

    /// Reports the sources in other ones that the patterns leave out.
    pub fn keep_sources(&mut self, sources: &Sources, exclude: &WrittenPatterns<'_>) {
        let texts: Vec<&str> = exclude.iter().map(|(text, _)| text.as_str()).collect();
        for (nested, top) in &sources.nested {
            let (patterns, _) = Patterns::new(top, &texts);
            let below = nested.path.strip_prefix(top).unwrap_or(Path::new(""));
            if patterns.leave_out(below, true) {
                self.report(
                    Diagnostic::error(
                        codes::EXCLUDED_SOURCE,
                        format!(
                            "{} lies in {}, and `exclude` leaves it out there",
                            shown(&nested.path),
                            shown(top)
                        ),
                    )
                    .at(nested.span.clone())
                    .label("would not be backed up")
                    .help("change the patterns, or back it up in an action of its own"),
                );
            }
        }
    }

    /// One marker, or a list of them.
    pub fn markers(&mut self, field: Option<Field<'_>>) -> Vec<String> {
        let texts = self.texts(field, "the name of a file, or a list of names");
        let mut markers = Vec::new();
        for (text, field) in texts {
            match Marker::parse(&text) {
                Ok(_) => markers.push(text),
                Err(fault) => self.report(
                    Diagnostic::error(
                        codes::BAD_MARKER,
                        format!("{} is not a marker: {fault}", quoted(&text)),
                    )
                    .at(field.node.span.clone())
                    .label("expected `NAME` or `NAME:HEADER`")
                    .help(
                        "write the name of a file without its directory, for example `.nobackup`",
                    ),
                ),
            }
        }
        markers
    }

    /// A number of bytes, at least 1.
    pub fn size(&mut self, field: Option<Field<'_>>) -> Option<u64> {
        let field = field?;
        let expected = "a size such as `100M` or `1.5 GiB`, or a number of bytes";
        let size = match &field.node.value {
            _ if field.node.is_unset() => return None,
            Value::Number(number) => whole_bytes(number),
            Value::Text(text) => units::parse_bytes(&text.content),
            _ => {
                self.wrong_type(&field, expected, "");
                return None;
            }
        };
        let fault = match size {
            Some(0) => Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!("{} takes at least 1 byte", quoted(field.written)),
            )
            .label("too small")
            .help("to have no limit, write `null` or remove the key"),
            Some(size) => return Some(size),
            None => Diagnostic::error(
                codes::WRONG_TYPE,
                format!("{} takes {expected}", quoted(field.written)),
            )
            .label("not a size")
            .help("`M` and `MiB` are powers of 1024, `MB` is a power of 1000"),
        };
        self.report(fault.at(field.node.span.clone()));
        None
    }

    /// The files of `exclude_from`.
    pub fn pattern_files(&mut self, fields: &Fields<'_>) -> Vec<PathBuf> {
        let paths = self.paths(fields.get("exclude_from"));
        paths.into_iter().map(|(path, _)| path).collect()
    }
}

/// A number of JSON as a number of bytes. A fraction of a byte is left out.
pub(super) fn whole_bytes(number: &str) -> Option<u64> {
    let bytes: f64 = number.parse().ok()?;
    (0.0..=MOST_BYTES).contains(&bytes).then_some(bytes as u64)
}

/// How to correct a pattern.
fn advice(fault: PatternFault) -> &'static str {
    match fault {
        PatternFault::Empty => "remove it",
        PatternFault::Comment => "write `\\\\#` for a name that begins with `#`",
        PatternFault::OpenClass => "close the class, or write `\\\\[` for a bracket",
        PatternFault::OpenEscape => "write `\\\\\\\\` for a backslash",
        PatternFault::NoSuchName => "write the path as it is below the source",
        PatternFault::EmptyClass => "write the smaller character first: `[a-z]`",
        PatternFault::WholeSource => {
            "write a pattern for what lies in it, or remove it from `path_to_backup`"
        }
    }
}

fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

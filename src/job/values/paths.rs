//! Paths of files and of secrets.

use std::path::{Path, PathBuf};

use super::ValueReader;
use crate::job::codes;
use crate::job::decode::Field;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::json::Value;
use crate::job::secret;

impl ValueReader<'_> {
    /// A path, made absolute.
    pub fn path(&mut self, field: Option<Field<'_>>) -> Option<PathBuf> {
        let field = field?;
        let written = self.text(Some(field))?;
        self.absolute(&field, &written)
    }

    /// The path of a secret, made absolute; or a credential as it is written.
    pub fn secret(&mut self, field: Option<Field<'_>>) -> Option<PathBuf> {
        let field = field?;
        let written = self.text(Some(field))?;
        match secret::credential(&written) {
            None => self.absolute(&field, &written),
            Some(Ok(_)) => Some(PathBuf::from(written)),
            Some(Err(fault)) => {
                self.report(
                    Diagnostic::error(codes::BAD_PATH, fault)
                        .at(field.node.span.clone())
                        .label("not the name of a credential")
                        .help(
                            "write `%d/NAME`, where the unit of freezerd has `LoadCredential=NAME:FILE`",
                        ),
                );
                None
            }
        }
    }

    /// Makes a path absolute. A relative one starts in the working directory.
    pub fn absolute(&mut self, field: &Field<'_>, written: &str) -> Option<PathBuf> {
        let name = quoted(field.written);
        let fault = |code, message: String, help: String| {
            Diagnostic::error(code, message)
                .at(field.node.span.clone())
                .label("not a usable path")
                .help(help)
        };
        if written.contains('\0') {
            self.report(fault(
                codes::BAD_PATH,
                format!("{name} contains a NUL byte"),
                "a path cannot contain one".to_owned(),
            ));
            return None;
        }
        if written.starts_with('~') || written.starts_with('$') {
            let kind = if written.starts_with('~') {
                "`~` is"
            } else {
                "variables are"
            };
            self.report(fault(
                codes::UNEXPANDED_PATH,
                format!("{kind} not expanded in {name}"),
                "write the full path, for example `/home/ada/documents`".to_owned(),
            ));
            return None;
        }
        let mut characters = written.chars();
        if characters.next().is_some_and(|it| it.is_ascii_alphabetic())
            && characters.next() == Some(':')
            && matches!(characters.next(), Some('\\' | '/'))
        {
            self.report(fault(
                codes::BAD_PATH,
                format!("{name} is a Windows path"),
                "write a path of this host, for example `/home`".to_owned(),
            ));
            return None;
        }
        // The components skip `.`, repeated slashes and a slash at the end.
        let path = Path::new(written);
        if path.is_absolute() {
            return Some(path.components().collect());
        }
        let resolved: PathBuf = self.host.working_dir.join(path).components().collect();
        self.report(
            Diagnostic::warning(codes::RELATIVE_PATH, format!("{name} is a relative path"))
                .at(field.node.span.clone())
                .label(format!("read as {}", quoted(&resolved.to_string_lossy())))
                .help("write the full path, from `/`, so that it does not depend on where the daemon was started"),
        );
        Some(resolved)
    }

    /// One path or a list of paths, made absolute, each with the field that points at it alone.
    pub fn paths<'a>(&mut self, field: Option<Field<'a>>) -> Vec<(PathBuf, Field<'a>)> {
        self.texts(field, "a path, or a list of paths")
            .into_iter()
            .filter_map(|(written, field)| Some((self.absolute(&field, &written)?, field)))
            .collect()
    }

    /// One text or a list of texts, each with the field that points at it alone. `expected` names what the key takes.
    pub fn texts<'a>(
        &mut self,
        field: Option<Field<'a>>,
        expected: &str,
    ) -> Vec<(String, Field<'a>)> {
        let Some(field) = field else {
            return Vec::new();
        };
        let Value::List(nodes) = &field.node.value else {
            let text = self.text(Some(field));
            return text.map(|text| (text, field)).into_iter().collect();
        };
        let mut texts = Vec::new();
        for node in nodes {
            let field = Field { node, ..field };
            match &node.value {
                Value::Text(text) if !text.content.is_empty() => {
                    texts.push((text.content.clone(), field));
                }
                _ => self.wrong_type(&field, expected, ""),
            }
        }
        texts
    }
}

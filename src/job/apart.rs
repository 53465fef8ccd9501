//! Containers, sources and targets that must not lie in each other.

use std::path::{Path, PathBuf};

use super::action::Container;
use super::codes;
use super::decode::Fields;
use super::diagnostic::{Diagnostic, quoted};
use super::sources::{Named, plain};
use super::values::{ValueReader, WrittenPatterns};
use crate::source::patterns::Patterns;

impl ValueReader<'_> {
    /// Reports containers inside of a source, unless the patterns leave them out there, and a source inside of a container.
    pub fn keep_apart(
        &mut self,
        containers: &[&Container],
        sources: &[Named],
        exclude: &WrittenPatterns<'_>,
    ) {
        let texts: Vec<&str> = exclude.iter().map(|(text, _)| text.as_str()).collect();
        let local = containers.iter().filter_map(|it| it.location.local());
        let directories: Vec<PathBuf> = local.map(plain).collect();
        for source in sources {
            // There may be many patterns, and few sources have a container in them.
            let mut patterns: Option<Patterns> = None;
            let mut is_left_out = |below: &Path| {
                let made = || Patterns::new(&source.path, &texts).0;
                patterns.get_or_insert_with(made).leave_out(below, true)
            };
            for directory in &directories {
                let fault = if source.path.starts_with(directory) {
                    Diagnostic::error(
                        codes::CONTAINER_IN_SOURCE,
                        "the container would be backed up into itself",
                    )
                    .help("choose a container elsewhere")
                } else if let Ok(below) = directory.strip_prefix(&source.path)
                    && !is_left_out(below)
                {
                    Diagnostic::warning(
                        codes::CONTAINER_IN_SOURCE,
                        "the container is inside the directory that is backed up",
                    )
                    .help(
                        "the backup leaves the container out; a disk that fails takes the files and their backups, so \
                         choose a container on another disk",
                    )
                } else {
                    continue;
                };
                self.report(fault.at(source.span.clone()).label(format!(
                    "the container is {}",
                    quoted(&directory.to_string_lossy())
                )));
            }
        }
    }

    /// Reports a copy from a container to itself.
    pub fn keep_two(&mut self, fields: &Fields<'_>, from: &Container, to: &Container) {
        let Some(field) = fields
            .set("to_container")
            .filter(|_| from.location == to.location)
        else {
            return;
        };
        self.report(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "`container` and `to_container` are the same container",
            )
            .at(field.node.span.clone())
            .label("the snapshots are here already")
            .help("name another container, or another `to_storage`"),
        );
    }

    /// Whether a restore can leave its own container alone. Reports it if not.
    pub fn spare_container(
        &mut self,
        fields: &Fields<'_>,
        container: &Container,
        target: &Path,
        delete_extra: bool,
    ) -> bool {
        let Some(field) = fields.set("restore_abs_path") else {
            return true;
        };
        let Some(directory) = container.location.local() else {
            return true;
        };
        let inside = plain(target).starts_with(plain(directory));
        let around = plain(directory).starts_with(plain(target));
        let harmed = inside || (around && delete_extra);
        if !harmed {
            return true;
        }
        let message = if inside {
            "the restore would write into its own container"
        } else {
            "nothing can be deleted in this target: the container is inside it"
        };
        self.report(
            Diagnostic::error(codes::RESTORE_INTO_CONTAINER, message)
                .at(field.node.span.clone())
                .label(format!(
                    "the container is {}",
                    quoted(&container.location.to_string())
                ))
                .help("restore into a separate directory such as `/srv/restored`"),
        );
        false
    }
}

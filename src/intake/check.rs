//! `freezerd check`: checks the files of a directory as the daemon would read them, one by one and together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::catalog::Catalog;
use super::change::FileChange;
use super::directory::Directory;
use super::file_state::FileState;
use super::lints::{self, Member};
use super::trust::Trust;
use crate::job::diagnostic::Diagnostic;
use crate::job::{Host, Job, Spans, parse};

/// The result of checking some files and directories.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Every file that was checked, and every directory with a diagnostic, in the order in which they were given.
    pub files: Vec<CheckedFile>,
}

impl Checked {
    /// True if a file or the directory has an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics().any(Diagnostic::is_error)
    }

    /// True if there is an error or a warning.
    pub fn has_diagnostics(&self) -> bool {
        self.diagnostics().next().is_some()
    }

    fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.files.iter().flat_map(|file| &file.diagnostics)
    }
}

/// The result for one file or directory.
#[derive(Clone, Debug)]
pub struct CheckedFile {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// The content that the diagnostics point into. Empty for a directory.
    pub bytes: Arc<[u8]>,
    pub content: CheckedContent,
    pub diagnostics: Vec<Diagnostic>,
}

/// What a checked path holds.
#[derive(Clone, Debug)]
pub enum CheckedContent {
    /// A job for this host.
    Job(Arc<Job>),
    /// A job for another host.
    Foreign { job_id: String, client_id: String },
    /// A file that cannot be loaded.
    Invalid {
        /// `None` where the id cannot be read.
        job_id: Option<String>,
    },
    /// The directory itself, not a file in it.
    Directory,
}

/// What files are checked against.
#[derive(Clone, Debug)]
pub struct CheckOptions<'a> {
    pub host: &'a Host,
    /// The client id of the host.
    pub client_id: &'a str,
    /// Whose files are trusted. `None`: owners and modes are not checked, for files that are not in the jobs directory
    /// yet.
    pub trust: Option<&'a Trust>,
    /// The present, to find schedules that have no occurrence left.
    pub now: DateTime<Utc>,
}

/// Checks files and directories. Each directory is checked as a separate jobs directory. Files that are given one by
/// one are checked together, whatever their names.
pub fn check(paths: &[PathBuf], options: &CheckOptions<'_>) -> Checked {
    let mut checked = Checked::default();
    let mut single = Vec::new();
    for path in paths {
        if path.is_dir() {
            checked.files.extend(check_directory(path, options));
        } else {
            single.push((path.clone(), read_single(path, options.trust)));
        }
    }
    checked.files.extend(check_batch(single, options));
    checked
}

fn check_directory(path: &Path, options: &CheckOptions<'_>) -> Vec<CheckedFile> {
    let about = |diagnostics: Vec<Diagnostic>| CheckedFile {
        path: path.to_owned(),
        bytes: Arc::from([].as_slice()),
        content: CheckedContent::Directory,
        diagnostics,
    };
    let (directory, warnings) = match Directory::open(path, options.trust.cloned()) {
        Ok(opened) => opened,
        Err(diagnostics) => return vec![about(diagnostics)],
    };
    let names = match directory.names() {
        Ok(names) => names,
        Err(diagnostics) => return vec![about(diagnostics)],
    };
    let mut files = Vec::new();
    if !warnings.is_empty() {
        files.push(about(warnings));
    }
    let states = names
        .into_iter()
        .map(|name| (path.join(&name), settled(&directory, &name)))
        .collect();
    files.extend(check_batch(states, options));
    files
}

/// Reads a file again, a few times, while it changes.
fn settled(directory: &Directory, name: &OsString) -> FileState {
    let mut state = directory.read(name);
    for _ in 0..3 {
        if !matches!(state, FileState::Changing) {
            break;
        }
        state = directory.read(name);
    }
    match state {
        FileState::Changing => FileState::Refused {
            stamp: None,
            diagnostics: vec![
                Diagnostic::error(
                    crate::job::codes::STILL_CHANGING,
                    "the file changes while it is read",
                )
                .help("another program writes to it: try again later"),
            ],
        },
        FileState::Gone => FileState::Refused {
            stamp: None,
            diagnostics: vec![Diagnostic::error(
                crate::job::codes::UNREADABLE,
                "the file does not exist",
            )],
        },
        state => state,
    }
}

fn read_single(path: &Path, trust: Option<&Trust>) -> FileState {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name() else {
        return FileState::Refused {
            stamp: None,
            diagnostics: vec![Diagnostic::error(
                crate::job::codes::UNREADABLE,
                "this is not the name of a file",
            )],
        };
    };
    // Only the file is checked, not the directory that it is in.
    match Directory::open(parent, None) {
        Ok((directory, _)) => settled(&directory.with_trust(trust.cloned()), &name.to_owned()),
        Err(diagnostics) => FileState::Refused {
            stamp: None,
            diagnostics,
        },
    }
}

/// Checks files together, as one jobs directory.
fn check_batch(states: Vec<(PathBuf, FileState)>, options: &CheckOptions<'_>) -> Vec<CheckedFile> {
    let mut catalog = Catalog::new(options.host.clone(), options.client_id, BTreeMap::new());
    // The catalog gets the whole path as the name: the files may come from several directories.
    let key = |path: &Path| path.to_string_lossy().into_owned();
    let order: Vec<PathBuf> = states.iter().map(|(path, _)| path.clone()).collect();
    let changes = catalog.update(
        states
            .into_iter()
            .map(|(path, state)| (key(&path), state))
            .collect(),
    );
    let mut found: BTreeMap<String, CheckedFile> = BTreeMap::new();
    let mut spans: BTreeMap<String, Spans> = BTreeMap::new();
    for change in changes {
        let (file, bytes, content, diagnostics) = match change {
            FileChange::Loaded {
                file,
                job,
                bytes,
                warnings,
                ..
            } => (file, bytes, CheckedContent::Job(job), warnings),
            FileChange::Invalid {
                file,
                job_id,
                diagnostics,
                bytes,
                ..
            } => (file, bytes, CheckedContent::Invalid { job_id }, diagnostics),
            FileChange::Foreign {
                file,
                job_id,
                client_id,
                warnings,
                bytes,
            } => (
                file,
                bytes,
                CheckedContent::Foreign { job_id, client_id },
                warnings,
            ),
            FileChange::Gone { .. } | FileChange::FileGone { .. } => continue,
        };
        if matches!(content, CheckedContent::Job(_)) {
            spans.insert(
                file.clone(),
                parse(&bytes, base_name(&file), options.host).spans,
            );
        }
        let path = PathBuf::from(&file);
        found.insert(
            file,
            CheckedFile {
                path,
                bytes,
                content,
                diagnostics,
            },
        );
    }
    let mut members = Vec::new();
    let mut whose = Vec::new();
    for (file, checked) in &found {
        if let (CheckedContent::Job(job), Some(spans)) = (&checked.content, spans.get(file)) {
            members.push(Member {
                file: base_name(file),
                job,
                spans,
            });
            whose.push(file.clone());
        }
    }
    for (index, diagnostic) in lints::lint(&members, options.now, &options.host.zone, options.trust)
    {
        if let Some(checked) = whose.get(index).and_then(|file| found.get_mut(file)) {
            checked.diagnostics.push(diagnostic);
        }
    }
    order
        .iter()
        .filter_map(|path| found.remove(&key(path)))
        .collect()
}

fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

//! What `freezerd check` says: the files of a directory judged as the daemon would see them, and what only the whole
//! shows.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::catalog::Catalog;
use super::change::Change;
use super::directory::{Directory, FileState};
use super::lints::{self, Member};
use super::trust::Trust;
use crate::job::diagnostic::Diagnostic;
use crate::job::{Host, Job, Spans, parse};

/// What was said of some files and directories.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Every file that was looked at, and every directory of which there is something to say, in order.
    pub files: Vec<CheckedFile>,
}

impl Checked {
    /// Whether there is an error anywhere.
    pub fn has_errors(&self) -> bool {
        self.diagnostics().any(Diagnostic::is_error)
    }

    /// Whether there is anything to say at all.
    pub fn has_diagnostics(&self) -> bool {
        self.diagnostics().next().is_some()
    }

    fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.files.iter().flat_map(|file| &file.diagnostics)
    }
}

/// What was said of one file.
#[derive(Clone, Debug)]
pub struct CheckedFile {
    /// The file, as a person would name it.
    pub path: PathBuf,
    /// What the diagnostics point into.
    pub bytes: Arc<[u8]>,
    /// What would become of it.
    pub content: Content,
    /// All there is to say.
    pub diagnostics: Vec<Diagnostic>,
}

/// What would become of a file.
#[derive(Clone, Debug)]
pub enum Content {
    /// It is a job of this host.
    Job(Arc<Job>),
    /// It is a job of another host.
    Foreign {
        /// Its id.
        job_id: String,
        /// The other host.
        client_id: String,
    },
    /// It is not good for a job.
    Invalid {
        /// Its id, as far as that can be told.
        job_id: Option<String>,
    },
    /// It is no file but the directory.
    Directory,
}

/// What files are checked against.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The host's particulars.
    pub host: &'a Host,
    /// The host's client id.
    pub client_id: &'a str,
    /// Whose files are trusted. Without it no owner and no mode is looked at, for files that are not in their place
    /// yet.
    pub trust: Option<&'a Trust>,
    /// The present, for schedules that have none to come.
    pub now: DateTime<Utc>,
}

/// Checks files and directories. Each directory is judged as a jobs directory of its own; files that are named
/// singly are judged together, and whatever their names.
pub fn check(paths: &[PathBuf], settings: &Settings<'_>) -> Checked {
    let mut checked = Checked::default();
    let mut single = Vec::new();
    for path in paths {
        if path.is_dir() {
            checked.files.extend(check_directory(path, settings));
        } else {
            single.push((path.clone(), read_single(path, settings.trust)));
        }
    }
    checked.files.extend(check_batch(single, settings));
    checked
}

fn check_directory(path: &Path, settings: &Settings<'_>) -> Vec<CheckedFile> {
    let about = |diagnostics: Vec<Diagnostic>| CheckedFile {
        path: path.to_owned(),
        bytes: Arc::from([].as_slice()),
        content: Content::Directory,
        diagnostics,
    };
    let (directory, warnings) = match Directory::open(path, settings.trust.cloned()) {
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
    files.extend(check_batch(states, settings));
    files
}

/// Reads a file a few times over until it holds still.
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
                .help("something is writing to it: try again once it is done"),
            ],
        },
        FileState::Gone => FileState::Refused {
            stamp: None,
            diagnostics: vec![Diagnostic::error(
                crate::job::codes::UNREADABLE,
                "the file is not there",
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
                "this names no file",
            )],
        };
    };
    // The file is judged, not the directory that it happens to be in.
    match Directory::open(parent, None) {
        Ok((directory, _)) => settled(&directory.with_trust(trust.cloned()), &name.to_owned()),
        Err(diagnostics) => FileState::Refused {
            stamp: None,
            diagnostics,
        },
    }
}

/// Judges files together, as one jobs directory.
fn check_batch(states: Vec<(PathBuf, FileState)>, settings: &Settings<'_>) -> Vec<CheckedFile> {
    let mut catalog = Catalog::new(settings.host.clone(), settings.client_id, BTreeMap::new());
    // The whole path is the catalog's name for a file: singly named ones may come from several directories.
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
            Change::Loaded {
                file,
                job,
                bytes,
                warnings,
                ..
            } => (file, bytes, Content::Job(job), warnings),
            Change::Invalid {
                file,
                job_id,
                diagnostics,
                bytes,
                ..
            } => (file, bytes, Content::Invalid { job_id }, diagnostics),
            Change::Foreign {
                file,
                job_id,
                client_id,
                warnings,
                bytes,
            } => (
                file,
                bytes,
                Content::Foreign { job_id, client_id },
                warnings,
            ),
            Change::Gone { .. } | Change::FileGone { .. } => continue,
        };
        if matches!(content, Content::Job(_)) {
            spans.insert(
                file.clone(),
                parse(&bytes, base_name(&file), settings.host).spans,
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
        if let (Content::Job(job), Some(spans)) = (&checked.content, spans.get(file)) {
            members.push(Member {
                file: base_name(file),
                job,
                spans,
            });
            whose.push(file.clone());
        }
    }
    for (index, diagnostic) in lints::lint(&members, settings.now, &settings.host.zone) {
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

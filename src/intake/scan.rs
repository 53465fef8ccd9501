//! Finding the files of the jobs directory that changed since the catalog took them in.

use std::collections::HashSet;

use super::catalog::Catalog;
use super::directory::Directory;
use super::file_state::FileState;
use crate::job::diagnostic::Diagnostic;

/// Lists the whole directory and reads the files that changed since the catalog took them in. Files that are gone are
/// in the result too.
///
/// # Errors
///
/// The reasons why the directory cannot be listed.
pub fn scan(
    directory: &Directory,
    catalog: &Catalog,
) -> Result<Vec<(String, FileState)>, Vec<Diagnostic>> {
    let mut changes = Vec::new();
    let mut present = HashSet::new();
    for name in directory.names()? {
        let key = name.to_string_lossy().into_owned();
        if catalog.is_current(&key, directory.stamp(&name).as_ref()) {
            present.insert(key);
            continue;
        }
        match directory.read(&name) {
            FileState::Gone => {}
            state => {
                changes.push((key.clone(), state));
                present.insert(key);
            }
        }
    }
    let gone = catalog.files().filter(|file| !present.contains(*file));
    changes.extend(gone.map(|file| (file.to_owned(), FileState::Gone)));
    Ok(changes)
}

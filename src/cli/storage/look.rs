//! What can be seen of the secrets of storages without asking a server.

use std::fs::File;

use crate::cli::notify::look::{Found, Of, open_to_all};
use crate::config::Settings;
use crate::job::storage::SecretFile;
use crate::{os, secret};

/// What is wrong with the files that hold the secrets of the storages in `freezerd.toml`, in the order of their names.
pub fn look(settings: &Settings) -> Vec<Found> {
    let all = settings.storages.iter().zip(&settings.storage_origins);
    let mut found = Vec::new();
    for ((name, storage), origin) in all {
        for file in storage.connection.secret_files() {
            let (is_broken, (message, help)) = match fault(&file) {
                Some(fault) => (
                    true,
                    (
                        format!("`{}`: {fault}", file.key),
                        format!(
                            "correct `{}` of [storage.{name}]; what only the service may read, this command may not see",
                            file.key
                        ),
                    ),
                ),
                None => match open_to_all(file.path) {
                    Some(told) => (false, told),
                    None => continue,
                },
            };
            found.push(Found {
                of: Of::Storage,
                name: name.clone(),
                origin: origin.clone(),
                is_broken,
                message,
                help,
            });
        }
    }
    found
}

/// Why nothing can be read from a file.
pub fn fault(file: &SecretFile<'_>) -> Option<String> {
    match file.secret {
        Some(source) => {
            let read = secret::read(source, &|_| ());
            read.err().map(|error| error.to_string())
        }
        None => {
            let opened = File::open(file.path);
            opened.err().map(|error| {
                let path = file.path.display();
                format!("the file {path} cannot be read: {}", os::reason(&error))
            })
        }
    }
}

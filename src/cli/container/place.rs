//! The place of a container that options name.

use std::path::{Path, PathBuf};

use super::output::say;
use crate::cli::exit::{Exit, Failure};
use crate::config::Settings;
use crate::job::storage::{Connection, StorageKind};
use crate::location::{AddressError, Elsewhere, Location, elsewhere};

/// What the options are called, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The name of a storage.
    pub storage: &'static str,
    /// The name or the path of a container.
    pub container: &'static str,
}

/// Finds the container of this name, in a storage of `freezerd.toml` or on this host.
///
/// # Errors
/// When there is no such storage, or when the name cannot be that of a container.
pub fn find(
    settings: &Settings,
    options: Options,
    storage: Option<&str>,
    name: &str,
) -> Result<(Location, Connection), Failure> {
    let local = StorageKind::Local.word();
    let Some(storage) = storage.filter(|storage| *storage != local) else {
        let directory = directory(settings, options, name)?;
        return Ok((Location::Local(directory), Connection::default()));
    };
    let Some(found) = settings.storages.get(storage) else {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "{} {storage}: there is no such storage; `freezerd config show` lists them",
                options.storage
            ),
        ));
    };
    let location = found.place.container(name).map_err(|error| {
        let says = match error {
            AddressError::Bucket => {
                "the storage names no bucket, so a container begins with one, such as BUCKET/www"
            }
            AddressError::Container => {
                "in Swift, it begins with a container, such as CONTAINER/www, without a colon"
            }
            _ => "in a storage, a container has a name such as www or hosts/www; / is the storage itself",
        };
        Failure::new(Exit::Usage, format!("{} {name}: {says}", options.container))
    })?;
    Ok((location, found.connection.clone()))
}

/// The directory of a container that is given by a path or by a name.
fn directory(settings: &Settings, options: Options, name: &str) -> Result<PathBuf, Failure> {
    let Options { storage, container } = options;
    let says = match elsewhere(name) {
        Some(Elsewhere::Server | Elsewhere::Host) => Some(format!(
            "that is the address of a server, and not a directory of this host: define the server in freezerd.toml, in a \
             section such as [storage.offsite], and use `{storage} offsite` and, with {container}, only the name below it \
             (a directory of this host whose name looks like this is ./{name})"
        )),
        Some(Elsewhere::FileUrl) => Some("write the path itself, such as /srv/backup".to_owned()),
        None if name.starts_with('~') => Some(
            "`~` is no directory here, because the shell did not replace it: write the whole path"
                .to_owned(),
        ),
        None => None,
    };
    if let Some(says) = says {
        let message = format!("{container} {name}: {says}");
        return Err(Failure::new(Exit::Usage, message));
    }
    let path = Path::new(name);
    if path.components().count() == 1 && !path.is_absolute() && name != "." && name != ".." {
        let container = settings.container_root.join(path);
        if !container.exists() && path.join("config").is_file() {
            say(&format!(
                "note: {} {name} means {}, which does not exist; the repository in this directory is named by ./{name}",
                options.container,
                container.display()
            ));
        }
        return Ok(container);
    }
    std::path::absolute(path).map_err(|error| {
        let option = options.container;
        Failure::new(Exit::Usage, format!("{option} {name}: {error}"))
    })
}

//! Containers and the names of what they hold.

use std::path::PathBuf;

use super::action::{Container, Lineage};
use super::codes;
use super::decode::{Field, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::storage::{Connection, NamedStorage};
use super::values::ValueReader;
use super::which_storage::NamedPlace;
use crate::location::{AddressError, Elsewhere, Location, elsewhere};

/// The longest name that file systems accept for a directory, in bytes. It is the limit for a backup's name too.
const NAME_LIMIT: usize = 255;

/// The keys that describe a container.
struct ContainerKeys {
    storage: &'static str,
    name: &'static str,
    pass_file: &'static str,
    /// Whether other keys can describe the storage.
    in_job: bool,
}

const CONTAINER: ContainerKeys = ContainerKeys {
    storage: "storage",
    name: "container",
    pass_file: "encrypt_pass_file",
    in_job: true,
};

const OTHER_CONTAINER: ContainerKeys = ContainerKeys {
    storage: "to_storage",
    name: "to_container",
    pass_file: "to_encrypt_pass_file",
    in_job: false,
};

impl<'h> ValueReader<'h> {
    /// The container. `None` if it is missing (which another check reports) or wrong.
    pub fn container(&mut self, fields: &Fields<'_>) -> Option<Container> {
        self.container_of(fields, &CONTAINER)
    }

    /// As [`ValueReader::container`]: the one that an action copies to.
    pub fn other_container(&mut self, fields: &Fields<'_>) -> Option<Container> {
        self.container_of(fields, &OTHER_CONTAINER)
    }

    fn container_of(&mut self, fields: &Fields<'_>, keys: &ContainerKeys) -> Option<Container> {
        let storage = match keys.in_job {
            true => self.storage(fields.get(keys.storage)),
            false => self.defined_storage(fields.get(keys.storage)),
        };
        let pass_file = self.secret(fields.get(keys.pass_file));
        if let Some(place) = storage.filter(|_| keys.in_job) {
            self.keys_of_other_storages(fields, place);
        }
        let field = fields.set(keys.name)?;
        let name = self.text(Some(field))?;
        let inline = match storage {
            Some(NamedPlace::InJob(kind)) => Some(self.inline_storage(fields, kind, &name)?),
            _ => None,
        };
        let location = match (storage, &inline) {
            (_, Some((storage, below))) => self.remote_container(&field, below, storage)?,
            (Some(NamedPlace::Named(storage)), _) => {
                self.remote_container(&field, &name, storage)?
            }
            (Some(NamedPlace::Local | NamedPlace::InJob(_)) | None, None) => {
                let is_path = name.starts_with(['/', '~', '$']);
                Location::Local(if is_path {
                    self.absolute(&field, &name)?
                } else {
                    self.named_container(&field, &name)?
                })
            }
        };
        if storage.is_some() && fields.set(keys.pass_file).is_none() {
            self.report(
                Diagnostic::warning(
                    codes::UNENCRYPTED_CONTAINER,
                    "the container has no password",
                )
                .at(field.node.span.clone())
                .label("everyone who can read its files can read the backups")
                .help(format!(
                    "name a file that holds a password: `\"{}\": \"/etc/freezerd/password\"`",
                    keys.pass_file
                )),
            );
        }
        let connection = match (storage?, inline) {
            (_, Some((storage, _))) => {
                self.warn_of_listeners(fields.set(keys.storage), &storage);
                storage.connection
            }
            (NamedPlace::Named(storage), None) => {
                self.warn_of_listeners(fields.set(keys.storage), storage);
                storage.connection.clone()
            }
            (NamedPlace::Local | NamedPlace::InJob(_), None) => Connection::default(),
        };
        Some(Container {
            name,
            location,
            pass_file,
            connection,
        })
    }

    /// The location of a container in a storage away from this host.
    fn remote_container(
        &mut self,
        field: &Field<'_>,
        name: &str,
        storage: &NamedStorage,
    ) -> Option<Location> {
        let error = match storage.place.container(name) {
            Ok(location) => return Some(location),
            Err(error) => error,
        };
        let (says, label, help) = match error {
            AddressError::Bucket => (
                "does not begin with the name of a bucket",
                "no bucket",
                "write `BUCKET/www`, or name the `bucket` in the storage; a bucket has at least 3 letters, digits, `-`, \
                 `.` and `_`",
            ),
            AddressError::Container => (
                "does not begin with the name of a container of Swift",
                "no container",
                "write `CONTAINER` or `CONTAINER/www`; a name has at most 256 bytes, without `:`",
            ),
            _ if elsewhere(name).is_some() => (
                "cannot be a container in a storage",
                "not a name",
                "the storage has the address already, in `freezerd.toml`: write only the name below it, such as `www`",
            ),
            _ => (
                "cannot be a container in a storage",
                "not a name",
                "write a name such as `www`, or `hosts/www`, without a slash at its beginning; `/` is the storage itself",
            ),
        };
        self.report(
            Diagnostic::error(codes::BAD_CONTAINER, format!("{} {says}", quoted(name)))
                .at(field.node.span.clone())
                .label(label)
                .help(help),
        );
        None
    }

    /// The directory of a container that is given by a name: directly below the container root.
    fn named_container(&mut self, field: &Field<'_>, name: &str) -> Option<PathBuf> {
        let root = &self.host.container_root;
        let fault = if let Some(path) = name.strip_prefix("file://") {
            Some((
                format!(
                    "{} is an address, and a container of this host is a path",
                    quoted(name)
                ),
                format!("write {}", quoted(path)),
            ))
        } else if let Some(place) = elsewhere(name) {
            let help = match place {
                Elsewhere::Host => {
                    "define the server in `freezerd.toml`, in a section such as `[storage.offsite]` with `kind = \"sftp\"`, \
                     write `\"storage\": \"offsite\"` here, and as `container` only the name below it"
                }
                Elsewhere::Server | Elsewhere::FileUrl => {
                    "define the server in `freezerd.toml`, in a section such as `[storage.offsite]`, write `\"storage\": \
                     \"offsite\"` here, and as `container` only the name below it"
                }
            };
            Some((
                format!(
                    "{} is an address, and not a container of this host",
                    quoted(name)
                ),
                help.to_owned(),
            ))
        } else if name.contains('/') {
            let path = root.join(name);
            Some((
                "the name of a container cannot contain slashes".to_owned(),
                format!(
                    "a container inside another would mix two repositories: write an absolute path such as {}, or a name without slashes",
                    quoted(&path.to_string_lossy())
                ),
            ))
        } else if name == "." || name == ".." {
            Some((
                format!("{} cannot be the name of a container", quoted(name)),
                "write a name, or an absolute path".to_owned(),
            ))
        } else if name.contains('\0') {
            Some((
                "the name of a container cannot contain a NUL byte".to_owned(),
                "write a name, or an absolute path".to_owned(),
            ))
        } else if name.len() > NAME_LIMIT {
            Some((
                format!("the name of a container has at most {NAME_LIMIT} bytes"),
                format!("this one has {}", name.len()),
            ))
        } else {
            None
        };
        if let Some((message, help)) = fault {
            self.report(
                Diagnostic::error(codes::BAD_CONTAINER, message)
                    .at(field.node.span.clone())
                    .label("neither a name nor an absolute path")
                    .help(help),
            );
            return None;
        }
        Some(root.join(name))
    }

    /// The host and the backup name of the snapshots. `None` if the name is missing (which another check reports) or wrong.
    pub fn lineage(&mut self, fields: &Fields<'_>) -> Option<Lineage> {
        let host = self.host_name(fields.set("hostname"));
        let host = if fields.set("hostname").is_some() {
            host?
        } else {
            self.host.host_name.clone()
        };
        let backup_name = self.backup_name(fields.get("backup_name"))?;
        Some(Lineage { host, backup_name })
    }

    /// The backup's name: any text of up to 255 bytes without control characters, and without blanks at its ends.
    pub fn backup_name(&mut self, field: Option<Field<'_>>) -> Option<String> {
        let field = field.filter(|field| !field.node.is_unset())?;
        let name = self.name(Some(field), "the name of a backup")?;
        if let Some(variable) = VARIABLES
            .into_iter()
            .find(|variable| name.contains(variable))
        {
            self.report(
                Diagnostic::warning(codes::LITERAL_BRACES, format!("`{variable}` is not replaced"))
                    .at(field.node.span.clone())
                    .label("taken literally")
                    .help("Freezer replaces such words, but here the snapshots get exactly this name: write the name in full"),
            );
        }
        Some(name)
    }

    /// The name of a host.
    pub fn host_name(&mut self, field: Option<Field<'_>>) -> Option<String> {
        self.name(field, "the name of a host")
    }

    /// A name. `what` is what a sentence calls it.
    pub fn name(&mut self, field: Option<Field<'_>>, what: &str) -> Option<String> {
        let field = field?;
        let name = self.text(Some(field))?;
        let fault = if name.trim() != name {
            Some((
                format!("{what} cannot begin or end with a blank"),
                format!("write {}", quoted(name.trim())),
            ))
        } else if name.chars().any(char::is_control) {
            Some((
                format!("{what} cannot contain control characters"),
                "remove them".to_owned(),
            ))
        } else if name.len() > NAME_LIMIT {
            Some((
                format!("{what} has at most {NAME_LIMIT} bytes"),
                format!("this one has {}", name.len()),
            ))
        } else {
            None
        };
        if let Some((message, help)) = fault {
            self.report(
                Diagnostic::error(codes::BAD_NAME, message)
                    .at(field.node.span.clone())
                    .label("not a usable name")
                    .help(help),
            );
            return None;
        }
        Some(name)
    }
}

/// The words that Freezer replaces in a backup's name.
const VARIABLES: [&str; 6] = [
    "{mode}",
    "{backup_media}",
    "{storage}",
    "{container}",
    "{project_id}",
    "{resource_id}",
];

//! Storages away from this host: where they are, and how they are reached.
//!
//! A storage is defined once, by name, in `freezerd.toml`, and a job names it. The values here name secrets and never
//! contain them: they go through the ledger, logs and messages without harm.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bandwidth::Bandwidth;
use super::command::Command;
use crate::location::{
    AddressError, FtpPlace, HttpAddress, Location, RclonePlace, RestPlace, S3Place, SftpPlace,
    SwiftCloud, SwiftPlace,
};

mod fields;
mod ftp;
mod keys;
mod kind;
mod rclone;
mod rest;
mod s3;
mod secret_files;
mod secret_keys;
mod sftp;
mod swift;

pub use fields::{Example, Fault, Value};
pub use ftp::FtpTls;
pub use keys::{StorageKey, storage_keys};
pub use kind::{NOT_SUPPORTED, StorageKind, is_reserved};
pub use rclone::RcloneConnection;
pub use s3::{Archive, ArchiveTier, S3Connection};
pub use secret_files::SecretFile;
pub use sftp::SftpConnection;
pub use swift::SwiftConnection;

/// The named storages of this host.
pub type Storages = BTreeMap<String, NamedStorage>;

/// A storage that `freezerd.toml` defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedStorage {
    pub place: StoragePlace,
    pub connection: Connection,
    /// Its keys with their values, in the order of the table. None of them is a secret.
    pub shown: Vec<(&'static str, String)>,
}

impl NamedStorage {
    /// Reads the keys of a storage.
    ///
    /// # Errors
    /// When they are not those of a storage. The message never repeats a value that may be a secret.
    pub fn read(values: BTreeMap<String, Value>) -> Result<NamedStorage, Fault> {
        let fields = fields::Fields::new(values)?;
        let (place, mut connection) = match fields.kind {
            StorageKind::Local => return fields::general("a local container needs no storage"),
            StorageKind::Ftp | StorageKind::Ftps => ftp::read(&fields)?,
            StorageKind::Rclone => rclone::read(&fields)?,
            StorageKind::Rest => rest::read(&fields)?,
            StorageKind::S3 => s3::read(&fields)?,
            StorageKind::Sftp => sftp::read(&fields)?,
            StorageKind::Swift => swift::read(&fields)?,
        };
        connection.network_wait = fields.network_wait()?;
        connection.retry_for = fields.duration("retry_for")?;
        connection.bandwidth = Bandwidth {
            upload: fields.rate_limit("upload_limit")?,
            download: fields.rate_limit("download_limit")?,
        };
        Ok(NamedStorage {
            place,
            connection,
            shown: fields.shown(),
        })
    }

    /// What somebody on the way to the server can do; `None` if nothing.
    pub fn exposure(&self) -> Option<Exposure> {
        match &self.place {
            StoragePlace::Ftp(place) | StoragePlace::Ftps(place) => {
                ftp::exposure(place, &self.connection)
            }
            // What rclone does is up to its configuration.
            StoragePlace::Rclone(_) => None,
            StoragePlace::Rest(place) => self.connection.exposure(place.address()),
            // No secret key is sent: requests are signed with it.
            StoragePlace::S3(address) => {
                let is_open = self.connection.insecure && !address.is_loopback();
                is_open.then_some(Exposure::Server)
            }
            // It is always encrypted, and its server is always checked.
            StoragePlace::Sftp(_) => None,
            StoragePlace::Swift(cloud) => swift::exposure(cloud, &self.connection),
        }
    }
}

/// What somebody on the way to a server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Read the password: what is sent is not encrypted.
    Password,
    /// Pretend to be the server, because its certificate is not checked.
    Server,
}

/// Where a storage is, without the name of a container in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoragePlace {
    /// The directory in the remote that the containers are in.
    Rclone(RclonePlace),
    /// The directory on the server that the containers are in.
    Ftp(FtpPlace),
    /// The same, reached with TLS.
    Ftps(FtpPlace),
    /// The directory on the server that the containers are in.
    Rest(RestPlace),
    /// The server, or a bucket on it.
    S3(HttpAddress),
    /// The directory on the server that the containers are in.
    Sftp(SftpPlace),
    /// The containers of an owner in Swift.
    Swift(SwiftCloud),
}

impl StoragePlace {
    /// The kind of the storage.
    pub fn kind(&self) -> StorageKind {
        match self {
            StoragePlace::Ftp(_) => StorageKind::Ftp,
            StoragePlace::Ftps(_) => StorageKind::Ftps,
            StoragePlace::Rclone(_) => StorageKind::Rclone,
            StoragePlace::Rest(_) => StorageKind::Rest,
            StoragePlace::S3(_) => StorageKind::S3,
            StoragePlace::Sftp(_) => StorageKind::Sftp,
            StoragePlace::Swift(_) => StorageKind::Swift,
        }
    }

    /// The location of a container in it. `/` is the storage itself.
    ///
    /// # Errors
    /// When a part of the name is empty, `.` or `..`, or has a control character; when it does not begin with the name
    /// of a bucket or of a container of Swift, and the storage names none.
    pub fn container(&self, name: &str) -> Result<Location, AddressError> {
        match self {
            StoragePlace::Ftp(place) | StoragePlace::Ftps(place) => {
                Ok(Location::Ftp(place.join(name)?))
            }
            StoragePlace::Rclone(place) => Ok(Location::Rclone(Box::new(place.join(name)?))),
            StoragePlace::Rest(place) => Ok(Location::Rest(Box::new(place.join(name)?))),
            StoragePlace::S3(address) => Ok(Location::S3(S3Place::new(address.join(name)?)?)),
            StoragePlace::Sftp(place) => Ok(Location::Sftp(place.join(name)?)),
            StoragePlace::Swift(cloud) => {
                let place = SwiftPlace::new(cloud.clone(), name)?;
                Ok(Location::Swift(Box::new(place)))
            }
        }
    }
}

/// How the server of a container is reached. It does not change which container it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// The name of the storage in `freezerd.toml`; `None`: the job describes the storage itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// A file with the certificates that are trusted, in PEM format; `None`: those that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Do not check the certificate of the server.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// The proxy for HTTP; `None`: as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<HttpAddress>,
    /// How many requests may be under way; `None`: the default of the storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<NonZeroU32>,
    /// Of a server that speaks FTP; `None`: no TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ftp_tls: Option<FtpTls>,
    /// For how many seconds nothing may move on a connection; `None`: the default of the storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<NonZeroU32>,
    /// For how long an action waits for the server if it cannot be reached at the beginning; `None`: as the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_wait: Option<Duration>,
    /// For how long a request that fails is tried again; `None`: the default of all storages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_for: Option<Duration>,
    /// How fast data goes to and comes from the storage, where the action does not say it.
    #[serde(skip_serializing_if = "Bandwidth::is_unset")]
    pub bandwidth: Bandwidth,
    /// Of a remote of rclone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rclone: Option<Box<RcloneConnection>>,
    /// Of a storage on an S3 server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<Box<S3Connection>>,
    /// Of a server that speaks SFTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sftp: Option<SftpConnection>,
    /// Of a storage in Swift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swift: Option<Box<SwiftConnection>>,
}

impl Connection {
    /// For how long nothing may move on a connection.
    pub fn stall(&self, default: Duration) -> Duration {
        self.timeout
            .map_or(default, |seconds| Duration::from_secs(seconds.get().into()))
    }

    /// Whether nothing is set, as for a local container.
    pub fn is_empty(&self) -> bool {
        *self == Connection::default()
    }

    /// As [`NamedStorage::exposure`], of a server that speaks HTTP.
    fn exposure(&self, address: &HttpAddress) -> Option<Exposure> {
        if address.is_loopback() {
            None
        } else if !address.is_encrypted() && self.password.is_some() {
            Some(Exposure::Password)
        } else if self.insecure {
            Some(Exposure::Server)
        } else {
            None
        }
    }
}

/// A secret that a job file holds. It is read there when it is needed, and is kept nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobFileSecret {
    pub file: PathBuf,
    /// Which action, from 0.
    pub action: usize,
    /// The key in the action, or in `action_defaults`.
    pub key: String,
}

/// Where the agent finds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// The content of a file without white space at its ends. `%d/NAME` is a credential of the service.
    File(PathBuf),
    /// What a command prints, without its last line end.
    Command(Command),
    /// The value of this variable of the environment.
    Environment(String),
    /// The job file itself holds it.
    JobFile(JobFileSecret),
}
